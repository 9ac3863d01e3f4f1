#define _GNU_SOURCE
#include "capnp.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define WORD ((size_t)ZTT_CAPNP_WORD_BYTES)

enum {
	POINTER_STRUCT = 0,
	POINTER_LIST = 1,
	POINTER_OTHER = 3,
};

enum {
	LIST_BYTE = 2,
	LIST_POINTER = 6,
	LIST_COMPOSITE = 7,
};

static void store64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

void ztt_capnp_begin(struct ztt_capnp_builder *builder, uint8_t *out,
		     size_t cap_bytes)
{
	size_t cap_words = cap_bytes / WORD;

	*builder = (struct ztt_capnp_builder){
		.out = out,
		.cap_words = cap_words ? cap_words - 1 : 0,
		.words = 1,
		.full = cap_words < 2,
	};
	if (!builder->full)
		memset(out, 0, 2 * WORD);
}

ssize_t ztt_capnp_end(struct ztt_capnp_builder *builder)
{
	if (builder->full || builder->words > UINT32_MAX)
		return -EMSGSIZE;
	store64(builder->out, (uint64_t)builder->words << 32);
	return (ssize_t)((builder->words + 1) * WORD);
}

static uint8_t *place_at(const struct ztt_capnp_builder *builder, size_t place)
{
	return builder->out + (place + 1) * WORD;
}

/* Returns the place of `words` zeroed words, or 0. A list pointer counts up to
 * 2^29 bytes, which bounds everything else here. */
static size_t add(struct ztt_capnp_builder *builder, size_t words)
{
	size_t place = builder->words;

	if (builder->full || words > builder->cap_words - place ||
	    words >= (size_t)1 << 26) {
		builder->full = true;
		return 0;
	}
	memset(place_at(builder, place), 0, words * WORD);
	builder->words += words;
	return place;
}

static void point(struct ztt_capnp_builder *builder, size_t pointer,
		  size_t place, uint64_t high, unsigned kind)
{
	uint64_t offset = (uint64_t)place - pointer - 1;

	if (!builder->full)
		store64(place_at(builder, pointer),
			high << 32 | (uint32_t)(offset << 2) | kind);
}

size_t ztt_capnp_add_struct(struct ztt_capnp_builder *builder, size_t pointer,
			    uint16_t data_words, uint16_t pointer_count)
{
	size_t words = (size_t)data_words + pointer_count;
	size_t place = add(builder, words);

	/* An empty struct points at its own pointer: a zero would be null. */
	point(builder, pointer, words ? place : pointer,
	      (uint64_t)pointer_count << 16 | data_words, POINTER_STRUCT);
	return place;
}

size_t ztt_capnp_add_pointers(struct ztt_capnp_builder *builder, size_t pointer,
			      size_t count)
{
	size_t place = add(builder, count);

	point(builder, pointer, place, (uint64_t)count << 3 | LIST_POINTER,
	      POINTER_LIST);
	return place;
}

size_t ztt_capnp_add_structs(struct ztt_capnp_builder *builder, size_t pointer,
			     size_t count, uint16_t data_words,
			     uint16_t pointer_count)
{
	size_t step = (size_t)data_words + pointer_count, words, place;

	if (__builtin_mul_overflow(count, step, &words) ||
	    words > builder->cap_words)
		words = builder->cap_words;
	place = add(builder, words + 1);
	point(builder, pointer, place, (uint64_t)words << 3 | LIST_COMPOSITE,
	      POINTER_LIST);
	ztt_capnp_put(builder, place, 0,
		      (uint64_t)pointer_count << 48 |
			      (uint64_t)data_words << 32 |
			      (uint64_t)count << 2);
	return place + 1;
}

static void add_bytes(struct ztt_capnp_builder *builder, size_t pointer,
		      struct ztt_slice bytes, size_t tail_bytes)
{
	size_t count, place;

	if (bytes.len_bytes == 0)
		return;
	if (__builtin_add_overflow(bytes.len_bytes, tail_bytes, &count))
		count = SIZE_MAX;
	place = add(builder, count / WORD + (count % WORD != 0));
	point(builder, pointer, place, (uint64_t)count << 3 | LIST_BYTE,
	      POINTER_LIST);
	if (!builder->full)
		memcpy(place_at(builder, place), bytes.at, bytes.len_bytes);
}

void ztt_capnp_add_text(struct ztt_capnp_builder *builder, size_t pointer,
			struct ztt_slice text)
{
	add_bytes(builder, pointer, text, 1);
}

void ztt_capnp_add_data(struct ztt_capnp_builder *builder, size_t pointer,
			struct ztt_slice data)
{
	add_bytes(builder, pointer, data, 0);
}

void ztt_capnp_add_capability(struct ztt_capnp_builder *builder, size_t pointer,
			      uint32_t table_index)
{
	ztt_capnp_put(builder, pointer, 0,
		      (uint64_t)table_index << 32 | POINTER_OTHER);
}

void ztt_capnp_put(struct ztt_capnp_builder *builder, size_t place,
		   unsigned at_bits, uint64_t value)
{
	uint64_t word;

	if (builder->full)
		return;
	memcpy(&word, place_at(builder, place), sizeof(word));
	store64(place_at(builder, place), le64toh(word) | value << at_bits);
}
