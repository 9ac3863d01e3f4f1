#define _GNU_SOURCE
#include "cmd_floor.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/proc_lines.h"
#include "common/save.h"
#include "common/table.h"
#include "floor.h"

struct settings {
	uint64_t duration_ns;
	const char *json;
	struct ztt_opt_common common;
};

const struct ztt_opt ztt_cmd_floor_options[] = {
	{.name = "duration",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "450ms",
	 .help = "time for each measure",
	 .offset = offsetof(struct settings, duration_ns),
	 .min = UINT64_C(7000000),
	 .max = UINT64_C(60000000000)},
	{.name = "json",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "write the result as JSON; - for standard output, in place "
		 "of the text",
	 .offset = offsetof(struct settings, json)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-bench floor [options]",
	.purpose = "Measures what this host could do at best: the CPU time of "
		   "ciphers, UDP and TCP alone, and what a tunnel made of "
		   "nothing else would take per GB.",
	.examples = "ztt-bench floor\nztt-bench floor --json floor.json",
};

struct result {
	struct ztt_floor_row rows[ZTT_FLOOR_ROWS_MAX];
	size_t count;
	double down, up; /* NAN: not known */
	int code;        /* of ztt_floor_path, with its sentence */
	struct ztt_err why;
};

static void print_rows(const struct result *result, bool color)
{
	static const char *const heads[] = {"CPU s/GB", ">median", ">low",
					    ">high", NULL};
	struct ztt_table *table = ztt_table_new(heads);

	for (size_t i = 0; i < result->count; i++) {
		const struct ztt_floor_row *row = &result->rows[i];

		ztt_table_row(table);
		ztt_table_cell(table, "%s", row->what);
		if (!row->measured) {
			ztt_table_cell(table, "-");
			continue;
		}
		ztt_table_cell(table, "%.4f", row->cpu_s_per_gb_median);
		ztt_table_cell(table, "%.4f", row->low);
		ztt_table_cell(table, "%.4f", row->high);
	}
	ztt_table_print(table, color, stdout);
	ztt_table_free(table);
	for (size_t i = 0; i < result->count; i++)
		if (!result->rows[i].measured)
			printf("not measured: %s: %s\n", result->rows[i].what,
			       result->rows[i].why_not);
	putchar('\n');
}

/* One core that does nothing else carries 8 Gbit in so many CPU seconds. */
static void print_direction(const char *name, double cpu_s_per_gb)
{
	if (isnan(cpu_s_per_gb))
		printf("%s not known", name);
	else
		printf("%s %.3f CPU s/GB (%.3g Gbit/s a core)", name,
		       cpu_s_per_gb, 8 / cpu_s_per_gb);
}

static void print_verdict(const struct result *result)
{
	fputs("floor: ", stdout);
	print_direction("down", result->down);
	fputs(", ", stdout);
	print_direction("up", result->up);
	putchar('\n');
}

static void write_cpu_model(struct ztt_json *json)
{
	struct ztt_proc_lines lines;
	const char *model = NULL;
	const char *line;

	if (ztt_proc_lines_open(&lines, AT_FDCWD, "/proc/cpuinfo") == 0) {
		while (model == NULL &&
		       (line = ztt_proc_lines_next(&lines)) != NULL)
			if (strncmp(line, "model name", 10) == 0)
				model = strchr(line, ':');
		if (model != NULL)
			model += 1 + strspn(model + 1, " ");
		ztt_json_string(json, "cpu", model ? model : "unknown");
		ztt_proc_lines_close(&lines);
	}
}

static void write_host(struct ztt_json *json)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname name;

	ztt_json_object(json, "host");
	write_cpu_model(json);
	ztt_json_uint(json, "cores_online", cores > 0 ? (uint64_t)cores : 1);
	if (uname(&name) == 0) {
		ztt_json_string(json, "machine", name.machine);
		ztt_json_string(json, "kernel", name.release);
	}
	ztt_json_string(json, "gnutls", gnutls_check_version(NULL));
	ztt_json_string(json, "libcrypto",
			OpenSSL_version(OPENSSL_VERSION_STRING));
	ztt_json_end_object(json);
}

static void write_row(struct ztt_json *json, const struct ztt_floor_row *row)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "id", row->id);
	ztt_json_string(json, "what", row->what);
	if (row->measured) {
		ztt_json_object(json, "cpu_s_per_gb");
		ztt_json_number(json, "median", row->cpu_s_per_gb_median);
		ztt_json_number(json, "low", row->low);
		ztt_json_number(json, "high", row->high);
		ztt_json_end_object(json);
		ztt_json_null(json, "reason");
	} else {
		ztt_json_null(json, "cpu_s_per_gb");
		ztt_json_string(json, "reason", row->why_not);
	}
	ztt_json_end_object(json);
}

static void write_result(struct ztt_json *json, const struct result *result)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "schema", "ztt-bench-floor/1");
	write_host(json);
	ztt_json_array(json, "floor");
	for (size_t i = 0; i < result->count; i++)
		write_row(json, &result->rows[i]);
	ztt_json_end_array(json);
	ztt_json_object(json, "path");
	ztt_json_number(json, "down_cpu_s_per_gb", result->down);
	ztt_json_number(json, "up_cpu_s_per_gb", result->up);
	ztt_json_end_object(json);
	ztt_json_end_object(json);
}

static int save_json(const struct result *result, const char *path,
		     struct ztt_err *err)
{
	const char *text;
	struct ztt_json json;
	size_t len;
	int code;

	ztt_json_init(&json, true);
	write_result(&json, result);
	text = ztt_json_text(&json, &len);
	code = ztt_save(path, text, len, err);
	ztt_json_release(&json);
	return code;
}

static int complain(const char *text, int status)
{
	fprintf(stderr, "ztt-bench floor: %s\n", text);
	return status;
}

static int show(const struct result *result, const struct settings *settings)
{
	bool text = settings->json == NULL || strcmp(settings->json, "-") != 0;
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);
	struct ztt_err err = {.text = ""};

	if (text && !settings->common.quiet)
		print_rows(result, color);
	if (text)
		print_verdict(result);
	if (settings->json != NULL &&
	    save_json(result, settings->json, &err) < 0)
		return complain(err.text, 3);
	if (fflush(stdout) != 0)
		return complain("cannot write the standard output", 3);
	if (result->code < 0)
		return complain(result->why.text, 3);
	return 0;
}

int ztt_cmd_floor(int argc, char **argv)
{
	struct settings settings = {0};
	struct result result = {0};
	struct ztt_err err = {.text = ""};

	if (ztt_opt_parse(ztt_cmd_floor_options, &settings, argc, argv, NULL,
			  &err) < 0)
		return complain(err.text, 2);
	if (settings.common.help) {
		ztt_opt_help(ztt_cmd_floor_options, &help, stdout);
		return 0;
	}
	if (settings.json != NULL && ztt_save_check(settings.json, &err) < 0)
		return complain(err.text, 3);
	if (!settings.common.quiet)
		ztt_progress(stderr, "measuring, about %.0f s",
			     1e-9 * (double)settings.duration_ns *
				     (double)ztt_floor_measure_count());
	if (ztt_floor_measure(settings.duration_ns, result.rows,
			      ZTT_FLOOR_ROWS_MAX, &result.count, &err) < 0)
		return complain(err.text, 3);
	ztt_progress(stderr, "%s", "");
	result.code = ztt_floor_path(result.rows, result.count, &result.down,
				     &result.up, &result.why);
	return show(&result, &settings);
}
