#include "ztt-capture/report/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/exit.h"
#include "common/text.h"
#include "ztt-capture/decode/quic_packet.h"
#include "ztt-capture/report/report_known.h"

#define PERCENT 100

const char *ztt_protocol_name(enum ztt_protocol protocol)
{
	switch (protocol) {
	case ZTT_PROTOCOL_QUIC:
		return "quic";
	case ZTT_PROTOCOL_WIREGUARD:
		return "wireguard";
	case ZTT_PROTOCOL_TLS:
		return "tls";
	default:
		return "unknown";
	}
}

char *ztt_quic_version_text(uint32_t version, char out[ZTT_VERSION_LEN])
{
	if (version == ZTT_QUIC_V1)
		snprintf(out, ZTT_VERSION_LEN, "v1");
	else if (version == ZTT_QUIC_V2)
		snprintf(out, ZTT_VERSION_LEN, "v2");
	else if (version)
		snprintf(out, ZTT_VERSION_LEN, "0x%08" PRIx32, version);
	else
		out[0] = '\0';
	return out;
}

double ztt_direction_loss(const struct ztt_direction *direction)
{
	if (direction->loss_grade == ZTT_GRADE_UNKNOWN ||
	    (!direction->packets && !direction->lost))
		return NAN;
	return ztt_direction_loss_percent(direction) / PERCENT;
}

struct ztt_known ztt_known_of(const struct ztt_connection *connection,
			      const struct ztt_direction *direction)
{
	bool quic = connection->protocol == ZTT_PROTOCOL_QUIC;
	bool inside = quic && connection->decrypted;

	return (struct ztt_known){
		.loss = direction->loss_grade != ZTT_GRADE_UNKNOWN,
		.where = inside && direction->loss_grade != ZTT_GRADE_UNKNOWN,
		.order = quic ? inside
			      : direction->loss_grade != ZTT_GRADE_UNKNOWN,
		.resent = connection->protocol == ZTT_PROTOCOL_TLS || inside,
		.blocked = connection->protocol == ZTT_PROTOCOL_TLS || inside,
		.frames = inside,
	};
}

bool ztt_path_rtt_known(const struct ztt_connection *at)
{
	return at->up.rtt_us && at->down.rtt_us &&
	       ztt_hist_count(at->up.rtt_us) && ztt_hist_count(at->down.rtt_us);
}

static uint64_t opened_packets(const struct ztt_capture *capture)
{
	uint64_t opened = 0;

	for (size_t i = 0; i < capture->connection_count; i++) {
		const struct ztt_connection *at = capture->connections[i];

		opened += at->up.packets + at->down.packets;
		opened -= at->up.undecoded + at->down.undecoded;
	}
	return opened;
}

/* 1 above the bound, 3 not known, else 0. */
static int judge(const struct ztt_direction *direction, double loss_most)
{
	double loss = ztt_direction_loss(direction);

	if (!direction->packets && !direction->lost)
		return ZTT_EXIT_FINE;
	if (isnan(loss))
		return ZTT_EXIT_UNKNOWN;
	return loss > loss_most ? ZTT_EXIT_PROBLEM : ZTT_EXIT_FINE;
}

int ztt_capture_exit(const struct ztt_capture *capture, double loss_most)
{
	bool unknown = false;

	if (!opened_packets(capture))
		return ZTT_EXIT_UNKNOWN;
	if (loss_most < 0)
		return ZTT_EXIT_FINE;
	for (size_t i = 0; i < capture->connection_count; i++) {
		int up = judge(&capture->connections[i]->up, loss_most);
		int down = judge(&capture->connections[i]->down, loss_most);

		if (up == ZTT_EXIT_PROBLEM || down == ZTT_EXIT_PROBLEM)
			return ZTT_EXIT_PROBLEM;
		unknown |= up || down;
	}
	return unknown ? ZTT_EXIT_UNKNOWN : ZTT_EXIT_FINE;
}

/* The direction that lost the most packets; NULL: none lost any. */
static const struct ztt_direction *
worst_of(const struct ztt_capture *capture,
	 const struct ztt_connection **ret_connection, uint64_t *ret_lost)
{
	const struct ztt_direction *worst = NULL;

	*ret_lost = 0;
	for (size_t i = 0; i < capture->connection_count; i++) {
		const struct ztt_connection *at = capture->connections[i];
		const struct ztt_direction *both[] = {&at->up, &at->down};

		for (size_t j = 0; j < 2; j++) {
			if (!(ztt_direction_loss(both[j]) > 0))
				continue;
			*ret_lost += both[j]->lost;
			if (worst && both[j]->lost <= worst->lost)
				continue;
			worst = both[j];
			*ret_connection = at;
		}
	}
	return worst;
}

static size_t unknown_count(const struct ztt_capture *capture)
{
	size_t count = 0;

	for (size_t i = 0; i < capture->connection_count; i++) {
		const struct ztt_connection *at = capture->connections[i];

		count += (at->up.packets &&
			  isnan(ztt_direction_loss(&at->up))) ||
			 (at->down.packets &&
			  isnan(ztt_direction_loss(&at->down)));
	}
	return count;
}

static void say_several(const struct ztt_capture *capture, char *out,
			size_t cap_bytes)
{
	const struct ztt_connection *connection = NULL;
	uint64_t count =
		capture->connection_count + capture->connections_left_out;
	size_t unknown = unknown_count(capture);
	uint64_t lost;
	const struct ztt_direction *worst =
		worst_of(capture, &connection, &lost);
	size_t len;

	if (worst)
		snprintf(out, cap_bytes,
			 "%" PRIu64 " connections; %" PRIu64
			 " packets lost, most of them on connection %" PRIu64
			 " from the %s: %" PRIu64 ", %.3g %% (%s)",
			 count, lost, connection->number,
			 worst == &connection->up ? "client" : "server",
			 worst->lost, PERCENT * ztt_direction_loss(worst),
			 ztt_grade_name(worst->loss_grade));
	else if (unknown < capture->connection_count)
		snprintf(out, cap_bytes,
			 "%" PRIu64 " connections; no loss seen", count);
	else {
		snprintf(out, cap_bytes,
			 "%" PRIu64 " connections; their loss is unknown.",
			 count);
		return;
	}
	len = strlen(out);
	if (unknown)
		snprintf(out + len, cap_bytes - len,
			 "; of %zu the loss is unknown.", unknown);
	else
		snprintf(out + len, cap_bytes - len, ".");
}

char *ztt_capture_sentence(const struct ztt_capture *capture,
			   char out[ZTT_CAPTURE_SENTENCE_LEN])
{
	size_t count = capture->connection_count;
	size_t len;

	if (!count)
		snprintf(out, ZTT_CAPTURE_SENTENCE_LEN,
			 "Nothing could be decoded: no tunnel traffic in "
			 "%" PRIu64 " frames.",
			 capture->frames);
	else if (!opened_packets(capture))
		snprintf(out, ZTT_CAPTURE_SENTENCE_LEN,
			 "Nothing could be decoded of %zu connection%s.", count,
			 count > 1 ? "s" : "");
	else if (count == 1 && !capture->connections_left_out &&
		 capture->connections[0]->verdict[0])
		snprintf(out, ZTT_CAPTURE_SENTENCE_LEN, "%s",
			 capture->connections[0]->verdict);
	else
		say_several(capture, out, ZTT_CAPTURE_SENTENCE_LEN);
	len = strlen(out);
	if (capture->source.dropped_known && capture->source.dropped)
		snprintf(out + len, ZTT_CAPTURE_SENTENCE_LEN - len,
			 " The capture itself dropped %" PRIu64 " frames.",
			 capture->source.dropped);
	return ztt_text_plain(out);
}
