/* A mix of body sizes: how often each is asked for. */
#ifndef ZTT_LOAD_MIX_H
#define ZTT_LOAD_MIX_H

#include <stddef.h>
#include <stdint.h>

struct ztt_err;

#define ZTT_LOAD_MIX_MAX 1000
#define ZTT_LOAD_WEIGHT_MAX 1000000000

struct ztt_load_part {
	uint64_t size_bytes;
	uint64_t until; /* the weights up to this one, added up */
};

/* Plain data; an empty mix has no parts. */
struct ztt_load_mix {
	size_t part_count;
	struct ztt_load_part parts[ZTT_LOAD_MIX_MAX];
};

void ztt_load_mix_clear(struct ztt_load_mix *mix);

/* -ERANGE: a weight out of 1..ZTT_LOAD_WEIGHT_MAX, a size out of 1 byte..1 TiB;
 * -E2BIG: more than ZTT_LOAD_MIX_MAX parts. */
int ztt_load_mix_add(struct ztt_load_mix *mix, uint64_t weight,
		     uint64_t size_bytes, struct ztt_err *err);

/* Reads lines "WEIGHT SIZE", such as "70 1KiB"; '#' begins a comment. Replaces
 * what `mix` held, also on failure. -errno of open or read; -EINVAL, -ERANGE,
 * -E2BIG name the file and the line. */
int ztt_load_mix_read(struct ztt_load_mix *mix, const char *path,
		      struct ztt_err *err);
/* The same for a text, which is changed; `name` stands in messages. */
int ztt_load_mix_parse(struct ztt_load_mix *mix, char *text, const char *name,
		       struct ztt_err *err);

/* The index of a part, each as often as its weight says, drawn with `random`,
 * which is moved on; it begins as any number but 0. The mix is not empty. */
size_t ztt_load_mix_draw(const struct ztt_load_mix *mix, uint64_t *random);

#endif
