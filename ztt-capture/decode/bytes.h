/* The one reader that every decoder reads through: past the end it gives 0 and
 * sets `truncated`, which a decoder tests once. */
#ifndef ZTT_CAPTURE_BYTES_H
#define ZTT_CAPTURE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ztt_bytes {
	const uint8_t *at, *end;
	bool truncated;
};

static inline struct ztt_bytes ztt_bytes_of(const uint8_t *data,
					    size_t len_bytes)
{
	return (struct ztt_bytes){data, len_bytes ? data + len_bytes : data,
				  false};
}

static inline size_t ztt_bytes_left(const struct ztt_bytes *bytes)
{
	return (size_t)(bytes->end - bytes->at);
}

/* The next `len_bytes`, or NULL when there are not so many. */
static inline const uint8_t *ztt_bytes_take(struct ztt_bytes *bytes,
					    size_t len_bytes)
{
	const uint8_t *at = bytes->at;

	if (ztt_bytes_left(bytes) < len_bytes) {
		bytes->truncated = true;
		bytes->at = bytes->end;
		return NULL;
	}
	bytes->at += len_bytes;
	return at;
}

/* Big-endian, of 1 to 8 bytes. */
static inline uint64_t ztt_bytes_uint(struct ztt_bytes *bytes, size_t width)
{
	const uint8_t *at = ztt_bytes_take(bytes, width);
	uint64_t value = 0;

	for (size_t i = 0; at && i < width; i++)
		value = value << 8 | at[i];
	return value;
}

static inline uint8_t ztt_bytes_u8(struct ztt_bytes *bytes)
{
	const uint8_t *at = ztt_bytes_take(bytes, 1);

	return at ? *at : 0;
}

static inline uint16_t ztt_bytes_u16(struct ztt_bytes *bytes)
{
	const uint8_t *at = ztt_bytes_take(bytes, 2);
	uint16_t value = 0;

	if (at)
		memcpy(&value, at, 2);
	return be16toh(value);
}

static inline uint32_t ztt_bytes_u32(struct ztt_bytes *bytes)
{
	const uint8_t *at = ztt_bytes_take(bytes, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, 4);
	return be32toh(value);
}

/* Little-endian, as WireGuard writes. */
static inline uint32_t ztt_bytes_le32(struct ztt_bytes *bytes)
{
	const uint8_t *at = ztt_bytes_take(bytes, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, 4);
	return le32toh(value);
}

static inline uint64_t ztt_bytes_le64(struct ztt_bytes *bytes)
{
	const uint8_t *at = ztt_bytes_take(bytes, 8);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, 8);
	return le64toh(value);
}

static inline void ztt_bytes_skip(struct ztt_bytes *bytes, size_t len_bytes)
{
	ztt_bytes_take(bytes, len_bytes);
}

/* QUIC's variable-length integer (RFC 9000, section 16). */
static inline uint64_t ztt_bytes_varint(struct ztt_bytes *bytes)
{
	size_t width;

	if (bytes->at == bytes->end) {
		bytes->truncated = true;
		return 0;
	}
	width = (size_t)1 << (*bytes->at >> 6);
	return ztt_bytes_uint(bytes, width) &
	       (UINT64_MAX >> (64 - 8 * width + 2));
}

#endif
