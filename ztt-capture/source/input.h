/* A file, pipe or standard input as one stream of bytes, unpacked when it is
 * gzipped; one buffer, however long the stream. */
#ifndef ZTT_CAPTURE_INPUT_H
#define ZTT_CAPTURE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;

#define ZTT_INPUT_BYTES (1 << 20)
#define ZTT_INPUT_AT_MAX (ZTT_INPUT_BYTES / 2)

struct ztt_input {
	int fd;
	uint8_t *buffer; /* ZTT_INPUT_BYTES */
	uint8_t *at, *end;
	uint64_t before_bytes; /* of the stream, ahead of `buffer` */
	bool ended;
	int error;                 /* -errno of reading; 0: none */
	struct ztt_gunzip *gunzip; /* NULL: not gzipped */
	char problem[128]; /* what is broken in the gzip data; "": nothing */
};

/* Takes over `fd` of the file `path` and reads its beginning, also when it
 * fails. -errno of reading; -EPROTO: it is empty. */
int ztt_input_begin(struct ztt_input *ret_input, int fd, const char *path,
		    struct ztt_err *err);
void ztt_input_close(struct ztt_input *input);

/* Makes `want_bytes` (at most ZTT_INPUT_AT_MAX) ready at `at`, blocking until
 * they are there; false: there are fewer. */
bool ztt_input_fill(struct ztt_input *input, size_t want_bytes);

static inline size_t ztt_input_ready(const struct ztt_input *input)
{
	return (size_t)(input->end - input->at);
}

/* The next `want_bytes` without taking them, valid until the next call of any
 * ztt_input_*; NULL: there are fewer. */
static inline const uint8_t *ztt_input_at(struct ztt_input *input,
					  size_t want_bytes)
{
	if (ztt_input_ready(input) < want_bytes &&
	    !ztt_input_fill(input, want_bytes))
		return NULL;
	return input->at;
}

/* Leaves `len_bytes` that are ready behind. */
static inline void ztt_input_take(struct ztt_input *input, size_t len_bytes)
{
	input->at += len_bytes;
}

/* Leaves any number of bytes behind; false: there are fewer. */
bool ztt_input_skip(struct ztt_input *input, uint64_t len_bytes);

/* Where `at` is in the (unpacked) stream, in bytes. */
uint64_t ztt_input_offset(const struct ztt_input *input);

#endif
