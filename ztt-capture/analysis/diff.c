#include "ztt-capture/analysis/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/err.h"
#include "ztt-capture/analysis/diff_clock.h"
#include "ztt-capture/analysis/diff_match.h"
#include "ztt-capture/analysis/diff_point.h"
#include "ztt-capture/analysis/diff_sample.h"

/* Enough for a connection ID, a number and some ciphertext */
#define SURVEY_BYTES 40

struct side {
	const char *path;
	int *fds; /* two */
	struct ztt_diff_flows *flows;
	struct ztt_diff_sample *sample;
	struct ztt_diff_point *figures;
	struct ztt_diff_reader reader;
	int64_t offset_ns; /* of its clock */
	/* The next datagram, and whether there is one */
	struct ztt_diff_datagram next;
	bool has_next;
};

struct run {
	struct ztt_diff_plan plan;
	struct ztt_diff *diff;
	struct side a, b;
	size_t compared_bytes; /* of a payload; SIZE_MAX: all */
	struct ztt_diff_deltas deltas;
	struct ztt_diff_clock clock;
	struct ztt_diff_matches *matches;
	int64_t from_ns[2], to_ns[2]; /* each capture's, in A's time */
};

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static void survey_one(struct run *run, struct side *side,
		       const struct ztt_diff_datagram *datagram)
{
	struct ztt_diff_seen seen = {
		.at_ns = datagram->at_ns,
		.flow = datagram->flow,
		.up = datagram->up,
	};

	if (datagram->payload_bytes < datagram->whole_bytes) {
		if (datagram->payload_bytes < SURVEY_BYTES) {
			side->figures->cut++;
			return;
		}
		run->compared_bytes =
			least(run->compared_bytes, datagram->payload_bytes);
	}
	ztt_diff_digest(run->plan.seed, datagram->payload,
			least(datagram->payload_bytes, SURVEY_BYTES),
			datagram->whole_bytes, &seen.digest);
	ztt_diff_sample_add(side->sample, &seen);
}

static int survey(struct run *run, struct side *side, struct ztt_err *err)
{
	struct ztt_diff_datagram datagram;
	int rc = ztt_diff_reader_open(&side->reader, &side->fds[0], side->path,
				      side->flows, side->figures, err);

	if (rc < 0)
		return rc;
	while ((rc = ztt_diff_reader_next(&side->reader, &datagram, err)) > 0)
		survey_one(run, side, &datagram);
	ztt_source_figures(side->reader.source, &side->figures->source);
	ztt_diff_reader_close(&side->reader);
	return rc < 0 ? ztt_err_prefix(err, rc, "%s", side->path) : 0;
}

static void vote(void *owner, const struct ztt_diff_seen *of_a,
		 const struct ztt_diff_seen *of_b)
{
	int64_t vote = of_a->up == of_b->up ? -1 : 1;

	(void)owner;
	of_a->flow->matched = of_b->flow->matched = true;
	/* Whoever knows it better is right; else A is. */
	if (of_b->flow->known > of_a->flow->known)
		of_a->flow->votes += vote;
	else
		of_b->flow->votes += vote;
}

static void turn(struct ztt_diff_flows *flows)
{
	for (size_t i = 0; i < ztt_diff_flows_count(flows); i++) {
		struct ztt_diff_flow *flow = ztt_diff_flows_at(flows, i);

		if (flow->votes > 0)
			ztt_diff_flow_turn(flow);
	}
}

static void take_delta(void *owner, const struct ztt_diff_seen *of_a,
		       const struct ztt_diff_seen *of_b)
{
	struct ztt_diff_deltas *deltas = &((struct run *)owner)->deltas;
	bool turned = of_a->flow->votes > 0;
	int64_t delta = of_b->at_ns - of_a->at_ns;

	if (of_a->up != turned)
		deltas->up[deltas->up_count++] = delta;
	else
		deltas->down[deltas->down_count++] = delta;
}

static void set_spans(struct run *run)
{
	const struct ztt_diff *diff = run->diff;
	int64_t from, to;

	run->from_ns[0] = diff->a.first_ns;
	run->to_ns[0] = diff->a.last_ns;
	run->from_ns[1] = diff->b.first_ns - run->clock.offset_ns;
	run->to_ns[1] = diff->b.last_ns - run->clock.offset_ns;
	from = run->from_ns[run->from_ns[1] > run->from_ns[0]];
	to = run->to_ns[run->to_ns[1] < run->to_ns[0]];
	run->diff->overlap_ns = to > from ? (uint64_t)(to - from) : 0;
}

static uint64_t margin_of(const struct ztt_diff_delays *delays)
{
	return delays->most_ns > 0 ? (uint64_t)delays->most_ns : 0;
}

/* What came twice tells less well when it came: only when there is nothing
 * else. */
static size_t find_pairs(struct run *run, bool *ret_repeated)
{
	const struct ztt_diff_sample *a = run->a.sample, *b = run->b.sample;
	size_t count;

	*ret_repeated = false;
	count = ztt_diff_sample_pairs(a, b, false, vote, run);
	if (count > 0)
		return count;
	*ret_repeated = true;
	return ztt_diff_sample_pairs(a, b, true, vote, run);
}

static int estimate(struct run *run, struct ztt_err *err)
{
	struct ztt_diff *diff = run->diff;
	bool repeated;
	size_t count = find_pairs(run, &repeated);

	if (count == 0)
		return ztt_err_set(err, -ENODATA,
				   "no datagram is in both captures: are they "
				   "of the same traffic, at the same time, "
				   "between the same two ends of the tunnel?");
	turn(run->a.flows);
	turn(run->b.flows);
	run->deltas.up = ztt_calloc(count, sizeof(int64_t));
	run->deltas.down = ztt_calloc(count, sizeof(int64_t));
	ztt_diff_sample_pairs(run->a.sample, run->b.sample, repeated,
			      take_delta, run);
	ztt_diff_clock_estimate(&run->deltas, run->plan.same_clock,
				run->plan.window_ns, &run->clock);
	run->b.offset_ns = run->clock.offset_ns;
	diff->same_clock = run->plan.same_clock;
	diff->offset_known = run->clock.offset_known;
	diff->offset_ns = run->clock.offset_ns;
	diff->offset_uncertainty_ns = run->clock.uncertainty_ns;
	diff->up.margin_ns = margin_of(&run->clock.up);
	diff->down.margin_ns = margin_of(&run->clock.down);
	diff->up.a_to_b = run->clock.a_is_near;
	diff->down.a_to_b = !run->clock.a_is_near;
	if (run->compared_bytes != SIZE_MAX)
		diff->compared_bytes = run->compared_bytes;
	set_spans(run);
	return 0;
}

static struct ztt_diff_way *way_of(const struct ztt_diff_record *record)
{
	return record->up ? &record->flow->up : &record->flow->down;
}

static void matched(void *owner, const struct ztt_diff_record *first,
		    const struct ztt_diff_record *other)
{
	struct run *run = owner;
	struct ztt_diff_direction *direction =
		first->up ? &run->diff->up : &run->diff->down;
	struct ztt_diff_way *way = way_of(first);
	int64_t delay_ns = other->at_ns - first->at_ns;

	first->flow->matched = other->flow->matched = true;
	if (way->arrived == 0 || first->position < way->least)
		way->least = first->position;
	if (first->position + 1 < way->most)
		way->reordered++;
	else
		way->most = first->position + 1;
	if (delay_ns < direction->delay_least_ns ||
	    ztt_hist_count(direction->delay_ns) == 0)
		direction->delay_least_ns = delay_ns;
	direction->negative += delay_ns < 0;
	ztt_hist_record(direction->delay_ns,
			delay_ns < 0 ? 0 : (uint64_t)delay_ns);
	way->arrived++;
}

/* Whether the other end's capture was running when it passed there: it saw one
 * sent before and one sent after, or its time says so. */
static bool is_covered(const struct run *run,
		       const struct ztt_diff_record *record)
{
	bool to_b = record->up == run->clock.a_is_near;
	bool other_is_b = (record->end == ZTT_DIFF_FIRST) == to_b;
	int64_t from_ns = run->from_ns[other_is_b];
	int64_t to_ns = run->to_ns[other_is_b], at_ns = record->at_ns;
	const struct ztt_diff_delays *delays =
		record->up ? &run->clock.up : &run->clock.down;
	const struct ztt_diff_way *way = way_of(record);

	if (record->end == ZTT_DIFF_OTHER)
		return at_ns - delays->most_ns >= from_ns &&
		       at_ns - delays->least_ns <= to_ns;
	if (way->arrived > 0 && record->position > way->least &&
	    record->position < way->most)
		return true;
	return at_ns + delays->least_ns >= from_ns &&
	       at_ns + delays->most_ns <= to_ns;
}

static void alone(void *owner, const struct ztt_diff_record *record)
{
	struct ztt_diff_way *way = way_of(record);

	if (record->end == ZTT_DIFF_OTHER && record->copy)
		way->duplicated++;
	else if (!is_covered(owner, record))
		way->edge++;
	else if (record->end == ZTT_DIFF_FIRST)
		way->lost++;
	else
		way->unsent++;
}

static void again(void *owner, const struct ztt_diff_record *record)
{
	struct run *run = owner;
	bool first_is_a = record->up == run->clock.a_is_near;
	bool of_a = (record->end == ZTT_DIFF_FIRST) == first_is_a;

	(of_a ? &run->diff->a : &run->diff->b)->again++;
}

static int advance(struct side *side, struct ztt_err *err)
{
	int rc = ztt_diff_reader_next(&side->reader, &side->next, err);

	side->has_next = rc > 0;
	side->next.at_ns -= rc > 0 ? side->offset_ns : 0;
	return rc < 0 ? ztt_err_prefix(err, rc, "%s", side->path) : 0;
}

static void add(struct run *run, const struct side *side)
{
	const struct ztt_diff_datagram *datagram = &side->next;
	bool first_is_a = datagram->up == run->clock.a_is_near;
	struct ztt_diff_record record = {
		.end = (side == &run->a) == first_is_a ? ZTT_DIFF_FIRST
						       : ZTT_DIFF_OTHER,
		.flow = datagram->flow,
		.up = datagram->up,
		.at_ns = datagram->at_ns,
	};

	if (datagram->payload_bytes < datagram->whole_bytes &&
	    datagram->payload_bytes < run->compared_bytes)
		return;
	record.position = way_of(&record)->seen++;
	/* The same content the other way is another datagram. */
	ztt_diff_digest(run->plan.seed ^ datagram->up, datagram->payload,
			least(datagram->payload_bytes, run->compared_bytes),
			datagram->whole_bytes, &record.digest);
	ztt_diff_matches_add(run->matches, &record);
}

static int open_again(struct side *side, struct ztt_err *err)
{
	int rc = ztt_diff_reader_open(&side->reader, &side->fds[1], side->path,
				      side->flows, NULL, err);

	return rc < 0 ? rc : advance(side, err);
}

static int compare(struct run *run, struct ztt_err *err)
{
	struct ztt_diff_match_plan plan = {
		.window_ns = run->plan.window_ns,
		.matched = matched,
		.alone = alone,
		.again = again,
		.owner = run,
	};
	int rc = open_again(&run->a, err);

	if (rc < 0 || (rc = open_again(&run->b, err)) < 0)
		return rc;
	run->matches = ztt_diff_matches_new(&plan);
	while (rc == 0 && (run->a.has_next || run->b.has_next)) {
		bool b_is_next = !run->a.has_next ||
				 (run->b.has_next &&
				  run->b.next.at_ns < run->a.next.at_ns);
		struct side *side = b_is_next ? &run->b : &run->a;

		add(run, side);
		rc = advance(side, err);
	}
	ztt_diff_matches_end(run->matches);
	run->diff->forgotten = ztt_diff_matches_forgotten(run->matches);
	return rc;
}

static void sum_way(struct ztt_diff_direction *direction,
		    const struct ztt_diff_way *way)
{
	direction->arrived += way->arrived;
	direction->lost += way->lost;
	direction->sent += way->arrived + way->lost;
	direction->reordered += way->reordered;
	direction->duplicated += way->duplicated;
	direction->unsent += way->unsent;
	direction->edge += way->edge;
	direction->guessed |= way->guessed;
}

static void sum(struct ztt_diff *diff, struct side *side)
{
	for (size_t i = 0; i < ztt_diff_flows_count(side->flows); i++) {
		const struct ztt_diff_flow *flow =
			ztt_diff_flows_at(side->flows, i);

		side->figures->flows++;
		side->figures->flows_matched += flow->matched;
		if (flow->matched) {
			sum_way(&diff->up, &flow->up);
			sum_way(&diff->down, &flow->down);
		} else {
			side->figures->elsewhere +=
				flow->up.seen + flow->down.seen;
		}
	}
}

static void side_init(struct side *side, const char *path, int *fds,
		      struct ztt_diff_point *figures)
{
	side->path = path;
	side->fds = fds;
	side->figures = figures;
	side->flows = ztt_diff_flows_new();
	side->sample = ztt_diff_sample_new();
}

static void side_release(struct side *side)
{
	ztt_diff_reader_close(&side->reader);
	ztt_diff_sample_free(side->sample);
	ztt_diff_flows_free(side->flows);
}

static int run_diff(struct run *run, struct ztt_err *err)
{
	int rc = survey(run, &run->a, err);

	if (rc == 0)
		rc = survey(run, &run->b, err);
	if (rc == 0)
		rc = estimate(run, err);
	if (rc == 0)
		rc = compare(run, err);
	if (rc < 0)
		return rc;
	sum(run->diff, &run->a);
	sum(run->diff, &run->b);
	return 0;
}

static void set_plan(struct run *run, const struct ztt_diff_plan *plan)
{
	if (plan)
		run->plan = *plan;
	if (run->plan.window_ns == 0 || run->plan.window_ns > INT64_MAX / 4)
		run->plan.window_ns = ZTT_DIFF_WINDOW_NS;
	if (run->plan.seed == 0 &&
	    getrandom(&run->plan.seed, sizeof(run->plan.seed), 0) < 0)
		run->plan.seed = 1;
}

int ztt_diff_run(struct ztt_diff_files *files, const struct ztt_diff_plan *plan,
		 struct ztt_diff *ret_diff, struct ztt_err *err)
{
	struct ztt_diff diff = {0};
	struct run run = {.diff = &diff, .compared_bytes = SIZE_MAX};
	int rc;

	set_plan(&run, plan);
	diff.up.delay_ns = ztt_hist_new();
	diff.down.delay_ns = ztt_hist_new();
	side_init(&run.a, files->paths[0], files->fds[0], &diff.a);
	side_init(&run.b, files->paths[1], files->fds[1], &diff.b);
	rc = run_diff(&run, err);
	ztt_diff_matches_free(run.matches);
	free(run.deltas.up);
	free(run.deltas.down);
	side_release(&run.a);
	side_release(&run.b);
	ztt_diff_close(files);
	if (rc < 0)
		ztt_diff_release(&diff);
	else
		*ret_diff = diff;
	return rc;
}

void ztt_diff_release(struct ztt_diff *diff)
{
	ztt_hist_free(diff->up.delay_ns);
	ztt_hist_free(diff->down.delay_ns);
	diff->up.delay_ns = diff->down.delay_ns = NULL;
}
