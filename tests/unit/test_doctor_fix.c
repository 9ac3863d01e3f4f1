#define _GNU_SOURCE
#include "ztt-doctor/fix/fix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "ztt-doctor/fix/change.h"
#include "ztt-doctor/fix/journal.h"
#include "ztt-doctor/fix/sysctl_file.h"

#define RMEM "/proc/sys/net/core/rmem_max"
#define UDP_MEM "/proc/sys/net/ipv4/udp_mem"
#define SECRET "/etc/cloudflared/tunnel.json"
#define KILLS_MAX 4000

/* A host of files; tmpfs where there is one, for fsync costs nothing there. */
struct host {
	char dir[64];
	struct ztt_root *root;
};

static char *full(const struct host *host, const char *path)
{
	static char out[4][512];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(out[at], sizeof(out[at]), "%s%s", host->dir, path);
	return out[at];
}

static void put(const struct host *host, const char *path, const char *text,
		mode_t mode)
{
	char *name = full(host, path);
	FILE *file;

	for (char *at = name + strlen(host->dir) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = 0;
		assert_true(mkdir(name, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
	file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, mode), 0);
}

static char *get(const struct host *host, const char *path)
{
	static char text[65536];
	FILE *file = fopen(full(host, path), "r");

	if (!file)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	return text;
}

static mode_t mode_of(const struct host *host, const char *path)
{
	struct stat st;

	assert_int_equal(lstat(full(host, path), &st), 0);
	return st.st_mode & 07777;
}

static void begin(struct host *host)
{
	const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(host->dir, sizeof(host->dir), "%s/ztt-fix.XXXXXX", where);
	assert_non_null(mkdtemp(host->dir));
	assert_int_equal(ztt_root_open(host->dir, &host->root, NULL), 0);
	put(host, RMEM, "212992\n", 0644);
	put(host, UDP_MEM, "4096\t131072\t6291456\n", 0644);
	put(host, SECRET, "{}\n", 0644);
	put(host, "/var/lib/other", "", 0644);
}

static void end(struct host *host)
{
	char command[128];

	ztt_root_free(host->root);
	snprintf(command, sizeof(command), "rm -rf '%s'", host->dir);
	assert_int_equal(system(command), 0);
}

/* Every name below with its mode, and bytes of files; with `times` also when
 * it was last changed. The caller frees it. */
static void list(FILE *out, const char *path, bool times)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char name[1024], text[4096];
		struct stat st;
		FILE *file;

		snprintf(name, sizeof(name), "%s/%s", path, names[i]->d_name);
		if (!strcmp(names[i]->d_name, ".") ||
		    !strcmp(names[i]->d_name, "..") || lstat(name, &st) < 0) {
			free(names[i]);
			continue;
		}
		fprintf(out, "%s %o %u %u\n", name, (unsigned)st.st_mode,
			(unsigned)st.st_uid, (unsigned)st.st_gid);
		if (times)
			fprintf(out, "  %lld.%ld\n", (long long)st.st_ctime,
				st.st_ctim.tv_nsec);
		if (S_ISDIR(st.st_mode)) {
			list(out, name, times);
		} else if (S_ISREG(st.st_mode)) {
			file = fopen(name, "r");
			assert_non_null(file);
			fwrite(text, 1, fread(text, 1, sizeof(text), file),
			       out);
			fclose(file);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static char *snapshot(const struct host *host, bool times)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	list(out, host->dir, times);
	fclose(out);
	return text;
}

static void assert_snapshot(const struct host *host, bool times, char *wanted)
{
	char *now = snapshot(host, times);

	assert_string_equal(now, wanted);
	free(now);
	free(wanted);
}

static void want_all(struct ztt_fix_plan *plan)
{
	struct ztt_finding finding = {0};

	*plan = (struct ztt_fix_plan){0};
	ztt_finding_sysctl(&finding, "net.core.rmem_max", "212992", "7500000");
	ztt_finding_mode(&finding, SECRET, 0644, 0600);
	ztt_fix_plan_add(plan, &finding);
}

static void want_value(struct ztt_fix_plan *plan, const char *value)
{
	struct ztt_finding finding = {0};

	*plan = (struct ztt_fix_plan){0};
	ztt_finding_sysctl(&finding, "net.core.rmem_max", "", value);
	ztt_fix_plan_add(plan, &finding);
}

/* rc of the plan, with the result's figures as "changed/unchanged". */
static int apply(const struct host *host, struct ztt_fix_plan *plan,
		 bool dry_run, char figures[32], char **ret_text)
{
	struct ztt_fix_result result;
	struct ztt_err err = {""};
	int rc = ztt_fix_apply(host->root, plan, NULL, dry_run, &result, &err);

	ztt_fix_plan_release(plan);
	if (rc < 0) {
		assert_true(err.text[0]);
		return rc;
	}
	if (figures)
		snprintf(figures, 32, "%zu/%zu", result.changed,
			 result.unchanged);
	if (ret_text)
		*ret_text = strdup(result.text);
	ztt_fix_result_release(&result);
	return 0;
}

static int apply_all(const struct host *host)
{
	struct ztt_fix_plan plan;

	want_all(&plan);
	return apply(host, &plan, false, NULL, NULL);
}

/* rc, with "changed/conflicts". */
static int undo(const struct host *host, char figures[32], char **ret_text)
{
	struct ztt_fix_result result;
	struct ztt_err err = {""};
	int rc = ztt_fix_undo(host->root, false, &result, &err);

	if (rc < 0) {
		assert_true(err.text[0]);
		return rc;
	}
	if (figures)
		snprintf(figures, 32, "%zu/%zu", result.changed,
			 result.conflicts);
	if (ret_text)
		*ret_text = strdup(result.text);
	ztt_fix_result_release(&result);
	return 0;
}

static void test_plan_keeps_the_larger_value_and_the_stricter_mode(void **state)
{
	struct ztt_finding a = {0}, b = {0};
	struct ztt_fix_plan plan = {0};

	(void)state;
	ztt_finding_sysctl(&a, "net.core.rmem_max", "1", "3670016");
	ztt_finding_sysctl(&a, "net.ipv4.udp_mem", "1", "1 2 3");
	ztt_finding_mode(&a, "/etc/x", 0644, 0600);
	ztt_finding_sysctl(&b, "net.core.rmem_max", "1", "7500000");
	ztt_finding_sysctl(&b, "net.ipv4.udp_mem", "1", "1 1 9");
	ztt_finding_mode(&b, "/etc/x", 0644, 0400);
	ztt_fix_plan_add(&plan, &a);
	ztt_fix_plan_add(&plan, &b);
	ztt_fix_plan_add(&plan, &a);
	assert_int_equal(plan.count, 3);
	assert_string_equal(plan.actions[0].value, "7500000");
	assert_string_equal(plan.actions[1].value, "1 2 3");
	assert_string_equal(plan.actions[2].value, "0400");
	ztt_fix_plan_release(&plan);
}

static void test_fix_sets_value_file_and_mode_and_tells_each(void **state)
{
	struct ztt_fix_plan plan;
	char figures[32], *text;
	struct host host;

	(void)state;
	begin(&host);
	want_all(&plan);
	assert_int_equal(apply(&host, &plan, false, figures, &text), 0);
	assert_string_equal(figures, "3/0");
	assert_string_equal(get(&host, RMEM), "7500000\n");
	assert_int_equal(mode_of(&host, SECRET), 0600);
	assert_int_equal(mode_of(&host, ZTT_FIX_SYSCTL_FILE), 0644);
	assert_int_equal(mode_of(&host, ZTT_FIX_JOURNAL), 0600);
	assert_int_equal(mode_of(&host, "/var/lib/ztt-doctor"), 0700);
	assert_non_null(strstr(get(&host, ZTT_FIX_SYSCTL_FILE),
			       "\nnet.core.rmem_max = 7500000\n"));
	assert_non_null(strstr(text, "--- /dev/null\n+++ " ZTT_FIX_SYSCTL_FILE
				     "\n@@ -0,0 +1,2 @@\n"));
	assert_non_null(strstr(text, "\n+net.core.rmem_max = 7500000\n"));
	assert_non_null(
		strstr(text, "\nnet.core.rmem_max: 212992 -> 7500000\n"));
	assert_non_null(strstr(text, "\nmode of " SECRET ": 0644 -> 0600\n"));
	free(text);
	end(&host);
}

static void test_second_fix_touches_nothing(void **state)
{
	struct ztt_fix_plan plan;
	struct host host;
	char figures[32], *before;

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	before = snapshot(&host, true);
	want_all(&plan);
	assert_int_equal(apply(&host, &plan, false, figures, NULL), 0);
	assert_string_equal(figures, "0/3");
	assert_snapshot(&host, true, before);
	end(&host);
}

static void test_fix_of_nothing_makes_no_journal(void **state)
{
	struct ztt_fix_plan plan = {0};
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	before = snapshot(&host, true);
	assert_int_equal(apply(&host, &plan, false, NULL, NULL), 0);
	assert_snapshot(&host, true, before);
	end(&host);
}

static void test_undo_restores_byte_for_byte(void **state)
{
	struct host host;
	char figures[32], *before, *text;

	(void)state;
	begin(&host);
	before = snapshot(&host, false);
	assert_int_equal(apply_all(&host), 0);
	assert_int_equal(undo(&host, figures, &text), 0);
	assert_string_equal(figures, "3/0");
	assert_non_null(strstr(text, "+++ /dev/null\n"));
	assert_non_null(strstr(text, "net.core.rmem_max: 7500000 -> 212992\n"));
	assert_snapshot(&host, false, before);
	assert_int_equal(undo(&host, NULL, NULL), -ENOENT);
	free(text);
	end(&host);
}

static void test_undo_makes_what_was_made_above_the_journal_vanish(void **state)
{
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	assert_int_equal(unlink(full(&host, "/var/lib/other")), 0);
	assert_int_equal(rmdir(full(&host, "/var/lib")), 0);
	assert_int_equal(rmdir(full(&host, "/var")), 0);
	before = snapshot(&host, false);
	assert_int_equal(apply_all(&host), 0);
	assert_int_equal(undo(&host, NULL, NULL), 0);
	assert_snapshot(&host, false, before);
	end(&host);
}

static void test_undo_goes_back_over_several_fixes(void **state)
{
	struct ztt_fix_plan plan;
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	before = snapshot(&host, false);
	want_value(&plan, "3670016");
	assert_int_equal(apply(&host, &plan, false, NULL, NULL), 0);
	assert_int_equal(apply_all(&host), 0);
	want_value(&plan, "9000000");
	assert_int_equal(apply(&host, &plan, false, NULL, NULL), 0);
	assert_string_equal(get(&host, RMEM), "9000000\n");
	assert_int_equal(undo(&host, NULL, NULL), 0);
	assert_snapshot(&host, false, before);
	end(&host);
}

static void test_file_keeps_foreign_lines_owner_and_mode(void **state)
{
	static const char old[] = "# by hand\nnet.core.rmem_max=212992\n"
				  "vm.swappiness = 10\n; no newline\tat end";
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	put(&host, ZTT_FIX_SYSCTL_FILE, old, 0640);
	before = snapshot(&host, false);
	assert_int_equal(apply_all(&host), 0);
	assert_string_equal(get(&host, ZTT_FIX_SYSCTL_FILE),
			    "# by hand\nnet.core.rmem_max = 7500000\n"
			    "vm.swappiness = 10\n; no newline\tat end");
	assert_int_equal(mode_of(&host, ZTT_FIX_SYSCTL_FILE), 0640);
	assert_int_equal(undo(&host, NULL, NULL), 0);
	assert_snapshot(&host, false, before);
	end(&host);
}

static void test_values_are_compared_without_regard_to_blanks(void **state)
{
	struct ztt_finding finding = {0};
	struct ztt_fix_plan plan = {0};
	struct host host;
	char figures[32];

	(void)state;
	begin(&host);
	put(&host, ZTT_FIX_SYSCTL_FILE,
	    "net/ipv4/udp_mem =  4096 131072   6291456\n", 0644);
	ztt_finding_sysctl(&finding, "net.ipv4.udp_mem", "",
			   "4096 131072 6291456");
	ztt_fix_plan_add(&plan, &finding);
	assert_int_equal(apply(&host, &plan, false, figures, NULL), 0);
	assert_string_equal(figures, "0/2");
	end(&host);
}

static void test_undo_leaves_what_was_changed_since(void **state)
{
	struct host host;
	char figures[32], *text;

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	put(&host, RMEM, "999\n", 0644);
	put(&host, ZTT_FIX_SYSCTL_FILE, "mine = 1\n", 0644);
	assert_int_equal(undo(&host, figures, &text), 0);
	assert_string_equal(figures, "1/2");
	assert_non_null(strstr(text, "left alone at 999"));
	assert_string_equal(get(&host, RMEM), "999\n");
	assert_string_equal(get(&host, ZTT_FIX_SYSCTL_FILE), "mine = 1\n");
	assert_int_equal(mode_of(&host, SECRET), 0644);
	free(text);
	put(&host, RMEM, "7500000\n", 0644);
	assert_int_equal(undo(&host, figures, NULL), 0);
	assert_string_equal(figures, "1/1");
	assert_string_equal(get(&host, RMEM), "212992\n");
	assert_int_equal(unlink(full(&host, ZTT_FIX_SYSCTL_FILE)), 0);
	assert_int_equal(undo(&host, figures, NULL), 0);
	assert_string_equal(figures, "0/0");
	assert_int_equal(undo(&host, NULL, NULL), -ENOENT);
	end(&host);
}

static void
test_fix_over_a_foreign_change_goes_back_to_that_change(void **state)
{
	struct host host;
	char figures[32];

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	put(&host, RMEM, "999\n", 0644);
	assert_int_equal(apply_all(&host), 0);
	assert_string_equal(get(&host, RMEM), "7500000\n");
	assert_int_equal(undo(&host, figures, NULL), 0);
	assert_string_equal(figures, "3/1");
	assert_string_equal(get(&host, RMEM), "999\n");
	end(&host);
}

static void test_undo_of_a_file_that_is_gone_is_a_conflict(void **state)
{
	struct host host;
	char figures[32];

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	assert_int_equal(unlink(full(&host, SECRET)), 0);
	assert_int_equal(undo(&host, figures, NULL), 0);
	assert_string_equal(figures, "2/1");
	assert_non_null(get(&host, ZTT_FIX_JOURNAL));
	end(&host);
}

static void test_dry_run_says_the_same_and_changes_nothing(void **state)
{
	struct ztt_fix_plan plan;
	struct ztt_fix_result result;
	char figures[32], *before, *dry, *wet;
	struct host host;

	(void)state;
	begin(&host);
	before = snapshot(&host, true);
	want_all(&plan);
	assert_int_equal(apply(&host, &plan, true, figures, &dry), 0);
	assert_string_equal(figures, "3/0");
	assert_snapshot(&host, true, before);
	want_all(&plan);
	assert_int_equal(apply(&host, &plan, false, NULL, &wet), 0);
	assert_memory_equal(dry, wet, strlen(wet));
	assert_non_null(strstr(dry, "chmod 0600 '"));
	assert_non_null(strstr(dry, "cat >'"));
	before = snapshot(&host, true);
	assert_int_equal(ztt_fix_undo(host.root, true, &result, NULL), 0);
	assert_int_equal(result.changed, 3);
	ztt_fix_result_release(&result);
	assert_snapshot(&host, true, before);
	free(dry);
	free(wet);
	end(&host);
}

/* The commands that a dry run shows, run by a shell, leave what --fix leaves. */
static void test_commands_of_a_dry_run_do_the_same(void **state)
{
	struct ztt_fix_plan plan;
	struct host by_hand, by_fix;
	char path[128], *text, *commands;

	(void)state;
	begin(&by_hand);
	begin(&by_fix);
	want_all(&plan);
	assert_int_equal(apply(&by_hand, &plan, true, NULL, &text), 0);
	commands = strstr(text, "the same by hand:\n");
	assert_non_null(commands);
	put(&by_hand, "/run.sh", strchr(commands, '\n') + 1, 0600);
	snprintf(path, sizeof(path), "umask 022; sh -e '%s/run.sh'",
		 by_hand.dir);
	assert_int_equal(system(path), 0);
	assert_int_equal(apply_all(&by_fix), 0);
	free(text);
	text = strdup(get(&by_hand, ZTT_FIX_SYSCTL_FILE));
	assert_string_equal(text, get(&by_fix, ZTT_FIX_SYSCTL_FILE));
	assert_string_equal(get(&by_hand, RMEM), "7500000\n");
	assert_int_equal(mode_of(&by_hand, SECRET), 0600);
	free(text);
	end(&by_hand);
	end(&by_fix);
}

static void test_in_a_container_values_are_the_hosts(void **state)
{
	struct ztt_fix_result result;
	struct ztt_fix_plan plan;
	struct ztt_err err;
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	before = snapshot(&host, true);
	want_all(&plan);
	assert_int_equal(ztt_fix_apply(host.root, &plan, "docker", false,
				       &result, &err),
			 -EPERM);
	assert_non_null(strstr(err.text, "on the host"));
	ztt_fix_plan_release(&plan);
	assert_snapshot(&host, true, before);
	end(&host);
}

static struct ztt_fix_plan plan_one(enum ztt_action_kind kind,
				    const char *target, const char *value)
{
	struct ztt_action action = {.kind = kind};
	struct ztt_fix_plan plan = {ztt_alloc(sizeof(action)), 1};

	snprintf(action.target, sizeof(action.target), "%s", target);
	snprintf(action.value, sizeof(action.value), "%s", value);
	*plan.actions = action;
	return plan;
}

/* The one step is left, and the line says why. */
static void assert_left(const struct host *host, struct ztt_fix_plan *plan,
			bool dry_run, const char *why)
{
	struct ztt_fix_result result;
	struct ztt_err err = {""};

	assert_int_equal(ztt_fix_apply(host->root, plan, NULL, dry_run, &result,
				       &err),
			 0);
	ztt_fix_plan_release(plan);
	assert_int_equal(result.changed, 0);
	assert_int_equal(result.left, 1);
	assert_ptr_equal(strstr(result.text, "left alone: "), result.text);
	if (!strstr(result.text, why))
		fail_msg("%s: no %s", result.text, why);
	assert_ptr_equal(strchr(result.text, '\n') + 1,
			 result.text + strlen(result.text));
	ztt_fix_result_release(&result);
}

static void test_what_cannot_be_changed_is_left_and_told(void **state)
{
	static const struct {
		enum ztt_action_kind kind;
		const char *target, *value, *why;
	} cases[] = {
		{ZTT_ACTION_SYSCTL, "net.core.none", "1",
		 "has no such setting"},
		{ZTT_ACTION_SYSCTL, "net.core.rmem_max", "1; reboot",
		 "does not set it"},
		{ZTT_ACTION_SYSCTL, "net.core.rmem_max", "", "does not set it"},
		{ZTT_ACTION_SYSCTL, "net.core.rmem_max", "1\n2",
		 "does not set it"},
		{ZTT_ACTION_SYSCTL, "net.core.words", "1", "more than numbers"},
		{ZTT_ACTION_SYSCTL, "net../../etc/passwd", "1",
		 "does not change it"},
		{ZTT_ACTION_SYSCTL, "net.core/../x", "1", "does not change it"},
		{ZTT_ACTION_SYSCTL, "dev.cdrom.lock", "1",
		 "does not change it"},
		{ZTT_ACTION_SYSCTL, "net", "1", "does not change it"},
		{ZTT_ACTION_SYSCTL, "net.core.", "1", "does not change it"},
		{ZTT_ACTION_MODE, "/etc/none", "0600", "No such file"},
		{ZTT_ACTION_MODE, "/etc/fifo", "0600", "no regular file"},
		{ZTT_ACTION_MODE, "/etc", "0600", "no regular file"},
		{ZTT_ACTION_MODE, "/etc/link", "0600", "no regular file"},
		{ZTT_ACTION_MODE, "/etc/../etc/x", "0600",
		 "does not change it"},
		{ZTT_ACTION_MODE, "etc/x", "0600", "does not change it"},
		{ZTT_ACTION_MODE, "/etc/\033[2J", "0600", "does not change it"},
		{ZTT_ACTION_MODE, "/etc/\xc2\x9b", "0600",
		 "does not change it"},
		{ZTT_ACTION_MODE, "/etc/\xff", "0600", "does not change it"},
		{ZTT_ACTION_MODE, SECRET, "rw", "does not set it"},
		{ZTT_ACTION_MODE, SECRET, "17777", "does not set it"},
		{ZTT_ACTION_MODE, SECRET, "-1", "does not set it"},
	};
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	put(&host, "/proc/sys/net/core/words", "cubic\n", 0644);
	assert_int_equal(mkfifo(full(&host, "/etc/fifo"), 0644), 0);
	assert_int_equal(symlink(SECRET, full(&host, "/etc/link")), 0);
	before = snapshot(&host, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ztt_fix_plan plan =
			plan_one(cases[i].kind, cases[i].target,
				 cases[i].value);

		assert_left(&host, &plan, false, cases[i].why);
	}
	assert_snapshot(&host, true, before);
	end(&host);
}

static void test_symbolic_links_do_not_lead_out_of_the_root(void **state)
{
	struct host host, outside;
	struct ztt_fix_plan plan;
	char *before;

	(void)state;
	begin(&host);
	begin(&outside);
	before = snapshot(&outside, true);
	assert_int_equal(symlink(full(&outside, "/etc"),
				 full(&host, "/etc/away")),
			 0);
	plan = plan_one(ZTT_ACTION_MODE, "/etc/away/cloudflared/tunnel.json",
			"0600");
	assert_left(&host, &plan, false, "No such file");
	assert_int_equal(symlink(full(&outside, "/etc/new.conf"),
				 full(&host, "/etc/sysctl.d")),
			 0);
	apply_all(&host);
	assert_snapshot(&outside, true, before);
	end(&outside);
	end(&host);
}

/* A plan of this mode on this host, which is never carried out. */
static void look_at_mode(const char *path, mode_t old, const char *why)
{
	struct ztt_finding finding = {0};
	struct ztt_fix_plan plan = {0};
	struct host live = {.root = NULL};

	assert_int_equal(ztt_root_open(NULL, &live.root, NULL), 0);
	ztt_finding_mode(&finding, path, old, 0600);
	ztt_fix_plan_add(&plan, &finding);
	if (why)
		assert_left(&live, &plan, true, why);
	else
		assert_int_equal(apply(&live, &plan, true, NULL, NULL), 0);
	ztt_root_free(live.root);
}

static void test_as_root_no_link_of_others_is_followed(void **state)
{
	struct host host;

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&host);
	look_at_mode(full(&host, SECRET), 0644, NULL);
	assert_int_equal(symlink("cloudflared", full(&host, "/etc/link")), 0);
	look_at_mode(full(&host, "/etc/link/tunnel.json"), 0644,
		     "it is a symbolic link");
	assert_int_equal(link(full(&host, SECRET), full(&host, "/etc/second")),
			 0);
	look_at_mode(full(&host, "/etc/second"), 0644, "a second name");
	end(&host);
}

static void test_mode_that_is_another_by_now_is_left(void **state)
{
	struct ztt_fix_plan plan = {0};
	struct ztt_finding finding = {0};
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	assert_int_equal(chmod(full(&host, SECRET), 0640), 0);
	before = snapshot(&host, true);
	ztt_finding_mode(&finding, SECRET, 0644, 0600);
	ztt_fix_plan_add(&plan, &finding);
	assert_left(&host, &plan, false, "its mode is 0640 now");
	assert_snapshot(&host, true, before);
	end(&host);
}

static void test_without_room_for_the_journal_nothing_is_left(void **state)
{
	struct rlimit none, before;
	struct host host;
	char *was;

	(void)state;
	begin(&host);
	was = snapshot(&host, false);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(apply_all(&host), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_snapshot(&host, false, was);
	end(&host);
}

/* Everything but what cannot be done, and a second time nothing. */
static void test_one_step_that_cannot_be_taken_blocks_no_other(void **state)
{
	static const char key[] = "/etc/wireguard/wg0.conf";
	struct ztt_finding finding = {0};
	struct ztt_fix_result result;
	struct ztt_fix_plan plan;
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	put(&host, "/root/wg0.conf", "x", 0644);
	put(&host, "/etc/wireguard/x", "", 0644);
	assert_int_equal(symlink("/root/wg0.conf", full(&host, key)), 0);
	before = snapshot(&host, false);
	want_all(&plan);
	ztt_finding_mode(&finding, key, 0644, 0600);
	ztt_finding_sysctl(&finding, "net.core.none", "1", "2");
	ztt_fix_plan_add(&plan, &finding);
	assert_int_equal(ztt_fix_apply(host.root, &plan, NULL, false, &result,
				       NULL),
			 0);
	assert_int_equal(result.changed, 3);
	assert_int_equal(result.left, 2);
	assert_non_null(strstr(result.text,
			       "left alone: /etc/wireguard/wg0.conf: it is no "
			       "regular file\n"));
	assert_non_null(strstr(result.text, "left alone: net.core.none: "));
	assert_string_equal(get(&host, RMEM), "7500000\n");
	assert_null(strstr(get(&host, ZTT_FIX_SYSCTL_FILE), "net.core.none"));
	assert_int_equal(mode_of(&host, SECRET), 0600);
	assert_int_equal(mode_of(&host, "/root/wg0.conf"), 0644);
	ztt_fix_result_release(&result);
	assert_int_equal(ztt_fix_apply(host.root, &plan, NULL, false, &result,
				       NULL),
			 0);
	assert_int_equal(result.changed, 0);
	assert_int_equal(result.left, 2);
	ztt_fix_result_release(&result);
	ztt_fix_plan_release(&plan);
	assert_int_equal(undo(&host, NULL, NULL), 0);
	assert_snapshot(&host, false, before);
	end(&host);
}

static void test_without_its_file_no_value_is_set_but_modes_are(void **state)
{
	struct ztt_fix_plan plan;
	struct host host;
	char *text;

	(void)state;
	begin(&host);
	put(&host, "/etc/sysctl.d/x", "", 0644);
	assert_int_equal(symlink("x", full(&host, ZTT_FIX_SYSCTL_FILE)), 0);
	want_all(&plan);
	assert_int_equal(apply(&host, &plan, false, NULL, &text), 0);
	assert_non_null(strstr(text, "left alone: net.core.rmem_max: it cannot "
				     "be kept in " ZTT_FIX_SYSCTL_FILE
				     ": it is a symbolic link\n"));
	free(text);
	assert_int_equal(mode_of(&host, SECRET), 0600);
	assert_int_equal(unlink(full(&host, ZTT_FIX_SYSCTL_FILE)), 0);
	assert_int_equal(mkdir(full(&host, ZTT_FIX_SYSCTL_FILE), 0755), 0);
	want_value(&plan, "7500000");
	assert_left(&host, &plan, false, "it is no regular file");
	assert_string_equal(get(&host, RMEM), "212992\n");
	end(&host);
}

static void test_one_fix_at_a_time(void **state)
{
	struct host host;
	int fd;

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	fd = open(full(&host, "/var/lib/ztt-doctor"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	put(&host, RMEM, "1\n", 0644);
	assert_int_equal(apply_all(&host), -EBUSY);
	assert_int_equal(undo(&host, NULL, NULL), -EBUSY);
	assert_string_equal(get(&host, RMEM), "1\n");
	close(fd);
	assert_int_equal(apply_all(&host), 0);
	end(&host);
}

#define STEPS(of) "{\"schema\":\"ztt-doctor-journal/1\",\"steps\":[" of "]}"
#define OLD(more) "\"old\":{\"mode\":\"0644\",\"uid\":0,\"gid\":0" more "}"
#define RMEM_STEP(old, new)                                                \
	STEPS("{\"kind\":\"sysctl\",\"target\":\"net.core.rmem_max\"," old \
	      ",\"new\":[" new "]}")
#define MODE_STEP(target, old, new)                               \
	STEPS("{\"kind\":\"mode\",\"target\":\"" target "\"," old \
	      ",\"new\":[" new "]}")
#define FILE_STEP(target, bytes)                                                     \
	STEPS("{\"kind\":\"file\",\"target\":\"" target "\"," OLD(                   \
		",\"bytes\":\"" bytes                                                \
		"\"") ",\"new\":[\""                                                 \
		      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab" \
		      "cdef\"]}")

static const char *const hostile[] = {
	"",
	"null",
	"[]",
	"{",
	"{\"schema\":\"ztt-doctor-journal/2\",\"steps\":[]}",
	"{\"schema\":\"ztt-doctor-journal/1\"}",
	"{\"schema\":\"ztt-doctor-journal/1\",\"steps\":[],\"steps\":[]}",
	STEPS("1"),
	STEPS("{}"),
	STEPS("{\"kind\":\"shell\",\"target\":\"reboot\",\"old\":null,"
	      "\"new\":[\"x\"]}"),
	RMEM_STEP("\"old\":null", "\"1\""),
	RMEM_STEP("\"old\":{}", "\"1\""),
	RMEM_STEP(OLD(""), "\"1\""),
	RMEM_STEP(OLD(",\"value\":\"|/bin/sh\""), "\"1\""),
	RMEM_STEP(OLD(",\"value\":\"1\\n2\""), "\"1\""),
	RMEM_STEP(OLD(",\"value\":\"1\""), ""),
	RMEM_STEP(OLD(",\"value\":\"1\""), "\"x\""),
	RMEM_STEP(OLD(",\"value\":\"1\""), "\"1  2\""),
	RMEM_STEP(OLD(",\"value\":\"1\""), "\"1\",\"2\",\"3\""),
	STEPS("{\"kind\":\"sysctl\",\"target\":\"kernel..core_pattern\"," OLD(
		",\"value\":\"1\"") ",\"new\":[\"1\"]}"),
	STEPS("{\"kind\":\"sysctl\",\"target\":\"../etc/passwd\"," OLD(
		",\"value\":\"1\"") ",\"new\":[\"1\"]}"),
	MODE_STEP("/etc/../x", OLD(""), "\"0600\""),
	MODE_STEP("x", OLD(""), "\"0600\""),
	MODE_STEP("/etc/x", "\"old\":null", "\"0600\""),
	MODE_STEP("/etc/x", OLD(""), "\"9600\""),
	MODE_STEP("/etc/x", OLD(""), "600"),
	MODE_STEP("/etc/x", "\"old\":{\"mode\":\"0644\",\"uid\":-1,\"gid\":0}",
		  "\"0600\""),
	MODE_STEP("/etc/x",
		  "\"old\":{\"mode\":\"0644\",\"uid\":4294967295,\"gid\":0}",
		  "\"0600\""),
	MODE_STEP("/etc/x", "\"old\":{\"mode\":420,\"uid\":0,\"gid\":0}",
		  "\"0600\""),
	FILE_STEP("/etc/passwd", ""),
	FILE_STEP("/etc/sysctl.d/99-tunnel-pro.conf", "abc"),
	FILE_STEP("/etc/sysctl.d/99-tunnel-pro.conf", "YQ==YQ=="),
	FILE_STEP("/etc/sysctl.d/99-tunnel-pro.conf", "YR=="),
	FILE_STEP("/etc/sysctl.d/99-tunnel-pro.conf", "===="),
	STEPS("{\"kind\":\"dir\",\"target\":\"/home\",\"old\":null,"
	      "\"new\":[\"present\"]}"),
	STEPS("{\"kind\":\"dir\",\"target\":\"/etc\"," OLD(
		"") ",\"new\":[\"present\"]}"),
};

static void test_hostile_journals_are_refused(void **state)
{
	struct ztt_journal journal;
	struct ztt_err err;
	struct host host;
	char *before;

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		if (ztt_journal_parse(hostile[i], strlen(hostile[i]), &journal,
				      &err) != -EEXIST)
			fail_msg("taken: %s", hostile[i]);
		put(&host, ZTT_FIX_JOURNAL, hostile[i], 0600);
		put(&host, RMEM, "1\n", 0644);
		before = snapshot(&host, true);
		assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
		assert_int_equal(apply_all(&host), -EEXIST);
		assert_snapshot(&host, true, before);
	}
	end(&host);
}

static void test_journal_of_others_is_refused(void **state)
{
	const char *path = ZTT_FIX_JOURNAL;
	struct host host;
	FILE *file;

	(void)state;
	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	assert_int_equal(chmod(full(&host, path), 0644), 0);
	assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
	assert_int_equal(chmod(full(&host, path), 0600), 0);
	assert_int_equal(chmod(full(&host, "/var/lib/ztt-doctor"), 0755), 0);
	assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
	assert_int_equal(chmod(full(&host, "/var/lib/ztt-doctor"), 0700), 0);
	assert_int_equal(rename(full(&host, path), full(&host, "/var/j")), 0);
	assert_int_equal(symlink("/var/j", full(&host, path)), 0);
	assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
	assert_int_equal(unlink(full(&host, path)), 0);
	assert_int_equal(mkfifo(full(&host, path), 0600), 0);
	assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
	assert_int_equal(unlink(full(&host, path)), 0);
	put(&host, path, " ", 0600);
	file = fopen(full(&host, path), "a");
	assert_int_equal(fseek(file, ZTT_JOURNAL_BYTES_MAX, SEEK_SET), 0);
	fputs(" ", file);
	fclose(file);
	assert_int_equal(undo(&host, NULL, NULL), -EEXIST);
	assert_int_equal(rename(full(&host, "/var/j"), full(&host, path)), 0);
	assert_int_equal(undo(&host, NULL, NULL), 0);
	end(&host);
}

static void test_journal_is_read_as_it_was_written(void **state)
{
	static const char text[] =
		FILE_STEP("/etc/sysctl.d/99-tunnel-pro.conf", "IwA=");
	struct ztt_journal journal, again;
	char *spelled, *twice;

	(void)state;
	assert_int_equal(ztt_journal_parse(text, strlen(text), &journal, NULL),
			 0);
	assert_int_equal(journal.steps[0].old.len_bytes, 2);
	assert_memory_equal(journal.steps[0].old.bytes, "#\0", 2);
	spelled = ztt_journal_spell(&journal);
	assert_int_equal(ztt_journal_parse(spelled, strlen(spelled), &again,
					   NULL),
			 0);
	twice = ztt_journal_spell(&again);
	assert_string_equal(spelled, twice);
	free(spelled);
	free(twice);
	ztt_journal_release(&journal);
	ztt_journal_release(&again);
}

static void test_a_bundle_is_refused(void **state)
{
	struct ztt_root *bundle = ztt_root_new_bundle();
	struct ztt_fix_result result;
	struct ztt_fix_plan plan = {0};

	(void)state;
	assert_int_equal(ztt_fix_apply(bundle, &plan, NULL, false, &result,
				       NULL),
			 -ENOTSUP);
	assert_int_equal(ztt_fix_undo(bundle, false, &result, NULL), -ENOTSUP);
	ztt_root_free(bundle);
}

static void assert_diff(const char *old, const char *new, const char *wanted)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ztt_diff(out, "f", old, old ? strlen(old) : 0, new,
		 new ? strlen(new) : 0);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void test_diff_is_unified(void **state)
{
	(void)state;
	assert_diff("a\n", "a\n", "");
	assert_diff(NULL, "a\n", "--- /dev/null\n+++ f\n@@ -0,0 +1,1 @@\n+a\n");
	assert_diff("a\n", NULL, "--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
	assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		    "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
		    "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n"
		    " 7\n 8\n");
	assert_diff("a", "a\nb\n",
		    "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n"
		    "\\ No newline at end of file\n+a\n+b\n");
	assert_diff("\033[2J\tx\n", "",
		    "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-?[2J\tx\n");
}

static void test_file_is_merged_by_key(void **state)
{
	static const struct ztt_setting settings[] = {{"net.core.a", "5"},
						      {"net.core.b", "1 2"}};
	static const char old[] = "-net.core.a = 4\r\n#net.core.b = 9\n"
				  "net/core/a=5\nnet.core.ab=7\nnet.core.b";
	size_t len;
	char *text;

	(void)state;
	text = ztt_sysctl_file_merge(old, strlen(old), settings, 2, &len);
	assert_string_equal(text, "net.core.a = 5\n#net.core.b = 9\n"
				  "net/core/a=5\nnet.core.ab=7\nnet.core.b\n"
				  "net.core.b = 1 2\n");
	assert_int_equal(len, strlen(text));
	free(text);
}

/* Runs `work` in a child that is killed when it is about to make its `at`-th
 * system call. 1: killed; 0: it ended before; -errno: no tracing here. */
static int run_killed(void (*work)(const struct host *),
		      const struct host *host, size_t at)
{
	pid_t child = fork();
	size_t stops = 0;
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		raise(SIGSTOP);
		work(host);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		return -EPERM;
	ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_EXITKILL);
	while (WIFSTOPPED(status)) {
		/* every other stop is the end of a call */
		if (stops++ == 2 * at) {
			kill(child, SIGKILL);
			assert_int_equal(waitpid(child, &status, 0), child);
			return 1;
		}
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static void work_fix(const struct host *host)
{
	struct ztt_fix_result result = {0};
	struct ztt_fix_plan plan;

	want_all(&plan);
	if (ztt_fix_apply(host->root, &plan, NULL, false, &result, NULL) < 0)
		_exit(1);
}

static void work_undo(const struct host *host)
{
	struct ztt_fix_result result = {0};

	if (ztt_fix_undo(host->root, false, &result, NULL) < 0)
		_exit(1);
}

static void assert_old_or_new(const struct host *host, const char *path,
			      const char *old, const char *new)
{
	const char *now = get(host, path);

	if (!now && !old)
		return;
	assert_non_null(now);
	assert_true((old && strcmp(now, old) == 0) || strcmp(now, new) == 0);
}

static char *new_file(void)
{
	struct host host;
	char *text;

	begin(&host);
	assert_int_equal(apply_all(&host), 0);
	text = strdup(get(&host, ZTT_FIX_SYSCTL_FILE));
	end(&host);
	return text;
}

static void assert_each_old_or_new(const struct host *host, const char *new)
{
	mode_t mode = mode_of(host, SECRET);

	assert_old_or_new(host, ZTT_FIX_SYSCTL_FILE, NULL, new);
	assert_old_or_new(host, RMEM, "212992\n", "7500000\n");
	assert_true(mode == 0644 || mode == 0600);
}

static int undo_or_nothing(const struct host *host)
{
	char figures[32] = "";
	int rc = undo(host, figures, NULL);

	return rc == -ENOENT || strstr(figures, "/0") ? 0 : -EIO;
}

/* `before` and `after` are what is done around the part that is killed. */
static void kill_everywhere(void (*work)(const struct host *), bool fix_before,
			    bool fix_after)
{
	char *new = new_file();
	int rc = 1;

	for (size_t at = 1; rc == 1; at++) {
		struct host host;
		char *before;

		assert_true(at < KILLS_MAX);
		begin(&host);
		before = snapshot(&host, false);
		if (fix_before)
			assert_int_equal(apply_all(&host), 0);
		rc = run_killed(work, &host, at);
		if (rc >= 0) {
			assert_each_old_or_new(&host, new);
			if (fix_after) {
				assert_int_equal(apply_all(&host), 0);
				assert_string_equal(get(&host, RMEM),
						    "7500000\n");
				assert_int_equal(mode_of(&host, SECRET), 0600);
			}
			assert_int_equal(undo_or_nothing(&host), 0);
			assert_snapshot(&host, false, before);
		} else {
			free(before);
		}
		end(&host);
		if (rc == 0)
			assert_true(at > 40);
	}
	free(new);
	if (rc < 0) {
		print_message("# skip: no tracing here\n");
		skip();
	}
}

static void test_fix_killed_at_any_call_is_undone(void **state)
{
	(void)state;
	kill_everywhere(work_fix, false, false);
}

static void test_fix_killed_at_any_call_is_done_by_the_next(void **state)
{
	(void)state;
	kill_everywhere(work_fix, false, true);
}

static void test_undo_killed_at_any_call_is_done_by_the_next(void **state)
{
	(void)state;
	kill_everywhere(work_undo, true, false);
}

static void test_undo_killed_at_any_call_can_be_fixed_again(void **state)
{
	(void)state;
	kill_everywhere(work_undo, true, true);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Root of a namespace of its own, with its own network settings and its own
 * /etc and /var/lib. */
static bool enter_namespace(void)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		return false;
	write_text("/proc/self/setgroups", "deny");
	return write_text("/proc/self/uid_map", uid_map) &&
	       write_text("/proc/self/gid_map", gid_map) &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("ztt", "/etc", "tmpfs", 0, NULL) == 0 &&
	       mount("ztt", "/var/lib", "tmpfs", 0, NULL) == 0;
}

static bool reads(const struct ztt_root *root, const char *path,
		  const char *wanted)
{
	char text[64];

	return ztt_root_text(root, path, text, sizeof(text), NULL) == 0 &&
	       strcmp(text, wanted) == 0;
}

#define PORTS "/proc/sys/net/ipv4/ip_local_port_range"

/* The exit status tells the line that was not so; 77: no namespace here. */
static int fix_live(void)
{
	struct ztt_finding finding = {0};
	struct ztt_fix_result result = {0};
	struct ztt_fix_plan plan = {0};
	struct ztt_root *root;

	if (!enter_namespace() || ztt_root_open(NULL, &root, NULL) < 0 ||
	    !write_text(PORTS, "32768 60999\n"))
		return 77;
	ztt_finding_sysctl(&finding, "net.ipv4.ip_local_port_range",
			   "32768 60999", "1024 65535");
	ztt_fix_plan_add(&plan, &finding);
	if (ztt_fix_apply(root, &plan, NULL, false, &result, NULL) < 0)
		return 1;
	if (result.changed != 2 || !reads(root, PORTS, "1024\t65535"))
		return 2;
	ztt_fix_result_release(&result);
	if (ztt_fix_apply(root, &plan, NULL, false, &result, NULL) < 0 ||
	    result.changed != 0 || result.unchanged != 2)
		return 3;
	ztt_fix_result_release(&result);
	if (ztt_fix_undo(root, false, &result, NULL) < 0 ||
	    result.changed != 2 || !reads(root, PORTS, "32768\t60999"))
		return 4;
	ztt_fix_result_release(&result);
	ztt_fix_plan_release(&plan);
	ztt_root_free(root);
	return access("/etc/sysctl.d", F_OK) < 0 &&
			       access("/var/lib/ztt-doctor", F_OK) < 0
		       ? 0
		       : 5;
}

/* As in most containers. */
static int fix_read_only(void)
{
	struct ztt_finding finding = {0};
	struct ztt_fix_result result = {0};
	struct ztt_fix_plan plan = {0};
	struct ztt_root *root;

	if (!enter_namespace() || ztt_root_open(NULL, &root, NULL) < 0 ||
	    !write_text(PORTS, "32768 60999\n") ||
	    mount("/proc/sys", "/proc/sys", NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, "/proc/sys", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV |
			  MS_NOEXEC,
		  NULL) < 0)
		return 77;
	ztt_finding_sysctl(&finding, "net.ipv4.ip_local_port_range",
			   "32768 60999", "1024 65535");
	ztt_fix_plan_add(&plan, &finding);
	if (ztt_fix_apply(root, &plan, "docker", false, &result, NULL) !=
	    -EPERM)
		return 1;
	if (ztt_fix_apply(root, &plan, NULL, false, &result, NULL) < 0)
		return 2;
	if (result.changed != 0 || result.left != 1 ||
	    !strstr(result.text, "Read-only file system"))
		return 3;
	ztt_fix_result_release(&result);
	ztt_fix_plan_release(&plan);
	ztt_root_free(root);
	return access("/etc/sysctl.d", F_OK) < 0 ? 0 : 4;
}

static void in_child(int (*work)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(work());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# skip: no namespaces here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_what_is_read_only_is_left_and_a_containers_told(void **state)
{
	(void)state;
	in_child(fix_read_only);
}

static void test_this_kernels_values_are_set_and_restored(void **state)
{
	(void)state;
	in_child(fix_live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_plan_keeps_the_larger_value_and_the_stricter_mode),
		cmocka_unit_test(
			test_fix_sets_value_file_and_mode_and_tells_each),
		cmocka_unit_test(test_second_fix_touches_nothing),
		cmocka_unit_test(test_fix_of_nothing_makes_no_journal),
		cmocka_unit_test(test_undo_restores_byte_for_byte),
		cmocka_unit_test(
			test_undo_makes_what_was_made_above_the_journal_vanish),
		cmocka_unit_test(test_undo_goes_back_over_several_fixes),
		cmocka_unit_test(test_file_keeps_foreign_lines_owner_and_mode),
		cmocka_unit_test(
			test_values_are_compared_without_regard_to_blanks),
		cmocka_unit_test(test_undo_leaves_what_was_changed_since),
		cmocka_unit_test(
			test_fix_over_a_foreign_change_goes_back_to_that_change),
		cmocka_unit_test(
			test_undo_of_a_file_that_is_gone_is_a_conflict),
		cmocka_unit_test(
			test_dry_run_says_the_same_and_changes_nothing),
		cmocka_unit_test(test_commands_of_a_dry_run_do_the_same),
		cmocka_unit_test(test_in_a_container_values_are_the_hosts),
		cmocka_unit_test(test_what_cannot_be_changed_is_left_and_told),
		cmocka_unit_test(
			test_symbolic_links_do_not_lead_out_of_the_root),
		cmocka_unit_test(test_as_root_no_link_of_others_is_followed),
		cmocka_unit_test(test_mode_that_is_another_by_now_is_left),
		cmocka_unit_test(
			test_without_room_for_the_journal_nothing_is_left),
		cmocka_unit_test(
			test_one_step_that_cannot_be_taken_blocks_no_other),
		cmocka_unit_test(
			test_without_its_file_no_value_is_set_but_modes_are),
		cmocka_unit_test(test_one_fix_at_a_time),
		cmocka_unit_test(test_hostile_journals_are_refused),
		cmocka_unit_test(test_journal_of_others_is_refused),
		cmocka_unit_test(test_journal_is_read_as_it_was_written),
		cmocka_unit_test(test_a_bundle_is_refused),
		cmocka_unit_test(test_diff_is_unified),
		cmocka_unit_test(test_file_is_merged_by_key),
		cmocka_unit_test(
			test_what_is_read_only_is_left_and_a_containers_told),
		cmocka_unit_test(test_this_kernels_values_are_set_and_restored),
		cmocka_unit_test(test_fix_killed_at_any_call_is_undone),
		cmocka_unit_test(
			test_fix_killed_at_any_call_is_done_by_the_next),
		cmocka_unit_test(
			test_undo_killed_at_any_call_is_done_by_the_next),
		cmocka_unit_test(
			test_undo_killed_at_any_call_can_be_fixed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
