/* A JSON writer: streams into memory, never builds a tree. */
#ifndef ZTT_JSON_H
#define ZTT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain storage of the caller; fields are the writer's own. */
struct ztt_json {
	char *text;
	size_t len_bytes, cap_bytes;
	unsigned depth;
	uint64_t arrays; /* bit d: what is open at depth d is an array */
	bool pretty, comma;
};

/* `pretty`: indented by two spaces, for people, with an array that is directly
 * within an array on one line; otherwise all on one line. At most 63 deep. */
void ztt_json_init(struct ztt_json *json, bool pretty);
void ztt_json_release(struct ztt_json *json);

/* `key` is NULL inside an array and at the top, where one value stands. A NULL
 * text is null. Strings are escaped, control characters all of them, and each
 * byte that is not UTF-8 becomes U+FFFD. A double has up to 6 significant
 * digits, so that results diff well, and is null when it is not finite. */
void ztt_json_object(struct ztt_json *json, const char *key);
void ztt_json_array(struct ztt_json *json, const char *key);
void ztt_json_end_object(struct ztt_json *json);
void ztt_json_end_array(struct ztt_json *json);
void ztt_json_string(struct ztt_json *json, const char *key, const char *text);
void ztt_json_uint(struct ztt_json *json, const char *key, uint64_t value);
void ztt_json_int(struct ztt_json *json, const char *key, int64_t value);
void ztt_json_number(struct ztt_json *json, const char *key, double value);
void ztt_json_bool(struct ztt_json *json, const char *key, bool value);
void ztt_json_null(struct ztt_json *json, const char *key);

/* The text, NUL-terminated, without a newline at the end; owned by the writer
 * until its release. Asserts that every object and array has ended.
 * `ret_len_bytes` may be NULL. */
const char *ztt_json_text(struct ztt_json *json, size_t *ret_len_bytes);

#endif
