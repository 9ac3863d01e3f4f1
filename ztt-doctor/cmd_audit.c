#define _GNU_SOURCE
#include "ztt-doctor/cmd_audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/exit.h"
#include "common/save.h"
#include "common/table.h"
#include "ztt-doctor/bundle.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/fix/fix.h"
#include "ztt-doctor/measure.h"
#include "ztt-doctor/options.h"
#include "ztt-doctor/report/report.h"
#include "ztt-doctor/run.h"
#include "ztt-doctor/secret.h"
#include "ztt-doctor/select.h"

/* How long a NAT binding is left idle, and then some. */
#define IDLE_NS (6 * ZTT_NS_PER_S)
/* Probes in a row that one check may need: a name, its address, two tries. */
#define PROBES_IN_A_ROW 4

/* All that one call has. */
struct audit {
	struct ztt_doctor_settings *settings;
	struct ztt_root *root;
	struct ztt_doctor doctor;
	const struct ztt_check **checks;
	struct ztt_answer *answers;
	size_t count;
	struct ztt_audit result;
	char of[512];
	bool partial; /* words or --skip chose some checks */
	bool left;    /* a thread is still at work */
};

static int complain(const struct ztt_err *err, int status)
{
	char text[sizeof(err->text)];

	memcpy(text, err->text, sizeof(text));
	fprintf(stderr, "ztt-doctor: %s\n", ztt_secret_hide(text));
	return status;
}

static bool json_to_stdout(const struct ztt_doctor_settings *settings)
{
	return settings->json && strcmp(settings->json, "-") == 0;
}

static void run_checks(struct audit *audit, const struct ztt_check **checks,
		       size_t count, struct ztt_answer *answers)
{
	struct ztt_doctor *doctor = &audit->doctor;
	uint64_t begin_ns = ztt_clock_ns();
	bool left;

	doctor->deadline_ns = begin_ns + IDLE_NS + doctor->plan.window_ns +
			      PROBES_IN_A_ROW * doctor->plan.timeout_ns;
	ztt_run_checks(doctor, checks, count, answers,
		       audit->settings->common.quiet ? NULL : stderr, &left);
	audit->left |= left;
	audit->result.took_ns += ztt_clock_ns() - begin_ns;
}

static int save_json(const struct audit *audit, struct ztt_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return ztt_err_set(err, -ENOMEM, "no memory for the result");
	ztt_write_json(&audit->result, false, false, out);
	fclose(out);
	while (len > 0 && text[len - 1] == '\n')
		len--;
	rc = ztt_save(audit->settings->json, text, len, err);
	free(text);
	return rc;
}

static int show(const struct audit *audit)
{
	const struct ztt_doctor_settings *settings = audit->settings;
	const struct ztt_format *format = ztt_format_find(settings->format);
	bool text = strcmp(format->name, "text") == 0;
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);
	char sentence[256];
	struct ztt_err err;

	if (text && settings->common.quiet && !json_to_stdout(settings))
		puts(ztt_audit_sentence(&audit->result, sentence));
	else if (!json_to_stdout(settings))
		format->write(&audit->result, color, settings->common.verbose,
			      stdout);
	if (settings->json && save_json(audit, &err) < 0)
		return complain(&err, ZTT_EXIT_UNKNOWN);
	if (fflush(stdout) != 0) {
		ztt_err_set(&err, -errno,
			    "cannot write the standard output: %s",
			    strerror(errno));
		return complain(&err, ZTT_EXIT_UNKNOWN);
	}
	return ztt_format_exit(format, &audit->result);
}

/* What was changed is told before the report, or beside it where the report is
 * for a program. */
static void show_fix(const struct audit *audit,
		     const struct ztt_fix_result *result)
{
	const struct ztt_doctor_settings *settings = audit->settings;
	bool beside = json_to_stdout(settings) ||
		      strcmp(settings->format, "text") != 0;
	FILE *out = beside ? stderr : stdout;

	if (settings->common.quiet)
		return;
	if (result->changed + result->conflicts + result->left == 0)
		fputs("nothing to change\n\n", out);
	else
		fprintf(out, "%s%s\n", result->text ? result->text : "",
			settings->dry_run ? "\nnothing was changed: --dry-run\n"
					  : "");
}

/* The checks that had a step to offer are asked again, with fresh facts. */
static void check_again(struct audit *audit)
{
	const struct ztt_check **checks =
		ztt_calloc(audit->count, sizeof(struct ztt_check *));
	struct ztt_answer *answers = ztt_calloc(audit->count, sizeof(*answers));
	size_t *from = ztt_calloc(audit->count, sizeof(*from));
	size_t count = 0;

	for (size_t i = 0; i < audit->count; i++)
		if (audit->answers[i].finding.action_count > 0) {
			from[count] = i;
			checks[count++] = audit->answers[i].check;
		}
	if (!audit->left)
		ztt_facts_free(audit->doctor.facts);
	audit->doctor.facts = ztt_facts_new();
	run_checks(audit, checks, count, answers);
	for (size_t i = 0; i < count; i++)
		audit->answers[from[i]] = answers[i];
	free(from);
	free(answers);
	free(checks);
}

static int fix(struct audit *audit)
{
	const struct ztt_doctor_settings *settings = audit->settings;
	struct ztt_fix_result result = {0};
	struct ztt_fix_plan plan = {0};
	struct ztt_err err;
	int rc;

	for (size_t i = 0; i < audit->count; i++)
		ztt_fix_plan_add(&plan, &audit->answers[i].finding);
	rc = ztt_fix_apply(audit->root, &plan,
			   ztt_facts_container(&audit->doctor),
			   settings->dry_run, &result, &err);
	ztt_fix_plan_release(&plan);
	if (rc < 0)
		return complain(&err, ZTT_EXIT_UNKNOWN);
	show_fix(audit, &result);
	if (result.changed > 0 && !settings->dry_run)
		check_again(audit);
	ztt_fix_result_release(&result);
	return 0;
}

static int undo(struct audit *audit)
{
	struct ztt_fix_result result = {0};
	struct ztt_err err;
	int rc = ztt_fix_undo(audit->root, audit->settings->dry_run, &result,
			      &err);

	if (rc == -ENOENT) {
		if (!audit->settings->common.quiet)
			puts("nothing to undo");
		return ZTT_EXIT_FINE;
	}
	if (rc < 0)
		return complain(&err, ZTT_EXIT_UNKNOWN);
	show_fix(audit, &result);
	rc = result.conflicts > 0 ? ZTT_EXIT_PROBLEM : ZTT_EXIT_FINE;
	ztt_fix_result_release(&result);
	return rc;
}

/* What was found is told also when nothing of it could be mended. */
static int check_and_show(struct audit *audit)
{
	int status = 0, shown;

	audit->answers = ztt_calloc(audit->count, sizeof(*audit->answers));
	run_checks(audit, audit->checks, audit->count, audit->answers);
	audit->result.answers = audit->answers;
	audit->result.count = audit->count;
	audit->result.strict = audit->settings->strict;
	audit->result.of = audit->of;
	audit->result.partial = audit->partial;
	if (audit->settings->fix)
		status = fix(audit);
	shown = show(audit);
	return status ? status : shown;
}

static int open_root(struct audit *audit, const char *bundle,
		     struct ztt_err *err)
{
	const struct ztt_doctor_settings *settings = audit->settings;

	if (bundle) {
		snprintf(audit->of, sizeof(audit->of), "the bundle %s", bundle);
		return ztt_bundle_open(bundle, &audit->root, err);
	}
	if (settings->root)
		snprintf(audit->of, sizeof(audit->of), "the host in %s",
			 settings->root);
	else
		snprintf(audit->of, sizeof(audit->of), "this host");
	return ztt_root_open(settings->root, &audit->root, err);
}

static int measure(struct audit *audit, struct ztt_err *err)
{
	struct ztt_doctor_settings *settings = audit->settings;

	if (!settings->measure)
		return 0;
	return ztt_measure(settings->plan.engine_path,
			   settings->common.quiet ? NULL : stderr,
			   &settings->plan.measured, err);
}

static int audit_host(struct audit *audit, const char *bundle, char **words,
		      int word_count)
{
	struct ztt_doctor_settings *settings = audit->settings;
	char token[ZTT_TOKEN_LEN] = "";
	struct ztt_err err;
	int status = ZTT_EXIT_UNKNOWN;
	int rc = ztt_doctor_settings_finish(settings, token, &err);

	if (rc == 0)
		rc = ztt_select(words, (size_t)word_count, settings->skip,
				&audit->checks, &audit->count, &err);
	if (rc < 0)
		return complain(&err, ztt_doctor_usage_exit(settings));
	audit->partial = word_count > 0 || settings->skip;
	if (settings->json)
		rc = ztt_save_check(settings->json, &err);
	if (rc == 0)
		rc = open_root(audit, bundle, &err);
	if (rc == 0)
		rc = measure(audit, &err);
	if (rc == 0) {
		audit->doctor.root = audit->root;
		audit->doctor.plan = settings->plan;
		audit->doctor.facts = ztt_facts_new();
		status = settings->undo ? undo(audit) : check_and_show(audit);
	} else {
		complain(&err, status);
	}
	explicit_bzero(token, sizeof(token));
	return status;
}

static int audit_and_clean(struct ztt_doctor_settings *settings,
			   const char *bundle, char **words, int word_count)
{
	struct audit audit = {.settings = settings};
	int status = audit_host(&audit, bundle, words, word_count);

	/* What a thread is still at may not be taken from under it. */
	if (audit.left)
		_exit(status);
	ztt_facts_free(audit.doctor.facts);
	ztt_root_free(audit.root);
	free(audit.answers);
	free(audit.checks);
	return status;
}

int ztt_cmd_audit(struct ztt_doctor_settings *settings, char **words,
		  int word_count)
{
	return audit_and_clean(settings, NULL, words, word_count);
}

int ztt_cmd_read(struct ztt_doctor_settings *settings, const char *bundle)
{
	return audit_and_clean(settings, bundle, NULL, 0);
}
