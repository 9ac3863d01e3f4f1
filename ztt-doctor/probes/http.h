/* HTTP requests with their times; the one file that knows libcurl is behind
 * this header. */
#ifndef ZTT_DOCTOR_HTTP_H
#define ZTT_DOCTOR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;

#define ZTT_HTTP_BODY_MAX (1024 * 1024)

struct ztt_http_plan {
	const char *url;     /* http:// or https:// */
	const char *bearer;  /* Authorization: Bearer; NULL: none; a secret */
	const char *form;    /* body of a POST, NULL: a GET */
	const char *ca_file; /* NULL: the system's */
	uint64_t timeout_ns;
	size_t body_max_bytes; /* [ZTT_HTTP_BODY_MAX] */
};

/* Times count from the beginning of the request, as libcurl does. */
struct ztt_http_answer {
	long status; /* 200 */
	char *body;  /* NUL-terminated; freed by the release */
	size_t len_bytes;
	uint64_t dns_ns, connect_ns, tls_ns, first_byte_ns, total_ns;
	char address[64]; /* that answered */
};

/* Blocks until the answer is there or the time is over; never follows a
 * redirect, speaks http and https alone, and goes through the proxy that the
 * environment names (https_proxy, no_proxy: curl(1)). The name is resolved by
 * the system, whatever plan.resolver is. -ETIMEDOUT, -ECONNREFUSED and others
 * of connect(2), -ENOENT (the name does not resolve), -EACCES (the certificate
 * is not trusted), -EINVAL (no such URL, token or CA file), -EPROTO, -EFBIG:
 * each with a sentence that begins with scheme and host, has the cause and no
 * secret. `ret_answer` is untouched then. */
int ztt_http(const struct ztt_http_plan *plan,
	     struct ztt_http_answer *ret_answer, struct ztt_err *err);
void ztt_http_release(struct ztt_http_answer *answer);

/* Whether a request to `url` crosses a network in clear: http to another host
 * than localhost, 127.0.0.0/8 or ::1. */
bool ztt_http_in_clear(const char *url);

#endif
