#include "ztt-capture/report/diff_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/exit.h"
#include "common/json.h"
#include "common/table.h"
#include "common/text.h"
#include "common/units.h"
#include "common/version.h"

#define NS_PER_US 1000
#define PERCENT 100

static double loss_of(const struct ztt_diff_direction *at)
{
	return at->sent ? (double)at->lost / (double)at->sent : 0;
}

__attribute__((format(printf, 2, 3))) static void
append(char out[ZTT_DIFF_SENTENCE_LEN], const char *fmt, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + used, ZTT_DIFF_SENTENCE_LEN - used, fmt, args);
	va_end(args);
}

static void say_direction(char out[ZTT_DIFF_SENTENCE_LEN], const char *whose,
			  const struct ztt_diff_direction *at)
{
	char delay[ZTT_UNITS_LEN];

	if (at->sent == 0) {
		append(out, "nothing from the %s", whose);
		return;
	}
	append(out, "%" PRIu64 " of %" PRIu64 " (%.2f %%) from the %s",
	       at->lost, at->sent, loss_of(at) * PERCENT, whose);
	if (at->arrived)
		append(out, " in %s",
		       ztt_units_ns(delay,
				    (double)ztt_hist_quantile(at->delay_ns,
							      0.5)));
}

char *ztt_diff_sentence(const struct ztt_diff *diff,
			char out[ZTT_DIFF_SENTENCE_LEN])
{
	out[0] = '\0';
	append(out, "Lost between the two points: ");
	say_direction(out, "client", &diff->up);
	append(out, ", ");
	say_direction(out, "server", &diff->down);
	return out;
}

int ztt_diff_exit(const struct ztt_diff *diff, double loss_most)
{
	if (diff->up.sent + diff->down.sent == 0)
		return ZTT_EXIT_UNKNOWN;
	if (loss_most >= 0 && (loss_of(&diff->up) > loss_most ||
			       loss_of(&diff->down) > loss_most))
		return ZTT_EXIT_PROBLEM;
	return ZTT_EXIT_FINE;
}

static void put_point(const struct ztt_diff_point *point, const char *name,
		      const char *of, FILE *out)
{
	char span[ZTT_UNITS_LEN], plain[256];

	snprintf(plain, sizeof(plain), "%s", of);
	fprintf(out, "%s  %s: %" PRIu64 " datagrams in %s", name,
		ztt_text_plain(plain), point->datagrams,
		ztt_units_ns(span, (double)(point->last_ns - point->first_ns)));
	if (point->super_datagrams)
		fprintf(out,
			", %" PRIu64 " super-datagrams split (%" PRIu64
			" by inference)",
			point->super_datagrams - point->unsplit,
			point->inferred_super_datagrams);
	fputc('\n', out);
}

static void put_clocks(const struct ztt_diff *diff, FILE *out)
{
	char offset[ZTT_UNITS_LEN], most[ZTT_UNITS_LEN];
	double ns = (double)diff->offset_ns;

	ztt_units_ns(offset, ns < 0 ? -ns : ns);
	ztt_units_ns(most, (double)diff->offset_uncertainty_ns);
	if (diff->same_clock)
		fprintf(out, "clocks: one for both, as was said\n");
	else if (diff->offset_known)
		fprintf(out,
			"clocks: B is %s %s A, wrong by at most %s\n"
			"  (both ways are taken to be as long at their fastest; "
			"delays depend on it)\n",
			offset, ns < 0 ? "behind" : "ahead of", most);
	else
		fprintf(out,
			"clocks: not known, for one direction alone was seen: "
			"delays count from the least\n");
}

static void direction_row(struct ztt_table *table, const char *whose,
			  const struct ztt_diff_direction *at)
{
	static const double parts[] = {0.5, 0.99};
	char text[ZTT_UNITS_LEN];

	ztt_table_row(table);
	ztt_table_cell(table, "%s", whose);
	ztt_table_cell(table, "%s", at->a_to_b ? "A to B" : "B to A");
	ztt_table_cell(table, "%" PRIu64, at->sent);
	ztt_table_cell(table, "%" PRIu64, at->arrived);
	ztt_table_cell(table, "%" PRIu64 " (%.2f %%)", at->lost,
		       loss_of(at) * PERCENT);
	ztt_table_cell(table, "%" PRIu64, at->reordered);
	ztt_table_cell(table, "%" PRIu64, at->duplicated);
	if (at->arrived == 0)
		return;
	ztt_units_ns(text, (double)at->delay_least_ns);
	ztt_table_cell(table, "%s", text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		ztt_units_ns(text,
			     (double)ztt_hist_quantile(at->delay_ns, parts[i]));
		ztt_table_cell(table, "%s", text);
	}
}

static void put_table(const struct ztt_diff *diff, bool color, FILE *out)
{
	static const char *const heads[] = {"from",   "way",
					    ">sent",  ">arrived",
					    ">lost",  ">reordered",
					    ">twice", ">delay min",
					    ">p50",   ">p99",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	direction_row(table, "client", &diff->up);
	direction_row(table, "server", &diff->down);
	ztt_table_print(table, color, out);
	ztt_table_free(table);
}

__attribute__((format(printf, 3, 4))) static void
note(FILE *out, uint64_t count, const char *fmt, ...)
{
	va_list args;

	if (count == 0)
		return;
	fprintf(out, "  %" PRIu64 " ", count);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
}

static void put_direction_notes(const char *whose,
				const struct ztt_diff_direction *at, FILE *out)
{
	note(out, at->edge,
	     "from the %s left out: at one point only, so near to an end of "
	     "the other capture\n  that it may not have run when they passed",
	     whose);
	note(out, at->unsent,
	     "from the %s arrived unseen at the first point: that capture "
	     "missed them",
	     whose);
	note(out, at->negative,
	     "from the %s arrived before they were sent: the clocks disagree",
	     whose);
}

static void put_guess(const char *whose, const struct ztt_diff_direction *at,
		      FILE *out)
{
	if (at->guessed)
		fprintf(out,
			"  from the %s some super-datagrams were split by guess, "
			"for they show no\n  connection ID: where that is wrong, "
			"they count as lost\n",
			whose);
}

static void put_point_notes(const struct ztt_diff_point *point,
			    const char *name, FILE *out)
{
	note(out, point->again,
	     "in %s seen at a second place of that capture: counted once",
	     name);
	note(out, point->elsewhere,
	     "in %s of flows that the other capture has not: left out", name);
	note(out, point->unsplit,
	     "super-datagrams in %s could not be split: their datagrams are "
	     "missing",
	     name);
	note(out, point->cut, "in %s cut too short to be compared", name);
	note(out, point->flows_left_out, "in %s of too many flows: left out",
	     name);
	note(out, point->undecoded, "frames in %s could not be decoded", name);
	note(out, point->source.dropped,
	     "packets dropped by the capture %s itself: they count as lost",
	     name);
	if (*point->source.problem)
		fprintf(out, "  %s: %s\n", name, point->source.problem);
}

void ztt_diff_text(const struct ztt_diff *diff, const char *const of[2],
		   bool color, FILE *out)
{
	char sentence[ZTT_DIFF_SENTENCE_LEN];

	put_point(&diff->a, "A", of[0], out);
	put_point(&diff->b, "B", of[1], out);
	put_clocks(diff, out);
	fputc('\n', out);
	put_table(diff, color, out);
	fputc('\n', out);
	put_direction_notes("client", &diff->up, out);
	put_direction_notes("server", &diff->down, out);
	put_guess("client", &diff->up, out);
	put_guess("server", &diff->down, out);
	put_point_notes(&diff->a, "A", out);
	put_point_notes(&diff->b, "B", out);
	note(out, diff->compared_bytes,
	     "bytes of each payload compared: the captures cut the rest");
	note(out, diff->forgotten, "given up early: too many were waited for");
	fprintf(out, "%s\n", ztt_diff_sentence(diff, sentence));
}

static const char *grade_of(const struct ztt_diff *diff,
			    const struct ztt_diff_direction *at)
{
	if (at->sent == 0)
		return "unknown";
	if (at->guessed)
		return "heuristic";
	return diff->a.source.dropped || diff->b.source.dropped ? "bounded"
								: "exact";
}

static void write_direction(struct ztt_json *json, const struct ztt_diff *diff,
			    const char *whose,
			    const struct ztt_diff_direction *at)
{
	static const char *const keys[] = {"min", "p50", "p99"};
	int64_t us[] = {at->delay_least_ns / NS_PER_US,
			(int64_t)ztt_hist_quantile(at->delay_ns, 0.5) /
				NS_PER_US,
			(int64_t)ztt_hist_quantile(at->delay_ns, 0.99) /
				NS_PER_US};

	ztt_json_object(json, NULL);
	ztt_json_string(json, "from", whose);
	ztt_json_string(json, "way", at->a_to_b ? "a_to_b" : "b_to_a");
	ztt_json_uint(json, "sent", at->sent);
	ztt_json_uint(json, "arrived", at->arrived);
	ztt_json_uint(json, "lost", at->lost);
	ztt_json_string(json, "loss_grade", grade_of(diff, at));
	ztt_json_uint(json, "reordered", at->reordered);
	ztt_json_uint(json, "duplicated", at->duplicated);
	ztt_json_uint(json, "unsent", at->unsent);
	ztt_json_uint(json, "edge", at->edge);
	ztt_json_uint(json, "edge_us", at->margin_ns / NS_PER_US);
	ztt_json_object(json, "delay_us");
	for (size_t i = 0; i < 3; i++) {
		if (at->arrived)
			ztt_json_int(json, keys[i], us[i]);
		else
			ztt_json_null(json, keys[i]);
	}
	ztt_json_end_object(json);
	ztt_json_uint(json, "delay_negative", at->negative);
	ztt_json_end_object(json);
}

static void write_point(struct ztt_json *json, const char *key, const char *of,
			const struct ztt_diff_point *point)
{
	ztt_json_object(json, key);
	ztt_json_string(json, "of", of);
	ztt_json_uint(json, "frames", point->source.frames);
	ztt_json_uint(json, "datagrams", point->datagrams);
	ztt_json_uint(json, "super_datagrams", point->super_datagrams);
	ztt_json_uint(json, "inferred_super_datagrams",
		      point->inferred_super_datagrams);
	ztt_json_uint(json, "unsplit", point->unsplit);
	ztt_json_uint(json, "undecoded", point->undecoded);
	ztt_json_uint(json, "cut", point->cut);
	ztt_json_uint(json, "again", point->again);
	ztt_json_uint(json, "elsewhere", point->elsewhere);
	ztt_json_uint(json, "flows", point->flows);
	ztt_json_uint(json, "flows_matched", point->flows_matched);
	if (point->source.dropped_known)
		ztt_json_uint(json, "dropped", point->source.dropped);
	else
		ztt_json_null(json, "dropped");
	ztt_json_string(json, "problem",
			*point->source.problem ? point->source.problem : NULL);
	ztt_json_end_object(json);
}

static void write_clock(struct ztt_json *json, const struct ztt_diff *diff)
{
	ztt_json_object(json, "clock");
	ztt_json_bool(json, "same", diff->same_clock);
	if (diff->offset_known) {
		ztt_json_int(json, "offset_us", diff->offset_ns / NS_PER_US);
		ztt_json_uint(json, "uncertainty_us",
			      diff->offset_uncertainty_ns / NS_PER_US);
	} else {
		ztt_json_null(json, "offset_us");
		ztt_json_null(json, "uncertainty_us");
	}
	ztt_json_end_object(json);
}

void ztt_diff_json(const struct ztt_diff *diff, const char *const of[2],
		   struct ztt_json *json)
{
	char sentence[ZTT_DIFF_SENTENCE_LEN];

	ztt_json_object(json, NULL);
	ztt_json_string(json, "schema", "ztt-capture/1");
	ztt_json_string(json, "version", ZTT_VERSION);
	write_point(json, "a", of[0], &diff->a);
	write_point(json, "b", of[1], &diff->b);
	write_clock(json, diff);
	ztt_json_uint(json, "overlap_us", diff->overlap_ns / NS_PER_US);
	ztt_json_uint(json, "forgotten", diff->forgotten);
	ztt_json_array(json, "directions");
	write_direction(json, diff, "client", &diff->up);
	write_direction(json, diff, "server", &diff->down);
	ztt_json_end_array(json);
	ztt_json_string(json, "verdict", ztt_diff_sentence(diff, sentence));
	ztt_json_end_object(json);
}
