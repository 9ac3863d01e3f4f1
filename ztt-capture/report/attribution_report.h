/* Where packets were lost, for people and for programs. */
#ifndef ZTT_CAPTURE_ATTRIBUTION_REPORT_H
#define ZTT_CAPTURE_ATTRIBUTION_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct ztt_attribution;
struct ztt_json;

/* A table and what was counted; comes after ztt_capture_text. */
void ztt_attribution_text(const struct ztt_attribution *attribution, bool color,
			  FILE *out);
/* The member `attribution` of common/schema/ztt-capture-1.json. */
void ztt_attribution_json(const struct ztt_attribution *attribution,
			  struct ztt_json *json);

#endif
