#define _GNU_SOURCE
#include "ztt-capture/analysis/diff.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define UDP_FRAME_MAX 4000
#include "capture_udp.h"
#include "common/err.h"
#include "common/json.h"
#include "ztt-capture/analysis/diff_clock.h"
#include "ztt-capture/analysis/diff_digest.h"
#include "ztt-capture/analysis/diff_match.h"
#include "ztt-capture/report/diff_report.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)
#define START (1000 * S)

/* Two captures that are written by hand: A is at the client 1, B at the server
 * 2, with a NAT between that shows the client as 9. */
struct given {
	char paths[2][64];
	FILE *files[2];
	struct udp_frame *kept[2]; /* until they are sorted by time */
	size_t kept_count[2];
	struct udp_frame frame;
	struct ztt_diff_plan plan;
	struct ztt_diff diff;
	struct ztt_err err;
};

#define KEPT_MAX 4096

static void keep(struct given *given, unsigned point)
{
	struct udp_frame *to = &given->kept[point][given->kept_count[point]++];

	assert_true(given->kept_count[point] <= KEPT_MAX);
	to->frame = given->frame.frame;
	memcpy(to->bytes, given->frame.bytes,
	       given->frame.frame.captured_bytes);
	to->frame.number = given->kept_count[point];
}

static int by_time(const void *one, const void *other)
{
	const struct ztt_frame *a = one, *b = other;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static struct given *begin(void)
{
	struct given *given = ztt_calloc(1, sizeof(*given));

	for (unsigned i = 0; i < 2; i++) {
		int fd;

		strcpy(given->paths[i], "/tmp/ztt-diff-XXXXXX");
		fd = mkstemp(given->paths[i]);
		assert_true(fd >= 0);
		given->files[i] = fdopen(fd, "wb");
		pcap_begin(given->files[i]);
		given->kept[i] = ztt_calloc(KEPT_MAX, sizeof(*given->kept[i]));
	}
	given->plan.seed = 1;
	return given;
}

static void end(struct given *given)
{
	for (unsigned i = 0; i < 2; i++) {
		if (given->files[i])
			fclose(given->files[i]);
		unlink(given->paths[i]);
		free(given->kept[i]);
	}
	ztt_diff_release(&given->diff);
	free(given);
}

enum {
	A,
	B
};

/* Datagram `number` of `len_bytes`, as seen at a point. */
static void see_long(struct given *given, unsigned point, bool up,
		     uint64_t number, int64_t at_ns, size_t len_bytes)
{
	uint8_t payload[2000] = {0x40};
	uint8_t client = point == A ? 1 : 9;
	uint16_t port = point == A ? 40000 : 41000;

	for (size_t i = 1; i < len_bytes; i++)
		payload[i] = (uint8_t)(number * 31 + i * 7 + up);
	memcpy(payload + 5, &number, sizeof(number));
	if (up)
		udp_frame_make(&given->frame, at_ns, client, port, 2, 7844,
			       payload, len_bytes);
	else
		udp_frame_make(&given->frame, at_ns, 2, 7844, client, port,
			       payload, len_bytes);
	keep(given, point);
}

static void see(struct given *given, unsigned point, bool up, uint64_t number,
		int64_t at_ns)
{
	see_long(given, point, up, number, START + at_ns, 200);
}

static int run_files(struct given *given, const char *a, const char *b)
{
	struct ztt_diff_files files;
	int rc = ztt_diff_open(a, b, &files, &given->err);

	if (rc < 0)
		return rc;
	return ztt_diff_run(&files, &given->plan, &given->diff, &given->err);
}

static int run(struct given *given)
{
	for (unsigned i = 0; i < 2; i++) {
		qsort(given->kept[i], given->kept_count[i],
		      sizeof(*given->kept[i]), by_time);
		for (size_t k = 0; k < given->kept_count[i]; k++)
			pcap_put(given->files[i], &given->kept[i][k]);
		fclose(given->files[i]);
		given->files[i] = NULL;
	}
	return run_files(given, given->paths[0], given->paths[1]);
}

static void what_does_not_arrive_is_lost(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		if (i % 100 != 50)
			see(given, B, true, (uint64_t)i, (i + 5) * MS);
		see(given, B, false, (uint64_t)i, (i + 5) * MS + 10);
		if (i % 250 != 9)
			see(given, A, false, (uint64_t)i, (i + 10) * MS + 10);
	}
	assert_int_equal(run(given), 0);
	assert_true(given->diff.up.a_to_b);
	assert_false(given->diff.down.a_to_b);
	assert_int_equal(given->diff.up.sent, 1000);
	assert_int_equal(given->diff.up.lost, 10);
	assert_int_equal(given->diff.up.arrived, 990);
	assert_int_equal(given->diff.down.sent, 1000);
	assert_int_equal(given->diff.down.lost, 4);
	assert_int_equal(given->diff.up.reordered, 0);
	assert_int_equal(given->diff.up.duplicated, 0);
	assert_int_equal(given->diff.up.delay_least_ns, 5 * MS);
	assert_int_equal(given->diff.offset_ns, 0);
	assert_int_equal(given->diff.offset_uncertainty_ns, 5 * MS);
	end(given);
}

static void clocks_may_be_an_hour_apart(void **state)
{
	const int64_t hour = 3600 * S;

	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct given *given = begin();

		for (int64_t i = 0; i < 100; i++) {
			see(given, A, true, (uint64_t)i, i * MS);
			see(given, B, true, (uint64_t)i,
			    (i + 3) * MS + sign * hour / 4);
			see(given, B, false, (uint64_t)i,
			    (i + 4) * MS + sign * hour / 4);
			if (i != 50)
				see(given, A, false, (uint64_t)i, (i + 7) * MS);
		}
		assert_int_equal(run(given), 0);
		assert_int_equal(given->diff.offset_ns, sign * hour / 4);
		assert_int_equal(given->diff.down.lost, 1);
		assert_int_equal(given->diff.up.lost, 0);
		assert_int_equal(given->diff.up.delay_least_ns, 3 * MS);
		end(given);
	}
}

static void with_one_clock_delays_are_as_they_are(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		see(given, B, true, (uint64_t)i, (i + 2) * MS);
		see(given, B, false, (uint64_t)i, (i + 4) * MS);
		see(given, A, false, (uint64_t)i, (i + 12) * MS);
	}
	given->plan.same_clock = true;
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.delay_least_ns, 2 * MS);
	assert_int_equal(given->diff.down.delay_least_ns, 8 * MS);
	assert_int_equal(given->diff.offset_uncertainty_ns, 0);
	end(given);
}

static void the_captures_may_be_named_either_way(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, B, true, (uint64_t)i, i * MS);
		if (i != 33)
			see(given, A, true, (uint64_t)i, (i + 2) * MS);
		see(given, A, false, (uint64_t)i, (i + 4) * MS);
		see(given, B, false, (uint64_t)i, (i + 6) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_false(given->diff.up.a_to_b);
	assert_int_equal(given->diff.up.lost, 1);
	assert_int_equal(given->diff.down.lost, 0);
	end(given);
}

static void one_direction_gives_losses_and_no_offset(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		if (i != 33)
			see(given, B, true, (uint64_t)i, (i + 2) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.lost, 1);
	assert_false(given->diff.offset_known);
	assert_int_equal(given->diff.down.sent, 0);
	end(given);
}

static void late_and_double_ones_are_counted(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		see(given, A, false, (uint64_t)i, (i + 9) * MS);
	}
	for (int64_t i = 0; i < 100; i++) {
		uint64_t number = (uint64_t)(i == 20 ? 21 : i == 21 ? 20 : i);

		see(given, B, true, number, (i + 2) * MS);
		if (i == 40)
			see(given, B, true, number, (i + 2) * MS + 1000);
		see(given, B, false, (uint64_t)i, (i + 3) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.reordered, 1);
	assert_int_equal(given->diff.up.duplicated, 1);
	assert_int_equal(given->diff.up.lost, 0);
	assert_int_equal(given->diff.up.sent, 100);
	assert_int_equal(given->diff.up.unsent, 0);
	end(given);
}

static void the_same_content_again_is_matched_in_order(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i / 10 * 10, i * MS);
		if (i != 30)
			see(given, B, true, (uint64_t)i / 10 * 10,
			    (i + 2) * MS);
		see(given, B, false, 1000 + (uint64_t)i, (i + 3) * MS);
		see(given, A, false, 1000 + (uint64_t)i, (i + 5) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.sent, 100);
	assert_int_equal(given->diff.up.lost, 1);
	assert_int_equal(given->diff.up.duplicated, 0);
	end(given);
}

static void only_the_overlap_counts(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		if (i < 800)
			see(given, A, true, (uint64_t)i, i * MS);
		if (i >= 200 && i != 500)
			see(given, B, true, (uint64_t)i, (i + 2) * MS);
		if (i >= 200)
			see(given, B, false, (uint64_t)i, (i + 3) * MS);
		if (i < 800)
			see(given, A, false, (uint64_t)i, (i + 5) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.arrived, 599);
	assert_int_equal(given->diff.up.lost, 1);
	assert_int_equal(given->diff.up.edge + given->diff.up.unsent, 400);
	assert_true(given->diff.up.unsent <= 5);
	assert_int_equal(given->diff.down.lost, 0);
	end(given);
}

static void other_traffic_is_left_out(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		see(given, B, true, (uint64_t)i, (i + 2) * MS);
		udp_frame_make(&given->frame, START + i * MS, 1, 5353, 7, 5353,
			       &i, sizeof(i));
		keep(given, A);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.sent, 100);
	assert_int_equal(given->diff.up.lost, 0);
	assert_int_equal(given->diff.a.elsewhere, 100);
	assert_int_equal(given->diff.a.flows, 2);
	assert_int_equal(given->diff.a.flows_matched, 1);
	end(given);
}

static void a_second_hop_in_one_capture_counts_once(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		see(given, A, false, (uint64_t)i, (i + 9) * MS);
		/* The client's own side, and the outside of its NAT */
		see(given, A, true, (uint64_t)i, i * MS + 1000);
		given->kept[A][given->kept_count[A] - 1].bytes[15] = 8;
		see(given, B, true, (uint64_t)i, (i + 2) * MS);
		see(given, B, false, (uint64_t)i, (i + 7) * MS);
	}
	assert_int_equal(run(given), 0);
	assert_int_equal(given->diff.up.sent, 100);
	assert_int_equal(given->diff.up.lost, 0);
	assert_int_equal(given->diff.a.again, 100);
	end(given);
}

/* What A saw as one frame, B saw as three datagrams. */
static void super_datagrams_are_split(void **state)
{
	struct given *given = begin();
	uint8_t payload[3000];

	(void)state;
	for (int64_t i = 0; i < 50; i++) {
		for (size_t k = 0; k < sizeof(payload); k++)
			payload[k] =
				(uint8_t)(k * 13 + k / 256 + (size_t)i * 57);
		for (size_t k = 0; k < sizeof(payload); k += 1250) {
			payload[k] = 0x41;
			memcpy(payload + k + 1, "12345678", 8);
		}
		udp_frame_make(&given->frame, START + i * MS, 1, 40000, 2, 7844,
			       payload, sizeof(payload));
		keep(given, A);
		for (size_t k = 0; k < sizeof(payload); k += 1250) {
			udp_frame_make(&given->frame, START + (i + 2) * MS, 1,
				       40000, 2, 7844, payload + k,
				       k == 2500 ? 500 : 1250);
			if (i != 7 || k != 1250)
				keep(given, B);
		}
	}
	assert_int_equal(run(given), 0);
	assert_false(given->diff.up.guessed);
	assert_int_equal(given->diff.a.super_datagrams, 50);
	assert_int_equal(given->diff.up.sent, 150);
	assert_int_equal(given->diff.up.lost, 1);
	end(given);
}

static void captures_without_a_common_datagram_are_refused(void **state)
{
	struct given *given = begin();

	(void)state;
	for (int64_t i = 0; i < 10; i++) {
		see(given, A, true, (uint64_t)i, i * MS);
		see(given, B, true, 100 + (uint64_t)i, i * MS);
	}
	assert_int_equal(run(given), -ENODATA);
	assert_non_null(strstr(given->err.text, "no datagram"));
	end(given);
}

static void what_cannot_be_read_twice_is_refused(void **state)
{
	struct given *given = begin();

	(void)state;
	assert_int_equal(run_files(given, "-", given->paths[1]), -EINVAL);
	assert_int_equal(run_files(given, given->paths[0], "/dev/null"),
			 -EINVAL);
	assert_int_equal(run_files(given, "/nonexistent", given->paths[0]),
			 -ENOENT);
	assert_int_equal(run_files(given, "Makefile", given->paths[0]),
			 -EPROTO);
	end(given);
}

/* tests/fixtures/cf-loss2.truth.json */
static void the_fixture_s_losses_are_exact(void **state)
{
	struct given *given = begin();
	const char *const of[] = {"tests/fixtures/cf-loss2.agent.pcap",
				  "tests/fixtures/cf-loss2.edge.pcap"};

	(void)state;
	assert_int_equal(run_files(given, of[0], of[1]), 0);
	assert_false(given->diff.up.guessed);
	assert_int_equal(given->diff.up.sent, 573);
	assert_int_equal(given->diff.up.lost, 14);
	assert_int_equal(given->diff.down.sent, 135);
	assert_int_equal(given->diff.down.lost, 3);
	assert_int_equal(given->diff.up.duplicated, 0);
	assert_int_equal(given->diff.down.duplicated, 0);
	assert_int_equal(given->diff.up.edge + given->diff.up.unsent, 0);
	assert_in_range(given->diff.up.delay_least_ns, 10 * MS, 11 * MS);
	assert_in_range(given->diff.down.delay_least_ns, 10 * MS, 11 * MS);
	assert_in_range(ztt_hist_quantile(given->diff.up.delay_ns, 0.5),
			10 * MS, 11 * MS);
	assert_in_range(given->diff.offset_ns + MS, 0, 2 * MS);
	end(given);
}

static void the_report_says_what_was_found(void **state)
{
	struct given *given = begin();
	const char *const of[] = {"tests/fixtures/cf-loss2.agent.pcap",
				  "tests/fixtures/cf-loss2.edge.pcap"};
	struct ztt_json json;
	json_t *root, *value, *directions, *delay;
	char *text;
	size_t len;
	FILE *out;

	(void)state;
	assert_int_equal(run_files(given, of[0], of[1]), 0);
	ztt_json_init(&json, true);
	ztt_diff_json(&given->diff, of, &json);
	root = json_loads(ztt_json_text(&json, NULL), 0, NULL);
	assert_non_null(root);
	directions = json_object_get(root, "directions");
	assert_int_equal(json_array_size(directions), 2);
	value = json_array_get(directions, 0);
	assert_string_equal(json_string_value(json_object_get(value, "from")),
			    "client");
	assert_int_equal(json_integer_value(json_object_get(value, "lost")),
			 14);
	delay = json_object_get(value, "delay_us");
	assert_in_range(json_integer_value(json_object_get(delay, "p50")),
			10000, 11000);
	json_decref(root);
	ztt_json_release(&json);

	out = open_memstream(&text, &len);
	ztt_diff_text(&given->diff, of, false, out);
	fclose(out);
	assert_non_null(strstr(text, "14 of 573 (2.44 %) from the client"));
	assert_non_null(strstr(text, "3 of 135 (2.22 %) from the server"));
	free(text);
	assert_int_equal(ztt_diff_exit(&given->diff, -1), 0);
	assert_int_equal(ztt_diff_exit(&given->diff, 0.023), 1);
	assert_int_equal(ztt_diff_exit(&given->diff, 0.03), 0);
	end(given);
}

static void a_digest_tells_contents_apart(void **state)
{
	uint8_t data[64] = {0};
	struct ztt_diff_digest one, other;

	(void)state;
	ztt_diff_digest(5, data, 40, 40, &one);
	for (size_t i = 0; i < 40; i++) {
		data[i] ^= 1;
		ztt_diff_digest(5, data, 40, 40, &other);
		assert_int_not_equal(one.hash, other.hash);
		assert_int_not_equal(one.check, other.check);
		data[i] ^= 1;
	}
	ztt_diff_digest(5, data, 40, 41, &other);
	assert_false(ztt_diff_digest_equal(&one, &other));
	ztt_diff_digest(5, data, 39, 39, &other);
	assert_false(ztt_diff_digest_equal(&one, &other));
	ztt_diff_digest(6, data, 40, 40, &other);
	assert_int_not_equal(one.hash, other.hash);
	ztt_diff_digest(5, data, 40, 40, &other);
	assert_true(ztt_diff_digest_equal(&one, &other));
}

struct counts {
	unsigned matched, alone, again;
};

static void count_matched(void *owner, const struct ztt_diff_record *first,
			  const struct ztt_diff_record *other)
{
	((struct counts *)owner)->matched++;
	assert_int_equal(first->end, ZTT_DIFF_FIRST);
	assert_int_equal(other->end, ZTT_DIFF_OTHER);
	assert_true(ztt_diff_digest_equal(&first->digest, &other->digest));
}

static void count_alone(void *owner, const struct ztt_diff_record *record)
{
	(void)record;
	((struct counts *)owner)->alone++;
}

static void count_again(void *owner, const struct ztt_diff_record *record)
{
	(void)record;
	((struct counts *)owner)->again++;
}

/* A window of 10 s, of which `most` are waited for. */
static void waiting_is_bounded(void **state)
{
	(void)state;
	for (unsigned most = 0; most < 5000; most += 2500) {
		struct counts counts = {0};
		struct ztt_diff_flow flows[2] = {0};
		const struct ztt_diff_match_plan plan = {
			.window_ns = 10 * (uint64_t)S,
			.most = most,
			.matched = count_matched,
			.alone = count_alone,
			.again = count_again,
			.owner = &counts,
		};
		struct ztt_diff_matches *matches = ztt_diff_matches_new(&plan);
		struct ztt_diff_record record = {.up = true};

		for (uint64_t i = 0; i < 30000; i++) {
			record.at_ns = (int64_t)i * MS;
			record.digest.hash = i;
			record.end = ZTT_DIFF_FIRST;
			record.flow = &flows[0];
			ztt_diff_matches_add(matches, &record);
			if (i < 5000)
				continue;
			record.digest.hash = i - 5000;
			record.end = ZTT_DIFF_OTHER;
			record.flow = &flows[1];
			ztt_diff_matches_add(matches, &record);
		}
		ztt_diff_matches_end(matches);
		assert_int_equal(counts.matched, most ? 0 : 25000);
		assert_int_equal(counts.alone, most ? 55000 : 5000);
		assert_int_equal(counts.again, 0);
		assert_int_equal(ztt_diff_matches_forgotten(matches) > 0,
				 most > 0);
		ztt_diff_matches_free(matches);
	}
}

static void what_is_too_late_is_alone(void **state)
{
	struct counts counts = {0};
	struct ztt_diff_flow flows[2] = {0};
	const struct ztt_diff_match_plan plan = {.window_ns = (uint64_t)S,
						 .matched = count_matched,
						 .alone = count_alone,
						 .again = count_again,
						 .owner = &counts};
	struct ztt_diff_matches *matches = ztt_diff_matches_new(&plan);
	struct ztt_diff_record record = {.flow = &flows[0]};

	(void)state;
	ztt_diff_matches_add(matches, &record);
	record.end = ZTT_DIFF_OTHER;
	record.flow = &flows[1];
	record.at_ns = S + 1;
	ztt_diff_matches_add(matches, &record);
	assert_int_equal(counts.alone, 1);
	ztt_diff_matches_end(matches);
	assert_int_equal(counts.alone, 2);
	assert_int_equal(counts.matched, 0);
	ztt_diff_matches_free(matches);
}

static void one_wrong_delta_moves_no_clock(void **state)
{
	int64_t up[100], down[100];
	struct ztt_diff_deltas deltas = {up, down, 100, 100};
	struct ztt_diff_clock clock;

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		up[i] = (20 + i % 3) * MS;
		down[i] = -(8 + i % 5) * MS;
	}
	up[50] = -3600 * S;
	down[50] = 3600 * S;
	ztt_diff_clock_estimate(&deltas, false, 10 * (uint64_t)S, &clock);
	assert_true(clock.a_is_near);
	assert_int_equal(clock.offset_ns, 6 * MS);
	assert_int_equal(clock.uncertainty_ns, 14 * MS);
	assert_int_equal(clock.up.most_ns, 16 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_arrive_is_lost),
		cmocka_unit_test(clocks_may_be_an_hour_apart),
		cmocka_unit_test(with_one_clock_delays_are_as_they_are),
		cmocka_unit_test(the_captures_may_be_named_either_way),
		cmocka_unit_test(one_direction_gives_losses_and_no_offset),
		cmocka_unit_test(late_and_double_ones_are_counted),
		cmocka_unit_test(the_same_content_again_is_matched_in_order),
		cmocka_unit_test(only_the_overlap_counts),
		cmocka_unit_test(other_traffic_is_left_out),
		cmocka_unit_test(a_second_hop_in_one_capture_counts_once),
		cmocka_unit_test(super_datagrams_are_split),
		cmocka_unit_test(
			captures_without_a_common_datagram_are_refused),
		cmocka_unit_test(what_cannot_be_read_twice_is_refused),
		cmocka_unit_test(the_fixture_s_losses_are_exact),
		cmocka_unit_test(the_report_says_what_was_found),
		cmocka_unit_test(a_digest_tells_contents_apart),
		cmocka_unit_test(waiting_is_bounded),
		cmocka_unit_test(what_is_too_late_is_alone),
		cmocka_unit_test(one_wrong_delta_moves_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
