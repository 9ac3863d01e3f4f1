#include "ztt-doctor/probes/quic_probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/aead.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/loop.h"
#include "common/quic.h"
#include "common/tls.h"
#include "ztt-doctor/probes/edge_trust.h"

struct run {
	struct ztt_loop *loop;
	struct ztt_quic_shared *shared;
	const struct ztt_edge_trust *trust;
	uint64_t begun_ns, timeout_ns;
	size_t open;
};

struct attempt {
	struct run *run;
	struct ztt_reach *reach;
	const char *const *name; /* asked for now */
	struct ztt_quic *quic;
	struct ztt_timer next; /* what is due once the round is over */
	bool established;
	bool again;
	bool renames; /* the next name, when this one is closed */
};

static const struct ztt_quic_events events;

static void done(struct attempt *attempt)
{
	struct run *run = attempt->run;

	ztt_loop_timer(run->loop, &attempt->next, ZTT_NEVER);
	attempt->reach->took_ns = ztt_clock_ns() - run->begun_ns;
	if (--run->open == 0)
		ztt_loop_stop(run->loop);
}

static int begin(struct attempt *attempt)
{
	struct run *run = attempt->run;
	const uint64_t gone_ns = ztt_clock_ns() - run->begun_ns;
	const uint64_t left_ns =
		gone_ns < run->timeout_ns ? run->timeout_ns - gone_ns : 1;
	const struct ztt_quic_plan plan = {
		.shared = run->shared,
		.tls = ztt_edge_trust_tls(run->trust),
		.alpn = ZTT_TLS_EDGE_ALPN,
		.server_name = *attempt->name,
		.peer = attempt->reach->address,
		.events = &events,
		.owner = attempt,
		.handshake_timeout_ns = left_ns,
		.idle_timeout_ns = left_ns + ZTT_NS_PER_S,
		.payload_max_bytes = ZTT_QUIC_PROBE_INITIAL_BYTES,
		.initial_bytes = ZTT_QUIC_PROBE_INITIAL_BYTES,
		.heed_icmp = true,
		.no_gro = true,
	};

	attempt->reach->name = *attempt->name;
	return ztt_quic_connect(&plan, &attempt->quic, NULL);
}

static void conclude(struct attempt *attempt)
{
	struct ztt_reach *reach = attempt->reach;
	const unsigned status =
		ztt_edge_trust_verify(attempt->run->trust,
				      ztt_quic_session(attempt->quic),
				      *attempt->name);

	if (!status) {
		reach->kind = ZTT_REACH_OK;
		snprintf(reach->text, sizeof(reach->text),
			 "handshake in %.1f ms",
			 (double)reach->took_ns / (double)ZTT_NS_PER_MS);
		return;
	}
	ztt_reach_certificate(reach, status);
	attempt->renames =
		attempt->name[1] && ztt_reach_name_refused(reach, 0, status);
}

/* Not within the event: what completes the handshake has to go out first. */
static void on_next(struct ztt_timer *timer)
{
	struct attempt *attempt = ZTT_CONTAINER(timer, struct attempt, next);
	int rc;

	if (!attempt->again) {
		conclude(attempt);
		ztt_quic_close(attempt->quic, 0, "");
		return;
	}
	attempt->again = false;
	attempt->established = false;
	attempt->name++;
	rc = begin(attempt);
	if (rc == 0)
		return;
	ztt_reach_no_begin(attempt->reach, rc, true);
	done(attempt);
}

static void on_established(void *owner)
{
	struct attempt *attempt = owner;

	attempt->established = true;
	attempt->reach->took_ns = ztt_clock_ns() - attempt->run->begun_ns;
	ztt_loop_timer(attempt->run->loop, &attempt->next, ztt_clock_ns());
}

static void judge_timeout(struct attempt *attempt)
{
	struct ztt_quic_figures figures;

	ztt_quic_figures(attempt->quic, &figures);
	ztt_reach_timeout(attempt->reach, attempt->run->timeout_ns);
	if (figures.rtt_min_ns)
		snprintf(attempt->reach->text, sizeof(attempt->reach->text),
			 "timeout: answers came, but the handshake did not "
			 "complete within %.3g s",
			 (double)attempt->run->timeout_ns /
				 (double)ZTT_NS_PER_S);
}

static void judge(struct attempt *attempt, const struct ztt_quic_end *end)
{
	struct ztt_reach *reach = attempt->reach;
	unsigned alert = (unsigned)end->code & 0xff;

	switch (end->kind) {
	case ZTT_QUIC_IDLE:
	case ZTT_QUIC_TIMEOUT:
		judge_timeout(attempt);
		return;
	case ZTT_QUIC_REFUSED:
		ztt_reach_error(reach, ECONNREFUSED, 0, true);
		return;
	case ZTT_QUIC_UNREACHABLE:
		if (end->prohibited)
			ztt_reach_prohibited(reach);
		else
			ztt_reach_error(reach, (int)end->code, end->mtu_bytes,
					true);
		return;
	case ZTT_QUIC_TLS:
		if (end->certificate)
			ztt_reach_certificate(reach, end->certificate);
		else
			ztt_reach_alert(reach, alert);
		break;
	case ZTT_QUIC_PEER:
		if (!end->application && end->code >= 0x100 &&
		    end->code <= 0x1ff) {
			ztt_reach_alert(reach, alert);
			break;
		}
		reach->kind = ZTT_REACH_CLOSED;
		snprintf(reach->text, sizeof(reach->text), "%.159s", end->text);
		return;
	default:
		reach->kind = ZTT_REACH_FAILED;
		snprintf(reach->text, sizeof(reach->text), "%.159s", end->text);
		return;
	}
	attempt->again = attempt->name[1] &&
			 ztt_reach_name_refused(reach, alert, end->certificate);
}

static void on_ended(void *owner, const struct ztt_quic_end *end)
{
	struct attempt *attempt = owner;
	const uint64_t took_ns = attempt->reach->took_ns;
	const bool established = attempt->established;

	/* An edge that refuses what follows its handshake ends it as soon. */
	if (end->kind != ZTT_QUIC_CLOSED)
		judge(attempt, end);
	attempt->again |= attempt->renames;
	attempt->renames = false;
	ztt_quic_free(attempt->quic);
	attempt->quic = NULL;
	if (attempt->again) {
		ztt_loop_timer(attempt->run->loop, &attempt->next,
			       ztt_clock_ns());
		return;
	}
	done(attempt);
	if (established)
		attempt->reach->took_ns = took_ns;
}

static void on_data(struct ztt_quic_stream *stream, const uint8_t *data,
		    size_t len_bytes, bool fin)
{
	(void)stream, (void)data, (void)len_bytes, (void)fin;
}

static void on_closed(struct ztt_quic_stream *stream)
{
	(void)stream;
}

static const struct ztt_quic_events events = {
	.established = on_established,
	.data = on_data,
	.closed = on_closed,
	.ended = on_ended,
};

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
					    .next = {.fire = on_next}};
		rc = begin(attempt);
		if (rc == 0)
			run->open++;
		else
			ztt_reach_no_begin(&reaches[i], rc, true);
	}
	if (run->open)
		ztt_loop_run(run->loop);
}

int ztt_quic_probe(const struct ztt_edge_trust *trust, const char *const *names,
		   uint64_t timeout_ns, struct ztt_reach *reaches, size_t count,
		   struct ztt_err *err)
{
	struct run run = {.trust = trust,
			  .timeout_ns = timeout_ns,
			  .begun_ns = ztt_clock_ns()};
	struct attempt *attempts;
	int rc;

	ztt_aead_settle();
	rc = ztt_loop_new(&run.loop, err);
	if (rc < 0)
		return rc;
	run.shared = ztt_quic_shared_new(run.loop);
	attempts = ztt_calloc(count, sizeof(*attempts));
	run_all(&run, attempts, names, reaches, count);
	free(attempts);
	ztt_quic_shared_free(run.shared);
	ztt_loop_free(run.loop);
	return 0;
}
