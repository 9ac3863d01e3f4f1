#include "ztt-capture/report/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-capture/report/lines.h"

#define WORD_MAX 48
#define NUMBER_MAX (UINT64_MAX / 100)

/* The first ones in the order of enum ztt_packet_type, then WireGuard's message
 * types from 1 on. */
static const char *const type_words[] = {
	"initial",
	"0rtt",
	"handshake",
	"retry",
	"version-negotiation",
	"1rtt",
	"stateless-reset",
	"unopened",
	"wg-initiation",
	"wg-response",
	"wg-cookie",
	"wg-data",
	"tcp",
};
#define TYPE_WORDS (sizeof(type_words) / sizeof(type_words[0]))
#define UNOPENED_BIT ZTT_PACKET_TYPES
#define WIREGUARD_BIT (ZTT_PACKET_TYPES + 1)
#define TCP_BIT (TYPE_WORDS - 1)

/* The next word of a list into `out`; false at its end. An empty word is one
 * too, so that "1,,2" is refused. */
static bool next_word(const char **list, char out[WORD_MAX])
{
	size_t len;

	if (!*list)
		return false;
	len = strcspn(*list, ",");
	snprintf(out, WORD_MAX, "%.*s",
		 (int)(len < WORD_MAX ? len : WORD_MAX - 1), *list);
	*list = (*list)[len] ? *list + len + 1 : NULL;
	return true;
}

static int refuse(struct ztt_err *err, const char *what, const char *word,
		  const char *best)
{
	if (best)
		return ztt_err_set(
			err, -EINVAL,
			"there is no %s \"%s\": did you mean \"%s\"?", what,
			word, best);
	return ztt_err_set(err, -EINVAL, "there is no %s \"%s\"", what, word);
}

/* Past digits; false without any. A number that is too large is as good as any
 * that no connection has. */
static bool number_at(const char **at, uint64_t *ret_number)
{
	const char *start = *at;
	uint64_t number = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (number < NUMBER_MAX)
			number = 10 * number + (uint64_t)(**at - '0');
	*ret_number = number;
	return *at > start;
}

static bool range_of(const char *word, struct ztt_filter_range *range)
{
	if (!number_at(&word, &range->least))
		return false;
	range->most = range->least;
	if (*word == '-') {
		word++;
		if (!number_at(&word, &range->most))
			return false;
	}
	return !*word && range->least >= 1 && range->least <= range->most;
}

static int parse_connections(struct ztt_filter *filter, const char *list,
			     struct ztt_err *err)
{
	char word[WORD_MAX];

	while (next_word(&list, word)) {
		struct ztt_filter_range range;

		if (!range_of(word, &range))
			return ztt_err_set(err, -EINVAL,
					   "\"%s\" is no connection: give "
					   "numbers from 1 on, as in 1,3-5",
					   word);
		if (filter->connection_count == ZTT_FILTER_RANGES_MAX)
			return ztt_err_set(err, -EINVAL,
					   "more than %d ranges of connections",
					   ZTT_FILTER_RANGES_MAX);
		filter->connections[filter->connection_count++] = range;
	}
	return 0;
}

static int parse_from(struct ztt_filter *filter, const char *list,
		      struct ztt_err *err)
{
	char word[WORD_MAX];

	while (next_word(&list, word)) {
		bool both = strcasecmp(word, "both") == 0;

		if (!both && strcasecmp(word, "client") != 0 &&
		    strcasecmp(word, "server") != 0)
			return ztt_err_set(err, -EINVAL,
					   "\"%s\" is no direction: client, "
					   "server or both",
					   word);
		filter->client |= both || strcasecmp(word, "client") == 0;
		filter->server |= both || strcasecmp(word, "server") == 0;
	}
	return 0;
}

static int parse_types(struct ztt_filter *filter, const char *list,
		       struct ztt_err *err)
{
	char word[WORD_MAX];

	while (next_word(&list, word)) {
		struct ztt_near near = {.word = word};
		size_t at = 0;

		for (; at < TYPE_WORDS; at++) {
			if (strcasecmp(word, type_words[at]) == 0)
				break;
			ztt_near_offer(&near, type_words[at]);
		}
		if (at == TYPE_WORDS)
			return refuse(err, "packet type", word, near.best);
		filter->types |= UINT32_C(1) << at;
	}
	return 0;
}

static void add_frame(struct ztt_filter *filter,
		      const struct ztt_quic_frame_kind *kind)
{
	for (uint64_t type = kind->least; type <= kind->most && type < 64;
	     type++)
		filter->frames |= UINT64_C(1) << type;
	if (kind->most >= 64 &&
	    filter->more_frame_count < ZTT_FILTER_RANGES_MAX)
		filter->more_frames[filter->more_frame_count++] =
			(struct ztt_filter_range){kind->least, kind->most};
}

static int parse_frames(struct ztt_filter *filter, const char *list,
			struct ztt_err *err)
{
	char word[WORD_MAX];

	while (next_word(&list, word)) {
		struct ztt_near near = {.word = word};
		bool found = false;

		for (char *at = word; *at; at++)
			*at = *at == '-' ? '_'
			      : *at >= 'a' && *at <= 'z'
				      ? (char)(*at - 'a' + 'A')
				      : *at;
		for (const struct ztt_quic_frame_kind *at =
			     ztt_quic_frame_kinds;
		     at->name; at++) {
			ztt_near_offer(&near, at->name);
			if (strcmp(word, at->name) != 0)
				continue;
			add_frame(filter, at);
			found = true;
		}
		if (!found)
			return refuse(err, "frame", word, near.best);
	}
	return 0;
}

int ztt_filter_parse(const char *connections, const char *from,
		     const char *types, const char *frames,
		     struct ztt_filter *ret_filter, struct ztt_err *err)
{
	struct ztt_filter filter = {0};
	int ret = parse_connections(&filter, connections, err);

	if (ret == 0)
		ret = parse_from(&filter, from, err);
	if (ret == 0)
		ret = parse_types(&filter, types, err);
	if (ret == 0)
		ret = parse_frames(&filter, frames, err);
	if (ret == 0)
		*ret_filter = filter;
	return ret;
}

static bool within(const struct ztt_filter_range *ranges, size_t count,
		   uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		if (value >= ranges[i].least && value <= ranges[i].most)
			return true;
	return false;
}

static uint32_t type_bits(const struct ztt_packet *packet)
{
	uint32_t bits = 0;

	switch (packet->protocol) {
	case ZTT_PROTOCOL_QUIC:
		if (packet->header)
			bits = UINT32_C(1) << packet->header->type;
		if (!packet->opened && ztt_lines_is_protected(packet))
			bits |= UINT32_C(1) << UNOPENED_BIT;
		return bits;
	case ZTT_PROTOCOL_WIREGUARD:
		if (packet->wg_type >= 1 && packet->wg_type <= 4)
			bits = UINT32_C(1)
			       << (WIREGUARD_BIT + packet->wg_type - 1);
		return bits;
	default:
		return UINT32_C(1) << TCP_BIT;
	}
}

static bool has_frame(const struct ztt_filter *filter,
		      const struct ztt_packet *packet)
{
	for (size_t i = 0; i < packet->frame_count; i++) {
		uint64_t type = packet->frames[i].type;

		if (type < 64 ? filter->frames >> type & 1
			      : within(filter->more_frames,
				       filter->more_frame_count, type))
			return true;
	}
	return false;
}

bool ztt_filter_needs_frames(const struct ztt_filter *filter)
{
	return filter->frames || filter->more_frame_count;
}

bool ztt_filter_passes(const struct ztt_filter *filter,
		       const struct ztt_packet *packet)
{
	if (filter->connection_count &&
	    (!packet->connection ||
	     !within(filter->connections, filter->connection_count,
		     packet->connection->number)))
		return false;
	if ((filter->client || filter->server) &&
	    !(packet->up ? filter->client : filter->server))
		return false;
	if (filter->types && !(filter->types & type_bits(packet)))
		return false;
	return !ztt_filter_needs_frames(filter) || has_frame(filter, packet);
}
