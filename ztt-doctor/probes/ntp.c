#define _GNU_SOURCE
#include "ztt-doctor/probes/ntp.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/text.h"
#include "common/units.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/dial.h"
#include "ztt-doctor/probes/dns.h"
#include "ztt-doctor/probes/resolve.h"

#define PORT 123
#define SAMPLES 3
#define CLIENT 0x23 /* leap 0, version 4, mode 3 */
#define MODE_SERVER 4
#define LEAP_UNSYNCHRONISED 3
#define ERA_S INT64_C(2208988800) /* from 1900 to 1970 */
#define NS_PER_S INT64_C(1000000000)

void ztt_ntp_request(uint64_t nonce, uint8_t ret_packet[ZTT_NTP_PACKET_BYTES])
{
	const uint64_t wire = htobe64(nonce);

	memset(ret_packet, 0, ZTT_NTP_PACKET_BYTES);
	ret_packet[0] = CLIENT;
	memcpy(ret_packet + 40, &wire, sizeof(wire));
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t wire;

	memcpy(&wire, at, sizeof(wire));
	return be64toh(wire);
}

/* The upper half of an era is 1968 to 2036, the lower one 2036 to 2104: RFC
 * 4330 section 3. */
static int64_t since_1970_ns(uint64_t stamp)
{
	int64_t seconds = (int64_t)(stamp >> 32) - ERA_S;
	const uint64_t fraction = stamp & UINT32_MAX;

	if (!(stamp >> 63))
		seconds += INT64_C(1) << 32;
	return seconds * NS_PER_S +
	       (int64_t)((fraction * (uint64_t)NS_PER_S) >> 32);
}

/* a/2 - b/2: this clock may be anywhere, and so may the server's. */
static int64_t half_of(int64_t a, int64_t b)
{
	return a / 2 - b / 2;
}

static int64_t sum_of(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static uint64_t delay_of(int64_t sent_ns, int64_t received_ns, int64_t got_ns,
			 int64_t answered_ns)
{
	const int64_t here_ns = received_ns - sent_ns;
	const int64_t there_ns = answered_ns - got_ns;

	if (there_ns < 0 || there_ns > here_ns)
		return here_ns > 0 ? (uint64_t)here_ns : 0;
	return (uint64_t)(here_ns - there_ns);
}

int ztt_ntp_read(const uint8_t *data, size_t len_bytes, uint64_t nonce,
		 int64_t sent_ns, int64_t received_ns,
		 struct ztt_ntp_sample *ret_sample, struct ztt_err *err)
{
	int64_t got_ns, answered_ns;
	char code[5] = "";

	if (len_bytes < ZTT_NTP_PACKET_BYTES || (data[0] & 7) != MODE_SERVER ||
	    get64(data + 24) != nonce)
		return -EAGAIN;
	if (data[1] == 0) {
		memcpy(code, data + 12, 4);
		return ztt_err_set(err, -EBUSY,
				   "it does not want to be asked "
				   "(kiss-o'-death %s)",
				   ztt_text_plain(code));
	}
	if (data[0] >> 6 == LEAP_UNSYNCHRONISED || data[1] > 15)
		return ztt_err_set(err, -EPROTO,
				   "its own clock is not synchronised");
	if (get64(data + 32) == 0 || get64(data + 40) == 0)
		return ztt_err_set(err, -EPROTO, "an answer without a time");
	got_ns = since_1970_ns(get64(data + 32));
	answered_ns = since_1970_ns(get64(data + 40));
	*ret_sample = (struct ztt_ntp_sample){
		.offset_ns = sum_of(half_of(got_ns, sent_ns),
				    half_of(answered_ns, received_ns)),
		.delay_ns = delay_of(sent_ns, received_ns, got_ns, answered_ns),
		.stratum = data[1],
	};
	return 0;
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int receive_sample(int fd, uint64_t nonce, int64_t sent_ns,
			  uint64_t sent_at_ns, uint64_t due_ns,
			  struct ztt_ntp_sample *sample, struct ztt_err *err)
{
	uint8_t data[512];
	ssize_t got;
	int rc;

	for (;;) {
		rc = ztt_dial_wait(fd, POLLIN, due_ns);
		if (rc < 0)
			return ztt_err_set(err, rc, "no answer");
		got = recv(fd, data, sizeof(data), 0);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return ztt_err_set(err, -errno, "%s", strerror(errno));
		rc = ztt_ntp_read(data, got < 0 ? 0 : (size_t)got, nonce,
				  sent_ns,
				  sent_ns + (int64_t)(ztt_clock_ns() -
						      sent_at_ns),
				  sample, err);
		if (rc != -EAGAIN)
			return rc;
		if (ztt_clock_ns() >= due_ns)
			return ztt_err_set(err, -ETIMEDOUT, "no answer");
	}
}

static int take_sample(int fd, uint64_t due_ns, struct ztt_ntp_sample *sample,
		       struct ztt_err *err)
{
	uint8_t packet[ZTT_NTP_PACKET_BYTES];
	uint64_t nonce, sent_at_ns;
	int64_t sent_ns;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		return ztt_err_set(err, -EIO, "no random number");
	ztt_ntp_request(nonce, packet);
	sent_at_ns = ztt_clock_ns();
	sent_ns = wall_ns();
	if (send(fd, packet, sizeof(packet), MSG_NOSIGNAL) < 0)
		return ztt_err_set(err, -errno, "%s", strerror(errno));
	return receive_sample(fd, nonce, sent_ns, sent_at_ns, due_ns, sample,
			      err);
}

/* What queues on the way adds to the delay, so the least is the truest. Once
 * there is a sample, a datagram that got lost is no failure. */
static int best_of(int fd, uint64_t due_ns, struct ztt_ntp_sample *best,
		   struct ztt_err *err)
{
	struct ztt_ntp_sample sample;
	bool any = false;
	int rc = 0;

	for (int i = 0; i < SAMPLES; i++) {
		const uint64_t now_ns = ztt_clock_ns();
		const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;

		rc = take_sample(fd, now_ns + left_ns / (unsigned)(SAMPLES - i),
				 &sample, err);
		if (rc < 0 && rc != -ETIMEDOUT)
			break;
		if (rc < 0)
			continue;
		if (!any || sample.delay_ns < best->delay_ns)
			*best = sample;
		any = true;
	}
	return any ? 0 : rc;
}

static int resolve(struct ztt_doctor *doctor, const char *server,
		   struct ztt_address *address, struct ztt_err *err)
{
	const char *colon = strrchr(server, ':');
	struct ztt_resolve by_system = {.rc = 0};
	char host[256];
	struct ztt_dns_answer answer;
	unsigned port = PORT;
	int rc;

	if (ztt_dns_server_parse(server, PORT, address, NULL) == 0)
		return 0;
	if (colon && sscanf(colon + 1, "%5u", &port) != 1)
		return ztt_err_set(err, -EINVAL, "not HOST[:PORT]");
	snprintf(host, sizeof(host), "%.*s",
		 colon ? (int)(colon - server) : (int)strlen(server), server);
	rc = ztt_dns_ask(doctor, host, ZTT_DNS_A, &answer, err);
	if (rc == -ENOENT)
		rc = ztt_dns_ask(doctor, host, ZTT_DNS_AAAA, &answer, err);
	if (rc == 0)
		return ztt_dns_server_parse(answer.records[0].text, port,
					    address, err);
	/* No name of the DNS; one of /etc/hosts? */
	snprintf(by_system.text, sizeof(by_system.text), "%s:%u", host, port);
	if (rc == -ENOENT) {
		ztt_resolve(&by_system, 1, ztt_doctor_due_ns(doctor));
		if (by_system.rc == 0) {
			*address = by_system.address;
			return 0;
		}
	}
	return rc;
}

int ztt_ntp_ask(struct ztt_doctor *doctor, const char *server,
		struct ztt_ntp_sample *ret_sample, struct ztt_err *err)
{
	struct ztt_ntp_sample best = {0};
	struct ztt_address address;
	int fd, rc = resolve(doctor, server, &address, err);

	if (rc < 0)
		return ztt_err_prefix(err, rc, "NTP server %s", server);
	fd = socket(address.storage.ss_family,
		    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ztt_err_set(err, -errno, "NTP server %s: %s", server,
				   strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address.storage,
		    address.len_bytes) < 0)
		rc = ztt_err_set(err, -errno, "%s", strerror(errno));
	else
		rc = best_of(fd, ztt_doctor_due_ns(doctor), &best, err);
	close(fd);
	if (rc < 0)
		return ztt_err_prefix(err, rc, "NTP server %s", server);
	*ret_sample = best;
	return 0;
}
