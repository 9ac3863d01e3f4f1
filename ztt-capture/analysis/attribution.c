#include "ztt-capture/analysis/attribution.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* RFC 9001, 5.4.2: nothing shorter can be sampled for header protection. */
#define PACKET_BYTES_LEAST 21
#define UP 0
#define DOWN 1

/* What a direction says, as bounds. */
struct losses {
	bool before_known, after_known;
	enum ztt_grade grade;
	uint64_t before_least, before_most, after_least, after_most;
	uint64_t unanswered;
	bool super; /* a drop may be many packets */
};

static uint64_t least_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a - least_of(a, b);
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

const char *ztt_place_name(enum ztt_place place)
{
	static const char *const names[ZTT_PLACES] = {
		[ZTT_PLACE_PATH_BEFORE] = "path_before",
		[ZTT_PLACE_NIC] = "nic",
		[ZTT_PLACE_SOCKET] = "socket",
		[ZTT_PLACE_ENGINE] = "engine",
		[ZTT_PLACE_PATH_AFTER] = "path_after",
	};

	return names[place];
}

/* WireGuard's counters say what was missing here, not what went missing later. */
static struct losses losses_of(const struct ztt_direction *at,
			       enum ztt_protocol protocol, uint64_t unopened)
{
	bool bounded = at->loss_grade == ZTT_GRADE_BOUNDED;
	bool known = bounded || at->loss_grade == ZTT_GRADE_EXACT;

	return (struct losses){
		.before_known = known,
		.after_known = known && protocol == ZTT_PROTOCOL_QUIC,
		.grade = at->loss_grade,
		.before_least =
			less(at->lost_before,
			     at->lost_likely + at->undecoded + unopened),
		.before_most = at->lost_before + (bounded ? at->skipped : 0),
		.after_least = at->lost_after,
		.after_most = at->lost_after + (bounded ? at->unanswered : 0),
		.unanswered = at->unanswered,
		.super = at->super_datagrams > 0,
	};
}

static struct ztt_share unknown(void)
{
	return (struct ztt_share){.most = ZTT_MOST_UNKNOWN,
				  .grade = ZTT_GRADE_UNKNOWN};
}

static struct ztt_share share(const struct losses *losses, uint64_t least,
			      uint64_t most)
{
	bool exact = least == most &&
		     (most == 0 || losses->grade == ZTT_GRADE_EXACT);

	if (least == 0 && most == ZTT_MOST_UNKNOWN)
		return unknown();
	return (struct ztt_share){.least = least_of(least, most),
				  .most = most,
				  .grade = exact ? ZTT_GRADE_EXACT
						 : ZTT_GRADE_BOUNDED};
}

static struct ztt_share nothing(void)
{
	return (struct ztt_share){.grade = ZTT_GRADE_EXACT};
}

static struct ztt_share at_nic(const struct losses *losses,
			       const struct ztt_counted *missed)
{
	uint64_t most =
		losses->before_known ? losses->before_most : ZTT_MOST_UNKNOWN;

	if (most == 0 || (missed->known && missed->grew == 0))
		return nothing();
	return missed->known ? share(losses, 0, least_of(most, missed->grew))
			     : unknown();
}

/* `alone`: no other connection has that socket. */
static struct ztt_share at_socket(const struct losses *losses,
				  const struct ztt_counted *drops, bool alone)
{
	uint64_t most =
		losses->after_known ? losses->after_most : ZTT_MOST_UNKNOWN;
	uint64_t least = losses->after_known ? losses->after_least : UINT64_MAX;

	if (most == 0 || (drops->known && drops->grew == 0))
		return nothing();
	if (!drops->known)
		return unknown();
	if (!losses->super)
		most = least_of(most, drops->grew);
	least = least_of(least, less(drops->grew, losses->unanswered));
	return share(losses, alone ? least : 0, most);
}

static struct ztt_share at_engine(const struct losses *losses,
				  const struct ztt_counted *bytes,
				  uint64_t socket_least)
{
	uint64_t most = losses->after_known
				? less(losses->after_most, socket_least)
				: ZTT_MOST_UNKNOWN;

	if (most == 0 || (bytes->known && bytes->grew == 0))
		return nothing();
	if (!bytes->known)
		return unknown();
	return share(losses, 0,
		     least_of(most, bytes->grew / PACKET_BYTES_LEAST + 1));
}

/* What no other place took. */
static void put_paths(struct ztt_share *places, const struct losses *losses)
{
	uint64_t taken = plus(places[ZTT_PLACE_SOCKET].most,
			      places[ZTT_PLACE_ENGINE].most);

	places[ZTT_PLACE_PATH_BEFORE] =
		!losses->before_known ? unknown()
				      : share(losses,
					      less(losses->before_least,
						   places[ZTT_PLACE_NIC].most),
					      losses->before_most);
	places[ZTT_PLACE_PATH_AFTER] =
		!losses->after_known
			? unknown()
			: share(losses, less(losses->after_least, taken),
				less(losses->after_most,
				     places[ZTT_PLACE_SOCKET].least));
}

static void attribute(struct ztt_share *places, const struct losses *losses,
		      bool leaves, const struct ztt_counted *drops, bool alone,
		      const struct ztt_host_counts *counts)
{
	if (leaves) {
		places[ZTT_PLACE_NIC] = places[ZTT_PLACE_SOCKET] =
			places[ZTT_PLACE_ENGINE] = nothing();
	} else {
		places[ZTT_PLACE_NIC] = at_nic(losses, &counts->nic_missed);
		places[ZTT_PLACE_SOCKET] = at_socket(losses, drops, alone);
		places[ZTT_PLACE_ENGINE] =
			at_engine(losses, &counts->engine_dropped_bytes,
				  places[ZTT_PLACE_SOCKET].least);
	}
	put_paths(places, losses);
}

/* A socket that is bound to all addresses, or to an IPv4 one as IPv6 says it,
 * is the connection's when the port is. */
static bool is_at(const struct ztt_counted_socket *socket,
		  const struct ztt_endpoint *endpoint)
{
	static const uint8_t all[16];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *local = socket->local.address;

	if (socket->local.port != endpoint->port)
		return false;
	if (memcmp(local, all, sizeof(all)) == 0)
		return socket->local.family == 6 || endpoint->family == 4;
	if (socket->local.family == endpoint->family)
		return memcmp(local, endpoint->address, sizeof(all)) == 0;
	return endpoint->family == 4 &&
	       memcmp(local, mapped, sizeof(mapped)) == 0 &&
	       memcmp(local + sizeof(mapped), endpoint->address, 4) == 0;
}

static void add_counted(struct ztt_counted *sum, const struct ztt_counted *one)
{
	if (!one->known)
		return;
	sum->known = true;
	sum->grew += one->grew;
	if (one->first_ns && (!sum->first_ns || one->first_ns < sum->first_ns))
		sum->first_ns = one->first_ns;
	if (one->last_ns > sum->last_ns)
		sum->last_ns = one->last_ns;
}

/* Of the sockets that are, or were, at `endpoint`. */
static struct ztt_counted drops_at(const struct ztt_host_counts *counts,
				   const struct ztt_endpoint *endpoint)
{
	struct ztt_counted sum = {0};

	for (size_t i = 0; i < counts->socket_count; i++)
		if (is_at(&counts->sockets[i], endpoint))
			add_counted(&sum, &counts->sockets[i].drops);
	return sum;
}

struct ztt_counted ztt_socket_drops(const struct ztt_host_counts *counts)
{
	struct ztt_counted sum = {.known = counts->pid != 0};

	for (size_t i = 0; i < counts->socket_count; i++)
		add_counted(&sum, &counts->sockets[i].drops);
	return sum;
}

static const struct ztt_direction *direction_of(const struct ztt_attributed *at,
						int way)
{
	return way == UP ? &at->connection->up : &at->connection->down;
}

static const struct ztt_endpoint *end_of(const struct ztt_attributed *at,
					 int way)
{
	return &direction_of(at, !way)->from;
}

static bool has_same_socket(const struct ztt_attributed *a,
			    const struct ztt_attributed *b, int way)
{
	return a != b && b->ends_here[way] &&
	       memcmp(end_of(a, way), end_of(b, way),
		      sizeof(struct ztt_endpoint)) == 0;
}

static bool is_alone(const struct ztt_attribution *all,
		     const struct ztt_attributed *at, int way)
{
	for (size_t i = 0; i < all->connection_count; i++)
		if (has_same_socket(at, &all->connections[i], way))
			return false;
	return true;
}

static void place(struct ztt_attribution *all, struct ztt_attributed *at)
{
	const bool local = at->ends_here[UP] || at->ends_here[DOWN];

	for (int way = UP; way <= DOWN; way++) {
		struct losses losses =
			losses_of(direction_of(at, way),
				  at->connection->protocol, all->unopened);
		struct ztt_counted drops = {0};

		if (at->ends_here[way])
			drops = drops_at(all->counts, end_of(at, way));
		at->socket_drops += drops.grew;
		attribute(at->places[way], &losses,
			  local && !at->ends_here[way], &drops,
			  is_alone(all, at, way), all->counts);
	}
}

static void add_share(struct ztt_share *sum, const struct ztt_share *one,
		      bool first)
{
	if (first) {
		*sum = *one;
		return;
	}
	sum->most = plus(sum->most, one->most);
	sum->least += one->least;
	if (sum->grade != one->grade)
		sum->grade = ZTT_GRADE_BOUNDED;
	if (sum->most == ZTT_MOST_UNKNOWN && sum->least == 0)
		sum->grade = ZTT_GRADE_UNKNOWN;
}

/* Each connection's share may be all that the host counted; not their sum. */
static void cap(struct ztt_share *sum, uint64_t most)
{
	if (sum->grade != ZTT_GRADE_EXACT && sum->most > most) {
		sum->most = most;
		sum->grade = ZTT_GRADE_BOUNDED;
	}
}

static void sum_up(struct ztt_attribution *all)
{
	const struct ztt_host_counts *counts = all->counts;
	bool first = true, super = false;

	for (size_t i = 0; i < all->connection_count; i++)
		for (int way = UP; way <= DOWN; way++) {
			super |= direction_of(&all->connections[i], way)
					 ->super_datagrams > 0;
			for (int j = 0; j < ZTT_PLACES; j++)
				add_share(&all->sum[j],
					  &all->connections[i].places[way][j],
					  first);
			first = false;
		}
	if (first)
		for (int j = 0; j < ZTT_PLACES; j++)
			all->sum[j] = unknown();
	if (counts->pid && !super)
		cap(&all->sum[ZTT_PLACE_SOCKET], ztt_socket_drops(counts).grew);
	if (counts->nic_missed.known)
		cap(&all->sum[ZTT_PLACE_NIC], counts->nic_missed.grew);
	if (counts->engine_dropped_bytes.known)
		cap(&all->sum[ZTT_PLACE_ENGINE],
		    counts->engine_dropped_bytes.grew / PACKET_BYTES_LEAST + 1);
}

static void say(struct ztt_attribution *all)
{
	static const char *const where[ZTT_PLACES] = {
		[ZTT_PLACE_PATH_BEFORE] = "on the path before this point",
		[ZTT_PLACE_NIC] = "by the NIC",
		[ZTT_PLACE_SOCKET] = "at the process's full socket buffer",
		[ZTT_PLACE_ENGINE] = "by the engine, which threw them away",
		[ZTT_PLACE_PATH_AFTER] = "on the path after this point",
	};
	const struct ztt_share *best = NULL;

	for (int i = 0; i < ZTT_PLACES; i++)
		if (all->sum[i].grade != ZTT_GRADE_UNKNOWN &&
		    all->sum[i].least > (best ? best->least : 0))
			best = &all->sum[i];
	if (best && best->most != best->least && best->most != ZTT_MOST_UNKNOWN)
		snprintf(all->sentence, sizeof(all->sentence),
			 "Packets were lost %s: %" PRIu64 " to %" PRIu64 ".",
			 where[best - all->sum], best->least, best->most);
	else if (best)
		snprintf(all->sentence, sizeof(all->sentence),
			 "Packets were lost %s: %s%" PRIu64 ".",
			 where[best - all->sum],
			 best->grade == ZTT_GRADE_EXACT ? "" : "at least ",
			 best->least);
	else
		snprintf(all->sentence, sizeof(all->sentence),
			 "No loss could be placed.");
}

struct ztt_attribution *
ztt_attribution_new(const struct ztt_capture *capture,
		    const struct ztt_host_counts *counts)
{
	struct ztt_attribution *all = ztt_calloc(1, sizeof(*all));

	all->counts = counts;
	all->unopened = capture->undecoded_by[ZTT_WHY_NO_KEYS];
	all->connections = ztt_calloc(capture->connection_count,
				      sizeof(*all->connections));
	for (size_t i = 0; i < capture->connection_count; i++) {
		struct ztt_attributed *at =
			&all->connections[all->connection_count];

		if (capture->connections[i]->protocol == ZTT_PROTOCOL_TLS)
			continue;
		at->connection = capture->connections[i];
		for (int way = UP; way <= DOWN; way++)
			at->ends_here[way] =
				drops_at(counts, end_of(at, way)).known;
		all->connection_count++;
	}
	for (size_t i = 0; i < all->connection_count; i++)
		place(all, &all->connections[i]);
	sum_up(all);
	say(all);
	return all;
}

void ztt_attribution_free(struct ztt_attribution *attribution)
{
	if (!attribution)
		return;
	free(attribution->connections);
	free(attribution);
}
