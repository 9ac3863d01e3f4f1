/* Any bytes as TLS records over TCP: once as a stream in pieces with gaps, once
 * as segments of a connection that ztt-capture follows with keys. */
#include "ztt-capture/decode/tls_record.h"

#include <stdlib.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"
#include "ztt-capture/flow/flows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_BYTES 40

static struct {
	struct ztt_tls_keys *keys;
	uint64_t bytes;
} got;

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool wants(void *owner, uint8_t type)
{
	(void)owner;
	return type != ZTT_TLS_ALERT;
}

static void record(void *owner, const struct ztt_tls_record *record)
{
	static uint8_t out[ZTT_TLS_BODY_BYTES_MAX];
	struct ztt_tls_opened opened;

	(void)owner;
	check(record->body_bytes <= ZTT_TLS_BODY_BYTES_MAX);
	check(!record->broken || !record->data);
	got.bytes += record->body_bytes;
	if (record->data && record->type == ZTT_TLS_APPLICATION &&
	    ztt_tls_open(got.keys, record, out, &opened) == 0)
		check(opened.len_bytes < record->body_bytes);
}

static void as_records(const uint8_t *data, size_t size)
{
	static const uint8_t secret[32];
	struct ztt_bytes bytes = ztt_bytes_of(data, size);
	struct ztt_tls_reader reader = {.record = record, .wants = wants};

	got.keys = ztt_tls_keys_new(0x1301, secret, sizeof(secret));
	got.bytes = 0;
	while (ztt_bytes_left(&bytes)) {
		size_t len = ztt_bytes_u8(&bytes);
		uint8_t *copy;

		if (len == 255) {
			ztt_tls_reader_gap(&reader, ztt_bytes_u16(&bytes));
			ztt_tls_keys_skip(got.keys, 1);
			continue;
		}
		if (len > ztt_bytes_left(&bytes))
			len = ztt_bytes_left(&bytes);
		copy = malloc(len ? len : 1);
		memcpy(copy, ztt_bytes_take(&bytes, len), len);
		ztt_tls_reader_data(&reader, copy, len);
		free(copy);
	}
	ztt_tls_reader_release(&reader);
	ztt_tls_keys_free(got.keys);
}

static void look(void *owner, const struct ztt_packet *packet)
{
	(void)owner;
	check(strlen(packet->info) < 512);
}

/* Each segment: which side, flags, by how much its numbers jump, its length. */
static void as_segments(const uint8_t *data, size_t size)
{
	static const char keys[] =
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET "
		"0000000000000000000000000000000000000000000000000000000000000000"
		" "
		"0000000000000000000000000000000000000000000000000000000000000000"
		"\n"
		"SERVER_TRAFFIC_SECRET_0 "
		"0000000000000000000000000000000000000000000000000000000000000000"
		" "
		"0000000000000000000000000000000000000000000000000000000000000000"
		"\n";
	static uint8_t packet[HEAD_BYTES + 65536];
	struct ztt_key_log *log = ztt_key_log_new();
	const struct ztt_flows_plan plan = {.keys = log,
					    .observer = {.packet = look}};
	struct ztt_flows *flows = ztt_flows_new(&plan);
	const struct ztt_source_figures figures = {0};
	struct ztt_bytes bytes = ztt_bytes_of(data, size);
	uint32_t next[2] = {0};
	struct ztt_frame frame = {.link = ZTT_LINK_RAW, .data = packet};

	ztt_key_log_add(log, keys, sizeof(keys) - 1);
	while (ztt_bytes_left(&bytes)) {
		const uint8_t side = ztt_bytes_u8(&bytes);
		const uint8_t flags = ztt_bytes_u8(&bytes);
		const int8_t jump = (int8_t)ztt_bytes_u8(&bytes);
		size_t len = ztt_bytes_u16(&bytes), whole;
		const bool up = side & 1;
		uint32_t sequence;

		if (len > ztt_bytes_left(&bytes))
			len = ztt_bytes_left(&bytes);
		if (len > 65000)
			len = 65000;
		whole = HEAD_BYTES + len;
		sequence = next[up] + (uint32_t)(jump * (side & 2 ? 4096 : 1));
		memcpy(packet,
		       (const uint8_t[HEAD_BYTES]){
			       0x45,
			       0,
			       (uint8_t)(whole >> 8),
			       (uint8_t)whole,
			       [9] = 6,
			       [15] = up,
			       [19] = !up,
			       [20] = up ? 0x50 : 0x1e,
			       [21] = up ? 0 : 0xa4,
			       [22] = up ? 0x1e : 0x50,
			       [23] = up ? 0xa4 : 0,
			       [24] = (uint8_t)(sequence >> 24),
			       [25] = (uint8_t)(sequence >> 16),
			       [26] = (uint8_t)(sequence >> 8),
			       [27] = (uint8_t)sequence,
			       [28] = (uint8_t)(next[!up] >> 24),
			       [29] = (uint8_t)(next[!up] >> 16),
			       [30] = (uint8_t)(next[!up] >> 8),
			       [31] = (uint8_t)next[!up],
			       [32] = 0x50,
			       [33] = flags & 0x17,
			       [34] = side & 4 ? 0 : 1},
		       HEAD_BYTES);
		memcpy(packet + HEAD_BYTES, ztt_bytes_take(&bytes, len), len);
		frame.number++;
		frame.at_ns += 1000000 + jump;
		frame.captured_bytes = frame.length_bytes = (uint32_t)whole;
		if (side & 8 && len)
			frame.captured_bytes -= (uint32_t)(len / 2);
		frame.segment_bytes = side & 16 ? 1400 : 0;
		frame.has_vnet = side & 16;
		ztt_flows_frame(flows, &frame);
		next[up] = sequence + (uint32_t)len + ((flags & 2) >> 1);
	}
	ztt_flows_finish(flows, &figures);
	ztt_flows_free(flows);
	ztt_key_log_free(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] & 1)
		as_records(data + 1, size - 1);
	else if (size)
		as_segments(data + 1, size - 1);
	return 0;
}
