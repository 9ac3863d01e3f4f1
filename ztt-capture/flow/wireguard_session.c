#include "ztt-capture/flow/wireguard_flow.h"

#include <string.h>

#define WINDOW_BYTES (ZTT_COUNTER_WINDOW / 8) /* of one path */

/* What a message is found by, whatever its 5-tuple. */
struct name {
	uint8_t bytes[12];
};

static struct name name_of(enum ztt_wg_type type, uint32_t index,
			   uint64_t ephemeral)
{
	struct name name = {{(uint8_t)type}};

	memcpy(name.bytes + 4, &index, sizeof(index));
	if (type == ZTT_WG_INITIATION)
		memcpy(name.bytes + 4, &ephemeral, sizeof(ephemeral));
	return name;
}

static void give_name(struct ztt_wg_flow *wg, struct ztt_connection *connection,
		      struct name name, bool up)
{
	ztt_flows_name(wg->flows, connection, name.bytes, sizeof(name.bytes),
		       up);
}

struct ztt_connection *ztt_wg_session_find(struct ztt_flows *flows,
					   const struct ztt_wg_message *message,
					   bool *ret_up)
{
	enum ztt_wg_type type = message->type == ZTT_WG_COOKIE ? ZTT_WG_RESPONSE
							       : message->type;
	struct name name = name_of(type, message->receiver, message->ephemeral);

	return ztt_flows_named(flows, ZTT_PROTOCOL_WIREGUARD, name.bytes,
			       sizeof(name.bytes), ret_up);
}

static struct ztt_wg_stream *find_stream(struct ztt_wg_way *way, uint32_t index)
{
	for (unsigned i = 0; i < ZTT_WG_STREAMS; i++)
		if (way->streams[i].used && way->streams[i].index == index)
			return &way->streams[i];
	return NULL;
}

void ztt_wg_session_end(struct ztt_wg_flow *wg, struct ztt_wg_way *way,
			struct ztt_wg_stream *stream)
{
	if (!stream->used)
		return;
	ztt_counter_window_settle(&stream->window, &way->sums);
	for (unsigned path = 0; path < ZTT_COUNTER_PATHS; path++)
		if (stream->window.seen[path])
			ztt_flows_reserve(wg->flows, -WINDOW_BYTES);
	ztt_counter_window_release(&stream->window);
	stream->used = false;
}

static struct ztt_wg_stream *add_stream(struct ztt_wg_flow *wg,
					struct ztt_connection *connection,
					bool up, uint32_t index, bool began,
					int64_t at_ns)
{
	struct ztt_wg_way *way = ztt_wg_way(wg, up);
	struct ztt_wg_stream *oldest = &way->streams[0];

	for (unsigned i = 1; i < ZTT_WG_STREAMS; i++) {
		struct ztt_wg_stream *here = &way->streams[i];

		if (oldest->used &&
		    (!here->used || here->last_ns < oldest->last_ns))
			oldest = here;
	}
	ztt_wg_session_end(wg, way, oldest);
	oldest->used = true;
	oldest->index = index;
	oldest->last_ns = at_ns;
	ztt_counter_window_init(&oldest->window, began);
	give_name(wg, connection, name_of(ZTT_WG_TRANSPORT, index, 0), up);
	return oldest;
}

static struct ztt_wg_begun *find_begun(struct ztt_wg_flow *wg, uint32_t index)
{
	for (unsigned i = 0; i < ZTT_WG_BEGUN; i++)
		if (wg->begun[i].used && wg->begun[i].index == index)
			return &wg->begun[i];
	return NULL;
}

/* What the capture cut off a super-datagram: the counters up to the next one
 * that is seen here, as far as they fit in. */
static void fill_cut(struct ztt_wg_way *way, struct ztt_wg_path *path,
		     struct ztt_wg_stream *stream, uint64_t counter)
{
	uint64_t at = path->cut_counter;
	uint64_t end = at + path->cut_segments;

	if (path->cut_segments == 0 || path->cut_index != stream->index)
		return;
	path->cut_segments = 0;
	if (counter <= at)
		return;
	if (counter < end)
		end = counter;
	for (at++; at < end; at++)
		ztt_counter_window_see(&stream->window, &way->sums,
				       (unsigned)(path - way->paths), at);
}

/* Room for what a session has not seen on a path before. */
static bool has_room(struct ztt_wg_flow *wg, const struct ztt_wg_stream *stream,
		     unsigned path)
{
	return stream->window.seen[path] ||
	       ztt_flows_reserve(wg->flows, WINDOW_BYTES);
}

static void note_transport(struct ztt_wg_flow *wg,
			   struct ztt_connection *connection,
			   struct ztt_wg_path *path,
			   const struct ztt_wg_message *message, bool up,
			   int64_t at_ns)
{
	struct ztt_wg_way *way = ztt_wg_way(wg, up);
	struct ztt_wg_stream *stream = find_stream(way, message->receiver);
	unsigned place = (unsigned)(path - way->paths);
	enum ztt_counter_news news;

	if (!stream)
		stream = add_stream(wg, connection, up, message->receiver,
				    false, at_ns);
	if (!has_room(wg, stream, place)) {
		way->uncounted++;
		return;
	}
	way->sessions += !stream->window.any;
	fill_cut(way, path, stream, message->counter);
	news = ztt_counter_window_see(&stream->window, &way->sums, place,
				      message->counter);
	if (!stream->window.seen[place])
		ztt_flows_reserve(wg->flows, -WINDOW_BYTES);
	if (news == ZTT_COUNTER_NEW) {
		stream->last_ns = at_ns;
		way->keepalives += message->keepalive;
	}
}

static void note_initiation(struct ztt_wg_flow *wg,
			    struct ztt_connection *connection,
			    const struct ztt_wg_message *message, bool up,
			    int64_t at_ns)
{
	struct ztt_wg_begun *at = find_begun(wg, message->sender);
	uint64_t count = wg->begun_count[0] + wg->begun_count[1];

	if (at && at->ephemeral == message->ephemeral)
		return;
	if (count == 0)
		connection->began =
			wg->ways[0].sessions == 0 && wg->ways[1].sessions == 0;
	wg->begun[count % ZTT_WG_BEGUN] = (struct ztt_wg_begun){
		.used = true,
		.up = up,
		.index = message->sender,
		.ephemeral = message->ephemeral,
		.at_ns = at_ns,
	};
	wg->begun_count[up ? 0 : 1]++;
	give_name(wg, connection,
		  name_of(ZTT_WG_INITIATION, 0, message->ephemeral), up);
	give_name(wg, connection, name_of(ZTT_WG_RESPONSE, message->sender, 0),
		  !up);
}

/* The response names both indices: transport data that goes its way carries the
 * initiator's, the other way the responder's. */
static void note_response(struct ztt_wg_flow *wg,
			  struct ztt_connection *connection,
			  const struct ztt_wg_message *message, bool up,
			  int64_t at_ns)
{
	struct ztt_wg_begun *at = find_begun(wg, message->receiver);

	if (at && !at->answered) {
		at->answered = true;
		wg->answered_count[at->up ? 0 : 1]++;
		if (connection->handshake_ns == 0 && at_ns > at->at_ns) {
			connection->handshake_ns =
				(uint64_t)(at_ns - at->at_ns);
			connection->handshake_round_trips = 1;
		}
	}
	if (!find_stream(ztt_wg_way(wg, up), message->receiver))
		add_stream(wg, connection, up, message->receiver, true, at_ns);
	if (!find_stream(ztt_wg_way(wg, !up), message->sender))
		add_stream(wg, connection, !up, message->sender, true, at_ns);
}

/* Which way a message goes: the sessions know better than the ports. */
bool ztt_wg_session_is_up(struct ztt_wg_flow *wg,
			  const struct ztt_wg_message *message, bool up)
{
	struct ztt_wg_begun *at;

	if (message->type == ZTT_WG_TRANSPORT) {
		if (find_stream(&wg->ways[0], message->receiver))
			return true;
		return find_stream(&wg->ways[1], message->receiver) ? false
								    : up;
	}
	if (message->type == ZTT_WG_INITIATION) {
		at = find_begun(wg, message->sender);
		return at && at->ephemeral == message->ephemeral ? at->up : up;
	}
	at = find_begun(wg, message->receiver);
	return at ? !at->up : up;
}

void ztt_wg_session_note(struct ztt_wg_flow *wg,
			 struct ztt_connection *connection,
			 struct ztt_wg_path *path,
			 const struct ztt_wg_message *message, bool up,
			 int64_t at_ns)
{
	path->messages++;
	switch (message->type) {
	case ZTT_WG_INITIATION:
		note_initiation(wg, connection, message, up, at_ns);
		break;
	case ZTT_WG_RESPONSE:
		note_response(wg, connection, message, up, at_ns);
		break;
	case ZTT_WG_COOKIE:
		break;
	case ZTT_WG_TRANSPORT:
		note_transport(wg, connection, path, message, up, at_ns);
		break;
	}
}
