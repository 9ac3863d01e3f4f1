#include "ztt-capture/report/attribution_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/table.h"
#include "ztt-capture/analysis/attribution.h"
#include "ztt-capture/analysis/grade.h"
#include "ztt-capture/report/text_page.h"

#define COUNTS_MAX 7

struct named {
	const char *key;   /* JSON */
	const char *words; /* text */
	struct ztt_counted counted;
};

static void name_counts(const struct ztt_host_counts *counts,
			struct named named[COUNTS_MAX])
{
	const struct named all[COUNTS_MAX] = {
		{"socket_drops", "socket drops", ztt_socket_drops(counts)},
		{"rcvbuf_errors", "UdpRcvbufErrors", counts->rcvbuf_errors},
		{"nic_missed", "NIC rx_missed_errors", counts->nic_missed},
		{"nic_dropped", "NIC rx_dropped", counts->nic_dropped},
		{"engine_lost", "the engine's lost packets",
		 counts->engine_lost},
		{"engine_dropped_bytes", "bytes the engine threw away",
		 counts->engine_dropped_bytes},
		{"engine_too_big", "too big for the engine's path",
		 counts->engine_too_big},
	};

	for (size_t i = 0; i < COUNTS_MAX; i++)
		named[i] = all[i];
}

static void share_cell(struct ztt_table *table, const struct ztt_share *share)
{
	if (share->grade == ZTT_GRADE_UNKNOWN)
		ztt_table_cell(table, "?");
	else if (share->least == share->most)
		ztt_table_cell(table, "%" PRIu64, share->least);
	else if (share->most == ZTT_MOST_UNKNOWN)
		ztt_table_cell(table,
			       share->least ? "%" PRIu64 " or more" : "?",
			       share->least);
	else
		ztt_table_cell(table, "%" PRIu64 " to %" PRIu64, share->least,
			       share->most);
}

static bool lost_something(const struct ztt_share places[ZTT_PLACES])
{
	for (int i = 0; i < ZTT_PLACES; i++)
		if (places[i].most)
			return true;
	return false;
}

static void put_table(const struct ztt_attribution *attribution, bool color,
		      FILE *out)
{
	static const char *const heads[] = {"  lost of", ">path before",
					    ">NIC",      ">socket buffer",
					    ">engine",   ">path after",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	for (size_t i = 0; i < attribution->connection_count; i++)
		for (int way = 0; way < 2; way++) {
			const struct ztt_attributed *at =
				&attribution->connections[i];

			if (!lost_something(at->places[way]))
				continue;
			ztt_table_row(table);
			ztt_table_cell(table, "  %" PRIu64 ", %s%s",
				       at->connection->number,
				       way ? "server" : "client",
				       at->ends_here[way] ? ", to it" : "");
			for (int j = 0; j < ZTT_PLACES; j++)
				share_cell(table, &at->places[way][j]);
		}
	ztt_table_row(table);
	ztt_table_cell(table, "  all");
	for (int j = 0; j < ZTT_PLACES; j++)
		share_cell(table, &attribution->sum[j]);
	ztt_table_print(table, color, out);
	ztt_table_free(table);
}

static double seconds(const struct ztt_host_counts *counts, int64_t at_ns)
{
	return (double)(at_ns - counts->begun_ns) / (double)ZTT_NS_PER_S;
}

static void put_counts(const struct ztt_page *page,
		       const struct ztt_host_counts *counts)
{
	struct named named[COUNTS_MAX];
	char text[768] = "";

	name_counts(counts, named);
	for (size_t i = 0; i < COUNTS_MAX; i++) {
		const struct ztt_counted *at = &named[i].counted;

		if (!at->known)
			continue;
		ztt_page_append(text, sizeof(text), "%s%s %" PRIu64,
				text[0] ? "; " : "", named[i].words, at->grew);
		if (at->first_ns)
			ztt_page_append(text, sizeof(text),
					" (seen %.1f to %.1f s after the "
					"beginning)",
					seconds(counts, at->first_ns),
					seconds(counts, at->last_ns));
	}
	ztt_page_labelled(page, "counted", "%s", text[0] ? text : "nothing");
	if (counts->problem[0])
		ztt_page_labelled(page, "problem", "%s", counts->problem);
}

void ztt_attribution_text(const struct ztt_attribution *attribution, bool color,
			  FILE *out)
{
	const struct ztt_host_counts *counts = attribution->counts;
	const struct ztt_page page = {.out = out, .color = color};

	if (counts->pid)
		fprintf(out,
			"\nwhere packets were lost, on the way to or from "
			"process %d\n",
			(int)counts->pid);
	else
		fprintf(out, "\nwhere packets were lost\n");
	put_table(attribution, color, out);
	put_counts(&page, counts);
	fprintf(out, "%s%s%s\n", color ? ZTT_BOLD : "", attribution->sentence,
		color ? ZTT_PLAIN : "");
}

static void write_counted(struct ztt_json *json, const struct named *named)
{
	const struct ztt_counted *at = &named->counted;

	if (!at->known) {
		ztt_json_null(json, named->key);
		return;
	}
	ztt_json_object(json, named->key);
	ztt_json_uint(json, "grew", at->grew);
	if (at->first_ns) {
		ztt_json_int(json, "first_ns", at->first_ns);
		ztt_json_int(json, "last_ns", at->last_ns);
	} else {
		ztt_json_null(json, "first_ns");
		ztt_json_null(json, "last_ns");
	}
	ztt_json_end_object(json);
}

static void write_places(struct ztt_json *json,
			 const struct ztt_share places[ZTT_PLACES])
{
	ztt_json_object(json, "places");
	for (int i = 0; i < ZTT_PLACES; i++) {
		const struct ztt_share *at = &places[i];

		ztt_json_object(json, ztt_place_name((enum ztt_place)i));
		if (at->grade == ZTT_GRADE_UNKNOWN)
			ztt_json_null(json, "least");
		else
			ztt_json_uint(json, "least", at->least);
		if (at->grade == ZTT_GRADE_UNKNOWN ||
		    at->most == ZTT_MOST_UNKNOWN)
			ztt_json_null(json, "most");
		else
			ztt_json_uint(json, "most", at->most);
		ztt_json_string(json, "grade", ztt_grade_name(at->grade));
		ztt_json_end_object(json);
	}
	ztt_json_end_object(json);
}

static void write_direction(struct ztt_json *json,
			    const struct ztt_attributed *at, int way)
{
	ztt_json_object(json, NULL);
	ztt_json_uint(json, "connection", at->connection->number);
	ztt_json_string(json, "from", way ? "server" : "client");
	ztt_json_bool(json, "to_process", at->ends_here[way]);
	write_places(json, at->places[way]);
	ztt_json_end_object(json);
}

void ztt_attribution_json(const struct ztt_attribution *attribution,
			  struct ztt_json *json)
{
	const struct ztt_host_counts *counts = attribution->counts;
	struct named named[COUNTS_MAX];

	name_counts(counts, named);
	ztt_json_object(json, "attribution");
	if (counts->pid)
		ztt_json_int(json, "pid", counts->pid);
	else
		ztt_json_null(json, "pid");
	ztt_json_int(json, "begun_ns", counts->begun_ns);
	ztt_json_int(json, "ended_ns", counts->ended_ns);
	ztt_json_object(json, "counted");
	for (size_t i = 0; i < COUNTS_MAX; i++)
		write_counted(json, &named[i]);
	ztt_json_end_object(json);
	ztt_json_string(json, "problem",
			counts->problem[0] ? counts->problem : NULL);
	write_places(json, attribution->sum);
	ztt_json_array(json, "directions");
	for (size_t i = 0; i < attribution->connection_count; i++)
		for (int way = 0; way < 2; way++)
			write_direction(json, &attribution->connections[i],
					way);
	ztt_json_end_array(json);
	ztt_json_string(json, "verdict", attribution->sentence);
	ztt_json_end_object(json);
}
