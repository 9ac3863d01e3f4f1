/* What a load that was started by hand shows. */
#ifndef ZTT_LOAD_REPORT_H
#define ZTT_LOAD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct ztt_json;
struct ztt_load_plan;
struct ztt_load_result;

/* A table and a one-line verdict. */
void ztt_load_report(const struct ztt_load_plan *plan,
		     const struct ztt_load_result *result, bool color,
		     FILE *out);

/* The whole result, schema "ztt-bench-load/1". */
void ztt_load_report_json(const struct ztt_load_plan *plan,
			  const struct ztt_load_result *result,
			  struct ztt_json *json);

#endif
