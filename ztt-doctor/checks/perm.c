#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"

/* 0, or why this user may not write there. */
static int may_write(const struct ztt_root *root, const char *path)
{
	char real[PATH_MAX];
	struct statvfs fs;
	int rc = ztt_root_real_path(root, path, real);

	if (rc < 0)
		return rc;
	if (statvfs(real, &fs) < 0)
		return -errno;
	if (fs.f_flag & ST_RDONLY)
		return -EROFS;
	return faccessat(AT_FDCWD, real, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static void note_no_sysctl(int rc, const char *path, const char *container,
			   struct ztt_finding *finding)
{
	const bool denied = rc == -EACCES || rc == -EPERM;

	if (denied && geteuid() != 0) {
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s: user %u may not write it", path,
				 (unsigned)geteuid());
		return;
	}
	if (rc == -EROFS || denied || (rc == -ENOENT && container)) {
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s: %s%s%s: only the host can change it",
				 path, strerror(-rc),
				 container ? ", in a container: " : "",
				 container ? container : "");
		ztt_finding_advise(finding,
				   "run ztt-doctor --fix on the host itself, "
				   "not in a container");
		return;
	}
	ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s", path,
			 strerror(-rc));
}

void ztt_check_perm_sysctl(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/net/core/rmem_max";
	const char *container = ztt_facts_container(doctor);
	int rc = may_write(doctor->root, path);

	if (rc < 0)
		note_no_sysctl(rc, path, container, finding);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "user %u may write %s%s%s",
				 (unsigned)geteuid(), path,
				 container ? ", in a container: " : "",
				 container ? container : "");
}

void ztt_check_perm_bin(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	static const char path[] = "/usr/local/bin";
	int rc = may_write(doctor->root, path);

	if (rc == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK, "user %u may write %s",
				 (unsigned)geteuid(), path);
	else if (rc == -EROFS)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s is on a read-only file system", path);
	else if (rc == -ENOENT || rc == -ENOTDIR)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "there is no %s",
				 path);
	else if (rc == -EACCES || rc == -EPERM)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "user %u may not write %s",
				 (unsigned)geteuid(), path);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s", path,
				 strerror(-rc));
}
