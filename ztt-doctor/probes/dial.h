/* Connections with a due time, for probes that block: TCP, and TLS without a
 * verdict on the certificate. */
#ifndef ZTT_DOCTOR_DIAL_H
#define ZTT_DOCTOR_DIAL_H

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

struct ztt_err;

/* Waits until `fd` has one of `events` (poll(2)). -ETIMEDOUT; -errno. */
int ztt_dial_wait(int fd, short events, uint64_t due_ns);

/* A connected, non-blocking TCP socket. -ETIMEDOUT, -ECONNREFUSED and others
 * of connect(2), with the address. */
int ztt_dial_tcp(const struct ztt_address *to, uint64_t due_ns, int *ret_fd,
		 struct ztt_err *err);

/* A TLS 1.2 or 1.3 session with `name` as SNI (NULL: none). What certificate
 * the server has is the caller's to judge: nothing was verified. -EPROTO: the
 * handshake failed, with the alert. */
struct ztt_dial {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};
int ztt_dial_tls(const struct ztt_address *to, const char *name,
		 uint64_t due_ns, struct ztt_dial *ret_dial,
		 struct ztt_err *err);
void ztt_dial_close(struct ztt_dial *dial);

/* All bytes, or an error: -ETIMEDOUT, -EPIPE (the other side closed). */
int ztt_dial_send(struct ztt_dial *dial, const void *data, size_t len_bytes,
		  uint64_t due_ns);
int ztt_dial_receive(struct ztt_dial *dial, void *data, size_t len_bytes,
		     uint64_t due_ns);

#endif
