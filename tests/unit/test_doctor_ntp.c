#include "ztt-doctor/probes/ntp.h"

#include <endian.h>
#include <time.h>

#include "doctor_root.h"

#include "doctor_peer.h"

#include "common/err.h"

#define ERA_S 2208988800u
#define NS INT64_C(1000000000)

static void put64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

static uint64_t stamp(int64_t ns)
{
	return (uint64_t)(uint32_t)(ns / NS + ERA_S) << 32 |
	       ((uint64_t)(ns % NS) << 32) / (uint64_t)NS;
}

/* An answer of stratum 2 to nonce 7. */
static void make(uint8_t data[48], int64_t got_ns, int64_t answered_ns)
{
	memset(data, 0, 48);
	data[0] = 0x24;
	data[1] = 2;
	put64(data + 24, 7);
	put64(data + 32, stamp(got_ns));
	put64(data + 40, stamp(answered_ns));
}

static void offset_and_delay_come_from_four_times(void **state)
{
	const int64_t base = 1700000000 * NS;
	struct ztt_ntp_sample sample;
	uint8_t data[48];

	(void)state;
	/* 5 s behind; 30 ms there, 10 ms in the server, 20 ms back. */
	make(data, base + 5 * NS + 30000000, base + 5 * NS + 40000000);
	assert_int_equal(ztt_ntp_read(data, 48, 7, base, base + 60000000,
				      &sample, NULL),
			 0);
	assert_true(llabs(sample.offset_ns - (5 * NS + 5000000)) < 10);
	assert_true(llabs((long long)sample.delay_ns - 50000000) < 10);
	assert_int_equal(sample.stratum, 2);
}

static void a_request_tells_nothing_but_its_nonce(void **state)
{
	uint8_t data[48], zero[39] = {0};

	(void)state;
	ztt_ntp_request(UINT64_C(0x0102030405060708), data);
	assert_int_equal(data[0], 0x23);
	assert_memory_equal(data + 1, zero, 39);
	assert_memory_equal(data + 40, "\1\2\3\4\5\6\7\10", 8);
}

static void what_answers_another_request_is_passed_over(void **state)
{
	struct ztt_ntp_sample sample;
	uint8_t data[48];

	(void)state;
	make(data, NS, NS);
	assert_int_equal(ztt_ntp_read(data, 48, 8, 0, NS, &sample, NULL),
			 -EAGAIN);
	for (size_t len = 0; len < 48; len++)
		assert_int_equal(ztt_ntp_read(data, len, 7, 0, NS, &sample,
					      NULL),
				 -EAGAIN);
	data[0] = 0x23; /* a client's */
	assert_int_equal(ztt_ntp_read(data, 48, 7, 0, NS, &sample, NULL),
			 -EAGAIN);
}

static void a_kiss_of_death_is_told(void **state)
{
	struct ztt_ntp_sample sample;
	struct ztt_err err;
	uint8_t data[48];

	(void)state;
	make(data, NS, NS);
	data[1] = 0;
	memcpy(data + 12, "RA\033E", 4);
	assert_int_equal(ztt_ntp_read(data, 48, 7, 0, NS, &sample, &err),
			 -EBUSY);
	assert_non_null(strstr(err.text, "kiss-o'-death RA?E"));
}

static void a_server_without_a_clock_is_refused(void **state)
{
	struct ztt_ntp_sample sample;
	struct ztt_err err;
	uint8_t data[48];

	(void)state;
	make(data, NS, NS);
	data[0] |= 0xc0;
	assert_int_equal(ztt_ntp_read(data, 48, 7, 0, NS, &sample, &err),
			 -EPROTO);
	make(data, NS, NS);
	data[1] = 16;
	assert_int_equal(ztt_ntp_read(data, 48, 7, 0, NS, &sample, &err),
			 -EPROTO);
	make(data, NS, NS);
	put64(data + 40, 0);
	assert_int_equal(ztt_ntp_read(data, 48, 7, 0, NS, &sample, &err),
			 -EPROTO);
}

static void times_after_2036_are_of_the_next_era(void **state)
{
	const int64_t base = INT64_C(2200000000) * NS;
	struct ztt_ntp_sample sample;
	uint8_t data[48];

	(void)state;
	make(data, base, base);
	assert_int_equal(ztt_ntp_read(data, 48, 7, base, base, &sample, NULL),
			 0);
	assert_true(llabs(sample.offset_ns) < 10);
}

static void the_ends_of_all_clocks_do_not_overflow(void **state)
{
	static const int64_t clocks[] = {INT64_MIN, -1, 0, INT64_MAX};
	struct ztt_ntp_sample sample;
	uint8_t data[48];

	(void)state;
	make(data, 0, 0);
	for (size_t i = 0; i < 4; i++) {
		put64(data + 32, UINT64_MAX);
		put64(data + 40, 1);
		assert_int_equal(ztt_ntp_read(data, 48, 7, clocks[i], clocks[i],
					      &sample, NULL),
				 0);
	}
}

struct server {
	int64_t offset_ns;
	bool forge;
};

static size_t serve(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	const struct server *server = arg;
	struct timespec now;
	int64_t now_ns;
	uint8_t nonce[8];

	(void)turn;
	if (len < 48)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (int64_t)now.tv_sec * NS + now.tv_nsec + server->offset_ns;
	memcpy(nonce, data + 40, 8);
	make(data, now_ns, now_ns);
	if (!server->forge)
		memcpy(data + 24, nonce, 8);
	return 48;
}

static int ask(struct server *server, struct ztt_ntp_sample *sample,
	       struct ztt_err *err)
{
	static struct test_peer peer;
	struct test_host host;
	int rc;

	test_host_begin(&host);
	host.doctor.plan.timeout_ns = ZTT_NS_PER_S / 2;
	test_peer_begin(&peer, false, 0, serve, server);
	rc = ztt_ntp_ask(&host.doctor, peer.text, sample, err);
	test_peer_end(&peer);
	test_host_end(&host);
	return rc;
}

static void a_server_that_is_ahead_is_measured(void **state)
{
	struct server server = {.offset_ns = 120 * NS};
	struct ztt_ntp_sample sample;

	(void)state;
	assert_int_equal(ask(&server, &sample, NULL), 0);
	assert_true(llabs(sample.offset_ns - 120 * NS) < NS);
}

static void forged_answers_are_no_answers(void **state)
{
	struct server server = {.forge = true};
	struct ztt_ntp_sample sample;
	struct ztt_err err = {0};

	(void)state;
	assert_int_equal(ask(&server, &sample, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "NTP server 127.0.0.1:"));
}

static void the_server_is_the_one_that_is_configured(void **state)
{
	static const struct {
		const char *path, *text, *server;
	} rows[] = {
		{"/etc/ntp.conf",
		 "# x\nserver 127.127.1.0\npool ntp.a iburst\n", "ntp.a"},
		{"/etc/ntpsec/ntp.conf", "server ntp.b prefer", "ntp.b"},
		{"/etc/chrony/chrony.conf",
		 "\tpool ntp.c iburst maxsources 4\n", "ntp.c"},
		{"/etc/chrony/sources.d/x.sources", "server ntp.d\n", "ntp.d"},
		{"/etc/systemd/timesyncd.conf",
		 "[Time]\n#NTP=no\nFallbackNTP=no\nNTP = ntp.e ntp.f\n",
		 "ntp.e"},
		{"/etc/systemd/timesyncd.conf.d/50-x.conf", "[Time]\nNTP=ntp.g",
		 "ntp.g"},
	};
	char server[256], from[128];
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	ztt_ntp_server(&host.doctor, server, from);
	assert_string_equal(server, "time.cloudflare.com");
	/* Each goes before those that are there already. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_host_file(&host, rows[i].path, rows[i].text, 0644);
		ztt_ntp_server(&host.doctor, server, from);
		assert_string_equal(server, rows[i].server);
		assert_string_equal(from, rows[i].path);
	}
	host.doctor.plan.ntp = "127.0.0.1:1";
	ztt_ntp_server(&host.doctor, server, from);
	assert_string_equal(server, "127.0.0.1:1");
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offset_and_delay_come_from_four_times),
		cmocka_unit_test(a_request_tells_nothing_but_its_nonce),
		cmocka_unit_test(what_answers_another_request_is_passed_over),
		cmocka_unit_test(a_kiss_of_death_is_told),
		cmocka_unit_test(a_server_without_a_clock_is_refused),
		cmocka_unit_test(times_after_2036_are_of_the_next_era),
		cmocka_unit_test(the_ends_of_all_clocks_do_not_overflow),
		cmocka_unit_test(a_server_that_is_ahead_is_measured),
		cmocka_unit_test(forged_answers_are_no_answers),
		cmocka_unit_test(the_server_is_the_one_that_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
