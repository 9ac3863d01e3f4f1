/* One pass over libyaml's events, one event ahead, with bounds on depth and on
 * the length of a value. */
#ifndef ZTT_DOCTOR_YAML_READER_H
#define ZTT_DOCTOR_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#define ZTT_YAML_VALUE_MAX 4096

/* Plain storage of the caller. The first problem stays and ends the reading:
 * from then on the event is the end of the stream. */
struct ztt_yaml {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	bool has_event;
	unsigned depth, depth_max;
	bool broken;
	char problem[256]; /* "line 4: ..." */
};

/* Begins with the root of the first document at hand, or with the end of the
 * stream where there is none. `text` is borrowed until the end. */
void ztt_yaml_begin(struct ztt_yaml *yaml, const char *text, size_t len_bytes,
		    unsigned depth_max);
void ztt_yaml_end(struct ztt_yaml *yaml);

void ztt_yaml_broken(struct ztt_yaml *yaml, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Of the event at hand, from 1. */
size_t ztt_yaml_line(const struct ztt_yaml *yaml);

/* At the end of a mapping, a sequence or the stream. */
bool ztt_yaml_at_end(const struct ztt_yaml *yaml);

/* Into the mapping or sequence at hand, and past its end; false when that is
 * too deep. */
bool ztt_yaml_enter(struct ztt_yaml *yaml);
void ztt_yaml_leave(struct ztt_yaml *yaml);

/* Passes the node at hand with all below it. */
void ztt_yaml_skip(struct ztt_yaml *yaml);

/* A copy of the scalar at hand, which the caller frees; NULL when it is no
 * scalar, is null, or is too long. Does not move on. A NUL within ends it. */
char *ztt_yaml_scalar(struct ztt_yaml *yaml);

#endif
