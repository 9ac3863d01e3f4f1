/* A host made of files in a temporary directory, and one check run on it. */
#ifndef DOCTOR_ROOT_H
#define DOCTOR_ROOT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/finding.h"

/* Plain storage; `doctor` may be changed between begin and a check. */
struct test_host {
	char dir[64];
	struct ztt_root *root;
	struct ztt_doctor doctor;
};

static inline void test_host_begin(struct test_host *host)
{
	memset(host, 0, sizeof(*host));
	snprintf(host->dir, sizeof(host->dir), "/tmp/ztt-doctor.XXXXXX");
	assert_non_null(mkdtemp(host->dir));
	assert_int_equal(ztt_root_open(host->dir, &host->root, NULL), 0);
	host->doctor.root = host->root;
	host->doctor.facts = ztt_facts_new();
	host->doctor.plan.window_ns = ZTT_NS_PER_S / 10;
	host->doctor.plan.timeout_ns = ZTT_NS_PER_S;
	host->doctor.deadline_ns = ztt_clock_ns() + 30 * ZTT_NS_PER_S;
}

static inline void test_host_end(struct test_host *host)
{
	char command[128];

	ztt_facts_free(host->doctor.facts);
	ztt_root_free(host->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", host->dir);
	assert_int_equal(system(command), 0);
}

/* Writes a file, and the directories above it. */
static inline void test_host_file(struct test_host *host, const char *path,
				  const char *text, mode_t mode)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", host->dir, path);
	for (char *at = full + strlen(host->dir) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = 0;
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
	assert_int_equal(chmod(full, mode), 0);
}

/* What `run` finds; facts gathered before are kept. */
static inline struct ztt_finding
test_host_check(struct test_host *host,
		void (*run)(struct ztt_doctor *, struct ztt_finding *))
{
	struct ztt_finding finding;

	memset(&finding, 0, sizeof(finding));
	run(&host->doctor, &finding);
	assert_true(finding.concluded);
	return finding;
}

#endif
