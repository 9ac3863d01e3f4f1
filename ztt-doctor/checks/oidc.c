#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/probes/http.h"

#define WELL_KNOWN "/.well-known/openid-configuration"
#define BODY_MAX_BYTES (256 * 1024)
#define SLOW_NS (500 * ZTT_NS_PER_MS)
#define KEYS_SHOWN 8

/* What the provider says of itself. */
struct discovery {
	int rc; /* of ztt_http; then `err` */
	struct ztt_err err;
	struct ztt_http_answer answer; /* without its body */
	char problem[128]; /* "": a JSON object came with status 200 */
	char *issuer, *jwks_uri, *token_endpoint; /* NULL: none */
};

static int request(struct ztt_doctor *doctor, const char *url, const char *form,
		   struct ztt_http_answer *answer, struct ztt_err *err)
{
	const uint64_t now_ns = ztt_clock_ns();
	struct ztt_http_plan plan = {
		.url = url,
		.form = form,
		.ca_file = doctor->plan.ca_file,
		.timeout_ns = doctor->plan.timeout_ns,
		.body_max_bytes = BODY_MAX_BYTES,
	};

	if (doctor->deadline_ns < now_ns + plan.timeout_ns)
		plan.timeout_ns = doctor->deadline_ns > now_ns
					  ? doctor->deadline_ns - now_ns
					  : 0;
	return ztt_http(&plan, answer, err);
}

static json_t *read_object(const struct ztt_http_answer *answer)
{
	json_t *json = json_loadb(answer->body, answer->len_bytes, 0, NULL);

	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static char *copy_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? ztt_strdup(text) : NULL;
}

static void read_discovery(struct discovery *found)
{
	json_t *json;

	if (found->answer.status != 200) {
		snprintf(found->problem, sizeof(found->problem),
			 "status %ld in place of 200", found->answer.status);
		return;
	}
	json = read_object(&found->answer);
	if (!json) {
		snprintf(found->problem, sizeof(found->problem),
			 "the answer is no JSON object");
		return;
	}
	found->issuer = copy_string(json, "issuer");
	found->jwks_uri = copy_string(json, "jwks_uri");
	found->token_endpoint = copy_string(json, "token_endpoint");
	json_decref(json);
}

/* A slash at the issuer's end is not doubled: OpenID Connect Discovery 1.0,
 * section 4.1. */
static void *discover(struct ztt_doctor *doctor)
{
	struct discovery *found = ztt_calloc(1, sizeof(*found));
	size_t len = strlen(doctor->plan.oidc);
	char *url = ztt_alloc(len + sizeof(WELL_KNOWN));

	len -= len > 0 && doctor->plan.oidc[len - 1] == '/';
	memcpy(url, doctor->plan.oidc, len);
	memcpy(url + len, WELL_KNOWN, sizeof(WELL_KNOWN));
	found->rc = request(doctor, url, NULL, &found->answer, &found->err);
	free(url);
	if (found->rc == 0)
		read_discovery(found);
	ztt_http_release(&found->answer);
	return found;
}

static void release(void *value)
{
	struct discovery *found = value;

	free(found->issuer);
	free(found->jwks_uri);
	free(found->token_endpoint);
	free(found);
}

/* NULL, with the finding concluded, where there is nothing to look at. */
static struct discovery *find(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	if (doctor->plan.oidc)
		return ztt_facts_get(doctor, ZTT_FACTS_OIDC, discover, release);
	ztt_finding_note(finding, ZTT_STATUS_SKIP, "no --oidc ISSUER");
	return NULL;
}

struct phase {
	const char *name;
	uint64_t took_ns;
};

/* libcurl counts all from the beginning; where a phase did not happen, its time
 * is 0. */
static void split_phases(const struct ztt_http_answer *answer,
			 struct phase phases[5])
{
	const uint64_t ends_ns[] = {answer->dns_ns, answer->connect_ns,
				    answer->tls_ns, answer->first_byte_ns,
				    answer->total_ns};
	static const char *const names[] = {"DNS", "connect", "TLS",
					    "first byte", "rest"};
	uint64_t last_ns = 0;

	for (size_t i = 0; i < 5; i++) {
		phases[i].name = names[i];
		phases[i].took_ns =
			ends_ns[i] > last_ns ? ends_ns[i] - last_ns : 0;
		if (ends_ns[i] > last_ns)
			last_ns = ends_ns[i];
	}
}

static void note_times(struct ztt_finding *finding,
		       const struct ztt_http_answer *answer)
{
	char total[ZTT_UNITS_LEN], took[4][ZTT_UNITS_LEN], tls[64] = "no TLS";
	struct phase phases[5], *longest = phases;

	split_phases(answer, phases);
	for (size_t i = 0; i < 5; i++)
		if (phases[i].took_ns > longest->took_ns)
			longest = &phases[i];
	for (size_t i = 0; i < 4; i++)
		ztt_units_ns(took[i], (double)phases[i].took_ns);
	if (answer->tls_ns > 0)
		snprintf(tls, sizeof(tls), "TLS %s", took[2]);
	ztt_units_ns(total, (double)answer->total_ns);
	ztt_finding_note(finding,
			 answer->total_ns > SLOW_NS ? ZTT_STATUS_WARN
						    : ZTT_STATUS_OK,
			 "%s from %s (DNS %s, connect %s, %s, first byte %s)",
			 total, answer->address, took[0], took[1], tls,
			 took[3]);
	if (answer->total_ns > SLOW_NS)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "most of it is %s: %s", longest->name,
				 ztt_units_ns(total, (double)longest->took_ns));
}

static size_t len_without_slash(const char *text)
{
	const size_t len = strlen(text);

	return len - (len > 0 && text[len - 1] == '/');
}

static void note_issuer(struct ztt_doctor *doctor, struct ztt_finding *finding,
			const char *issuer)
{
	const char *wanted = doctor->plan.oidc;
	const size_t len = len_without_slash(wanted);

	if (!issuer) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "no issuer in it");
		return;
	}
	if (strcmp(issuer, wanted) == 0)
		return;
	ztt_finding_note(finding, ZTT_STATUS_FAIL,
			 "its issuer is '%s', not '%s': tokens will be refused",
			 issuer, wanted);
	if (len_without_slash(issuer) == len &&
	    strncmp(issuer, wanted, len) == 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "only the slash at its end differs");
}

void ztt_check_oidc_discovery(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	const struct discovery *found = find(doctor, finding);

	if (!found)
		return;
	if (found->rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s",
				 found->err.text);
		return;
	}
	note_times(finding, &found->answer);
	if (found->problem[0]) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s",
				 found->problem);
		return;
	}
	note_issuer(doctor, finding, found->issuer);
	if (!found->jwks_uri)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "no jwks_uri in it");
	if (!found->token_endpoint)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "no token_endpoint in it");
}

/* An endpoint that discovery names, or NULL with the finding concluded. A
 * provider on https must not lead away from it. */
static const char *endpoint(struct ztt_doctor *doctor,
			    struct ztt_finding *finding, const char *url,
			    const char *name)
{
	if (!url) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "discovery gives no %s: see oidc.discovery",
				 name);
		return NULL;
	}
	if (!strncasecmp(doctor->plan.oidc, "https:", 6) &&
	    strncasecmp(url, "https:", 6)) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the %s of an https issuer is not https",
				 name);
		return NULL;
	}
	return url;
}

/* RFC 7517 section 4 and RFC 7518 section 6: a public key for signatures. */
static bool is_usable(const json_t *key)
{
	const char *kty = json_string_value(json_object_get(key, "kty"));
	const char *use = json_string_value(json_object_get(key, "use"));

	if (!kty || (use && strcmp(use, "sig")))
		return false;
	if (!strcmp(kty, "RSA"))
		return json_is_string(json_object_get(key, "n")) &&
		       json_is_string(json_object_get(key, "e"));
	if (!strcmp(kty, "EC"))
		return json_is_string(json_object_get(key, "x")) &&
		       json_is_string(json_object_get(key, "y"));
	return !strcmp(kty, "OKP") && json_is_string(json_object_get(key, "x"));
}

static const char *string_or(const json_t *key, const char *name,
			     const char *otherwise)
{
	const char *text = json_string_value(json_object_get(key, name));

	return text ? text : otherwise;
}

static void note_keys(struct ztt_finding *finding, const json_t *keys)
{
	size_t usable = 0, shown = 0, len = 0, at;
	bool published = false;
	char list[512] = "";
	json_t *key;

	json_array_foreach(keys, at, key)
	{
		if (json_object_get(key, "d") || json_object_get(key, "k"))
			published = true;
		if (!is_usable(key))
			continue;
		usable++;
		if (shown++ < KEYS_SHOWN && len < sizeof(list))
			len += (size_t)
				snprintf(list + len, sizeof(list) - len,
					 "%s%.16s %.40s", len ? ", " : ": ",
					 string_or(key, "alg",
						   string_or(key, "kty", "?")),
					 string_or(key, "kid", "without kid"));
	}
	ztt_finding_note(finding, usable > 0 ? ZTT_STATUS_OK : ZTT_STATUS_FAIL,
			 "%zu key%s, %zu for signatures%s",
			 json_array_size(keys),
			 json_array_size(keys) == 1 ? "" : "s", usable, list);
	if (published)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "it publishes a private or symmetric key: "
				 "anybody can sign tokens");
}

static void judge_jwks(struct ztt_finding *finding,
		       const struct ztt_http_answer *answer)
{
	json_t *json, *keys;

	note_times(finding, answer);
	if (answer->status != 200) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "status %ld in place of 200", answer->status);
		return;
	}
	json = read_object(answer);
	keys = json_object_get(json, "keys");
	if (json_is_array(keys))
		note_keys(finding, keys);
	else
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the answer is no JSON object with keys");
	json_decref(json);
}

void ztt_check_oidc_jwks(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct discovery *found = find(doctor, finding);
	struct ztt_http_answer answer;
	struct ztt_err err = {0};
	const char *url;

	if (!found)
		return;
	url = endpoint(doctor, finding, found->jwks_uri, "jwks_uri");
	if (!url)
		return;
	if (request(doctor, url, NULL, &answer, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s", err.text);
		return;
	}
	judge_jwks(finding, &answer);
	ztt_http_release(&answer);
}

/* An endpoint that lives refuses an empty grant with 400 or 401 and a JSON
 * error: RFC 6749 section 5.2. */
static void judge_token(struct ztt_finding *finding,
			const struct ztt_http_answer *answer)
{
	json_t *json = read_object(answer);
	const char *error = json_string_value(json_object_get(json, "error"));

	note_times(finding, answer);
	if ((answer->status == 400 || answer->status == 401) && error)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "it answers an empty grant with %ld %.64s",
				 answer->status, error);
	else if (answer->status == 429)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "status 429: too many requests");
	else
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "it answers an empty grant with %ld%s, not "
				 "with 400 or 401 and a JSON error",
				 answer->status,
				 error ? "" : " without a JSON error");
	json_decref(json);
}

void ztt_check_oidc_token(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	const struct discovery *found = find(doctor, finding);
	struct ztt_http_answer answer;
	struct ztt_err err = {0};
	const char *url;

	if (!found)
		return;
	url = endpoint(doctor, finding, found->token_endpoint,
		       "token_endpoint");
	if (!url)
		return;
	if (request(doctor, url, "grant_type=", &answer, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s", err.text);
		return;
	}
	judge_token(finding, &answer);
	ztt_http_release(&answer);
}
