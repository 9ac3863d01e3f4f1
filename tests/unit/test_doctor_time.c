#include "doctor_root.h"

#include "doctor_peer.h"
#include "doctor_tls_peer.h"

#include "ztt-doctor/check.h"

#include <endian.h>
#include <time.h>

#define ERA_S 2208988800u
#define DAY_S 86400L

/* Answers as a server whose clock is `*arg` seconds ahead. */
static size_t serve(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	struct timespec now;
	uint8_t nonce[8];
	uint64_t stamp;

	(void)turn;
	if (len < 48)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	stamp = (uint64_t)(uint32_t)(now.tv_sec + *(int *)arg + ERA_S) << 32 |
		((uint64_t)now.tv_nsec << 32) / 1000000000;
	stamp = htobe64(stamp);
	memcpy(nonce, data + 40, 8);
	memset(data, 0, 48);
	data[0] = 0x24;
	data[1] = 2;
	memcpy(data + 24, nonce, 8);
	memcpy(data + 32, &stamp, 8);
	memcpy(data + 40, &stamp, 8);
	return 48;
}

static struct ztt_finding check_offset(int offset_s)
{
	static struct test_peer peer;
	struct ztt_finding found;
	struct test_host host;

	test_host_begin(&host);
	test_peer_begin(&peer, false, 0, serve, &offset_s);
	host.doctor.plan.ntp = peer.text;
	found = test_host_check(&host, ztt_check_time_ntp);
	test_peer_end(&peer);
	test_host_end(&host);
	return found;
}

static void a_clock_that_is_right_is_ok(void **state)
{
	struct ztt_finding found = check_offset(0);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "--ntp"));
}

static void a_clock_that_is_seconds_off_is_a_warning(void **state)
{
	struct ztt_finding found = check_offset(10);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(found.observed, "10.0 s behind"));
}

static void a_clock_that_is_minutes_off_fails(void **state)
{
	struct ztt_finding found = check_offset(-120);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "120 s ahead"));
}

static void a_server_that_does_not_answer_leaves_it_unknown(void **state)
{
	struct ztt_finding found;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.ntp = "127.0.0.1:1";
	found = test_host_check(&host, ztt_check_time_ntp);
	assert_int_equal(found.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(found.observed, "NTP server 127.0.0.1:1"));
	test_host_end(&host);
}

static struct ztt_finding check_edge(long from_s, long to_s)
{
	static struct test_tls_peer peer;
	struct ztt_finding found;
	struct test_host host;

	test_host_begin(&host);
	test_tls_begin(&peer, "probe.cftunnel.com", from_s, to_s, NULL);
	host.doctor.plan.edge = peer.text;
	found = test_host_check(&host, ztt_check_time_edge);
	test_tls_end(&peer);
	test_host_end(&host);
	return found;
}

static void a_certificate_for_weeks_is_ok(void **state)
{
	struct ztt_finding found = check_edge(-DAY_S, 20 * DAY_S + 60);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "20 days left"));
}

static void a_certificate_that_ends_soon_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(check_edge(-DAY_S, 3 * DAY_S).status, ZTT_STATUS_WARN);
}

static void an_expired_certificate_or_a_wrong_clock_fails(void **state)
{
	struct ztt_finding found = check_edge(-2 * DAY_S, -DAY_S);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "the clock or the certificate"));
	assert_non_null(strstr(found.observed, "was valid until"));
	found = check_edge(DAY_S, 2 * DAY_S);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "is not valid before"));
}

static void an_edge_out_of_reach_leaves_it_unknown(void **state)
{
	struct ztt_finding found;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.edge = "127.0.0.1:1";
	found = test_host_check(&host, ztt_check_time_edge);
	assert_int_equal(found.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(found.observed, "refused"));
	test_host_end(&host);
}

static void the_kernel_tells_whether_it_is_synchronised(void **state)
{
	struct ztt_finding found;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	found = test_host_check(&host, ztt_check_time_sync);
	assert_true(found.status != ZTT_STATUS_FAIL);
	assert_true(found.observed[0] != 0);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_is_right_is_ok),
		cmocka_unit_test(a_clock_that_is_seconds_off_is_a_warning),
		cmocka_unit_test(a_clock_that_is_minutes_off_fails),
		cmocka_unit_test(
			a_server_that_does_not_answer_leaves_it_unknown),
		cmocka_unit_test(a_certificate_for_weeks_is_ok),
		cmocka_unit_test(a_certificate_that_ends_soon_is_a_warning),
		cmocka_unit_test(an_expired_certificate_or_a_wrong_clock_fails),
		cmocka_unit_test(an_edge_out_of_reach_leaves_it_unknown),
		cmocka_unit_test(the_kernel_tells_whether_it_is_synchronised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
