#define _GNU_SOURCE
#include "ztt-doctor/probes/dial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"

int ztt_dial_wait(int fd, short events, uint64_t due_ns)
{
	struct pollfd one = {.fd = fd, .events = events};

	for (;;) {
		const uint64_t now_ns = ztt_clock_ns();
		const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
		const struct timespec left = {
			.tv_sec = (time_t)(left_ns / ZTT_NS_PER_S),
			.tv_nsec = (long)(left_ns % ZTT_NS_PER_S),
		};
		const int rc = ppoll(&one, 1, &left, NULL);

		if (rc > 0)
			return 0;
		if (rc == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connected(int fd, uint64_t due_ns)
{
	socklen_t len = sizeof(int);
	int error = 0;
	int rc = ztt_dial_wait(fd, POLLOUT, due_ns);

	if (rc < 0)
		return rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

int ztt_dial_tcp(const struct ztt_address *to, uint64_t due_ns, int *ret_fd,
		 struct ztt_err *err)
{
	char text[ZTT_ADDRESS_LEN];
	int fd, rc = ztt_tcp_connect(to, &fd, err);

	if (rc < 0)
		return rc;
	rc = connected(fd, due_ns);
	if (rc < 0) {
		close(fd);
		return ztt_err_set(err, rc, "TCP to %s: %s",
				   ztt_address_text(to, text),
				   rc == -ETIMEDOUT ? "no answer in time"
						    : strerror(-rc));
	}
	*ret_fd = fd;
	return 0;
}

/* 0: try again; else why not. */
static int turn(const struct ztt_dial *dial, int rc, uint64_t due_ns)
{
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
		return ztt_dial_wait(dial->fd,
				     gnutls_record_get_direction(dial->session)
					     ? POLLOUT
					     : POLLIN,
				     due_ns);
	if (gnutls_error_is_fatal(rc))
		return -EPROTO;
	return 0;
}

static int handshake(const struct ztt_dial *dial, uint64_t due_ns,
		     struct ztt_err *err)
{
	for (;;) {
		const int got = gnutls_handshake(dial->session);
		int rc;

		if (got == GNUTLS_E_SUCCESS)
			return 0;
		rc = turn(dial, got, due_ns);
		if (rc == -EPROTO && got == GNUTLS_E_FATAL_ALERT_RECEIVED)
			return ztt_err_set(err, rc,
					   "TLS: the server's alert: %s",
					   gnutls_alert_get_name(
						   gnutls_alert_get(
							   dial->session)));
		if (rc == -EPROTO)
			return ztt_err_set(err, rc, "TLS: %s",
					   gnutls_strerror(got));
		if (rc < 0)
			return ztt_err_set(
				err, rc, "TLS: %s",
				rc == -ETIMEDOUT
					? "the handshake did not end in time"
					: strerror(-rc));
	}
}

static int begin_session(struct ztt_dial *dial, const char *name)
{
	int rc = gnutls_certificate_allocate_credentials(&dial->credentials);

	if (rc == 0)
		rc = gnutls_init(&dial->session,
				 GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	if (rc == 0)
		rc = gnutls_set_default_priority(dial->session);
	if (rc == 0)
		rc = gnutls_credentials_set(dial->session,
					    GNUTLS_CRD_CERTIFICATE,
					    dial->credentials);
	if (rc == 0 && name)
		rc = gnutls_server_name_set(dial->session, GNUTLS_NAME_DNS,
					    name, strlen(name));
	return rc;
}

int ztt_dial_tls(const struct ztt_address *to, const char *name,
		 uint64_t due_ns, struct ztt_dial *ret_dial,
		 struct ztt_err *err)
{
	struct ztt_dial dial = {.fd = -1};
	char text[ZTT_ADDRESS_LEN];
	int got, rc = ztt_dial_tcp(to, due_ns, &dial.fd, err);

	if (rc < 0)
		return rc;
	got = begin_session(&dial, name);
	if (got < 0) {
		rc = ztt_err_set(err, -EIO, "TLS: %s", gnutls_strerror(got));
		goto out;
	}
	gnutls_transport_set_int(dial.session, dial.fd);
	rc = handshake(&dial, due_ns, err);
	if (rc < 0)
		ztt_err_prefix(err, rc, "%s", ztt_address_text(to, text));
out:
	if (rc < 0)
		ztt_dial_close(&dial);
	else
		*ret_dial = dial;
	return rc;
}

void ztt_dial_close(struct ztt_dial *dial)
{
	if (dial->session)
		gnutls_deinit(dial->session);
	if (dial->credentials)
		gnutls_certificate_free_credentials(dial->credentials);
	if (dial->fd >= 0)
		close(dial->fd);
	*dial = (struct ztt_dial){.fd = -1};
}

int ztt_dial_send(struct ztt_dial *dial, const void *data, size_t len_bytes,
		  uint64_t due_ns)
{
	const uint8_t *at = data;
	int rc;

	while (len_bytes > 0) {
		ssize_t sent = gnutls_record_send(dial->session, at, len_bytes);

		if (sent < 0) {
			rc = turn(dial, (int)sent, due_ns);
			if (rc < 0)
				return rc;
			continue;
		}
		at += sent;
		len_bytes -= (size_t)sent;
	}
	return 0;
}

int ztt_dial_receive(struct ztt_dial *dial, void *data, size_t len_bytes,
		     uint64_t due_ns)
{
	uint8_t *at = data;
	int rc;

	while (len_bytes > 0) {
		ssize_t got = gnutls_record_recv(dial->session, at, len_bytes);

		if (got == 0 || got == GNUTLS_E_PREMATURE_TERMINATION)
			return -EPIPE;
		if (got < 0) {
			rc = turn(dial, (int)got, due_ns);
			if (rc < 0)
				return rc;
			if (ztt_clock_ns() >= due_ns)
				return -ETIMEDOUT;
			continue;
		}
		at += got;
		len_bytes -= (size_t)got;
	}
	return 0;
}
