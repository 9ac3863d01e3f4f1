#define _GNU_SOURCE
#include "cpu.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "proc_lines.h"

/* UDP sockets are opened early and are few: past this many sockets of one
 * process the rest is not looked up. */
#define SOCKETS_MAX 16384

static int open_dir(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A process hidden by hidepid= is ENOENT in /proc, yet can be signalled or
 * refuses with EPERM. */
static bool is_there(pid_t pid)
{
	return kill(pid, 0) == 0 || errno == EPERM;
}

static int explain(int code, pid_t pid, struct ztt_err *err)
{
	if (code == -ENOENT && is_there(pid))
		return ztt_err_set(err, -EACCES,
				   "process %d is not shown in /proc; is it "
				   "mounted with hidepid?",
				   (int)pid);
	if (code == -ENOENT || code == -ESRCH)
		return ztt_err_set(err, -ESRCH, "process %d has ended",
				   (int)pid);
	if (code == -EACCES || code == -EPERM)
		return ztt_err_set(err, -EACCES,
				   "this user may not read process %d in "
				   "/proc; run as its owner or as root",
				   (int)pid);
	return ztt_err_set(err, code, "cannot read process %d in /proc: %s",
			   (int)pid, strerror(-code));
}

static int read_total(pid_t pid, struct ztt_cpu *cpu)
{
	clockid_t id;
	struct timespec used;
	int code = clock_getcpuclockid(pid, &id);

	if (code != 0)
		return -code;
	/* EINVAL: it was reaped since. */
	if (clock_gettime(id, &used) < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	cpu->cpu_ns =
		(uint64_t)used.tv_sec * ZTT_NS_PER_S + (uint64_t)used.tv_nsec;
	return 0;
}

static void split(struct ztt_cpu *cpu, uint64_t user, uint64_t system)
{
	double share = 1.0;

	if (user + system > 0)
		share = (double)user / ((double)user + (double)system);
	cpu->user_ns = (uint64_t)((double)cpu->cpu_ns * share);
	if (cpu->user_ns > cpu->cpu_ns)
		cpu->user_ns = cpu->cpu_ns;
	cpu->system_ns = cpu->cpu_ns - cpu->user_ns;
}

/* proc(5): fields 3 (state), 14, 15 (utime, stime) and 20 (num_threads), seen
 * from behind the last parenthesis, for comm may hold any byte. */
static int read_stat(struct ztt_proc_lines *lines, int dir, struct ztt_cpu *cpu,
		     bool *ret_leader_left)
{
	const char *rest = NULL;
	const char *line;
	int code = ztt_proc_lines_open(lines, dir, "stat");

	if (code < 0)
		return code;
	/* comm may hold newlines as well. */
	while ((line = ztt_proc_lines_next(lines)) != NULL)
		rest = strrchr(line, ')') ? strrchr(line, ')') : rest;
	ztt_proc_lines_close(lines);
	if (rest == NULL)
		return -ESRCH;
	rest += 1;
	line = rest + strspn(rest, " ");
	/* A leader that has left while its threads go on is shown as zombie
	 * too. */
	*ret_leader_left = *line == 'Z' && ztt_proc_field(line, 17) > 1;
	if (*line == 'X' || (*line == 'Z' && !*ret_leader_left))
		return -ESRCH;
	split(cpu, ztt_proc_field(line, 11), ztt_proc_field(line, 12));
	return 0;
}

static int read_memory(struct ztt_proc_lines *lines, int dir,
		       struct ztt_cpu *cpu)
{
	const char *line;
	const char *value;
	int code = ztt_proc_lines_open(lines, dir, "status");

	if (code < 0)
		return code;
	while ((line = ztt_proc_lines_next(lines)) != NULL) {
		if ((value = ztt_proc_value(line, "VmHWM")) != NULL)
			cpu->rss_peak_bytes = ztt_proc_field(value, 0) * 1024;
		if ((value = ztt_proc_value(line, "VmRSS")) != NULL) {
			cpu->rss_bytes = ztt_proc_field(value, 0) * 1024;
			break;
		}
	}
	ztt_proc_lines_close(lines);
	return 0;
}

/* proc(5) escapes backslash and newline in Name. */
static void copy_name(char out[16], const char *name)
{
	size_t len = 0;

	for (; *name != '\0' && len < 15; name++) {
		bool escaped = *name == '\\' && name[1] != '\0';
		unsigned char byte;

		name += escaped;
		byte = (unsigned char)*name;
		if ((escaped && byte == 'n') || byte < ' ' || byte == 0x7f)
			byte = '?';
		out[len++] = (char)byte;
	}
	out[len] = '\0';
}

static int read_thread(struct ztt_proc_lines *lines, int tasks, const char *tid,
		       struct ztt_cpu *cpu)
{
	struct ztt_cpu_thread *thread = &cpu->threads[cpu->thread_count];
	char path[64];
	const char *line;
	const char *value;

	snprintf(path, sizeof(path), "%.20s/schedstat", tid);
	if (ztt_proc_lines_open(lines, tasks, path) < 0)
		return -ESRCH;
	line = ztt_proc_lines_next(lines);
	thread->tid = (pid_t)strtol(tid, NULL, 10);
	thread->name[0] = '\0';
	thread->cpu_ns = line ? ztt_proc_field(line, 0) : 0;
	thread->wait_ns = line ? ztt_proc_field(line, 1) : 0;
	ztt_proc_lines_close(lines);
	snprintf(path, sizeof(path), "%.20s/status", tid);
	if (line == NULL || ztt_proc_lines_open(lines, tasks, path) < 0)
		return -ESRCH;
	while ((line = ztt_proc_lines_next(lines)) != NULL) {
		if ((value = ztt_proc_value(line, "Name")) != NULL)
			copy_name(thread->name, value);
		value = ztt_proc_value(line, "voluntary_ctxt_switches");
		if (value != NULL)
			cpu->voluntary_switches += ztt_proc_field(value, 0);
		value = ztt_proc_value(line, "nonvoluntary_ctxt_switches");
		if (value != NULL)
			cpu->involuntary_switches += ztt_proc_field(value, 0);
	}
	ztt_proc_lines_close(lines);
	return 0;
}

static int read_threads(struct ztt_proc_lines *lines, int dir,
			struct ztt_cpu *cpu)
{
	const struct dirent *entry;
	int fd = open_dir(dir, "task");
	DIR *tasks;

	if (fd < 0)
		return fd;
	tasks = fdopendir(fd);
	if (tasks == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (cpu->thread_count < ZTT_CPU_THREADS_MAX &&
	       (entry = readdir(tasks)) != NULL)
		/* One that ended meanwhile is left out. */
		if (entry->d_name[0] != '.' &&
		    read_thread(lines, fd, entry->d_name, cpu) == 0)
			cpu->thread_count++;
	closedir(tasks);
	return 0;
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* The inodes of the process's sockets, sorted; their number or -errno. */
static int read_sockets(int dir, uint64_t inodes[SOCKETS_MAX])
{
	static const char prefix[] = "socket:[";
	const struct dirent *entry;
	int count = 0;
	int fd = open_dir(dir, "fd");
	DIR *fds;

	if (fd < 0)
		return fd;
	fds = fdopendir(fd);
	if (fds == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (count < SOCKETS_MAX && (entry = readdir(fds)) != NULL) {
		char target[64];
		ssize_t len = readlinkat(fd, entry->d_name, target,
					 sizeof(target) - 1);

		if (len <= 0)
			continue;
		target[len] = '\0';
		if (strncmp(target, prefix, sizeof(prefix) - 1) == 0)
			inodes[count++] =
				strtoull(target + sizeof(prefix) - 1, NULL, 10);
	}
	closedir(fds);
	qsort(inodes, (size_t)count, sizeof(*inodes), by_value);
	return count;
}

/* net/ipv4/udp.c, udp4_format_sock: inode is field 9 from 0, drops field 12. */
static void add_drops(struct ztt_proc_lines *lines, int dir, const char *path,
		      const uint64_t *inodes, size_t count, struct ztt_cpu *cpu)
{
	const char *line;

	if (ztt_proc_lines_open(lines, dir, path) < 0)
		return; /* a kernel without IPv6 */
	while ((line = ztt_proc_lines_next(lines)) != NULL) {
		uint64_t inode = ztt_proc_field(line, 9);

		if (inode != 0 && bsearch(&inode, inodes, count, sizeof(inode),
					  by_value) != NULL)
			cpu->udp_drops += ztt_proc_field(line, 12);
	}
	ztt_proc_lines_close(lines);
}

static int read_drops(struct ztt_proc_lines *lines, int dir,
		      struct ztt_cpu *cpu)
{
	uint64_t inodes[SOCKETS_MAX];
	int count = read_sockets(dir, inodes);

	if (count <= 0)
		return count;
	add_drops(lines, dir, "net/udp", inodes, (size_t)count, cpu);
	add_drops(lines, dir, "net/udp6", inodes, (size_t)count, cpu);
	return 0;
}

static int read_shared(struct ztt_proc_lines *lines, int dir,
		       struct ztt_cpu *cpu)
{
	int code = read_memory(lines, dir, cpu);

	return code == 0 ? read_drops(lines, dir, cpu) : code;
}

/* A leader that has left took its view of memory and descriptors along; they
 * are shown by the threads that go on. */
static int read_shared_of_thread(struct ztt_proc_lines *lines, int dir,
				 struct ztt_cpu *cpu)
{
	char path[32];
	int fd, code;

	if (cpu->thread_count == 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "task/%d",
		 (int)cpu->threads[cpu->thread_count - 1].tid);
	fd = open_dir(dir, path);
	if (fd < 0)
		return fd;
	code = read_shared(lines, fd, cpu);
	close(fd);
	return code;
}

static int read_process(int dir, pid_t pid, struct ztt_cpu *cpu)
{
	struct ztt_proc_lines lines;
	bool leader_left = false;
	int code = read_total(pid, cpu);

	if (code == 0)
		code = read_stat(&lines, dir, cpu, &leader_left);
	if (code == 0)
		code = read_threads(&lines, dir, cpu);
	if (code == 0 && !leader_left)
		code = read_shared(&lines, dir, cpu);
	/* On its way out it has no memory while it is not yet a zombie. */
	if (code == 0 && !cpu->rss_bytes && cpu->thread_count > 1)
		leader_left = true;
	if (code == 0 && leader_left)
		code = read_shared_of_thread(&lines, dir, cpu);
	return code;
}

int ztt_cpu_sample(pid_t pid, struct ztt_cpu *ret_cpu, struct ztt_err *err)
{
	struct ztt_cpu cpu;
	char path[32];
	int dir, code;

	if (pid <= 0)
		return ztt_err_set(err, -ESRCH, "%d is no process", (int)pid);
	memset(&cpu, 0, sizeof(cpu));
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open_dir(AT_FDCWD, path);
	if (dir < 0)
		return explain(dir, pid, err);
	cpu.at_ns = ztt_clock_ns();
	code = read_process(dir, pid, &cpu);
	close(dir);
	/* A directory of an ended process is empty. */
	if (code == -ENOENT)
		code = -ESRCH;
	if (code < 0)
		return explain(code, pid, err);
	*ret_cpu = cpu;
	return 0;
}
