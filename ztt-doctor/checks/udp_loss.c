#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/host/proc_net.h"
#include "ztt-doctor/host/window.h"

#define LOST_SHARE_FAIL 1e-3
#define DROPS_PER_S_FAIL 100
#define ENGINE_PORT 7844
#define SOCKETS_BYTES_MAX (4 * 1024 * 1024)
#define FILES_MAX 16384
#define SHOWN_MAX 4

/* A counter that went backwards was reset: the namespace is another. */
static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static double per_s(uint64_t count, uint64_t window_ns)
{
	return (double)count * 1e9 / (double)window_ns;
}

static enum ztt_status judge_lost(uint64_t lost, uint64_t received)
{
	if (lost == 0)
		return ZTT_STATUS_OK;
	return (double)lost > LOST_SHARE_FAIL * (double)(received + lost)
		       ? ZTT_STATUS_FAIL
		       : ZTT_STATUS_WARN;
}

static void note_window(const struct ztt_udp_counters *before,
			const struct ztt_udp_counters *after,
			uint64_t window_ns, struct ztt_finding *finding)
{
	const uint64_t lost = grown(before->receive_buffer_errors,
				    after->receive_buffer_errors);
	const uint64_t unsent =
		grown(before->send_buffer_errors, after->send_buffer_errors);
	const uint64_t in_errors = grown(before->in_errors, after->in_errors);
	const uint64_t received = grown(before->received, after->received);
	char window[ZTT_UNITS_LEN];

	ztt_finding_note(finding, judge_lost(lost, received),
			 "RcvbufErrors %llu in %s (%.0f/s, of %llu datagrams "
			 "received)",
			 (unsigned long long)lost,
			 ztt_units_ns(window, (double)window_ns),
			 per_s(lost, window_ns), (unsigned long long)received);
	if (unsent > 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "SndbufErrors %llu (%.0f/s)",
				 (unsigned long long)unsent,
				 per_s(unsent, window_ns));
	if (in_errors > lost)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "InErrors %llu beside them (checksums, "
				 "memory)",
				 (unsigned long long)(in_errors - lost));
}

static void note_since_boot(const struct ztt_udp_counters *counters,
			    struct ztt_finding *finding)
{
	const uint64_t lost = counters->receive_buffer_errors;
	const double all = (double)counters->received + (double)lost;

	if (lost == 0 && counters->send_buffer_errors == 0)
		return;
	ztt_finding_note(finding, ZTT_STATUS_OK,
			 "since boot RcvbufErrors %llu (%.3g %% of the "
			 "datagrams), SndbufErrors %llu",
			 (unsigned long long)lost,
			 all > 0 ? 100 * (double)lost / all : 0,
			 (unsigned long long)counters->send_buffer_errors);
}

void ztt_check_udp_rcvbuf_errors(struct ztt_doctor *doctor,
				 struct ztt_finding *finding)
{
	static const char path[] = "/proc/net/snmp";
	struct ztt_udp_counters before, after;
	uint64_t window_ns;
	int rc = ztt_udp_counters_read(doctor->root, &before);

	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	window_ns = ztt_window_wait(doctor);
	if (window_ns == 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no time was left to watch the counters");
		return;
	}
	rc = ztt_udp_counters_read(doctor->root, &after);
	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	note_window(&before, &after, window_ns, finding);
	note_since_boot(&after, finding);
}

static int add_file(const struct ztt_root *root, const char *path,
		    struct ztt_udp_sockets *sockets)
{
	size_t len;
	char *text;
	int rc = ztt_root_load(root, path, SOCKETS_BYTES_MAX, &text, &len);

	if (rc < 0)
		return rc;
	ztt_udp_sockets_add(sockets, text);
	free(text);
	return 0;
}

/* Marks the sockets that process `pid` holds. */
static int mark_files(const struct ztt_root *root, pid_t pid,
		      struct ztt_udp_sockets *sockets)
{
	char dir[64], path[512], target[NAME_MAX + 1], **names;
	size_t count;
	int rc;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", (int)pid);
	rc = ztt_root_list(root, dir, FILES_MAX, &names, &count);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct ztt_udp_socket *found;
		unsigned long long inode;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (ztt_root_link(root, path, target) < 0 ||
		    sscanf(target, "socket:[%20llu]", &inode) != 1)
			continue;
		found = ztt_udp_sockets_find(sockets, inode);
		if (found)
			found->wanted = true;
	}
	ztt_root_list_free(names, count);
	return 0;
}

/* An engine may run in a network namespace of its own: /proc/PID/net shows
 * that one. *ret_hidden: processes whose files could not be listed. */
static int read_sockets(struct ztt_doctor *doctor,
			struct ztt_udp_sockets *sockets, size_t *ret_hidden)
{
	const struct ztt_processes *processes = ztt_processes(doctor);
	int rc = add_file(doctor->root, "/proc/net/udp", sockets);
	char path[64];

	*ret_hidden = 0;
	if (rc < 0)
		return rc;
	add_file(doctor->root, "/proc/net/udp6", sockets);
	for (size_t i = 0; i < processes->count; i++) {
		const int pid = (int)processes->list[i].pid;

		snprintf(path, sizeof(path), "/proc/%d/net/udp", pid);
		add_file(doctor->root, path, sockets);
		snprintf(path, sizeof(path), "/proc/%d/net/udp6", pid);
		add_file(doctor->root, path, sockets);
	}
	for (size_t i = 0; i < sockets->count; i++)
		sockets->list[i].wanted =
			sockets->list[i].local_port == ENGINE_PORT ||
			sockets->list[i].remote_port == ENGINE_PORT;
	for (size_t i = 0; i < processes->count; i++) {
		rc = mark_files(doctor->root, processes->list[i].pid, sockets);
		if (rc == -EACCES || rc == -EPERM)
			(*ret_hidden)++;
	}
	return 0;
}

struct drops {
	size_t sockets; /* that were there all the time */
	size_t dropping;
	uint64_t in_window, since_opened;
	char text[512];
};

static void add_dropping(struct drops *drops,
			 const struct ztt_udp_socket *socket, uint64_t lost)
{
	const size_t len = strlen(drops->text);

	if (drops->dropping++ < SHOWN_MAX)
		snprintf(drops->text + len, sizeof(drops->text) - len,
			 "%sport %u to %u (inode %llu): %llu", len ? ", " : "",
			 socket->local_port, socket->remote_port,
			 (unsigned long long)socket->inode,
			 (unsigned long long)lost);
}

static void compare(const struct ztt_udp_sockets *before,
		    const struct ztt_udp_sockets *after, struct drops *drops)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct ztt_udp_socket *now = &after->list[i];
		const struct ztt_udp_socket *then;
		uint64_t lost;

		if (!now->wanted)
			continue;
		then = ztt_udp_sockets_find(before, now->inode);
		lost = grown(then ? then->drops : 0, now->drops);
		drops->sockets++;
		drops->in_window += lost;
		drops->since_opened += now->drops;
		if (lost > 0)
			add_dropping(drops, now, lost);
	}
}

static void note_drops(const struct drops *drops, size_t hidden,
		       uint64_t window_ns, struct ztt_finding *finding)
{
	char window[ZTT_UNITS_LEN];

	ztt_units_ns(window, (double)window_ns);
	if (drops->dropping > 0)
		ztt_finding_note(finding,
				 per_s(drops->in_window, window_ns) >
						 DROPS_PER_S_FAIL
					 ? ZTT_STATUS_FAIL
					 : ZTT_STATUS_WARN,
				 "%llu datagrams dropped in %s (%.0f/s) by %zu "
				 "of %zu sockets: %s",
				 (unsigned long long)drops->in_window, window,
				 per_s(drops->in_window, window_ns),
				 drops->dropping, drops->sockets, drops->text);
	else if (drops->sockets > 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "no drops in %s by %zu sockets, %llu since "
				 "they were opened",
				 window, drops->sockets,
				 (unsigned long long)drops->since_opened);
	if (hidden > 0)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "the sockets of %zu engine processes cannot "
				 "be told from others; needs root",
				 hidden);
	else if (drops->sockets == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no UDP socket of an engine, and none on port "
				 "%d",
				 ENGINE_PORT);
}

void ztt_check_udp_drops(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_udp_sockets before = {0}, after = {0};
	struct drops drops = {.text = ""};
	uint64_t window_ns = 0;
	size_t hidden = 0;
	int rc = read_sockets(doctor, &before, &hidden);

	if (rc == 0) {
		window_ns = ztt_window_wait(doctor);
		rc = read_sockets(doctor, &after, &hidden);
	}
	if (rc < 0) {
		ztt_finding_unread(finding, "/proc/net/udp", rc, NULL);
	} else if (window_ns == 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no time was left to watch the sockets");
	} else {
		compare(&before, &after, &drops);
		note_drops(&drops, hidden, window_ns, finding);
	}
	ztt_udp_sockets_release(&before);
	ztt_udp_sockets_release(&after);
}
