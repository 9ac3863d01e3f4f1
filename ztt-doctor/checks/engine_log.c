/* What the engine's log says. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/log.h"

#define SHOWN_MAX 5
#define ADVISED_MAX 3

struct item {
	enum ztt_log_id id;
	enum ztt_status status;
};

static enum ztt_status status_of(const struct ztt_log *log, enum ztt_log_id id)
{
	enum ztt_log_kind kind = ztt_log_patterns[id].kind;

	switch (ztt_log_age(log, id)) {
	case ZTT_LOG_EARLIER:
		return ZTT_STATUS_OK;
	case ZTT_LOG_MENDED:
		return kind == ZTT_LOG_KIND_NOTE ? ZTT_STATUS_OK
						 : ZTT_STATUS_WARN;
	case ZTT_LOG_GOES_ON:
		break;
	}
	return kind == ZTT_LOG_KIND_NOTE   ? ZTT_STATUS_OK
	       : kind == ZTT_LOG_KIND_WARN ? ZTT_STATUS_WARN
					   : ZTT_STATUS_FAIL;
}

/* The worst first, and of the same status the most frequent. */
static bool is_before(const struct ztt_log *log, const struct item *a,
		      const struct item *b)
{
	if (a->status != b->status)
		return a->status > b->status;
	return log->hits[a->id].count > log->hits[b->id].count;
}

/* The text of one is a part of another's line; the more exact one is told. */
static bool is_told_by_other(const struct ztt_log *log, enum ztt_log_id id)
{
	const struct ztt_log_hit *hits = log->hits;

	if (id == ZTT_LOG_UNAUTHORIZED)
		return hits[id].count <= hits[ZTT_LOG_BAD_SECRET].count +
						 hits[ZTT_LOG_NO_TUNNEL].count;
	if (id == ZTT_LOG_X509)
		return hits[id].count <= hits[ZTT_LOG_QUIC_CRYPTO].count +
						 hits[ZTT_LOG_TCP_TLS].count;
	return false;
}

static size_t gather(const struct ztt_log *log, bool auth, struct item *items)
{
	size_t count = 0;

	for (size_t i = 0; i < ZTT_LOG_COUNT; i++) {
		enum ztt_log_id id = (enum ztt_log_id)i;
		enum ztt_log_kind kind = ztt_log_patterns[i].kind;
		struct item item = {id, status_of(log, id)};
		size_t at;

		if (!log->hits[i].count || kind == ZTT_LOG_KIND_NOTE ||
		    (kind == ZTT_LOG_KIND_AUTH) != auth ||
		    is_told_by_other(log, id))
			continue;
		for (at = count++;
		     at > 0 && is_before(log, &item, &items[at - 1]); at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
	return count;
}

static void note(const struct ztt_log *log, const struct item *item,
		 struct ztt_finding *finding)
{
	const struct ztt_log_hit *hit = &log->hits[item->id];
	enum ztt_log_age age = ztt_log_age(log, item->id);
	bool once = hit->count == 1 || !strcmp(hit->first, hit->last);

	ztt_finding_note(finding, item->status,
			 "%s (%" PRIu64 " line%s%s%s%s%s%s)",
			 ztt_log_patterns[item->id].meaning, hit->count,
			 hit->count == 1 ? "" : "s", hit->first[0] ? ", " : "",
			 hit->first, once ? "" : " to ", once ? "" : hit->last,
			 age == ZTT_LOG_MENDED    ? "; connected since"
			 : age == ZTT_LOG_EARLIER ? "; before the last start"
						  : "");
}

static void advise(const struct item *items, size_t count,
		   struct ztt_finding *finding)
{
	char text[768] = "";
	size_t len = 0, advised = 0;

	for (size_t i = 0; i < count && advised < ADVISED_MAX; i++) {
		const char *next = ztt_log_patterns[items[i].id].next;

		if (items[i].status == ZTT_STATUS_OK || strstr(text, next) ||
		    len + strlen(next) + 3 > sizeof(text))
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					len ? "; " : "", next);
		advised++;
	}
	if (len)
		ztt_finding_advise(finding, "%s", text);
}

/* True when it was read; else the finding says why not. */
static bool is_read(const struct ztt_log *log, struct ztt_finding *finding)
{
	if (log->rc == 0)
		return true;
	if (log->rc == -ENOENT && log->source[0])
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s does not exist", log->source);
	else if (log->rc == -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no log of cloudflared: no logfile, no "
				 "journal of the unit");
	else
		ztt_finding_unread(finding, log->source, log->rc,
				   "root, or group systemd-journal");
	return false;
}

static void check(struct ztt_doctor *doctor, bool auth, const char *none,
		  struct ztt_finding *finding)
{
	const struct ztt_log *log = ztt_log(doctor);
	struct item items[ZTT_LOG_COUNT];
	size_t count;

	if (!is_read(log, finding))
		return;
	count = gather(log, auth, items);
	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		note(log, &items[i], finding);
	if (count > SHOWN_MAX)
		ztt_finding_note(finding, ZTT_STATUS_OK, "and %zu more kind%s",
				 count - SHOWN_MAX,
				 count == SHOWN_MAX + 1 ? "" : "s");
	advise(items, count, finding);
	if (!count)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s in %zu bytes%s of %s", none,
				 log->len_bytes, log->cut ? " at the end" : "",
				 log->source);
}

void ztt_check_engine_log(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	check(doctor, false, "nothing that is known to be bad", finding);
}

void ztt_check_engine_auth(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	check(doctor, true, "no failed authentication", finding);
}
