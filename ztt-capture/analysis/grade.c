#include "ztt-capture/analysis/grade.h"

#include <inttypes.h>
#include <stdio.h>

#include "ztt-capture/analysis/connection.h"
#include "ztt-capture/analysis/quic_loss.h"

#define UNANSWERED_SHARE_MOST 10 /* a tenth */

const char *ztt_grade_name(enum ztt_grade grade)
{
	switch (grade) {
	case ZTT_GRADE_EXACT:
		return "exact";
	case ZTT_GRADE_BOUNDED:
		return "bounded";
	case ZTT_GRADE_HEURISTIC:
		return "heuristic";
	case ZTT_GRADE_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *ztt_why_text(enum ztt_why why)
{
	static const char *const texts[ZTT_WHYS] = {
		[ZTT_WHY_CUT] = "cut by the capture's snap length",
		[ZTT_WHY_NO_KEYS] = "no key for it",
		[ZTT_WHY_KEYS_FAIL] = "does not open with its keys",
		[ZTT_WHY_MALFORMED] = "malformed",
		[ZTT_WHY_FRAME] = "a frame within is malformed",
		[ZTT_WHY_LINK] = "unknown link layer",
		[ZTT_WHY_UNMATCHED] = "its connection's beginning is missing",
		[ZTT_WHY_FRAGMENT] = "IP fragments whose rest did not come",
	};

	return (unsigned)why < ZTT_WHYS ? texts[why] : "unknown reason";
}

double ztt_direction_loss_percent(const struct ztt_direction *direction)
{
	double sent =
		(double)direction->packets + (double)direction->lost_before;

	return sent > 0 ? 100 * (double)direction->lost / sent : 0;
}

uint64_t ztt_connection_rtt_us(const struct ztt_connection *connection,
			       double fraction)
{
	uint64_t sum_us = 0;

	if (connection->up.rtt_us)
		sum_us += ztt_hist_quantile(connection->up.rtt_us, fraction);
	if (connection->down.rtt_us)
		sum_us += ztt_hist_quantile(connection->down.rtt_us, fraction);
	return sum_us;
}

static void how(struct ztt_direction *direction, enum ztt_grade grade,
		const char *text)
{
	direction->loss_grade = grade;
	snprintf(direction->loss_how, sizeof(direction->loss_how), "%s", text);
}

void ztt_quic_loss_grade(struct ztt_direction *direction, uint64_t likely,
			 uint64_t numbers, bool decrypted)
{
	uint64_t least = direction->lost - likely;
	uint64_t most = direction->lost + direction->skipped;

	direction->lost_likely = likely;
	if (!decrypted || !numbers)
		how(direction, ZTT_GRADE_UNKNOWN,
		    "packet numbers are encrypted: a key log tells, or a "
		    "second capture point (diff)");
	else if (direction->unopened) {
		direction->loss_grade = ZTT_GRADE_HEURISTIC;
		snprintf(direction->loss_how, sizeof(direction->loss_how),
			 "%" PRIu64
			 " packets could not be opened, and may be counted as "
			 "lost",
			 direction->unopened);
	} else if (direction->unanswered * UNANSWERED_SHARE_MOST > numbers) {
		direction->loss_grade = ZTT_GRADE_BOUNDED;
		snprintf(direction->loss_how, sizeof(direction->loss_how),
			 "at least so many: the last %" PRIu64
			 " packets have no acknowledgement in this capture",
			 direction->unanswered);
	} else if (likely ||
		   direction->skipped > ztt_quic_skips_plausible(numbers)) {
		direction->loss_grade = ZTT_GRADE_BOUNDED;
		snprintf(direction->loss_how, sizeof(direction->loss_how),
			 "%" PRIu64 " to %" PRIu64
			 ": numbers that carried nothing that was sent again "
			 "are lost, or the sender skipped them",
			 least, most);
	} else
		how(direction, ZTT_GRADE_EXACT,
		    "packet numbers that passed here against the receiver's "
		    "acknowledgements");
}

void ztt_grade_capture_dropped(struct ztt_direction *direction, uint64_t frames)
{
	if (direction->loss_grade == ZTT_GRADE_UNKNOWN)
		return;
	direction->loss_grade = ZTT_GRADE_HEURISTIC;
	snprintf(direction->loss_how, sizeof(direction->loss_how),
		 "the capture itself dropped %" PRIu64
		 " frames, whose packets may be counted as lost",
		 frames);
}
