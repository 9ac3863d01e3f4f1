#include "ztt-doctor/probes/tls_probe.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/loop.h"
#include "common/tls.h"
#include "ztt-doctor/probes/edge_trust.h"

/* Over TCP the compatibility mode for middleboxes stays on, as Go has it (RFC
 * 8446 D.4). */
#define PRIORITY                                                      \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:"     \
	"+GROUP-SECP256R1:+GROUP-SECP384R1:-CIPHER-ALL:+AES-128-GCM:" \
	"+AES-256-GCM:+CHACHA20-POLY1305"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_BYTES (sizeof(preface) - 1)

struct run {
	struct ztt_loop *loop;
	const struct ztt_edge_trust *trust;
	uint64_t begun_ns, timeout_ns;
	size_t open;
};

enum stage {
	STAGE_CONNECT,
	STAGE_HANDSHAKE,
	STAGE_PREFACE
};

struct attempt {
	struct run *run;
	struct ztt_reach *reach;
	const char *const *name;
	struct ztt_watch watch;
	struct ztt_timer timer;
	gnutls_session_t session;
	enum stage stage;
	uint64_t handshake_ns;
	char got[PREFACE_BYTES];
	size_t got_bytes;
};

static double ms(uint64_t ns)
{
	return (double)ns / (double)ZTT_NS_PER_MS;
}

static void let_go(struct attempt *attempt)
{
	if (attempt->watch.fd >= 0) {
		ztt_loop_unwatch(attempt->run->loop, &attempt->watch);
		close(attempt->watch.fd);
		attempt->watch.fd = -1;
	}
	if (attempt->session)
		gnutls_deinit(attempt->session);
	attempt->session = NULL;
}

static void done(struct attempt *attempt)
{
	struct run *run = attempt->run;

	let_go(attempt);
	ztt_loop_timer(run->loop, &attempt->timer, ZTT_NEVER);
	attempt->reach->took_ns = ztt_clock_ns() - run->begun_ns;
	if (--run->open == 0)
		ztt_loop_stop(run->loop);
}

static int begin(struct attempt *attempt);

static void next_name(struct attempt *attempt)
{
	int rc;

	let_go(attempt);
	attempt->name++;
	rc = begin(attempt);
	if (rc == 0)
		return;
	ztt_reach_no_begin(attempt->reach, rc, false);
	done(attempt);
}

static void failed(struct attempt *attempt, int rc, unsigned status)
{
	struct ztt_reach *reach = attempt->reach;
	unsigned alert = 0;

	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		alert = gnutls_alert_get(attempt->session);
		ztt_reach_alert(reach, alert);
	} else if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
		ztt_reach_certificate(reach, status);
		gnutls_alert_send(attempt->session, GNUTLS_AL_FATAL,
				  GNUTLS_A_BAD_CERTIFICATE);
	} else if (rc == GNUTLS_E_PREMATURE_TERMINATION ||
		   rc == GNUTLS_E_PULL_ERROR || rc == GNUTLS_E_PUSH_ERROR) {
		reach->kind = ZTT_REACH_CLOSED;
		snprintf(reach->text, sizeof(reach->text),
			 "the other side closed the connection during the TLS "
			 "handshake");
	} else {
		reach->kind = ZTT_REACH_FAILED;
		snprintf(reach->text, sizeof(reach->text), "TLS: %s",
			 gnutls_strerror(rc));
	}
	if (attempt->name[1] && ztt_reach_name_refused(reach, alert, status))
		next_name(attempt);
	else
		done(attempt);
}

static void silent(struct attempt *attempt, const char *why)
{
	attempt->reach->kind = ZTT_REACH_SILENT;
	snprintf(attempt->reach->text, sizeof(attempt->reach->text),
		 "TLS in %.1f ms, but %s", ms(attempt->handshake_ns), why);
	done(attempt);
}

static void established(struct attempt *attempt)
{
	gnutls_bye(attempt->session, GNUTLS_SHUT_WR);
	attempt->reach->kind = ZTT_REACH_OK;
	snprintf(attempt->reach->text, sizeof(attempt->reach->text),
		 "TLS in %.1f ms, HTTP/2 preface in %.1f ms",
		 ms(attempt->handshake_ns),
		 ms(ztt_clock_ns() - attempt->run->begun_ns));
	done(attempt);
}

static void go_on_preface(struct attempt *attempt)
{
	ssize_t len;

	do {
		len = gnutls_record_recv(attempt->session,
					 attempt->got + attempt->got_bytes,
					 PREFACE_BYTES - attempt->got_bytes);
	} while (len == GNUTLS_E_INTERRUPTED);
	if (len == GNUTLS_E_AGAIN)
		return;
	if (len <= 0) {
		silent(attempt, "then the other side closed the connection");
		return;
	}
	attempt->got_bytes += (size_t)len;
	if (memcmp(attempt->got, preface, attempt->got_bytes) != 0)
		silent(attempt, "what came then is no HTTP/2 preface");
	else if (attempt->got_bytes == PREFACE_BYTES)
		established(attempt);
	else
		go_on_preface(attempt);
}

static void go_on_handshake(struct attempt *attempt)
{
	unsigned status;
	int rc;

	do {
		rc = gnutls_handshake(attempt->session);
	} while (rc == GNUTLS_E_INTERRUPTED ||
		 rc == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (rc == GNUTLS_E_AGAIN) {
		ztt_loop_change(attempt->run->loop, &attempt->watch,
				gnutls_record_get_direction(attempt->session)
					? EPOLLOUT
					: EPOLLIN);
		return;
	}
	if (rc < 0) {
		failed(attempt, rc, 0);
		return;
	}
	status = ztt_edge_trust_verify(attempt->run->trust, attempt->session,
				       *attempt->name);
	if (status) {
		failed(attempt, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR,
		       status);
		return;
	}
	attempt->handshake_ns = ztt_clock_ns() - attempt->run->begun_ns;
	attempt->stage = STAGE_PREFACE;
	ztt_loop_change(attempt->run->loop, &attempt->watch, EPOLLIN);
	go_on_preface(attempt);
}

static int open_session(struct attempt *attempt)
{
	int rc;

	rc = ztt_tls_session(ztt_edge_trust_tls(attempt->run->trust),
			     *attempt->name, NULL, &attempt->session, NULL);
	if (rc < 0)
		return rc;
	gnutls_transport_set_int(attempt->session, attempt->watch.fd);
	return gnutls_priority_set_direct(attempt->session, PRIORITY, NULL) < 0
		       ? -EIO
		       : 0;
}

static void go_on_connect(struct attempt *attempt)
{
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(attempt->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0 && open_session(attempt) < 0)
		error = EIO;
	if (error) {
		ztt_reach_error(attempt->reach, error, 0, false);
		done(attempt);
		return;
	}
	attempt->stage = STAGE_HANDSHAKE;
	go_on_handshake(attempt);
}

static void on_ready(struct ztt_watch *watch, uint32_t ready)
{
	struct attempt *attempt = ZTT_CONTAINER(watch, struct attempt, watch);

	(void)ready;
	if (attempt->stage == STAGE_CONNECT)
		go_on_connect(attempt);
	else if (attempt->stage == STAGE_HANDSHAKE)
		go_on_handshake(attempt);
	else
		go_on_preface(attempt);
}

static void on_timer(struct ztt_timer *timer)
{
	struct attempt *attempt = ZTT_CONTAINER(timer, struct attempt, timer);
	static const char *const stages[] = {"no answer",
					     "connected, but no TLS handshake"};

	if (attempt->stage == STAGE_PREFACE) {
		silent(attempt, "no HTTP/2 preface came in time");
		return;
	}
	attempt->reach->kind = ZTT_REACH_TIMEOUT;
	snprintf(attempt->reach->text, sizeof(attempt->reach->text),
		 "timeout: %s within %.3g s", stages[attempt->stage],
		 (double)attempt->run->timeout_ns / (double)ZTT_NS_PER_S);
	done(attempt);
}

static int begin(struct attempt *attempt)
{
	struct run *run = attempt->run;
	int rc;

	attempt->reach->name = *attempt->name;
	attempt->stage = STAGE_CONNECT;
	attempt->got_bytes = 0;
	attempt->watch.fd = -1;
	rc = ztt_tcp_connect(&attempt->reach->address, &attempt->watch.fd,
			     NULL);
	if (rc < 0)
		return rc;
	rc = ztt_loop_watch(run->loop, &attempt->watch, EPOLLOUT, NULL);
	if (rc < 0) {
		close(attempt->watch.fd);
		attempt->watch.fd = -1;
		return rc;
	}
	ztt_loop_timer(run->loop, &attempt->timer,
		       run->begun_ns + run->timeout_ns);
	return 0;
}

static void run_all(struct run *run, struct attempt *attempts,
		    const char *const *names, struct ztt_reach *reaches,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct attempt *attempt = &attempts[i];
		int rc;

		/* Anything but OK, which an attempt has to earn. */
		reaches[i].kind = ZTT_REACH_FAILED;
		*attempt = (struct attempt){.run = run,
					    .reach = &reaches[i],
					    .name = names,
					    .watch = {.ready = on_ready},
					    .timer = {.fire = on_timer}};
		rc = begin(attempt);
		if (rc == 0)
			run->open++;
		else
			ztt_reach_no_begin(&reaches[i], rc, false);
	}
	if (run->open)
		ztt_loop_run(run->loop);
}

int ztt_tls_probe(const struct ztt_edge_trust *trust, const char *const *names,
		  uint64_t timeout_ns, struct ztt_reach *reaches, size_t count,
		  struct ztt_err *err)
{
	struct run run = {.trust = trust,
			  .timeout_ns = timeout_ns,
			  .begun_ns = ztt_clock_ns()};
	struct attempt *attempts;
	int rc;

	rc = ztt_loop_new(&run.loop, err);
	if (rc < 0)
		return rc;
	attempts = ztt_calloc(count, sizeof(*attempts));
	run_all(&run, attempts, names, reaches, count);
	free(attempts);
	ztt_loop_free(run.loop);
	return 0;
}
