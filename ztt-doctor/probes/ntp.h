/* An SNTP client (RFC 4330, on-wire protocol of RFC 5905 section 8): how far
 * this clock is off. */
#ifndef ZTT_DOCTOR_NTP_H
#define ZTT_DOCTOR_NTP_H

#include <stddef.h>
#include <stdint.h>

struct ztt_doctor;
struct ztt_err;

#define ZTT_NTP_PACKET_BYTES 48

struct ztt_ntp_sample {
	int64_t offset_ns; /* how far the server is ahead of this clock */
	uint64_t delay_ns; /* the offset is right to half of it */
	unsigned stratum;  /* 1..15 */
};

/* A request with `nonce` in place of its transmit timestamp, so that an answer
 * cannot be guessed and nothing is told of this clock. */
void ztt_ntp_request(uint64_t nonce, uint8_t ret_packet[ZTT_NTP_PACKET_BYTES]);

/* Reads an answer to the request with `nonce`, sent at `sent_ns` and received
 * at `received_ns` (CLOCK_REALTIME). -EAGAIN: not an answer to it, pass it
 * over; -EBUSY: kiss-o'-death, with its code; -EPROTO: the server's clock is
 * not synchronised, or it is broken. */
int ztt_ntp_read(const uint8_t *data, size_t len_bytes, uint64_t nonce,
		 int64_t sent_ns, int64_t received_ns,
		 struct ztt_ntp_sample *ret_sample, struct ztt_err *err);

/* Asks "HOST" or "HOST:PORT" [123] a few times and gives the sample with the
 * least delay; blocks for at most plan.timeout_ns, once more for the name.
 * -ENOENT: the name does not resolve; -ETIMEDOUT; -ECONNREFUSED; as above. */
int ztt_ntp_ask(struct ztt_doctor *doctor, const char *server,
		struct ztt_ntp_sample *ret_sample, struct ztt_err *err);

/* Which server: plan.ntp, else the first one that the files of
 * systemd-timesyncd, chrony, ntpd or ntpsec name, else time.cloudflare.com.
 * `ret_from` says where that stands. */
void ztt_ntp_server(struct ztt_doctor *doctor, char ret_server[256],
		    char ret_from[128]);

#endif
