#include "ztt-doctor/engine/yaml_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

void ztt_yaml_broken(struct ztt_yaml *yaml, size_t line, const char *fmt, ...)
{
	char text[192];
	va_list args;

	if (yaml->broken)
		return;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = 0;
	va_end(args);
	snprintf(yaml->problem, sizeof(yaml->problem), "line %zu: %s", line,
		 ztt_text_plain(text));
	yaml->broken = true;
}

size_t ztt_yaml_line(const struct ztt_yaml *yaml)
{
	return yaml->event.start_mark.line + 1;
}

/* Moves on; the event is STREAM_END after any problem. */
static void next(struct ztt_yaml *yaml)
{
	yaml_parser_t *parser = &yaml->parser;

	if (yaml->has_event)
		yaml_event_delete(&yaml->event);
	yaml->has_event = false;
	memset(&yaml->event, 0, sizeof(yaml->event));
	yaml->event.type = YAML_STREAM_END_EVENT;
	if (yaml->broken)
		return;
	if (!yaml_parser_parse(parser, &yaml->event)) {
		memset(&yaml->event, 0, sizeof(yaml->event));
		yaml->event.type = YAML_STREAM_END_EVENT;
		ztt_yaml_broken(yaml, parser->problem_mark.line + 1, "%s",
				parser->problem ? parser->problem
						: "cannot be read");
		return;
	}
	yaml->has_event = true;
}

bool ztt_yaml_at_end(const struct ztt_yaml *yaml)
{
	return yaml->event.type == YAML_STREAM_END_EVENT ||
	       yaml->event.type == YAML_MAPPING_END_EVENT ||
	       yaml->event.type == YAML_SEQUENCE_END_EVENT;
}

bool ztt_yaml_enter(struct ztt_yaml *yaml)
{
	if (++yaml->depth > yaml->depth_max) {
		ztt_yaml_broken(yaml, ztt_yaml_line(yaml),
				"more than %u levels deep", yaml->depth_max);
		return false;
	}
	next(yaml);
	return true;
}

void ztt_yaml_leave(struct ztt_yaml *yaml)
{
	yaml->depth--;
	next(yaml);
}

/* Passes one node with all below it; no recursion, the events come paired. */
void ztt_yaml_skip(struct ztt_yaml *yaml)
{
	unsigned open = 0;

	do {
		switch (yaml->event.type) {
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			open++;
			if (yaml->depth + open > yaml->depth_max)
				ztt_yaml_broken(yaml, ztt_yaml_line(yaml),
						"more than %u levels deep",
						yaml->depth_max);
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			open--;
			break;
		case YAML_STREAM_END_EVENT:
			return;
		default:
			break;
		}
		next(yaml);
	} while (open > 0);
}

/* NULL when it is no scalar, is null, or is too long; does not move on. A NUL
 * within ends it. */
char *ztt_yaml_scalar(struct ztt_yaml *yaml)
{
	const yaml_event_t *event = &yaml->event;
	const char *value;

	if (event->type != YAML_SCALAR_EVENT)
		return NULL;
	value = (const char *)event->data.scalar.value;
	if (event->data.scalar.length > ZTT_YAML_VALUE_MAX) {
		ztt_yaml_broken(yaml, ztt_yaml_line(yaml),
				"a value of %zu bytes",
				event->data.scalar.length);
		return NULL;
	}
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (!*value || !strcmp(value, "~") || !strcmp(value, "null")))
		return NULL;
	return ztt_strdup(value);
}

void ztt_yaml_begin(struct ztt_yaml *yaml, const char *text, size_t len_bytes,
		    unsigned depth_max)
{
	memset(yaml, 0, sizeof(*yaml));
	yaml->depth_max = depth_max;
	/* It fails where memory is out alone. */
	if (!yaml_parser_initialize(&yaml->parser))
		ztt_yaml_broken(yaml, 1, "libyaml cannot start");
	else
		yaml_parser_set_input_string(&yaml->parser,
					     (const unsigned char *)text,
					     len_bytes);
	do
		next(yaml);
	while (yaml->has_event &&
	       (yaml->event.type == YAML_STREAM_START_EVENT ||
		yaml->event.type == YAML_DOCUMENT_START_EVENT));
}

void ztt_yaml_end(struct ztt_yaml *yaml)
{
	if (yaml->has_event)
		yaml_event_delete(&yaml->event);
	yaml_parser_delete(&yaml->parser);
	memset(yaml, 0, sizeof(*yaml));
}
