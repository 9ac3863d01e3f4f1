/* The second half of ztt-bench/1: what the runs amount to. */
#ifndef ZTT_BENCH_JSON_SUMMARY_H
#define ZTT_BENCH_JSON_SUMMARY_H

struct ztt_json;
struct ztt_report;

/* Writes the members "summary", "ratios" (of every two engines, when there are
 * several) and "floor" into the object that is open. */
void ztt_report_json_summary(const struct ztt_report *report,
			     struct ztt_json *json);

#endif
