#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/tls.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/credentials.h"
#include "ztt-doctor/probes/edge_addresses.h"
#include "ztt-doctor/probes/edge_trust.h"
#include "ztt-doctor/probes/http.h"
#include "ztt-doctor/probes/quic_probe.h"
#include "ztt-doctor/probes/side_by_side.h"
#include "ztt-doctor/probes/tls_probe.h"
#include "ztt-doctor/secret.h"

#define API "https://api.cloudflare.com"
#define API_BODY_MAX (64 * 1024)

/* What was found at all addresses of the edge. */
struct tally {
	size_t ok, silent, failed;
	size_t ok4, ok6, failed4, failed6;
	enum ztt_reach_kind cause; /* of the first that failed */
};

typedef int probe(const struct ztt_edge_trust *trust, const char *const *names,
		  uint64_t timeout_ns, struct ztt_reach *reaches, size_t count,
		  struct ztt_err *err);

static struct tally count(const struct ztt_reach *reaches, size_t len)
{
	struct tally tally = {.cause = ZTT_REACH_OK};

	for (size_t i = 0; i < len; i++) {
		const enum ztt_reach_kind kind = reaches[i].kind;
		const bool v6 =
			reaches[i].address.storage.ss_family == AF_INET6;

		if (kind == ZTT_REACH_NO_ROUTE)
			continue;
		if (kind == ZTT_REACH_OK || kind == ZTT_REACH_SILENT) {
			tally.ok += kind == ZTT_REACH_OK;
			tally.silent += kind == ZTT_REACH_SILENT;
			tally.ok6 += v6;
			tally.ok4 += !v6;
			continue;
		}
		if (!tally.failed)
			tally.cause = kind;
		tally.failed++;
		tally.failed6 += v6;
		tally.failed4 += !v6;
	}
	return tally;
}

static enum ztt_status status_of(const struct tally *tally,
				 const struct ztt_reach *reach)
{
	const bool some = tally->ok || tally->silent;

	switch (reach->kind) {
	case ZTT_REACH_OK:
		return ZTT_STATUS_OK;
	case ZTT_REACH_SILENT:
		return ZTT_STATUS_WARN;
	case ZTT_REACH_NO_ROUTE:
		/* One family is enough. */
		return some || tally->failed ? ZTT_STATUS_OK : ZTT_STATUS_FAIL;
	default:
		return some ? ZTT_STATUS_WARN : ZTT_STATUS_FAIL;
	}
}

static void note_reach(struct ztt_finding *finding, enum ztt_status status,
		       const char *region, const struct ztt_reach *reach)
{
	const int len = (int)strcspn(region, ".");
	const bool named = strcmp(region, "edge") != 0;
	char text[ZTT_ADDRESS_LEN];

	ztt_finding_note(finding, status, "%s%s%.*s%s: %s",
			 ztt_address_text(&reach->address, text),
			 named ? " (" : "", named ? len : 0, region,
			 named ? ")" : "", reach->text);
}

/* 0: *ret_tally is filled; otherwise it is said why it cannot be. */
static int reach_edge(struct ztt_doctor *doctor, struct ztt_finding *finding,
		      probe *run, const char *const *names,
		      struct tally *ret_tally)
{
	const struct ztt_edge_addresses *edge = ztt_edge_addresses(doctor);
	struct ztt_reach reaches[ZTT_EDGE_ADDRESSES_MAX];
	const struct ztt_edge_trust *trust;
	struct ztt_err err;
	const uint64_t now_ns = ztt_clock_ns(),
		       due_ns = ztt_doctor_due_ns(doctor);
	int rc;

	if (!edge->count) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no address of the edge is known: %s",
				 edge->problem);
		return -ENOENT;
	}
	trust = ztt_edge_trust(doctor, &err);
	if (!trust) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s", err.text);
		return -ENOENT;
	}
	memset(reaches, 0, sizeof(reaches));
	for (size_t i = 0; i < edge->count; i++)
		reaches[i].address = edge->list[i].address;
	rc = run(trust, names, due_ns > now_ns ? due_ns - now_ns : 1, reaches,
		 edge->count, &err);
	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s", err.text);
		return rc;
	}
	*ret_tally = count(reaches, edge->count);
	for (size_t i = 0; i < edge->count; i++)
		note_reach(finding, status_of(ret_tally, &reaches[i]),
			   edge->list[i].region, &reaches[i]);
	return 0;
}

/* --- advice --------------------------------------------------------------- */

static const char *mend(enum ztt_reach_kind cause, bool udp)
{
	static char const udp_blocked[] =
		"let UDP to port 7844 of region1 and region2.v2.argotunnel.com "
		"out, and the answers in (where path.mtu fails: see there, the "
		"packets are too large for the path)";
	static char const tcp_blocked[] =
		"let TCP to port 7844 of region1 and region2.v2.argotunnel.com "
		"out";

	switch (cause) {
	case ZTT_REACH_CERTIFICATE:
		return "who answers is not the edge, or this host's clock or CA "
		       "certificates are wrong: see time and ca, and exempt "
		       "port 7844 from TLS inspection";
	case ZTT_REACH_ALERT:
		return "the TLS handshake was refused: exempt port 7844 from "
		       "TLS inspection";
	case ZTT_REACH_TOO_BIG:
		return "raise the MTU of the interface or VPN to 1300 at least "
		       "(1280 for IPv4): see path.mtu";
	case ZTT_REACH_FORBIDDEN:
		return udp ? "this host's own firewall drops it: allow UDP to "
			     "port 7844 in its output rules"
			   : "this host's own firewall drops it: allow TCP to "
			     "port 7844 in its output rules";
	default:
		return udp ? udp_blocked : tcp_blocked;
	}
}

/* One family works and the other does not: cloudflared takes the first address
 * that it resolves unless told otherwise. */
static const char *family_of(const struct tally *tally)
{
	if (tally->ok4 && !tally->failed4 && tally->failed6 && !tally->ok6)
		return "4";
	if (tally->ok6 && !tally->failed6 && tally->failed4 && !tally->ok4)
		return "6";
	return NULL;
}

static bool advise_family(struct ztt_finding *finding,
			  const struct tally *tally, bool udp)
{
	const char *family = family_of(tally);

	if (family)
		ztt_finding_advise(
			finding,
			"%s, or keep to IPv%s: --edge-ip-version %s (in "
			"config.yml, edge-ip-version: \"%s\")",
			mend(tally->cause, udp), family, family, family);
	return family;
}

static void advise_udp(struct ztt_finding *finding, const struct tally *tally)
{
	if (!tally->failed || advise_family(finding, tally, true))
		return;
	if (tally->ok) {
		ztt_finding_advise(finding, "%s", mend(tally->cause, true));
		return;
	}
	ztt_finding_advise(
		finding,
		"%s. Until then, where egress.tcp is ok: protocol: http2 in "
		"config.yml, or cloudflared tunnel --protocol http2 run. Left "
		"at auto it tries QUIC for about two minutes first, and a unit "
		"with Type=notify and TimeoutStartSec=15 is killed before "
		"that, again and again (systemctl edit cloudflared: "
		"TimeoutStartSec=0)",
		mend(tally->cause, true));
}

void ztt_check_egress_udp(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	static const char *const names[] = {ZTT_TLS_PROBE_NAME,
					    ZTT_TLS_EDGE_NAME, NULL};
	struct tally tally;

	if (reach_edge(doctor, finding, ztt_quic_probe, names, &tally) == 0)
		advise_udp(finding, &tally);
}

void ztt_check_egress_tcp(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	static const char *const names[] = {ZTT_TLS_H2_NAME, NULL};
	struct tally tally;

	if (reach_edge(doctor, finding, ztt_tls_probe, names, &tally) < 0 ||
	    advise_family(finding, &tally, false))
		return;
	if (tally.failed)
		ztt_finding_advise(finding, "%s", mend(tally.cause, false));
	else if (tally.silent)
		ztt_finding_advise(
			finding,
			"what answers is not the edge, or something between "
			"keeps its bytes back: exempt port 7844 from "
			"inspection and from proxies");
}

/* --- the API -------------------------------------------------------------- */

/* One request, and what came of it. */
struct call {
	struct ztt_http_plan plan;
	char url[512];
	int rc;
	struct ztt_http_answer answer;
	struct ztt_err err;
};

static void prepare(struct call *call, struct ztt_doctor *doctor,
		    const char *bearer, const char *path)
{
	const char *base = doctor->plan.api ? doctor->plan.api : API;
	const uint64_t now_ns = ztt_clock_ns(),
		       due_ns = ztt_doctor_due_ns(doctor);
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	snprintf(call->url, sizeof(call->url), "%.*s/client/v4/%s",
		 (int)(len < 256 ? len : 256), base, path);
	call->plan = (struct ztt_http_plan){
		.url = call->url,
		.bearer = bearer,
		/* --cacert is of the edge; of the API when that is named
		 * too. */
		.ca_file = doctor->plan.api ? doctor->plan.ca_file : NULL,
		.timeout_ns = due_ns > now_ns ? due_ns - now_ns : 1,
		.body_max_bytes = API_BODY_MAX,
	};
}

static void run_call(void *item)
{
	struct call *call = item;

	call->rc = ztt_http(&call->plan, &call->answer, &call->err);
}

static void note_reached(struct ztt_finding *finding, const struct call *call)
{
	if (call->rc < 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "%s",
				 call->err.text);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "reached %s in %.1f ms", call->answer.address,
				 (double)call->answer.total_ns /
					 (double)ZTT_NS_PER_MS);
}

/* result.status of an answer, or NULL; what went wrong is noted. The caller
 * gives the tree back. */
static const char *result_status(struct ztt_finding *finding, const char *what,
				 const struct call *call, json_t **ret_tree)
{
	const char *status, *why = NULL;
	json_error_t error;

	*ret_tree = NULL;
	if (call->rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s", what,
				 call->err.text);
		return NULL;
	}
	*ret_tree = json_loadb(call->answer.body ? call->answer.body : "",
			       call->answer.len_bytes, 0, &error);
	status = json_string_value(
		json_object_get(json_object_get(*ret_tree, "result"),
				"status"));
	if (status && call->answer.status == 200)
		return status;
	why = json_string_value(json_object_get(
		json_array_get(json_object_get(*ret_tree, "errors"), 0),
		"message"));
	ztt_finding_note(finding, ZTT_STATUS_WARN,
			 "%s: the API answers %ld%s%.120s", what,
			 call->answer.status, why ? ": " : "", why ? why : "");
	return NULL;
}

/* What answers may give back what it was sent. */
static void hide_token(struct call *call)
{
	if (call->rc == 0 && call->answer.body)
		ztt_secret_hide_known(call->answer.body, call->plan.bearer);
	call->answer.len_bytes = call->rc == 0 && call->answer.body
					 ? strlen(call->answer.body)
					 : 0;
}

static void judge_token(struct ztt_finding *finding, const struct call *call)
{
	json_t *tree;
	const char *status = result_status(finding, "token", call, &tree);

	if (status)
		ztt_finding_note(finding,
				 strcmp(status, "active") == 0
					 ? ZTT_STATUS_OK
					 : ZTT_STATUS_WARN,
				 "the token is %.40s", status);
	json_decref(tree);
}

static void judge_tunnel(struct ztt_finding *finding, const char *id,
			 const struct call *call)
{
	json_t *tree;
	const char *status = result_status(finding, "tunnel", call, &tree);

	if (status) {
		const bool bad = strcmp(status, "healthy") != 0 &&
				 strcmp(status, "inactive") != 0;

		ztt_finding_note(finding, bad ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
				 "the tunnel %s is %.40s%s", id, status,
				 strcmp(status, "inactive") == 0
					 ? " (no connector has ever run)"
					 : "");
		if (bad)
			ztt_finding_advise(finding,
					   "see engine.ready and the log: the "
					   "edge has no or too few "
					   "connections of this tunnel");
	}
	json_decref(tree);
}

static bool is_plain_id(const char *id)
{
	if (!*id)
		return false;
	for (; *id; id++)
		if (!isalnum((unsigned char)*id) && *id != '-')
			return false;
	return true;
}

void ztt_check_egress_api(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	const char *token = doctor->plan.api_token;
	struct call *calls = ztt_calloc(3, sizeof(*calls));
	struct ztt_credentials own = {.account = ""};
	struct ztt_err err;
	char path[160];
	size_t len = 1;
	int rc = 0;

	prepare(&calls[0], doctor, NULL, "");
	if (token)
		prepare(&calls[len++], doctor, token, "user/tokens/verify");
	if (token)
		rc = ztt_credentials(doctor, 0, &own, &err);
	if (token && rc == 0 && is_plain_id(own.account) &&
	    is_plain_id(own.tunnel_id)) {
		snprintf(path, sizeof(path), "accounts/%s/cfd_tunnel/%s",
			 own.account, own.tunnel_id);
		prepare(&calls[len++], doctor, token, path);
	}
	ztt_side_by_side(run_call, calls, sizeof(*calls), len);
	for (size_t i = 1; i < len; i++)
		hide_token(&calls[i]);
	note_reached(finding, &calls[0]);
	if (calls[0].rc == 0 && len > 1)
		judge_token(finding, &calls[1]);
	if (calls[0].rc == 0 && len > 2)
		judge_tunnel(finding, own.tunnel_id, &calls[2]);
	else if (calls[0].rc == 0 && token && rc < 0 && rc != -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "which tunnel is not known: %s", err.text);
	else if (calls[0].rc == 0 && token)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "which tunnel is not known: no credentials "
				 "file");
	for (size_t i = 0; i < len; i++)
		ztt_http_release(&calls[i].answer);
	free(calls);
}
