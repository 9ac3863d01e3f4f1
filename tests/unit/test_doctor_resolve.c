/* resolve: names side by side, and none is waited for past the due time. The
 * resolver is the one below, which keeps silent on "slow.test". */
#define _GNU_SOURCE
#include "doctor_root.h"

#include "doctor_peer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/probes/ntp.h"
#include "ztt-doctor/probes/resolve.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool closed;
static unsigned waiting;

static void wait_until_closed(void)
{
	pthread_mutex_lock(&lock);
	waiting++;
	while (!closed)
		pthread_cond_wait(&changed, &lock);
	waiting--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* Lets go of those that wait, and waits for them. */
static void close_all(void)
{
	pthread_mutex_lock(&lock);
	closed = true;
	pthread_cond_broadcast(&changed);
	while (waiting > 0)
		pthread_cond_wait(&changed, &lock);
	closed = false;
	pthread_mutex_unlock(&lock);
}

int getaddrinfo(const char *node, const char *service,
		const struct addrinfo *hints, struct addrinfo **ret_info)
{
	struct {
		struct addrinfo info;
		struct sockaddr_in address;
	} * made;
	bool literal = strcmp(node, "127.0.0.1") == 0;

	if (hints && hints->ai_flags & AI_NUMERICHOST && !literal)
		return EAI_NONAME;
	if (strcmp(node, "slow.test") == 0)
		wait_until_closed();
	if (!literal && strcmp(node, "fast.test") != 0)
		return EAI_NONAME;
	made = calloc(1, sizeof(*made));
	made->address.sin_family = AF_INET;
	made->address.sin_port = htons((uint16_t)atoi(service));
	made->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	made->info.ai_family = AF_INET;
	made->info.ai_addrlen = sizeof(made->address);
	made->info.ai_addr = (struct sockaddr *)&made->address;
	*ret_info = &made->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	free(info);
}

static void what_came_in_time_is_kept(void **state)
{
	struct ztt_resolve items[] = {{.text = "slow.test:1"},
				      {.text = "fast.test:2"},
				      {.text = "none.test:3"},
				      {.text = "127.0.0.1:4"},
				      {.text = "slow.test:5"}};
	char text[ZTT_ADDRESS_LEN];

	(void)state;
	ztt_resolve(items, 5, ztt_clock_ns() + ZTT_NS_PER_S / 2);
	assert_int_equal(items[0].rc, -ETIMEDOUT);
	assert_int_equal(items[1].rc, 0);
	assert_string_equal(ztt_address_text(&items[1].address, text),
			    "127.0.0.1:2");
	assert_int_equal(items[2].rc, -ENOENT);
	assert_int_equal(items[3].rc, 0);
	assert_int_equal(items[4].rc, -ETIMEDOUT);
	close_all();
}

static void nothing_is_resolved_at_once(void **state)
{
	(void)state;
	ztt_resolve(NULL, 0, 0);
}

static void a_service_whose_name_hangs_does_not_hide_the_others(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.timeout_ns = ZTT_NS_PER_S / 2;
	test_host_file(&host, "/etc/cloudflared/config.yml",
		       "ingress:\n"
		       "- {hostname: a, service: 'http://slow.test:80'}\n"
		       "- {hostname: b, service: 'http://none.test:80'}\n"
		       "- {hostname: c, service: 'http://fast.test:1'}\n"
		       "- service: http_status:404\n",
		       0600);
	finding = test_host_check(&host, ztt_check_engine_services);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed,
			       "slow.test:80 (line 2): the name did not "
			       "resolve in time"));
	assert_non_null(strstr(finding.observed,
			       "none.test:80 (line 3): the name does not "
			       "resolve"));
	assert_non_null(strstr(finding.observed,
			       "fast.test:1 (line 4): Connection refused"));
	close_all();
	test_host_end(&host);
}

/* NXDOMAIN to every question. */
static size_t deny(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	(void)arg, (void)turn;
	data[2] |= 0x80;
	data[3] = (uint8_t)((data[3] & 0xf0) | 3);
	return len;
}

static void a_time_server_is_not_waited_for_past_the_timeout(void **state)
{
	static struct test_peer peer;
	struct ztt_ntp_sample sample;
	struct test_host host;
	struct ztt_err err;

	(void)state;
	test_host_begin(&host);
	test_peer_begin(&peer, false, 0, deny, NULL);
	host.doctor.plan.resolver = peer.text;
	host.doctor.plan.timeout_ns = ZTT_NS_PER_S / 2;
	assert_int_equal(ztt_ntp_ask(&host.doctor, "slow.test", &sample, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "slow.test"));
	close_all();
	test_peer_end(&peer);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_in_time_is_kept),
		cmocka_unit_test(nothing_is_resolved_at_once),
		cmocka_unit_test(
			a_service_whose_name_hangs_does_not_hide_the_others),
		cmocka_unit_test(
			a_time_server_is_not_waited_for_past_the_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
