#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"

#define WRITES 20
#define WRITE_BYTES 4096
#define SLOW_NS (20 * ZTT_NS_PER_MS)
#define FREE_SHARE 0.05
#define FREE_BYTES 500e6

/* A file without a name, gone with its descriptor: also when we are killed. */
static int open_unnamed(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[PATH_MAX];

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR)
		return -errno;
	if (snprintf(path, sizeof(path), "%s/ztt-doctor.XXXXXX", dir) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static bool is_in_memory(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	return (unsigned long)fs.f_type == TMPFS_MAGIC ||
	       (unsigned long)fs.f_type == RAMFS_MAGIC;
}

/* The first directory that is on a disk, else the first that takes a file. */
static int open_file(const char **ret_dir, bool *ret_in_memory)
{
	const char *tmpdir = getenv("TMPDIR");
	const char *dirs[] = {"/var/lib", "/var/tmp", tmpdir ? tmpdir : "/tmp"};
	int best = -ENOENT;

	*ret_in_memory = false;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		int fd = open_unnamed(dirs[i]);

		if (fd < 0) {
			best = best < 0 ? fd : best;
			continue;
		}
		if (best >= 0 && is_in_memory(fd)) {
			close(fd);
			continue;
		}
		if (best >= 0)
			close(best);
		best = fd;
		*ret_dir = dirs[i];
		*ret_in_memory = is_in_memory(fd);
		if (!*ret_in_memory)
			break;
	}
	return best;
}

/* How many were timed until the time was over, or -errno. */
static int time_writes(int fd, uint64_t until_ns, uint64_t took_ns[WRITES])
{
	char block[WRITE_BYTES];
	int count = 0;

	memset(block, 'z', sizeof(block));
	while (count < WRITES && ztt_clock_ns() < until_ns) {
		uint64_t begin = ztt_clock_ns();

		if (pwrite(fd, block, sizeof(block),
			   (off_t)count * WRITE_BYTES) < 0 ||
		    fdatasync(fd) < 0)
			return -errno;
		took_ns[count++] = ztt_clock_ns() - begin;
	}
	return count;
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void note_times(struct ztt_finding *finding, const char *dir,
		       uint64_t *took_ns, int count)
{
	char median[ZTT_UNITS_LEN], worst[ZTT_UNITS_LEN];
	uint64_t middle;

	qsort(took_ns, (size_t)count, sizeof(*took_ns), compare_times);
	middle = took_ns[count / 2];
	ztt_finding_note(finding,
			 middle > SLOW_NS ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
			 "%s median, %s worst of %d writes with fdatasync in "
			 "%s",
			 ztt_units_ns(median, (double)middle),
			 ztt_units_ns(worst, (double)took_ns[count - 1]), count,
			 dir);
}

void ztt_check_disk_fsync(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	uint64_t took_ns[WRITES];
	const char *dir = "";
	bool in_memory;
	int count, fd = open_file(&dir, &in_memory);

	if (fd < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no temporary file can be made in /var/lib, "
				 "/var/tmp or TMPDIR: %s",
				 strerror(-fd));
		return;
	}
	if (in_memory) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%s is kept in memory, and no directory on a "
				 "disk may be written by this user",
				 dir);
		goto out;
	}
	count = time_writes(fd, ztt_doctor_due_ns(doctor), took_ns);
	if (count > 0)
		note_times(finding, dir, took_ns, count);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "cannot write in %s: %s", dir,
				 count < 0 ? strerror(-count) : "no time left");
out:
	close(fd);
}

static void note_space(struct ztt_finding *finding, const char *path)
{
	char left_text[ZTT_UNITS_LEN], all_text[ZTT_UNITS_LEN];
	struct statvfs fs;
	double left, all, share, inodes;

	if (statvfs(path, &fs) < 0) {
		ztt_finding_unread(finding, path, -errno, NULL);
		return;
	}
	left = (double)fs.f_bavail * (double)fs.f_frsize;
	all = (double)fs.f_blocks * (double)fs.f_frsize;
	share = all > 0 ? left / all : 1;
	inodes = fs.f_files > 0 ? (double)fs.f_favail / (double)fs.f_files : 1;
	ztt_finding_note(finding,
			 (fs.f_flag & ST_RDONLY) == 0 && (share < FREE_SHARE ||
							  left < FREE_BYTES ||
							  inodes < FREE_SHARE)
				 ? ZTT_STATUS_WARN
				 : ZTT_STATUS_OK,
			 "%s: %s of %s free (%.0f %%)%s%s", path,
			 ztt_units_bytes(left_text, left),
			 ztt_units_bytes(all_text, all), 100 * share,
			 inodes < FREE_SHARE ? ", inodes nearly used up" : "",
			 fs.f_flag & ST_RDONLY ? ", read-only" : "");
}

static unsigned long device_of(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) < 0 ? 0 : fs.f_fsid;
}

void ztt_check_disk_space(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	unsigned long log = device_of("/var/log");

	(void)doctor;
	note_space(finding, "/");
	if (log != 0 && log != device_of("/"))
		note_space(finding, "/var/log");
}
