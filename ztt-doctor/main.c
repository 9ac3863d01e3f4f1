#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/err.h"
#include "common/exit.h"
#include "common/opt.h"
#include "common/version.h"
#include "ztt-doctor/cmd_audit.h"
#include "ztt-doctor/options.h"

static int complain(const char *command,
		    const struct ztt_doctor_settings *settings,
		    const struct ztt_err *err)
{
	fprintf(stderr, "ztt-doctor%s: %s\n", command, err->text);
	return ztt_doctor_usage_exit(settings);
}

static int completion(const struct ztt_doctor_settings *settings)
{
	static const struct ztt_opt_command commands[] = {
		{"", "", ztt_doctor_options},
		{"read", "audit the bundle of another host",
		 ztt_doctor_read_options},
		{NULL, NULL, NULL},
	};
	struct ztt_err err;

	if (ztt_opt_completion("ztt-doctor", commands, settings->completion,
			       stdout, &err) < 0)
		return complain("", settings, &err);
	return ZTT_EXIT_FINE;
}

/* -1: neither --help nor --version was asked for. */
static int answer_common(const struct ztt_doctor_settings *settings,
			 const struct ztt_opt *table,
			 const struct ztt_opt_help *help)
{
	if (settings->common.help)
		ztt_opt_help(table, help, stdout);
	else if (settings->common.version)
		puts("ztt-doctor " ZTT_VERSION);
	else
		return -1;
	return ZTT_EXIT_FINE;
}

/* An answer that nobody could read is none. */
static int check_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status != ZTT_EXIT_FINE)
		return status;
	fputs("ztt-doctor: cannot write the standard output\n", stderr);
	return ZTT_EXIT_UNKNOWN;
}

static int audit(int argc, char **argv)
{
	struct ztt_doctor_settings settings = {0};
	struct ztt_err err;
	int words, status;

	if (ztt_opt_parse(ztt_doctor_options, &settings, argc, argv, &words,
			  &err) < 0)
		return complain("", &settings, &err);
	status = answer_common(&settings, ztt_doctor_options, &ztt_doctor_help);
	if (status >= 0)
		return status;
	if (settings.completion)
		return completion(&settings);
	if (settings.list)
		return ztt_cmd_list();
	if (settings.explain)
		return ztt_cmd_explain(settings.explain);
	return ztt_cmd_audit(&settings, argv + 1, words);
}

static int read_bundle(int argc, char **argv)
{
	struct ztt_doctor_settings settings = {0};
	struct ztt_err err;
	int words, status;

	if (ztt_opt_parse(ztt_doctor_read_options, &settings, argc, argv,
			  &words, &err) < 0)
		return complain(" read", &settings, &err);
	status = answer_common(&settings, ztt_doctor_read_options,
			       &ztt_doctor_read_help);
	if (status >= 0)
		return status;
	if (words != 1) {
		ztt_err_set(&err, -1,
			    "one bundle is expected: ztt-doctor read "
			    "cloudflared-diag-TIME.zip");
		return complain(" read", &settings, &err);
	}
	return ztt_cmd_read(&settings, argv[1]);
}

/* Credentials that are looked at are in no core file. A limit of 0 would not
 * keep them from a program that core_pattern names; 1 does (fs/coredump.c). */
static void keep_no_core(void)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur > 1) {
		core.rlim_cur = 1;
		setrlimit(RLIMIT_CORE, &core);
	}
}

int main(int argc, char **argv)
{
	keep_no_core();
	signal(SIGPIPE, SIG_IGN);
	/* Two dozen threads that wait need no heaps of their own, and what was
	 * read whole goes back to the system. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	if (argc > 1 && strcmp(argv[1], "read") == 0)
		return check_output(read_bundle(argc - 1, argv + 1));
	return check_output(audit(argc, argv));
}
