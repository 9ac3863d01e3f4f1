#include "ztt-capture/report/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "capture_packet.h"
#include "common/err.h"

static struct ztt_filter filter_of(const char *connections, const char *from,
				   const char *types, const char *frames)
{
	struct ztt_filter filter;
	struct ztt_err err = {""};

	if (ztt_filter_parse(connections, from, types, frames, &filter, &err))
		fail_msg("%s", err.text);
	return filter;
}

static const char *refusal(const char *connections, const char *from,
			   const char *types, const char *frames)
{
	static struct ztt_err err;
	struct ztt_filter filter = {.types = 77};

	assert_int_equal(ztt_filter_parse(connections, from, types, frames,
					  &filter, &err),
			 -EINVAL);
	assert_int_equal(filter.types, 77);
	return err.text;
}

static void an_empty_filter_lets_all_through(void **state)
{
	struct ztt_filter filter = filter_of(NULL, NULL, NULL, NULL);
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	assert_false(ztt_filter_needs_frames(&filter));
	free(fake);
}

static void connections_are_numbers_and_ranges(void **state)
{
	struct ztt_filter filter = filter_of("1,4-6", NULL, NULL, NULL);
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	for (uint64_t i = 1; i < 9; i++) {
		fake->connection.number = i;
		assert_int_equal(ztt_filter_passes(&filter, &fake->packet),
				 i == 1 || (i >= 4 && i <= 6));
	}
	fake->packet.connection = NULL;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	free(fake);
}

static void what_is_no_connection_is_refused(void **state)
{
	static const char *const bad[] = {"",     "0",  "x",   "1,",
					  "5-4",  "1-", "-1",  "1 ",
					  "1--2", ",",  "1.5", "1,,2"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(strstr(refusal(bad[i], NULL, NULL, NULL),
				       "is no connection"));
}

static void too_many_ranges_are_refused(void **state)
{
	char list[3 * ZTT_FILTER_RANGES_MAX + 3] = "1";

	(void)state;
	for (size_t i = 1; i < ZTT_FILTER_RANGES_MAX; i++)
		strcat(list, ",1");
	filter_of(list, NULL, NULL, NULL);
	strcat(list, ",1");
	assert_non_null(
		strstr(refusal(list, NULL, NULL, NULL), "more than 32"));
}

static void a_direction_is_told_apart(void **state)
{
	struct ztt_filter client = filter_of(NULL, "client", NULL, NULL);
	struct ztt_filter server = filter_of(NULL, "Server", NULL, NULL);
	struct ztt_filter both = filter_of(NULL, "both", NULL, NULL);
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	assert_true(ztt_filter_passes(&client, &fake->packet));
	assert_false(ztt_filter_passes(&server, &fake->packet));
	fake->packet.up = false;
	assert_false(ztt_filter_passes(&client, &fake->packet));
	assert_true(ztt_filter_passes(&server, &fake->packet));
	assert_true(ztt_filter_passes(&both, &fake->packet));
	assert_non_null(strstr(refusal(NULL, "left", NULL, NULL),
			       "client, server or both"));
	free(fake);
}

static void types_are_those_of_all_protocols(void **state)
{
	struct ztt_filter filter =
		filter_of(NULL, NULL, "initial,1RTT,wg-data,tcp", NULL);
	struct fake *fake = fake_quic(ZTT_PACKET_HANDSHAKE, 1);

	(void)state;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake->header.type = ZTT_PACKET_INITIAL;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->header.type = ZTT_PACKET_1RTT;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->packet.protocol = ZTT_PROTOCOL_WIREGUARD;
	fake->packet.wg_type = 1;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake->packet.wg_type = 4;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->packet.wg_type = 200;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake->packet.protocol = ZTT_PROTOCOL_TLS;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	free(fake);
}

static void unopened_means_what_could_have_been_opened(void **state)
{
	struct ztt_filter filter = filter_of(NULL, NULL, "unopened", NULL);
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake->packet.opened = NULL;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->header.type = ZTT_PACKET_RETRY;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	free(fake);
}

static void a_mistyped_type_is_guessed(void **state)
{
	(void)state;
	assert_non_null(strstr(refusal(NULL, NULL, "intial", NULL),
			       "did you mean \"initial\""));
	assert_non_null(strstr(refusal(NULL, NULL, "zzzzzzzzzzzz", NULL),
			       "there is no packet type"));
}

static void frames_go_by_name(void **state)
{
	struct ztt_filter filter =
		filter_of(NULL, NULL, NULL, "stream,new-connection-id");
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	assert_true(ztt_filter_needs_frames(&filter));
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake_ack(fake, 0, 3);
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	fake_stream(fake, 0, 0, 10, true);
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->frames[1].type = 0x18;
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->frames[1].type = 0x19;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	free(fake);
}

static void a_frame_type_past_63_is_found(void **state)
{
	struct ztt_filter filter = filter_of(NULL, NULL, NULL, "ACK_FREQUENCY");
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 1);

	(void)state;
	fake_frame(fake, 0xaf, "ACK_FREQUENCY");
	assert_true(ztt_filter_passes(&filter, &fake->packet));
	fake->frames[0].type = 0xaf - 64;
	assert_false(ztt_filter_passes(&filter, &fake->packet));
	free(fake);
}

static void a_mistyped_frame_is_guessed(void **state)
{
	(void)state;
	assert_non_null(strstr(refusal(NULL, NULL, NULL, "STREM"),
			       "did you mean \"STREAM\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_filter_lets_all_through),
		cmocka_unit_test(connections_are_numbers_and_ranges),
		cmocka_unit_test(what_is_no_connection_is_refused),
		cmocka_unit_test(too_many_ranges_are_refused),
		cmocka_unit_test(a_direction_is_told_apart),
		cmocka_unit_test(types_are_those_of_all_protocols),
		cmocka_unit_test(unopened_means_what_could_have_been_opened),
		cmocka_unit_test(a_mistyped_type_is_guessed),
		cmocka_unit_test(frames_go_by_name),
		cmocka_unit_test(a_frame_type_past_63_is_found),
		cmocka_unit_test(a_mistyped_frame_is_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
