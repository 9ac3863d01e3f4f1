#include "ztt-capture/flow/wireguard_flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A session's last messages at the first hop alone are lost, not under way,
 * when its peer was heard so much later. */
#define TAIL_NS INT64_C(1000000000)

static void add_path(struct ztt_direction *direction,
		     const struct ztt_wg_path *path)
{
	if (direction->datagrams == 0) {
		direction->from = path->from;
		direction->first_ns = path->first_ns;
	}
	direction->datagrams += path->datagrams;
	direction->super_datagrams += path->supers;
	direction->packets += path->messages;
	direction->undecoded += path->undecoded;
	direction->bytes += path->bytes;
	for (unsigned i = 0; i < 4; i++)
		direction->ecn[i] += path->ecn[i];
	if (path->payload_most_bytes > direction->payload_most_bytes)
		direction->payload_most_bytes = path->payload_most_bytes;
	if (path->first_ns < direction->first_ns)
		direction->first_ns = path->first_ns;
	if (path->last_ns > direction->last_ns)
		direction->last_ns = path->last_ns;
}

/* What was last seen at the first hop alone, in sessions that lived until the
 * end. */
static uint64_t tail_of(const struct ztt_wg_way *way, unsigned last)
{
	uint64_t tail = 0;

	for (unsigned i = 0; i < ZTT_WG_STREAMS; i++)
		if (way->streams[i].used &&
		    way->last_ns - way->streams[i].last_ns <= TAIL_NS)
			tail += ztt_counter_tail(&way->streams[i].window, last);
	return tail;
}

static void say_how(const struct ztt_wg_way *way,
		    const struct ztt_counter_result *result, uint64_t tail,
		    uint64_t dropped, struct ztt_direction *direction)
{
	char *how = direction->loss_how;
	size_t size = sizeof(direction->loss_how);

	direction->loss_grade = ZTT_GRADE_EXACT;
	if (result->hops == 0) {
		direction->loss_grade = ZTT_GRADE_UNKNOWN;
		snprintf(how, size, "no transport data seen");
	} else if (way->uncounted) {
		direction->loss_grade = ZTT_GRADE_UNKNOWN;
		snprintf(how, size,
			 "%" PRIu64 " messages were not counted: too many "
			 "sessions at a time",
			 way->uncounted);
	} else if (way->cut) {
		direction->loss_grade = ZTT_GRADE_HEURISTIC;
		snprintf(how, size,
			 "counter gaps; the snap length cut %" PRIu64
			 " messages that may be super-datagrams: their "
			 "segments were inferred",
			 way->cut);
	} else if (dropped) {
		direction->loss_grade = ZTT_GRADE_BOUNDED;
		snprintf(how, size,
			 "counter gaps: at most so many, for the capture "
			 "itself dropped %" PRIu64 " packets",
			 dropped);
	} else if (way->sums.breaks) {
		direction->loss_grade = ZTT_GRADE_BOUNDED;
		snprintf(how, size,
			 "counter gaps: at least so many; %" PRIu64
			 " leaps of more than a million are not counted",
			 way->sums.breaks);
	} else if (tail) {
		snprintf(how, size,
			 "counter gaps at the last of %u hops; another %" PRIu64
			 " were seen at the first hop alone when it ended: "
			 "under way, or lost",
			 result->hops, tail);
	} else if (result->hops > 1) {
		snprintf(how, size,
			 "counter gaps at the last of %u hops; what was lost "
			 "after the last one seen cannot be known",
			 result->hops);
	} else {
		snprintf(how, size,
			 "gaps in the clear counter; what was lost after the "
			 "last message seen cannot be known");
	}
}

static void finish_way(struct ztt_wg_way *way, uint64_t dropped,
		       struct ztt_direction *direction)
{
	struct ztt_counter_result result;
	uint64_t tail;
	unsigned first;

	for (unsigned i = 0; i < ZTT_WG_STREAMS; i++)
		if (way->streams[i].used)
			ztt_counter_window_settle(&way->streams[i].window,
						  &way->sums);
	ztt_counter_result(&way->sums, &result);
	tail = tail_of(way, result.last);
	if (tail > result.lost_between)
		tail = result.lost_between;
	first = result.hops ? result.first : UINT32_MAX;
	for (unsigned i = 0; i < way->path_count; i++)
		if (first >> i & 1)
			add_path(direction, &way->paths[i]);
	direction->lost_before = result.lost_before;
	direction->lost_after = result.lost_between - tail;
	direction->lost = direction->lost_before + direction->lost_after;
	direction->unanswered = tail;
	direction->reordered = result.reordered;
	direction->duplicated = result.duplicated;
	direction->key_updates = way->sessions ? way->sessions - 1 : 0;
	say_how(way, &result, tail, dropped, direction);
}

/* Whether an earlier path of the set has the same addresses, at another
 * interface. */
static bool is_known(const struct ztt_wg_way *way, unsigned paths, unsigned at)
{
	const struct ztt_wg_path *path = &way->paths[at];

	for (unsigned i = 0; i < at; i++)
		if (paths >> i & 1 &&
		    memcmp(&way->paths[i].from, &path->from,
			   sizeof(path->from)) == 0 &&
		    memcmp(&way->paths[i].to, &path->to, sizeof(path->to)) == 0)
			return true;
	return false;
}

static uint64_t moves_of(const struct ztt_wg_way *way)
{
	struct ztt_counter_result result;
	uint64_t places = way->replaced;

	ztt_counter_result(&way->sums, &result);
	for (unsigned i = 0; i < way->path_count; i++)
		places += result.first >> i & 1 &&
			  !is_known(way, result.first, i);
	return places ? places - 1 : 0;
}

void ztt_wg_sum(struct ztt_wg_flow *wg, struct ztt_connection *connection)
{
	uint64_t dropped = ztt_flows_capture(wg->flows)->source.dropped;
	uint64_t up, down;

	finish_way(&wg->ways[0], dropped, &connection->up);
	finish_way(&wg->ways[1], dropped, &connection->down);
	up = moves_of(&wg->ways[0]);
	down = moves_of(&wg->ways[1]);
	connection->migrations = up > down ? up : down;
	connection->up.retransmitted =
		wg->begun_count[0] - wg->answered_count[0];
	connection->down.retransmitted =
		wg->begun_count[1] - wg->answered_count[1];
}
