/* The local services behind the tunnel: is anybody listening? */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/origin_service.h"
#include "ztt-doctor/probes/resolve.h"
#include "ztt-doctor/secret.h"

#define TARGETS_MAX 64

struct target {
	const char *service; /* as config.yml has it */
	unsigned line;
	int fd; /* -1: answered */
	int rc; /* 0: it is reachable; -EINPROGRESS: not known yet */
	struct ztt_resolve where;
	bool unresolved; /* `rc` is of its name */
};

static int connect_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
	/* A full backlog is somebody who listens. */
	if (rc < 0 && rc != -EAGAIN) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

/* A name is resolved with those of all others. */
static void begin_tcp(struct target *target,
		      const struct ztt_origin_service *service)
{
	bool v6 = strchr(service->host, ':') != NULL;

	if (!service->port) {
		target->rc = -EDESTADDRREQ;
		return;
	}
	snprintf(target->where.text, sizeof(target->where.text), "%s%s%s:%u",
		 v6 ? "[" : "",
		 strcmp(service->host, "localhost") == 0 ? "127.0.0.1"
							 : service->host,
		 v6 ? "]" : "", service->port);
	target->rc = -EINPROGRESS;
}

static void begin(struct target *target)
{
	struct ztt_origin_service service;
	char problem[128];
	int fd = -1;

	target->fd = -1;
	target->rc = -EINVAL;
	if (ztt_origin_service_parse(target->service, &service, problem) < 0)
		return;
	if (service.kind == ZTT_ORIGIN_SERVICE_TCP) {
		begin_tcp(target, &service);
		return;
	}
	target->rc = connect_unix(service.host, &fd);
	if (target->rc == 0)
		close(fd);
}

static void resolve_all(struct target *targets, size_t count, uint64_t due_ns)
{
	struct ztt_resolve *items = ztt_calloc(count, sizeof(*items));
	size_t open = 0;

	for (size_t i = 0; i < count; i++)
		if (targets[i].rc == -EINPROGRESS)
			items[open++] = targets[i].where;
	ztt_resolve(items, open, due_ns);
	for (size_t i = count; i-- > 0;)
		if (targets[i].rc == -EINPROGRESS)
			targets[i].where = items[--open];
	free(items);
}

static void connect_all(struct target *targets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct target *at = &targets[i];

		if (at->rc != -EINPROGRESS)
			continue;
		at->unresolved = at->where.rc < 0;
		if (at->unresolved)
			at->rc = at->where.rc;
		else
			at->rc = ztt_tcp_connect(&at->where.address, &at->fd,
						 NULL);
		if (at->rc == 0)
			at->rc = -EINPROGRESS;
		else
			at->fd = -1;
	}
}

static void learn(struct target *target)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(target->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	target->rc = -error;
	close(target->fd);
	target->fd = -1;
}

/* All side by side: as long as the slowest. */
static void wait_all(struct target *targets, size_t count, uint64_t due_ns)
{
	for (;;) {
		struct pollfd fds[TARGETS_MAX];
		uint64_t now_ns = ztt_clock_ns();
		size_t open = 0;

		for (size_t i = 0; i < count; i++) {
			fds[i].fd = targets[i].fd;
			fds[i].events = POLLOUT;
			fds[i].revents = 0;
			open += targets[i].fd >= 0;
		}
		if (!open || now_ns >= due_ns)
			break;
		poll(fds, (nfds_t)count,
		     (int)((due_ns - now_ns) / ZTT_NS_PER_MS) + 1);
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents && targets[i].fd >= 0)
				learn(&targets[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (targets[i].fd >= 0) {
			close(targets[i].fd);
			targets[i].rc = -ETIMEDOUT;
		}
}

static bool is_known(const struct target *targets, size_t count,
		     const char *service)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(targets[i].service, service) == 0)
			return true;
	return false;
}

/* Those that somebody listens for, each once. */
static size_t gather(const struct ztt_config *config, struct target *targets)
{
	size_t count = 0;

	for (size_t i = 0; i < config->rule_count && count < TARGETS_MAX; i++) {
		const struct ztt_config_rule *rule = &config->rules[i];
		struct ztt_origin_service service;
		char problem[128];

		if (!rule->service || rule->bastion_mode ||
		    ztt_origin_service_parse(rule->service, &service, problem) <
			    0 ||
		    service.kind == ZTT_ORIGIN_SERVICE_BUILT_IN ||
		    is_known(targets, count, rule->service))
			continue;
		targets[count++] = (struct target){.service = rule->service,
						   .line = rule->line,
						   .fd = -1};
	}
	return count;
}

static const char *problem_of(const struct target *target)
{
	if (target->unresolved && target->rc == -ENOENT)
		return "the name does not resolve";
	if (target->unresolved && target->rc == -ETIMEDOUT)
		return "the name did not resolve in time";
	return strerror(-target->rc);
}

static void tell(struct ztt_finding *finding, const struct target *targets,
		 size_t count)
{
	size_t failed = 0;
	char shown[97];

	for (size_t i = 0; i < count; i++) {
		if (targets[i].rc == 0)
			continue;
		failed++;
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s (line %u): %s",
				 ztt_secret_hide_login(targets[i].service,
						       shown, sizeof(shown)),
				 targets[i].line, problem_of(&targets[i]));
	}
	if (!failed)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu service%s accept%s connections", count,
				 count == 1 ? "" : "s", count == 1 ? "s" : "");
}

void ztt_check_engine_services(struct ztt_doctor *doctor,
			       struct ztt_finding *finding)
{
	const struct ztt_config *config = ztt_config(doctor);
	struct target *targets = ztt_calloc(TARGETS_MAX, sizeof(*targets));
	size_t count = gather(config, targets);

	if (config->rc < 0 && config->rc != -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "config.yml could not be read: see "
				 "engine.config");
		goto out;
	}
	if (!count) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "config.yml names no service to connect to");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		begin(&targets[i]);
	resolve_all(targets, count, ztt_doctor_due_ns(doctor));
	connect_all(targets, count);
	wait_all(targets, count, ztt_doctor_due_ns(doctor));
	tell(finding, targets, count);
out:
	free(targets);
}
