#include "ztt-capture/report/lines.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "ztt-capture/decode/wireguard.h"
#include "ztt-capture/report/report.h"

#define WRITE_BYTES 65536
#define NAMED_MAX (ZTT_CONNECTIONS_MAX + 1)
#define NUMBER_WIDTH 6
#define SECONDS_WIDTH 12
#define CONNECTION_WIDTH 4
#define TYPE_WIDTH 15
#define PN_WIDTH 7
#define BYTES_WIDTH 6
#define NS_PER_US 1000

struct ztt_lines {
	struct ztt_lines_plan plan;
	struct ztt_filter filter;
	struct ztt_buffer buffer;
	uint64_t seen, shown;
	int64_t first_ns;
	int failed; /* -errno of the first write that did */
	bool named[NAMED_MAX];
};

struct ztt_lines *ztt_lines_new(const struct ztt_lines_plan *plan)
{
	struct ztt_lines *lines = ztt_calloc(1, sizeof(*lines));

	lines->plan = *plan;
	if (plan->filter)
		lines->filter = *plan->filter;
	return lines;
}

void ztt_lines_free(struct ztt_lines *lines)
{
	if (!lines)
		return;
	free(lines->buffer.data);
	free(lines);
}

static void write_out(struct ztt_lines *lines)
{
	size_t len = lines->buffer.len_bytes;

	lines->buffer.len_bytes = 0;
	if (lines->failed || !len)
		return;
	errno = 0;
	if (fwrite(lines->buffer.data, 1, len, lines->plan.out) != len ||
	    (lines->plan.at_once && fflush(lines->plan.out) != 0))
		lines->failed = errno ? -errno : -EIO;
}

const char *ztt_lines_protocol(const struct ztt_packet *packet)
{
	switch (packet->protocol) {
	case ZTT_PROTOCOL_QUIC:
		return "QUIC";
	case ZTT_PROTOCOL_WIREGUARD:
		return "WG";
	default:
		return "TCP";
	}
}

static void put_flags(struct ztt_buffer *out, unsigned flags)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH",
					    "ACK", "URG", "ECE", "CWR"};
	bool any = false;

	/* PSH says nothing, and ACK is nearly always there. */
	if (flags & ~0x18u)
		flags &= ~0x08u;
	else
		flags &= 0x10u;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(flags >> i & 1))
			continue;
		if (any)
			ztt_buffer_char(out, ',');
		ztt_buffer_text(out, names[i]);
		any = true;
	}
	if (!any)
		ztt_buffer_char(out, '-');
}

void ztt_lines_put_type(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	if (packet->protocol == ZTT_PROTOCOL_QUIC)
		ztt_buffer_text(out, packet->header
					     ? ztt_packet_type_name(
						       packet->header->type)
					     : "-");
	else if (packet->protocol == ZTT_PROTOCOL_TLS)
		put_flags(out, packet->datagram->tcp_flags);
	else
		ztt_buffer_text(out, ztt_wg_type_name(packet->wg_type));
}

static void put_number(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	bool quic = packet->protocol == ZTT_PROTOCOL_QUIC && packet->opened;

	if (!quic && (packet->protocol != ZTT_PROTOCOL_WIREGUARD ||
		      packet->wg_type != 4))
		return;
	ztt_buffer_char(out, '#');
	ztt_buffer_uint(out,
			quic ? packet->opened->number : packet->wg_counter);
}

static size_t bytes_of(const struct ztt_packet *packet)
{
	return packet->protocol == ZTT_PROTOCOL_QUIC && packet->header
		       ? packet->header->packet_bytes
		       : packet->datagram->payload_whole_bytes;
}

bool ztt_lines_is_protected(const struct ztt_packet *packet)
{
	if (packet->protocol != ZTT_PROTOCOL_QUIC || !packet->header)
		return false;
	switch (packet->header->type) {
	case ZTT_PACKET_INITIAL:
	case ZTT_PACKET_0RTT:
	case ZTT_PACKET_HANDSHAKE:
	case ZTT_PACKET_1RTT:
		return true;
	default:
		return false;
	}
}

/* The flags of TCP are the type already. */
static bool is_said(const struct ztt_packet *packet)
{
	static const char *const words[] = {"SYN", "SYN ACK", "RST", "FIN"};

	if (packet->protocol != ZTT_PROTOCOL_TLS)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(packet->info, words[i]) == 0)
			return true;
	return false;
}

static void put_within(struct ztt_buffer *out, const struct ztt_packet *packet,
		       bool color)
{
	const char *before = "  ";

	for (size_t i = 0; i < packet->frame_count; i++, before = ", ") {
		ztt_buffer_text(out, before);
		ztt_lines_put_frame(out, &packet->frames[i]);
	}
	if (packet->frames_left_out) {
		ztt_buffer_text(out, ", and ");
		ztt_buffer_uint(out, packet->frames_left_out);
		ztt_buffer_text(out, " more");
	}
	if (!packet->opened && ztt_lines_is_protected(packet)) {
		ztt_buffer_text(out, color ? "  \033[31m" : "  ");
		ztt_buffer_text(out, ztt_why_text(packet->why));
		ztt_buffer_text(out, color ? "\033[0m" : "");
	}
	if (packet->info && packet->info[0] && !is_said(packet)) {
		ztt_buffer_text(out, "  ");
		ztt_buffer_plain(out, packet->info, strlen(packet->info));
	}
}

static void put_marks(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	if (packet->segments > 1) {
		ztt_buffer_text(out, "  [");
		ztt_buffer_uint(out, packet->segment + 1);
		ztt_buffer_char(out, '/');
		ztt_buffer_uint(out, packet->segments);
		ztt_buffer_text(out, packet->inferred ? " inferred]" : "]");
	}
	if (packet->datagram->cut)
		ztt_buffer_text(out, "  [cut]");
	if (packet->datagram->ecn == 3)
		ztt_buffer_text(out, "  [CE]");
}

void ztt_lines_put_line(struct ztt_buffer *out, const struct ztt_packet *packet,
			int64_t since_ns, bool color)
{
	size_t start = out->len_bytes;

	ztt_buffer_uint(out, packet->frame->number);
	ztt_buffer_right(out, start, NUMBER_WIDTH);
	start = out->len_bytes;
	ztt_buffer_fixed(out, since_ns / NS_PER_US, 6);
	ztt_buffer_right(out, start, SECONDS_WIDTH);
	start = out->len_bytes;
	ztt_buffer_uint(out,
			packet->connection ? packet->connection->number : 0);
	ztt_buffer_right(out, start, CONNECTION_WIDTH);
	ztt_buffer_text(out, packet->up ? " > " : " < ");
	start = out->len_bytes;
	ztt_buffer_text(out, ztt_lines_protocol(packet));
	ztt_buffer_char(out, ' ');
	ztt_lines_put_type(out, packet);
	ztt_buffer_left(out, start, TYPE_WIDTH);
	start = out->len_bytes;
	put_number(out, packet);
	ztt_buffer_right(out, start, PN_WIDTH);
	start = out->len_bytes;
	ztt_buffer_uint(out, bytes_of(packet));
	ztt_buffer_right(out, start, BYTES_WIDTH);
	put_within(out, packet, color);
	put_marks(out, packet);
	ztt_buffer_char(out, '\n');
}

static void name_connection(struct ztt_lines *lines,
			    const struct ztt_packet *packet)
{
	const struct ztt_connection *connection = packet->connection;
	struct ztt_buffer *out = &lines->buffer;
	char text[ZTT_ENDPOINT_LEN];
	bool color = lines->plan.color;

	if (!connection || connection->number >= NAMED_MAX ||
	    lines->named[connection->number])
		return;
	lines->named[connection->number] = true;
	ztt_buffer_text(out, color ? "\033[1m# connection " : "# connection ");
	ztt_buffer_uint(out, connection->number);
	ztt_buffer_text(out, ": ");
	ztt_buffer_text(out, ztt_lines_protocol(packet));
	ztt_buffer_char(out, ' ');
	ztt_buffer_text(out, ztt_endpoint_text(&connection->client, text));
	ztt_buffer_text(out, " > ");
	ztt_buffer_text(out, ztt_endpoint_text(&connection->server, text));
	ztt_buffer_text(out, color ? "\033[0m\n" : "\n");
}

void ztt_lines_packet(void *owner, const struct ztt_packet *packet)
{
	struct ztt_lines *lines = owner;
	int64_t since_ns;

	if (!lines->seen++)
		lines->first_ns = packet->frame->at_ns;
	if (!ztt_filter_passes(&lines->filter, packet))
		return;
	lines->shown++;
	since_ns = packet->frame->at_ns - lines->first_ns;
	name_connection(lines, packet);
	if (lines->plan.tree)
		ztt_lines_put_tree(&lines->buffer, packet, since_ns);
	else
		ztt_lines_put_line(&lines->buffer, packet, since_ns,
				   lines->plan.color);
	if (lines->plan.at_once || lines->buffer.len_bytes >= WRITE_BYTES)
		write_out(lines);
}

int ztt_lines_finish(struct ztt_lines *lines)
{
	write_out(lines);
	if (!lines->failed && fflush(lines->plan.out) != 0)
		lines->failed = -errno;
	return lines->failed;
}

uint64_t ztt_lines_shown(const struct ztt_lines *lines)
{
	return lines->shown;
}

uint64_t ztt_lines_seen(const struct ztt_lines *lines)
{
	return lines->seen;
}
