#include "ztt-capture/analysis/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ztt-capture/analysis/connection.h"

#define SILENCE_LEAST_NS UINT64_C(5000000000) /* cloudflared's idle timeout */
#define REASON_SHOWN 48

struct clauses {
	char *out;
	size_t cap_bytes, len_bytes;
};

/* Adds a clause; one that does not fit is left out whole. */
static void say(struct clauses *clauses, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct clauses *clauses, const char *fmt, ...)
{
	char clause[256];
	va_list args;
	size_t len;

	va_start(args, fmt);
	vsnprintf(clause, sizeof(clause), fmt, args);
	va_end(args);
	len = strlen(clause);
	if (clauses->len_bytes + len + 3 > clauses->cap_bytes)
		return;
	clauses->len_bytes +=
		(size_t)snprintf(clauses->out + clauses->len_bytes,
				 clauses->cap_bytes - clauses->len_bytes,
				 "%s%s", clauses->len_bytes ? "; " : "",
				 clause);
}

static bool is_cloudflared(const struct ztt_connection *connection)
{
	return !strcmp(connection->client_hello.alpn, "argotunnel");
}

static const char *side(const struct ztt_connection *connection, bool up)
{
	if (is_cloudflared(connection))
		return up ? "cloudflared" : "the edge";
	if (connection->protocol == ZTT_PROTOCOL_WIREGUARD)
		return up ? "the initiator" : "the responder";
	return up ? "the client" : "the server";
}

static void unanswered(const struct ztt_connection *connection,
		       struct clauses *clauses)
{
	bool up = connection->up.datagrams;

	if (connection->up.datagrams && connection->down.datagrams)
		return;
	say(clauses, "%s sent %" PRIu64 " packets and nothing came back",
	    side(connection, up),
	    up ? connection->up.datagrams : connection->down.datagrams);
}

static void reset(const struct ztt_connection *connection,
		  struct clauses *clauses)
{
	if (connection->stateless_reset)
		say(clauses, "ended by a stateless reset: one side had lost "
			     "its state");
}

static void lost(const struct ztt_connection *connection, bool up,
		 struct clauses *clauses)
{
	const struct ztt_direction *direction =
		up ? &connection->up : &connection->down;
	double percent = ztt_direction_loss_percent(direction);
	const char *where = "";

	if (!direction->lost || direction->loss_grade == ZTT_GRADE_UNKNOWN)
		return;
	if (direction->lost_after == direction->lost)
		where = " after this point";
	else if (direction->lost_before == direction->lost)
		where = " before this point";
	else if (direction->lost_before && direction->lost_after)
		where = " before and after this point";
	say(clauses, "%s%.2g %% of the packets from %s were lost%s",
	    direction->loss_grade == ZTT_GRADE_EXACT ? "" : "about ", percent,
	    side(connection, up), where);
}

static void lost_up(const struct ztt_connection *connection,
		    struct clauses *clauses)
{
	lost(connection, true, clauses);
}

static void lost_down(const struct ztt_connection *connection,
		      struct clauses *clauses)
{
	lost(connection, false, clauses);
}

static bool known(const struct ztt_direction *direction)
{
	return direction->packets && direction->loss_grade != ZTT_GRADE_UNKNOWN;
}

static void lost_none(const struct ztt_connection *connection,
		      struct clauses *clauses)
{
	if (known(&connection->up) && known(&connection->down) &&
	    !connection->up.lost && !connection->down.lost)
		say(clauses, "nothing was lost");
}

static void lost_unknown(const struct ztt_connection *connection,
			 struct clauses *clauses)
{
	if (connection->up.datagrams && connection->down.datagrams &&
	    !known(&connection->up) && !known(&connection->down))
		say(clauses, "loss is unknown%s",
		    connection->protocol == ZTT_PROTOCOL_QUIC
			    ? " without keys: a key log tells, or a second "
			      "capture point (diff)"
			    : "");
}

static void round_trip(const struct ztt_connection *connection,
		       struct clauses *clauses)
{
	uint64_t rtt_us = ztt_connection_rtt_us(connection, 0.5);

	if (rtt_us >= 1000)
		say(clauses, "RTT %.3g ms", (double)rtt_us / 1000);
	else if (rtt_us)
		say(clauses, "RTT %" PRIu64 " us", rtt_us);
}

static void silence(const struct ztt_connection *connection,
		    struct clauses *clauses)
{
	if (connection->longest_gap_ns < SILENCE_LEAST_NS)
		return;
	say(clauses, "nothing passed for %.1f s%s",
	    (double)connection->longest_gap_ns / 1e9,
	    is_cloudflared(connection) ? ", and cloudflared gives up after 5"
				       : "");
}

static void blocked(const struct ztt_connection *connection,
		    struct clauses *clauses)
{
	for (int up = 0; up < 2; up++) {
		uint64_t times =
			up ? connection->up.blocked : connection->down.blocked;

		if (times)
			say(clauses,
			    "flow control held %s back %" PRIu64 " time%s",
			    side(connection, up), times, times == 1 ? "" : "s");
	}
}

static void congestion(const struct ztt_connection *connection,
		       struct clauses *clauses)
{
	uint64_t marked = connection->up.ecn[3] + connection->down.ecn[3];

	if (marked)
		say(clauses, "%" PRIu64 " datagrams carry a congestion mark",
		    marked);
}

static void undecoded(const struct ztt_connection *connection,
		      struct clauses *clauses)
{
	uint64_t count = connection->up.undecoded + connection->down.undecoded;

	if (count)
		say(clauses, "%" PRIu64 " packets could not be decoded", count);
}

static void closed_by(const struct ztt_connection *connection,
		      struct clauses *clauses)
{
	if (!connection->closed)
		return;
	if (!connection->close_code && !connection->close_reason[0])
		say(clauses, "closed without an error");
	else
		say(clauses, "closed with %s error 0x%" PRIx64 "%s%.*s",
		    connection->close_application ? "application" : "transport",
		    connection->close_code,
		    connection->close_reason[0] ? ": " : "", REASON_SHOWN,
		    connection->close_reason);
}

static void (*const clauses_of[])(const struct ztt_connection *connection,
				  struct clauses *clauses) = {
#define ZTT_VERDICT(name) name,
#include "ztt-capture/analysis/verdicts.def"
#undef ZTT_VERDICT
};

void ztt_verdict_make(struct ztt_connection *connection)
{
	struct clauses clauses = {connection->verdict,
				  sizeof(connection->verdict), 0};

	connection->verdict[0] = '\0';
	for (size_t i = 0; i < sizeof(clauses_of) / sizeof(*clauses_of); i++)
		clauses_of[i](connection, &clauses);
	if (clauses.len_bytes)
		snprintf(clauses.out + clauses.len_bytes,
			 clauses.cap_bytes - clauses.len_bytes, ".");
	if (connection->verdict[0] >= 'a' && connection->verdict[0] <= 'z')
		connection->verdict[0] =
			(char)(connection->verdict[0] - 'a' + 'A');
}
