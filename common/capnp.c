#define _GNU_SOURCE
#include "capnp.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define WORD ((size_t)ZTT_CAPNP_WORD_BYTES)

enum {
	POINTER_STRUCT = 0,
	POINTER_LIST = 1,
	POINTER_FAR = 2,
	POINTER_OTHER = 3,
};

enum {
	LIST_POINTER = 6,
	LIST_COMPOSITE = 7,
};

/* A pointer after its far hops: the word that describes the object, and where
 * the object begins. */
struct target {
	uint64_t word;
	size_t segment;
	int64_t at_words;
};

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t load64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

ssize_t ztt_capnp_open(const uint8_t *data, size_t len_bytes, size_t max_bytes,
		       struct ztt_capnp *ret_message)
{
	size_t count, head_bytes, body_words = 0;

	if (len_bytes < 4)
		return 0;
	if (load32(data) >= ZTT_CAPNP_SEGMENTS_MAX)
		return -EPROTO;
	count = (size_t)load32(data) + 1;
	head_bytes = (4 + 4 * count + 7) / 8 * 8;
	if (len_bytes < head_bytes)
		return 0;
	for (size_t i = 0; i < count; i++)
		body_words += load32(data + 4 + 4 * i);
	if (load32(data + 4) == 0)
		return -EPROTO;
	if (body_words > max_bytes / WORD ||
	    head_bytes + body_words * WORD > max_bytes)
		return -EMSGSIZE;
	if (len_bytes < head_bytes + body_words * WORD)
		return 0;

	ret_message->segment_count = count;
	ret_message->budget_words = 2 * body_words;
	ret_message->malformed = false;
	for (size_t i = 0, at = head_bytes; i < count; i++) {
		ret_message->segments[i] = data + at;
		ret_message->segment_words[i] = load32(data + 4 + 4 * i);
		at += ret_message->segment_words[i] * WORD;
	}
	return (ssize_t)(head_bytes + body_words * WORD);
}

static bool fail(struct ztt_capnp *message)
{
	message->malformed = true;
	return false;
}

static bool in_segment(const struct ztt_capnp *message, size_t segment,
		       int64_t at_words, uint64_t count_words)
{
	uint64_t all;

	if (segment >= message->segment_count || at_words < 0)
		return false;
	all = message->segment_words[segment];
	return (uint64_t)at_words <= all &&
	       count_words <= all - (uint64_t)at_words;
}

static uint64_t word_at(const struct ztt_capnp *message, size_t segment,
			int64_t at_words)
{
	return load64(message->segments[segment] + (size_t)at_words * WORD);
}

/* The signed 30 bits after the kind, for struct and list pointers. */
static int64_t offset_words(uint64_t pointer)
{
	return (int32_t)(uint32_t)pointer >> 2;
}

static unsigned pointer_kind(uint64_t pointer)
{
	return (unsigned)(pointer & 3);
}

/* Far pointer: bit 2 two-word landing pad, 29 bits place, 32 bits segment. */
static bool follow_far(struct ztt_capnp *message, uint64_t far,
		       struct target *ret_target)
{
	bool two_words = far & 4;
	int64_t at = (int64_t)((uint32_t)far >> 3);
	size_t segment = far >> 32;
	uint64_t pad;

	if (!in_segment(message, segment, at, two_words ? 2 : 1))
		return fail(message);
	pad = word_at(message, segment, at);
	if (!two_words) {
		if (pointer_kind(pad) == POINTER_FAR)
			return fail(message);
		*ret_target = (struct target){
			.word = pad,
			.segment = segment,
			.at_words = at + 1 + offset_words(pad),
		};
		return true;
	}
	if (pointer_kind(pad) != POINTER_FAR || (pad & 4))
		return fail(message);
	*ret_target = (struct target){
		.word = word_at(message, segment, at + 1),
		.segment = pad >> 32,
		.at_words = (int64_t)((uint32_t)pad >> 3),
	};
	if (pointer_kind(ret_target->word) == POINTER_FAR)
		return fail(message);
	return true;
}

/* False when null or malformed. */
static bool follow(const struct ztt_capnp_struct *from, size_t index,
		   struct target *ret_target)
{
	struct ztt_capnp *message = from->message;
	const uint8_t *at;
	uint64_t word;

	if (index >= from->pointer_count || message->malformed)
		return false;
	at = from->pointers + index * WORD;
	word = load64(at);
	if (word == 0)
		return false;
	if (pointer_kind(word) == POINTER_FAR)
		return follow_far(message, word, ret_target);
	*ret_target = (struct target){
		.word = word,
		.segment = from->segment,
		.at_words = (at - message->segments[from->segment]) /
				    (int64_t)WORD +
			    1 + offset_words(word),
	};
	return true;
}

/* Pays for an object and checks that it lies in its segment. */
static bool visit(struct ztt_capnp *message, const struct target *target,
		  uint64_t words, uint64_t price_words)
{
	if (price_words > message->budget_words ||
	    !in_segment(message, target->segment, target->at_words, words))
		return fail(message);
	message->budget_words -= (size_t)price_words;
	return true;
}

static struct ztt_capnp_struct null_struct(struct ztt_capnp *message)
{
	return (struct ztt_capnp_struct){.message = message};
}

static struct ztt_capnp_struct read_struct(struct ztt_capnp *message,
					   const struct target *target,
					   unsigned depth)
{
	size_t data_words = target->word >> 32 & 0xffff;
	size_t pointers = target->word >> 48;
	const uint8_t *at;

	if (pointer_kind(target->word) != POINTER_STRUCT || depth == 0) {
		fail(message);
		return null_struct(message);
	}
	if (!visit(message, target, data_words + pointers,
		   data_words + pointers))
		return null_struct(message);
	at = message->segments[target->segment] +
	     (size_t)target->at_words * WORD;
	return (struct ztt_capnp_struct){
		.message = message,
		.data = at,
		.pointers = at + data_words * WORD,
		.data_bytes = data_words * WORD,
		.pointer_count = pointers,
		.segment = target->segment,
		.depth = depth - 1,
	};
}

struct ztt_capnp_struct ztt_capnp_root(struct ztt_capnp *message)
{
	struct ztt_capnp_struct above = {
		.message = message,
		.pointers = message->segments[0],
		.pointer_count = 1,
		.depth = ZTT_CAPNP_DEPTH_MAX,
	};

	return ztt_capnp_get_struct(&above, 0);
}

uint8_t ztt_capnp_u8(const struct ztt_capnp_struct *from, size_t at_bytes)
{
	return at_bytes < from->data_bytes ? from->data[at_bytes] : 0;
}

uint16_t ztt_capnp_u16(const struct ztt_capnp_struct *from, size_t at_bytes)
{
	if (from->data_bytes < 2 || at_bytes > from->data_bytes - 2)
		return 0;
	return (uint16_t)(from->data[at_bytes] | from->data[at_bytes + 1] << 8);
}

uint32_t ztt_capnp_u32(const struct ztt_capnp_struct *from, size_t at_bytes)
{
	if (from->data_bytes < 4 || at_bytes > from->data_bytes - 4)
		return 0;
	return load32(from->data + at_bytes);
}

uint64_t ztt_capnp_u64(const struct ztt_capnp_struct *from, size_t at_bytes)
{
	if (from->data_bytes < 8 || at_bytes > from->data_bytes - 8)
		return 0;
	return load64(from->data + at_bytes);
}

bool ztt_capnp_bit(const struct ztt_capnp_struct *from, size_t at_bits)
{
	return ztt_capnp_u8(from, at_bits / 8) >> at_bits % 8 & 1;
}

enum ztt_capnp_kind ztt_capnp_kind(const struct ztt_capnp_struct *from,
				   size_t index)
{
	struct target target;

	if (!follow(from, index, &target))
		return ZTT_CAPNP_NULL;
	switch (pointer_kind(target.word)) {
	case POINTER_STRUCT:
		return ZTT_CAPNP_STRUCT;
	case POINTER_LIST:
		return ZTT_CAPNP_LIST;
	default:
		return ZTT_CAPNP_CAPABILITY;
	}
}

struct ztt_capnp_struct
ztt_capnp_get_struct(const struct ztt_capnp_struct *from, size_t index)
{
	struct target target;

	if (!follow(from, index, &target))
		return null_struct(from->message);
	return read_struct(from->message, &target, from->depth);
}

/* Elements with a tag word before them that says what each is. */
static struct ztt_capnp_list read_composite(struct ztt_capnp *message,
					    const struct target *target,
					    unsigned depth)
{
	struct ztt_capnp_list list = {.first = null_struct(message)};
	uint64_t words = target->word >> 35;
	uint64_t tag, count, data_words, pointers, step;

	if (!visit(message, target, words + 1, words + 1))
		return list;
	tag = word_at(message, target->segment, target->at_words);
	count = (uint32_t)tag >> 2;
	data_words = tag >> 32 & 0xffff;
	pointers = tag >> 48;
	step = data_words + pointers;
	if (pointer_kind(tag) != POINTER_STRUCT || count * step > words ||
	    (step == 0 && !visit(message, target, 0, count))) {
		fail(message);
		return list;
	}
	list.first.data = message->segments[target->segment] +
			  (size_t)(target->at_words + 1) * WORD;
	list.first.pointers = list.first.data + data_words * WORD;
	list.first.data_bytes = data_words * WORD;
	list.first.pointer_count = pointers;
	list.first.segment = target->segment;
	list.first.depth = depth;
	list.count = count;
	list.step_bytes = step * WORD;
	return list;
}

/* Elements of one value each. Bits are no whole bytes: a list of them is read
 * as one of empty structs. */
static struct ztt_capnp_list read_plain(struct ztt_capnp *message,
					const struct target *target,
					unsigned depth)
{
	static const uint8_t element_bits[] = {0, 1, 8, 16, 32, 64, 64};
	struct ztt_capnp_list list = {.first = null_struct(message)};
	unsigned element = (unsigned)(target->word >> 32 & 7);
	uint64_t count = target->word >> 35;
	uint64_t words = (count * element_bits[element] + 63) / 64;

	if (!visit(message, target, words, element ? words : count))
		return list;
	list.first.segment = target->segment;
	list.first.depth = depth;
	list.first.data = message->segments[target->segment] +
			  (size_t)target->at_words * WORD;
	list.first.pointers = list.first.data;
	list.first.pointer_count = element == LIST_POINTER;
	list.step_bytes = element_bits[element] / 8;
	if (element != LIST_POINTER)
		list.first.data_bytes = list.step_bytes;
	list.count = count;
	return list;
}

struct ztt_capnp_list ztt_capnp_get_list(const struct ztt_capnp_struct *from,
					 size_t index)
{
	struct ztt_capnp_list none = {.first = null_struct(from->message)};
	struct target target;

	if (!follow(from, index, &target))
		return none;
	if (pointer_kind(target.word) != POINTER_LIST || from->depth == 0) {
		fail(from->message);
		return none;
	}
	if ((target.word >> 32 & 7) == LIST_COMPOSITE)
		return read_composite(from->message, &target, from->depth - 1);
	return read_plain(from->message, &target, from->depth - 1);
}

struct ztt_slice ztt_capnp_get_data(const struct ztt_capnp_struct *from,
				    size_t index)
{
	struct ztt_capnp_list list = ztt_capnp_get_list(from, index);

	if (list.count == 0)
		return (struct ztt_slice){NULL, 0};
	if (list.step_bytes != 1) {
		fail(from->message);
		return (struct ztt_slice){NULL, 0};
	}
	return (struct ztt_slice){(const char *)list.first.data, list.count};
}

struct ztt_slice ztt_capnp_get_text(const struct ztt_capnp_struct *from,
				    size_t index)
{
	struct ztt_slice text = ztt_capnp_get_data(from, index);

	if (text.len_bytes == 0)
		return text;
	text.len_bytes--;
	if (text.at[text.len_bytes] != 0) {
		fail(from->message);
		return (struct ztt_slice){NULL, 0};
	}
	return text;
}

bool ztt_capnp_get_capability(const struct ztt_capnp_struct *from, size_t index,
			      uint32_t *ret_table_index)
{
	struct target target;

	if (!follow(from, index, &target))
		return false;
	if ((uint32_t)target.word != POINTER_OTHER)
		return fail(from->message);
	*ret_table_index = (uint32_t)(target.word >> 32);
	return true;
}

struct ztt_capnp_struct ztt_capnp_element(const struct ztt_capnp_list *list,
					  size_t index)
{
	struct ztt_capnp_struct element = list->first;

	if (index >= list->count || element.message->malformed)
		return null_struct(element.message);
	element.data += index * list->step_bytes;
	element.pointers += index * list->step_bytes;
	return element;
}
