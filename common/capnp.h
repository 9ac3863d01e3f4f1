/* Cap'n Proto messages, unpacked, in standard stream framing: a bounds-checked
 * reader and a builder of one segment (capnproto.org/encoding.html). Neither
 * allocates. */
#ifndef ZTT_CAPNP_H
#define ZTT_CAPNP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http1.h"

#define ZTT_CAPNP_WORD_BYTES 8
#define ZTT_CAPNP_SEGMENTS_MAX 64
#define ZTT_CAPNP_DEPTH_MAX 32

/* ---- reader ---- */

/* One message inside the caller's bytes, which must outlive it. Read through
 * the functions below and test `malformed` once at the end: from the first
 * fault on, every read gives null, zero or an empty slice. */
struct ztt_capnp {
	const uint8_t *segments[ZTT_CAPNP_SEGMENTS_MAX];
	size_t segment_words[ZTT_CAPNP_SEGMENTS_MAX];
	size_t segment_count;
	/* What may still be visited: twice the message's words at first, so
	 * that pointers that share a target cannot make a short message
	 * long. */
	size_t budget_words;
	bool malformed;
};

/* A struct of a message, or null: `data` and `pointers` NULL, both counts 0.
 * Fields that its writer did not know of read as zero and null. */
struct ztt_capnp_struct {
	struct ztt_capnp *message;
	const uint8_t *data, *pointers;
	size_t data_bytes, pointer_count;
	size_t segment; /* that holds `pointers` */
	unsigned depth;
};

/* A list, or null: `count` 0. */
struct ztt_capnp_list {
	struct ztt_capnp_struct first; /* its elements, read as structs */
	size_t count;
	size_t step_bytes;
};

enum ztt_capnp_kind {
	ZTT_CAPNP_NULL,
	ZTT_CAPNP_STRUCT,
	ZTT_CAPNP_LIST,
	ZTT_CAPNP_CAPABILITY,
};

/* Finds the message that begins at `data`. Returns its bytes with the framing,
 * 0 when more are needed, -EPROTO when it has no segment, more than
 * ZTT_CAPNP_SEGMENTS_MAX or an empty first one, -EMSGSIZE when it is longer
 * than `max_bytes` (known from the framing alone). */
ssize_t ztt_capnp_open(const uint8_t *data, size_t len_bytes, size_t max_bytes,
		       struct ztt_capnp *ret_message);

struct ztt_capnp_struct ztt_capnp_root(struct ztt_capnp *message);

/* Fields of the data section, little-endian; `at_bytes` and `at_bits` are
 * offsets into it. A field that does not fit is 0. */
uint8_t ztt_capnp_u8(const struct ztt_capnp_struct *from, size_t at_bytes);
uint16_t ztt_capnp_u16(const struct ztt_capnp_struct *from, size_t at_bytes);
uint32_t ztt_capnp_u32(const struct ztt_capnp_struct *from, size_t at_bytes);
uint64_t ztt_capnp_u64(const struct ztt_capnp_struct *from, size_t at_bytes);
bool ztt_capnp_bit(const struct ztt_capnp_struct *from, size_t at_bits);

/* What pointer `index` is; ZTT_CAPNP_NULL also when there is no such
 * pointer. */
enum ztt_capnp_kind ztt_capnp_kind(const struct ztt_capnp_struct *from,
				   size_t index);

/* Follow pointer `index`. Null gives a null or empty result; a pointer of
 * another kind, or one that leaves its segment, makes the message
 * malformed. */
struct ztt_capnp_struct
ztt_capnp_get_struct(const struct ztt_capnp_struct *from, size_t index);
struct ztt_capnp_list ztt_capnp_get_list(const struct ztt_capnp_struct *from,
					 size_t index);
/* A Text without its NUL, which must be there; it may hold other NULs. */
struct ztt_slice ztt_capnp_get_text(const struct ztt_capnp_struct *from,
				    size_t index);
struct ztt_slice ztt_capnp_get_data(const struct ztt_capnp_struct *from,
				    size_t index);
/* The index of a capability in its payload's table; false when null. */
bool ztt_capnp_get_capability(const struct ztt_capnp_struct *from, size_t index,
			      uint32_t *ret_table_index);

/* Element `index`, null past the end. An element of a list of pointers is a
 * struct with that one pointer, as the encoding's rules for upgrades have it:
 * text i of a List(Text) is pointer 0 of element i. */
struct ztt_capnp_struct ztt_capnp_element(const struct ztt_capnp_list *list,
					  size_t index);

/* ---- builder (capnp_build.c) ---- */

/* A message under construction in the caller's buffer. Places are word indices
 * in its segment; objects come in the order in which they are added, as
 * go-capnp lays them out. What does not fit sets `full`, and everything after
 * that is without effect. */
struct ztt_capnp_builder {
	uint8_t *out;
	size_t cap_words; /* of the segment */
	size_t words;     /* of the segment, so far */
	bool full;
};

/* Begins with the root pointer, at place 0. */
void ztt_capnp_begin(struct ztt_capnp_builder *builder, uint8_t *out,
		     size_t cap_bytes);
/* Writes the framing. Returns the message's bytes, or -EMSGSIZE. */
ssize_t ztt_capnp_end(struct ztt_capnp_builder *builder);

/* Add an object, zeroed, and point at it from place `pointer`. They return the
 * place of the struct's data section (its pointers follow it), of the list's
 * first pointer, or of the first struct in the list. */
size_t ztt_capnp_add_struct(struct ztt_capnp_builder *builder, size_t pointer,
			    uint16_t data_words, uint16_t pointer_count);
size_t ztt_capnp_add_pointers(struct ztt_capnp_builder *builder, size_t pointer,
			      size_t count);
size_t ztt_capnp_add_structs(struct ztt_capnp_builder *builder, size_t pointer,
			     size_t count, uint16_t data_words,
			     uint16_t pointer_count);
/* An empty text or data is a null pointer. */
void ztt_capnp_add_text(struct ztt_capnp_builder *builder, size_t pointer,
			struct ztt_slice text);
void ztt_capnp_add_data(struct ztt_capnp_builder *builder, size_t pointer,
			struct ztt_slice data);
void ztt_capnp_add_capability(struct ztt_capnp_builder *builder, size_t pointer,
			      uint32_t table_index);

/* Ors `value` into word `place`, shifted left by `at_bits`. */
void ztt_capnp_put(struct ztt_capnp_builder *builder, size_t place,
		   unsigned at_bits, uint64_t value);

#endif
