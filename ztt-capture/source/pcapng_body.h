/* Numbers and options of a pcapng block, in the section's byte order. Whoever
 * reads a number has looked that it is there. */
#ifndef ZTT_CAPTURE_PCAPNG_BODY_H
#define ZTT_CAPTURE_PCAPNG_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ztt-capture/source/pcapng.h"

/* What is left of a block; points into the input's buffer. */
struct ztt_body {
	const uint8_t *at;
	size_t len_bytes;
	bool swapped;
};

struct ztt_body_option {
	uint16_t code, len_bytes; /* enum ztt_pcapng_option; without padding */
	const uint8_t *value;
};

static inline uint32_t ztt_body_u32_of(const uint8_t *at, bool swapped)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return swapped ? __builtin_bswap32(value) : value;
}

static inline uint64_t ztt_body_u64_of(const uint8_t *at, bool swapped)
{
	uint64_t value;

	memcpy(&value, at, 8);
	return swapped ? __builtin_bswap64(value) : value;
}

static inline uint16_t ztt_body_u16(const struct ztt_body *body, size_t offset)
{
	uint16_t value;

	memcpy(&value, body->at + offset, 2);
	return body->swapped ? __builtin_bswap16(value) : value;
}

static inline uint32_t ztt_body_u32(const struct ztt_body *body, size_t offset)
{
	return ztt_body_u32_of(body->at + offset, body->swapped);
}

static inline void ztt_body_skip(struct ztt_body *body, size_t len_bytes)
{
	body->at += len_bytes;
	body->len_bytes -= len_bytes;
}

/* Takes the option that `body` begins with; false: there is no other. */
static inline bool ztt_body_option(struct ztt_body *body,
				   struct ztt_body_option *ret_option)
{
	struct ztt_body_option option;
	size_t padded;

	if (body->len_bytes < 4)
		return false;
	option.code = ztt_body_u16(body, 0);
	option.len_bytes = ztt_body_u16(body, 2);
	padded = (option.len_bytes + 3UL) & ~3UL;
	if (option.code == ZTT_OPTION_END || padded > body->len_bytes - 4)
		return false;
	option.value = body->at + 4;
	ztt_body_skip(body, 4 + padded);
	*ret_option = option;
	return true;
}

static inline bool ztt_body_option_begins(const struct ztt_body_option *option,
					  const char *with)
{
	return option->len_bytes >= strlen(with) &&
	       memcmp(option->value, with, strlen(with)) == 0;
}

#endif
