#define _GNU_SOURCE
#include "ztt-bench/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"

static int write_map(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* The user stays the same inside: files keep their owner. */
static int enter_as_user(void)
{
	const unsigned uid = geteuid(), gid = getegid();
	char map[64];
	int rc;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	write_map("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	write_map("/proc/self/gid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	rc = write_map("/proc/self/uid_map", map);
	return rc;
}

static int raise_loopback(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		rc = -errno;
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (rc == 0 && ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int enter(void)
{
	int rc = unshare(CLONE_NEWNET) == 0 ? 0 : enter_as_user();

	return rc < 0 ? rc : raise_loopback();
}

/* Some hosts let a user make the namespaces and then nothing in them: that is
 * found out in a process that ends. */
static int rehearse(void)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-enter());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int ztt_isolate(struct ztt_err *err)
{
	int rc = rehearse();

	if (rc == 0)
		rc = enter();
	if (rc < 0)
		return ztt_err_set(err, rc,
				   "a network namespace is not permitted here: "
				   "%s",
				   strerror(-rc));
	return 0;
}
