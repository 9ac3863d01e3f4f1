#include "ztt-doctor/probes/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/units.h"
#include "common/version.h"

struct body {
	char *data;
	size_t len_bytes, max_bytes;
	bool over;
	bool connected; /* known when a socket is closed */
};

static pthread_once_t begun = PTHREAD_ONCE_INIT;

static void begin(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take(char *data, size_t size, size_t count, void *arg)
{
	struct body *body = arg;
	const size_t len = size * count;

	if (len > body->max_bytes - body->len_bytes) {
		body->over = true;
		return 0;
	}
	body->data = ztt_realloc(body->data, body->len_bytes + len + 1);
	memcpy(body->data + body->len_bytes, data, len);
	body->len_bytes += len;
	body->data[body->len_bytes] = 0;
	return len;
}

/* CURLINFO_CONNECT_TIME stays 0 until the TLS handshake has ended, too. */
static int close_socket(void *arg, curl_socket_t fd)
{
	struct body *body = arg;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	body->connected |= getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
	return close(fd);
}

/* "https://api.example.com:8443" without what a URL may hold besides: name,
 * password, path, query. */
static int origin_of(const char *url, char *out, size_t cap)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *parsed = curl_url();
	int rc = -EINVAL;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == 0 &&
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == 0 &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == 0) {
		curl_url_get(parsed, CURLUPART_PORT, &port, 0);
		snprintf(out, cap, "%s://%s%s%s", scheme, host, port ? ":" : "",
			 port ? port : "");
		if (!strcmp(scheme, "http") || !strcmp(scheme, "https"))
			rc = 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parsed);
	return rc;
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;

	return strcasecmp(host, "localhost") == 0 ||
	       strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &v4) == 1 &&
		ntohl(v4.s_addr) >> 24 == 127);
}

bool ztt_http_in_clear(const char *url)
{
	char *scheme = NULL, *host = NULL;
	CURLU *parsed = curl_url();
	bool clear = false;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == 0 &&
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == 0 &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == 0)
		clear = strcmp(scheme, "http") == 0 && !is_loopback(host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	return clear;
}

static void allow_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else a name that does not resolve holds up curl_easy_cleanup for as
	 * long as getaddrinfo tries, far past the timeout. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void prepare(CURL *curl, const struct ztt_http_plan *plan,
		    struct body *body, char reason[CURL_ERROR_SIZE])
{
	const uint64_t timeout_ms = plan->timeout_ns / ZTT_NS_PER_MS;

	allow_protocols(curl);
	curl_easy_setopt(curl, CURLOPT_URL, plan->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
			 timeout_ms > 0 ? (long)timeout_ms : 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ztt-doctor/" ZTT_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, body);
	if (plan->ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, plan->ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (plan->form)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, plan->form);
	if (plan->bearer) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, plan->bearer);
		/* In clear it goes to this host alone, and to no proxy. */
		if (strncasecmp(plan->url, "http:", 5) == 0)
			curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	}
}

#if LIBCURL_VERSION_NUM >= 0x075400
static bool is_hashed(const char *dir_path)
{
	DIR *dir = opendir(dir_path);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = strspn(entry->d_name, "0123456789abcdef") == 8 &&
			strcmp(entry->d_name + 8, ".0") == 0;
	if (dir)
		closedir(dir);
	return found;
}

/* OpenSSL reads a bundle of 140 roots for 25 ms, which would count as the TLS
 * handshake's time, and takes from a hashed directory what it needs. */
static bool leave_bundle(CURL *curl, const struct ztt_http_plan *plan)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	char *dir = NULL;

	if (plan->ca_file || strncasecmp(plan->url, "https:", 6) ||
	    !info->ssl_version || strncmp(info->ssl_version, "OpenSSL", 7))
		return false;
	curl_easy_getinfo(curl, CURLINFO_CAPATH, &dir);
	if (!dir || !is_hashed(dir))
		return false;
	curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	return true;
}

/* The bundle may know more than the directory. */
static CURLcode perform_by_roots(CURL *curl, const struct ztt_http_plan *plan)
{
	char *bundle = NULL;
	CURLcode code;

	curl_easy_getinfo(curl, CURLINFO_CAINFO, &bundle);
	if (!leave_bundle(curl, plan))
		return curl_easy_perform(curl);
	code = curl_easy_perform(curl);
	if (code != CURLE_PEER_FAILED_VERIFICATION || !bundle)
		return code;
	curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
	return curl_easy_perform(curl);
}
#else
static CURLcode perform_by_roots(CURL *curl, const struct ztt_http_plan *plan)
{
	(void)plan;
	return curl_easy_perform(curl);
}
#endif

static uint64_t time_of(CURL *curl, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(curl, what, &us);
	return us > 0 ? (uint64_t)us * ZTT_NS_PER_US : 0;
}

static void read_answer(CURL *curl, struct ztt_http_answer *answer)
{
	char *address = NULL;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
	snprintf(answer->address, sizeof(answer->address), "%s",
		 address ? address : "");
	answer->dns_ns = time_of(curl, CURLINFO_NAMELOOKUP_TIME_T);
	answer->connect_ns = time_of(curl, CURLINFO_CONNECT_TIME_T);
	answer->tls_ns = time_of(curl, CURLINFO_APPCONNECT_TIME_T);
	answer->first_byte_ns = time_of(curl, CURLINFO_STARTTRANSFER_TIME_T);
	answer->total_ns = time_of(curl, CURLINFO_TOTAL_TIME_T);
}

/* What was under way when the time was over. */
static const char *phase_of(const struct ztt_http_answer *answer,
			    bool connected, const char *url)
{
	if (answer->dns_ns == 0)
		return "the name did not resolve";
	if (answer->connect_ns == 0 && !connected)
		return "no TCP connection";
	if (answer->tls_ns == 0 && !strncasecmp(url, "https:", 6))
		return "the TLS handshake did not end";
	if (answer->first_byte_ns == 0)
		return "connected, but no answer came";
	return "the answer did not end";
}

static int why_no_connection(CURL *curl)
{
	long error = 0;

	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
	return error > 0 ? -(int)error : -ECONNREFUSED;
}

static int explain(CURL *curl, CURLcode code, const struct ztt_http_plan *plan,
		   const struct ztt_http_answer *answer,
		   const struct body *body, const char *reason,
		   struct ztt_err *err)
{
	char time[ZTT_UNITS_LEN];
	int rc;

	if (!reason[0])
		reason = curl_easy_strerror(code);
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ztt_err_set(err, -ETIMEDOUT, "%s in %s",
				   phase_of(answer, body->connected, plan->url),
				   ztt_units_ns(time,
						(double)plan->timeout_ns));
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return ztt_err_set(err, -ENOENT, "%s", reason);
	case CURLE_COULDNT_CONNECT:
		rc = why_no_connection(curl);
		return ztt_err_set(err, rc, "no TCP connection: %s",
				   strerror(-rc));
	case CURLE_PEER_FAILED_VERIFICATION:
		return ztt_err_set(err, -EACCES, "%s", reason);
	case CURLE_SSL_CACERT_BADFILE:
		return ztt_err_set(err, -EINVAL, "no usable certificates in %s",
				   plan->ca_file ? plan->ca_file
						 : "the system's bundle");
	case CURLE_WRITE_ERROR:
		if (body->over)
			return ztt_err_set(err, -EFBIG,
					   "the answer is longer than %zu "
					   "bytes",
					   body->max_bytes);
		__attribute__((fallthrough));
	default:
		return ztt_err_set(err, -EPROTO, "%s", reason);
	}
}

static int perform(CURL *curl, const struct ztt_http_plan *plan,
		   struct body *body, struct ztt_http_answer *answer,
		   struct ztt_err *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	CURLcode code;

	prepare(curl, plan, body, reason);
	code = perform_by_roots(curl, plan);
	read_answer(curl, answer);
	if (code != CURLE_OK) {
		free(body->data);
		return explain(curl, code, plan, answer, body, reason, err);
	}
	answer->body = body->data ? body->data : ztt_strdup("");
	answer->len_bytes = body->len_bytes;
	return 0;
}

/* A line break would begin a header of its own. */
static bool is_token(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

int ztt_http(const struct ztt_http_plan *plan,
	     struct ztt_http_answer *ret_answer, struct ztt_err *err)
{
	struct ztt_http_answer answer = {0};
	/* curl closes sockets until its cleanup. */
	struct body body = {.max_bytes = plan->body_max_bytes
						 ? plan->body_max_bytes
						 : ZTT_HTTP_BODY_MAX};
	char origin[300];
	CURL *curl;
	int rc;

	pthread_once(&begun, begin);
	if (origin_of(plan->url, origin, sizeof(origin)) < 0)
		return ztt_err_set(err, -EINVAL,
				   "not a URL of the form https://HOST[/PATH]");
	if (plan->bearer && !is_token(plan->bearer))
		return ztt_err_set(err, -EINVAL,
				   "the token holds blanks or characters that "
				   "no token has");
	curl = curl_easy_init();
	if (!curl)
		return ztt_err_set(err, -ENOMEM, "libcurl does not begin");
	rc = perform(curl, plan, &body, &answer, err);
	curl_easy_cleanup(curl);
	if (rc < 0)
		return ztt_err_prefix(err, rc, "%s", origin);
	*ret_answer = answer;
	return 0;
}

void ztt_http_release(struct ztt_http_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
