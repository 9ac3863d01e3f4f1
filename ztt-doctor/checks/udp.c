#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/host/service.h"

/* quic-go asks 7 MiB; getsockopt gives back twice what was granted, and that is
 * what quic-go compares. */
#define QUIC_GO_ASKS 7340032
#define QUIC_GO_NEEDS (QUIC_GO_ASKS / 2)
#define MANUAL_SAYS 2500000
#define ADVISED "7500000"

static unsigned long long kib(uint64_t bytes)
{
	return (unsigned long long)bytes / 1024;
}

static void note_short(struct ztt_doctor *doctor, enum ztt_status status,
		       uint64_t value, const char *direction,
		       struct ztt_finding *finding)
{
	const char *container = ztt_facts_container(doctor);
	struct ztt_service service;

	ztt_service_find(doctor, &service);
	if (service.source == ZTT_SERVICE_PROCESSES && service.net_admin)
		status = ZTT_STATUS_WARN;
	ztt_finding_note(
		finding, status,
		"%llu bytes: a socket gets %llu KiB of the %d KiB that "
		"quic-go asks for, and cloudflared logs \"failed to "
		"sufficiently increase %s buffer size (... wanted: %d "
		"kiB, got: %llu kiB)\"%s",
		(unsigned long long)value, kib(value * 2), QUIC_GO_ASKS / 1024,
		direction, QUIC_GO_ASKS / 1024, kib(value * 2),
		value >= MANUAL_SAYS ? "; the manual's 2500000 is not enough"
				     : "");
	if (service.source == ZTT_SERVICE_PROCESSES && service.net_admin)
		ztt_finding_note(finding, status,
				 "%s goes past this limit; another user's "
				 "would not",
				 service.text);
	if (container)
		ztt_finding_advise(finding,
				   "on the host, outside the container (%s): "
				   "sysctl -w net.core.%s=" ADVISED,
				   container,
				   *direction == 'r' ? "rmem_max" : "wmem_max");
}

static void check_limit(struct ztt_doctor *doctor, const char *name,
			const char *direction, enum ztt_status far_too_small,
			struct ztt_finding *finding)
{
	char path[64], key[32], old[32];
	uint64_t value;
	int rc;

	snprintf(path, sizeof(path), "/proc/sys/net/core/%s", name);
	snprintf(key, sizeof(key), "net.core.%s", name);
	rc = ztt_root_uint(doctor->root, path, &value);
	if (rc == 0 && value > INT32_MAX)
		rc = -EINVAL;
	if (rc == -ENOENT && ztt_facts_container(doctor)) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s is not shown in this container: read it "
				 "on the host",
				 key);
		return;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	if (value >= QUIC_GO_NEEDS) {
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%llu bytes: quic-go gets its 7 MiB",
				 (unsigned long long)value);
		return;
	}
	note_short(doctor,
		   value < MANUAL_SAYS ? far_too_small : ZTT_STATUS_WARN, value,
		   direction, finding);
	snprintf(old, sizeof(old), "%llu", (unsigned long long)value);
	ztt_finding_sysctl(finding, key, old, ADVISED);
}

void ztt_check_udp_rmem_max(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	check_limit(doctor, "rmem_max", "receive", ZTT_STATUS_FAIL, finding);
}

/* A full send buffer makes the sender wait, where a full receive buffer loses
 * packets: never worse than a warning. */
void ztt_check_udp_wmem_max(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	check_limit(doctor, "wmem_max", "send", ZTT_STATUS_WARN, finding);
}

/* What getsockopt gives after asking for 7 MiB; a negative errno value. */
static int ask(int fd, int set, int get)
{
	const int wanted = QUIC_GO_ASKS;
	socklen_t len = sizeof(int);
	int granted;

	if (setsockopt(fd, SOL_SOCKET, set, &wanted, sizeof(wanted)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, get, &granted, &len) < 0)
		return -errno;
	return granted;
}

struct granted {
	const char *direction;
	int plain;
	int forced; /* negative errno: not permitted to this user */
};

/* quic-go forces only when asking was not enough. */
static void note_granted(const struct granted *granted,
			 const struct ztt_service *service,
			 enum ztt_status too_small, struct ztt_finding *finding)
{
	const bool force = service->net_admin && granted->plain < QUIC_GO_ASKS;

	if (granted->plain < 0)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s",
				 granted->direction, strerror(-granted->plain));
	else if (force && granted->forced < 0)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: %llu KiB by asking; by force could not "
				 "be tried as this user: needs CAP_NET_ADMIN",
				 granted->direction,
				 kib((uint64_t)granted->plain));
	else
		ztt_finding_note(finding,
				 (force ? granted->forced : granted->plain) >=
						 QUIC_GO_ASKS
					 ? ZTT_STATUS_OK
					 : too_small,
				 "%s: %llu KiB%s, %d needed",
				 granted->direction,
				 kib((uint64_t)(force ? granted->forced
						      : granted->plain)),
				 force ? " by force" : "", QUIC_GO_ASKS / 1024);
}

void ztt_check_udp_socket(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	struct granted receive = {.direction = "receive"};
	struct granted send = {.direction = "send"};
	struct ztt_service service;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "no socket: %s",
				 strerror(errno));
		return;
	}
	receive.plain = ask(fd, SO_RCVBUF, SO_RCVBUF);
	receive.forced = ask(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	send.plain = ask(fd, SO_SNDBUF, SO_SNDBUF);
	send.forced = ask(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	close(fd);
	ztt_service_find(doctor, &service);
	note_granted(&receive, &service, ZTT_STATUS_FAIL, finding);
	note_granted(&send, &service, ZTT_STATUS_WARN, finding);
	ztt_finding_note(finding, finding->status, "as %s", service.text);
}
