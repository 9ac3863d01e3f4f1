/* What two captures say together, for people and for programs. */
#ifndef ZTT_CAPTURE_DIFF_REPORT_H
#define ZTT_CAPTURE_DIFF_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "ztt-capture/analysis/diff.h"

struct ztt_json;

/* The captures, the clocks, a row for each direction, what is to be known of
 * the figures, and a verdict in one line, last. `of`: both files' names. */
void ztt_diff_text(const struct ztt_diff *diff, const char *const of[2],
		   bool color, FILE *out);

/* An object of common/schema/ztt-capture-1.json. What is not known is null. */
void ztt_diff_json(const struct ztt_diff *diff, const char *const of[2],
		   struct ztt_json *json);

/* The verdict: one line, plain text. */
#define ZTT_DIFF_SENTENCE_LEN 512
char *ztt_diff_sentence(const struct ztt_diff *diff,
			char out[ZTT_DIFF_SENTENCE_LEN]);

/* Exit status. `loss_most`: a fraction of 0 to 1 above which a direction's loss
 * is a problem (1); below 0: none was given. 3: no datagram was seen that could
 * have passed both points; else 0. */
int ztt_diff_exit(const struct ztt_diff *diff, double loss_most);

#endif
