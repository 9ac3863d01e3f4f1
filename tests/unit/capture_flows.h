/* Captures from tests/fixtures, and datagrams made here, driven through
 * ztt_flows. */
#ifndef ZTT_TEST_CAPTURE_FLOWS_H
#define ZTT_TEST_CAPTURE_FLOWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "ztt-capture/flow/flows.h"

struct feed {
	struct ztt_key_log *keys;
	struct ztt_flows *flows;
	const struct ztt_capture *capture;
	struct ztt_source_figures source;
	/* Told of each frame before it is taken; may change it. False: it is
	 * left out. */
	bool (*each)(struct feed *feed, struct ztt_frame *frame, uint8_t *data);
	void *owner;
	uint8_t data[ZTT_FRAME_BYTES_MAX];
};

static inline void feed_begin(struct feed *feed, const char *keys,
			      const struct ztt_observer *observer)
{
	struct ztt_flows_plan plan = {0};
	struct ztt_err err = {""};

	feed->keys = ztt_key_log_new();
	if (keys)
		assert_int_equal(ztt_key_log_read(feed->keys, keys, &err), 0);
	plan.keys = feed->keys;
	if (observer)
		plan.observer = *observer;
	feed->flows = ztt_flows_new(&plan);
}

static inline void feed_file(struct feed *feed, const char *path)
{
	struct ztt_source *source;
	struct ztt_frame frame;
	struct ztt_err err = {""};

	assert_int_equal(ztt_source_open_file(path, &source, &err), 0);
	while (ztt_source_next(source, &frame, &err) == 1) {
		assert_true(frame.captured_bytes <= sizeof(feed->data));
		memcpy(feed->data, frame.data, frame.captured_bytes);
		frame.data = feed->data;
		if (!feed->each || feed->each(feed, &frame, feed->data))
			ztt_flows_frame(feed->flows, &frame);
	}
	ztt_source_figures(source, &feed->source);
	ztt_source_close(source);
}

static inline void feed_finish(struct feed *feed)
{
	feed->capture = ztt_flows_finish(feed->flows, &feed->source);
}

static inline void feed_end(struct feed *feed)
{
	ztt_flows_free(feed->flows);
	ztt_key_log_free(feed->keys);
}

/* A raw IPv4 UDP datagram of two hosts' ports. */
static inline void feed_udp(struct feed *feed, int64_t at_ns,
			    uint32_t from_host, uint16_t from_port,
			    uint32_t to_host, uint16_t to_port,
			    const uint8_t *payload, size_t len_bytes)
{
	size_t whole = 28 + len_bytes;
	uint8_t *data = feed->data;
	struct ztt_frame frame = {
		.number = 1,
		.at_ns = at_ns,
		.link = ZTT_LINK_RAW,
		.captured_bytes = (uint32_t)whole,
		.length_bytes = (uint32_t)whole,
		.data = data,
	};

	memset(data, 0, 28);
	data[0] = 0x45;
	data[2] = (uint8_t)(whole >> 8);
	data[3] = (uint8_t)whole;
	data[8] = 64;
	data[9] = 17;
	for (int i = 0; i < 4; i++) {
		data[12 + i] = (uint8_t)(from_host >> (24 - 8 * i));
		data[16 + i] = (uint8_t)(to_host >> (24 - 8 * i));
	}
	data[20] = (uint8_t)(from_port >> 8);
	data[21] = (uint8_t)from_port;
	data[22] = (uint8_t)(to_port >> 8);
	data[23] = (uint8_t)to_port;
	data[24] = (uint8_t)((8 + len_bytes) >> 8);
	data[25] = (uint8_t)(8 + len_bytes);
	memcpy(data + 28, payload, len_bytes);
	ztt_flows_frame(feed->flows, &frame);
}

#endif
