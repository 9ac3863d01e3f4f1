#define _GNU_SOURCE
#include "ztt-capture/live_counters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/cpu.h"
#include "common/err.h"
#include "common/proc_lines.h"

#define METRICS_NS ZTT_NS_PER_S
#define INODES_MAX 4096

/* What a counter was at the beginning and last, modulo its width. */
struct counter {
	struct ztt_counted *to;
	uint64_t last;
	bool begun;
};

struct ztt_counters {
	struct ztt_counters_plan plan;
	struct ztt_metrics_url metrics;
	char interface[IF_NAMESIZE];
	int process; /* /proc/PID; -1: none */
	uint64_t inodes[INODES_MAX];
	size_t inode_count;
	uint64_t socket_last[ZTT_COUNTED_SOCKETS_MAX];
	struct counter rcvbuf, missed, dropped, lost, bytes, too_big;
	struct ztt_host_counts counts;
	int64_t now_ns;
	bool again; /* not the first sample */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool running, stop;
};

static int64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * (int64_t)ZTT_NS_PER_S + now.tv_nsec;
}

static void grow(struct ztt_counted *to, uint64_t by, int64_t now_ns)
{
	to->known = true;
	if (by == 0)
		return;
	to->grew += by;
	to->last_ns = now_ns;
	if (!to->first_ns)
		to->first_ns = now_ns;
}

/* A counter that went back began anew: its engine or interface did. */
static void note(const struct ztt_counters *counters, struct counter *counter,
		 uint64_t value)
{
	uint64_t by = value >= counter->last ? value - counter->last : value;

	grow(counter->to, counter->begun ? by : 0, counters->now_ns);
	counter->begun = true;
	counter->last = value;
}

static void problem(struct ztt_counters *counters, const char *text)
{
	if (!counters->counts.problem[0])
		snprintf(counters->counts.problem,
			 sizeof(counters->counts.problem), "%.255s", text);
}

/* "0100007F:1EA4": words of 32 bits as this machine has them, port as read. */
static bool read_local(const char *text, struct ztt_endpoint *ret_local)
{
	struct ztt_endpoint local = {0};
	const char *colon = strchr(text, ':');
	const size_t digits = colon ? (size_t)(colon - text) : 0;
	char word[9] = "";

	if (digits != 8 && digits != 32)
		return false;
	local.family = digits == 8 ? 4 : 6;
	for (size_t i = 0; i < digits / 8; i++) {
		uint32_t value;

		memcpy(word, text + 8 * i, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(local.address + 4 * i, &value, 4);
	}
	local.port = (uint16_t)strtoul(colon + 1, NULL, 16);
	*ret_local = local;
	return true;
}

/* net/ipv4/udp.c, udp4_format_sock: "sl: local remote ... inode(9) ref pointer
 * drops(12)". */
bool ztt_counters_read_socket(const char *line,
			      struct ztt_counted_socket *ret_socket,
			      uint64_t *ret_drops)
{
	const char *local = strchr(line, ':');

	*ret_socket = (struct ztt_counted_socket){0};
	if (!local ||
	    !read_local(local + 1 + strspn(local + 1, " "), &ret_socket->local))
		return false;
	ret_socket->inode = ztt_proc_field(line, 9);
	*ret_drops = ztt_proc_field(line, 12);
	return ret_socket->inode != 0;
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Their number, or -EACCES where not one may be looked at. */
static int read_links(DIR *dir, uint64_t *inodes)
{
	static const char prefix[] = "socket:[";
	const struct dirent *entry;
	int count = 0, denied = 0;

	while (count < INODES_MAX && (entry = readdir(dir)) != NULL) {
		char target[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target,
					 sizeof(target) - 1);

		if (len <= 0) {
			denied += errno == EACCES;
			continue;
		}
		target[len] = '\0';
		if (strncmp(target, prefix, sizeof(prefix) - 1) == 0)
			inodes[count++] =
				strtoull(target + sizeof(prefix) - 1, NULL, 10);
	}
	return count || !denied ? count : -EACCES;
}

/* Once privileges are given up the kernel may not tell any more; then those of
 * the beginning stay. */
static int list_sockets(struct ztt_counters *counters)
{
	uint64_t inodes[INODES_MAX];
	int fd = openat(counters->process, "fd",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	int count;

	if (!dir) {
		int code = -errno;

		if (fd >= 0)
			close(fd);
		return code;
	}
	count = read_links(dir, inodes);
	closedir(dir);
	if (count < 0)
		return count;
	qsort(inodes, (size_t)count, sizeof(*inodes), by_value);
	memcpy(counters->inodes, inodes, (size_t)count * sizeof(*inodes));
	counters->inode_count = (size_t)count;
	return 0;
}

static struct ztt_counted_socket *
socket_of(struct ztt_counters *counters, const struct ztt_counted_socket *found,
	  size_t *ret_index)
{
	struct ztt_host_counts *counts = &counters->counts;
	size_t i = 0;

	while (i < counts->socket_count &&
	       counts->sockets[i].inode != found->inode)
		i++;
	if (i == ZTT_COUNTED_SOCKETS_MAX)
		return NULL;
	if (i == counts->socket_count) {
		counts->sockets[counts->socket_count++] = *found;
		counters->socket_last[i] = UINT64_MAX;
	}
	*ret_index = i;
	return &counts->sockets[i];
}

/* What a socket dropped before the capture began does not count; of one that
 * came later, all does. */
static void note_socket(struct ztt_counters *counters,
			const struct ztt_counted_socket *found, uint64_t drops)
{
	size_t i;
	struct ztt_counted_socket *socket = socket_of(counters, found, &i);
	uint64_t last;

	if (!socket)
		return;
	last = counters->socket_last[i];
	if (last == UINT64_MAX)
		last = counters->again ? 0 : drops;
	socket->local = found->local;
	grow(&socket->drops, drops > last ? drops - last : 0, counters->now_ns);
	counters->socket_last[i] = drops;
}

static int read_sockets(struct ztt_counters *counters, const char *path)
{
	struct ztt_counted_socket found;
	struct ztt_proc_lines lines;
	uint64_t drops;
	const char *line;
	int rc = ztt_proc_lines_open(&lines, counters->process, path);

	if (rc < 0)
		return rc;
	while ((line = ztt_proc_lines_next(&lines)) != NULL)
		if (ztt_counters_read_socket(line, &found, &drops) &&
		    bsearch(&found.inode, counters->inodes,
			    counters->inode_count, sizeof(found.inode),
			    by_value))
			note_socket(counters, &found, drops);
	ztt_proc_lines_close(&lines);
	return 0;
}

static int sample_process(struct ztt_counters *counters, struct ztt_err *err)
{
	int rc = list_sockets(counters);

	if (rc < 0 && !counters->again)
		return ztt_err_set(err, rc, "process %d: its sockets: %s%s",
				   (int)counters->plan.pid, strerror(-rc),
				   rc == -EACCES ? "; be its user, or root"
						 : "");
	rc = read_sockets(counters, "net/udp");
	read_sockets(counters, "net/udp6"); /* a kernel without IPv6 has none */
	if (rc < 0)
		return ztt_err_set(err, rc, "process %d: %s",
				   (int)counters->plan.pid,
				   rc == -ESRCH || rc == -EINVAL ||
						   rc == -ENOENT
					   ? "it has ended"
					   : strerror(-rc));
	return 0;
}

static void sample_host(struct ztt_counters *counters)
{
	struct ztt_cpu_host host;

	if (ztt_cpu_host_sample(&host, NULL) == 0)
		note(counters, &counters->rcvbuf, host.udp_rcvbuf_errors);
}

/* By netlink rather than sysfs, which may show another namespace's. */
static void sample_nic(struct ztt_counters *counters)
{
	bool any = strcmp(counters->interface, "any") == 0, found = false;
	uint64_t missed = 0, dropped = 0;
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		const struct rtnl_link_stats *stats = at->ifa_data;

		if (!stats || !at->ifa_addr ||
		    at->ifa_addr->sa_family != AF_PACKET ||
		    (any ? (at->ifa_flags & IFF_LOOPBACK) != 0
			 : strcmp(at->ifa_name, counters->interface) != 0))
			continue;
		found = true;
		missed += stats->rx_missed_errors;
		dropped += stats->rx_dropped;
	}
	freeifaddrs(all);
	if (found) {
		note(counters, &counters->missed, missed);
		note(counters, &counters->dropped, dropped);
	}
}

static int sample_engine(struct ztt_counters *counters, struct ztt_err *err)
{
	struct ztt_metrics metrics;
	int rc = ztt_metrics_get(&counters->metrics,
				 ztt_clock_ns() + METRICS_NS, &metrics, err);

	if (rc < 0)
		return rc;
	if (!metrics.quic) {
		problem(counters, "the metrics have no quic_client_ counters: "
				  "no cloudflared with a connection over QUIC");
		return 0;
	}
	note(counters, &counters->lost, metrics.lost);
	note(counters, &counters->bytes, metrics.dropped_bytes);
	note(counters, &counters->too_big, metrics.too_big);
	return 0;
}

/* The time of a sample is its beginning, so that none is after what it saw.  */
static int sample(struct ztt_counters *counters, struct ztt_err *err)
{
	int rc = 0;

	counters->now_ns = real_ns();
	sample_host(counters);
	sample_nic(counters);
	if (counters->process >= 0)
		rc = sample_process(counters, err);
	if (rc == 0 && counters->plan.metrics)
		rc = sample_engine(counters, err);
	counters->again = true;
	return rc;
}

static int open_process(struct ztt_counters *counters, struct ztt_err *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)counters->plan.pid);
	counters->process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (counters->process < 0)
		return ztt_err_set(err, errno == ENOENT ? -ESRCH : -errno,
				   "process %d: %s", (int)counters->plan.pid,
				   errno == ENOENT ? "there is none"
						   : strerror(errno));
	return 0;
}

static void bind_counters(struct ztt_counters *counters)
{
	struct ztt_host_counts *counts = &counters->counts;

	counters->rcvbuf.to = &counts->rcvbuf_errors;
	counters->missed.to = &counts->nic_missed;
	counters->dropped.to = &counts->nic_dropped;
	counters->lost.to = &counts->engine_lost;
	counters->bytes.to = &counts->engine_dropped_bytes;
	counters->too_big.to = &counts->engine_too_big;
}

int ztt_counters_open(const struct ztt_counters_plan *plan,
		      struct ztt_counters **ret_counters, struct ztt_err *err)
{
	struct ztt_counters *counters = ztt_calloc(1, sizeof(*counters));
	pthread_condattr_t monotonic;
	int rc = 0;

	counters->plan = *plan;
	if (plan->metrics)
		counters->metrics = *plan->metrics;
	snprintf(counters->interface, sizeof(counters->interface), "%.15s",
		 plan->interface);
	counters->process = -1;
	counters->counts.pid = plan->pid;
	counters->counts.begun_ns = real_ns();
	bind_counters(counters);
	pthread_mutex_init(&counters->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&counters->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (plan->pid)
		rc = open_process(counters, err);
	if (rc == 0)
		rc = sample(counters, err);
	if (rc < 0) {
		ztt_counters_free(counters);
		return rc;
	}
	*ret_counters = counters;
	return 0;
}

static void sample_or_note(struct ztt_counters *counters)
{
	struct ztt_err err = {""};

	if (sample(counters, &err) < 0)
		problem(counters, err.text);
}

/* The lock is held except while it waits. */
static void *each_second(void *arg)
{
	struct ztt_counters *counters = arg;
	uint64_t due_ns = ztt_clock_ns();

	pthread_mutex_lock(&counters->lock);
	while (!counters->stop) {
		struct timespec due;

		due_ns += ZTT_NS_PER_S;
		due.tv_sec = (time_t)(due_ns / ZTT_NS_PER_S);
		due.tv_nsec = (long)(due_ns % ZTT_NS_PER_S);
		while (!counters->stop &&
		       pthread_cond_timedwait(&counters->wake, &counters->lock,
					      &due) == 0)
			;
		if (!counters->stop)
			sample_or_note(counters);
	}
	pthread_mutex_unlock(&counters->lock);
	return NULL;
}

int ztt_counters_begin(struct ztt_counters *counters, struct ztt_err *err)
{
	int code =
		pthread_create(&counters->thread, NULL, each_second, counters);

	if (code)
		return ztt_err_set(err, -code, "no thread for the counters: %s",
				   strerror(code));
	counters->running = true;
	return 0;
}

static void stop(struct ztt_counters *counters)
{
	if (!counters->running)
		return;
	pthread_mutex_lock(&counters->lock);
	counters->stop = true;
	pthread_cond_signal(&counters->wake);
	pthread_mutex_unlock(&counters->lock);
	pthread_join(counters->thread, NULL);
	counters->running = false;
}

const struct ztt_host_counts *ztt_counters_end(struct ztt_counters *counters)
{
	stop(counters);
	sample_or_note(counters);
	counters->counts.ended_ns = real_ns();
	return &counters->counts;
}

void ztt_counters_free(struct ztt_counters *counters)
{
	if (!counters)
		return;
	stop(counters);
	if (counters->process >= 0)
		close(counters->process);
	pthread_cond_destroy(&counters->wake);
	pthread_mutex_destroy(&counters->lock);
	free(counters);
}
