#define _GNU_SOURCE
#include "ztt-capture/source/live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "capture_file.h"

#define PORT 7844
#define UDP_SEGMENT 103

static bool ready;

/* Into a network of its own, where lo is up. */
static int enter_network(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ready = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return 0;
}

static void need_network(void)
{
	if (ready)
		return;
	print_message("skip: no network namespace of one's own\n");
	skip();
}

static struct ztt_live *open_live(struct ztt_live_plan plan)
{
	struct ztt_live *live = NULL;
	struct ztt_err err = {""};

	if (!plan.interface)
		plan.interface = "lo";
	if (!plan.filter)
		plan.filter = "udp port 7844";
	plan.buffer_bytes = 2 << 20;
	if (ztt_live_open(&plan, &live, &err) < 0)
		fail_msg("%s", err.text);
	return live;
}

static void send_to(int family, uint16_t port, unsigned count, size_t bytes,
		    int segment)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t data[20000] = {0x40};
	int fd = socket(family, SOCK_DGRAM, 0);

	if (segment)
		assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT,
					    &segment, sizeof(segment)),
				 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			sendto(fd, data, bytes, 0,
			       family == AF_INET ? (void *)&four : (void *)&six,
			       family == AF_INET ? sizeof(four) : sizeof(six)),
			bytes);
	close(fd);
}

/* All that came. */
static unsigned drain(struct ztt_live *live, struct ztt_frame *last)
{
	struct ztt_frame frame;
	struct ztt_err err = {""};
	unsigned count = 0;
	int rc;

	ztt_live_stop(live);
	while ((rc = ztt_live_next(live, ZTT_LIVE_LATE_MS, &frame, &err)) > 0) {
		assert_int_equal(frame.number, ++count);
		assert_int_equal(frame.link, ZTT_LINK_LINUX_SLL2);
		*last = frame;
	}
	assert_int_equal(rc, 0);
	return count;
}

static void test_each_datagram_over_lo_comes_once(void **state)
{
	struct ztt_live *live;
	struct ztt_frame last;
	uint64_t seen, dropped;

	(void)state;
	need_network();
	live = open_live((struct ztt_live_plan){0});
	send_to(AF_INET, PORT, 100, 1000, 0);
	send_to(AF_INET, PORT + 1, 10, 1000, 0);
	assert_int_equal(drain(live, &last), 100);
	assert_int_equal(last.length_bytes, 20 + 28 + 1000);
	assert_int_equal(last.captured_bytes, last.length_bytes);
	assert_int_equal(last.segment_bytes, 0);
	ztt_live_counts(live, &seen, &dropped);
	assert_true(seen >= 100);
	assert_int_equal(dropped, 0);
	/* What comes after the stop is not taken. */
	send_to(AF_INET, PORT, 10, 1000, 0);
	assert_int_equal(drain(live, &last), 0);
	ztt_live_close(live);
}

static void test_a_super_datagram_says_its_segment_size(void **state)
{
	struct ztt_live *live;
	struct ztt_frame last;

	(void)state;
	need_network();
	live = open_live((struct ztt_live_plan){.interface = "any"});
	if (!ztt_live_splits(live)) {
		ztt_live_close(live);
		print_message("skip: no PACKET_VNET_HDR here\n");
		skip();
	}
	send_to(AF_INET, PORT, 1, 10000, 1200);
	assert_int_equal(drain(live, &last), 1);
	assert_int_equal(last.length_bytes, 20 + 28 + 10000);
	assert_int_equal(last.segment_bytes, 1200);
	assert_true(last.has_vnet);
	ztt_live_close(live);
}

static void test_ipv6(void **state)
{
	struct ztt_live *live;
	struct ztt_frame last;

	(void)state;
	need_network();
	if (access("/proc/net/if_inet6", F_OK) != 0) {
		print_message("skip: no IPv6 here\n");
		skip();
	}
	live = open_live((struct ztt_live_plan){0});
	send_to(AF_INET6, PORT, 5, 1000, 0);
	assert_int_equal(drain(live, &last), 5);
	assert_int_equal(last.length_bytes, 20 + 48 + 1000);
	ztt_live_close(live);
}

static void test_the_snap_length_cuts_the_packet(void **state)
{
	struct ztt_live *live;
	struct ztt_frame last;

	(void)state;
	need_network();
	live = open_live((struct ztt_live_plan){.snap_bytes = 64});
	send_to(AF_INET, PORT, 3, 1000, 0);
	assert_int_equal(drain(live, &last), 3);
	assert_int_equal(last.length_bytes, 20 + 28 + 1000);
	assert_in_range(last.captured_bytes, 20 + 28, 20 + 64);
	ztt_live_close(live);
}

static void test_what_cannot_be_is_told(void **state)
{
	struct ztt_live_plan plan = {.interface = "nowhere"};
	struct ztt_live *live = NULL;
	struct ztt_err err = {""};

	(void)state;
	need_network();
	assert_int_equal(ztt_live_open(&plan, &live, &err), -ENODEV);
	assert_non_null(strstr(err.text, "nowhere"));
	plan = (struct ztt_live_plan){.interface = "lo", .filter = "udp prot"};
	assert_int_equal(ztt_live_open(&plan, &live, &err), -EINVAL);
	assert_non_null(strstr(err.text, "udp prot"));
	assert_null(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_datagram_over_lo_comes_once),
		cmocka_unit_test(test_a_super_datagram_says_its_segment_size),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_the_snap_length_cuts_the_packet),
		cmocka_unit_test(test_what_cannot_be_is_told),
	};

	return cmocka_run_group_tests(tests, enter_network, NULL);
}
