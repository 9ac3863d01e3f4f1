/* Which connection a key belongs to: 5-tuples and other names. A hash table of
 * fixed size with a random seed, so that a capture cannot choose collisions. */
#ifndef ZTT_CAPTURE_FLOWS_TABLE_H
#define ZTT_CAPTURE_FLOWS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/datagram.h"

#define ZTT_FLOW_KEY_BYTES 48

struct ztt_flow_key {
	uint8_t data[ZTT_FLOW_KEY_BYTES];
};

struct ztt_flow_entry {
	struct ztt_flow_key key;
	uint32_t holder_and_1; /* 0: free */
	bool up;               /* of a name; of a 5-tuple: from its lower end */
};

struct ztt_flow_table; /* opaque, 2 MB */

struct ztt_flow_table *ztt_flow_table_new(void);
void ztt_flow_table_free(struct ztt_flow_table *table);

/* NULL: not there. Valid until the next put. */
const struct ztt_flow_entry *
ztt_flow_table_find(const struct ztt_flow_table *table,
		    const struct ztt_flow_key *key);
/* Puts or replaces; when it is full, those of holders for which `holds` says no
 * are dropped first. False: still full. */
bool ztt_flow_table_put(struct ztt_flow_table *table,
			const struct ztt_flow_key *key, uint32_t holder,
			bool up, bool (*holds)(void *owner, uint32_t holder),
			void *owner);

/* The same key for both directions; `ret_lower`: whether the datagram is from
 * the endpoint that sorts first. */
struct ztt_flow_key ztt_flow_key_tuple(const struct ztt_datagram *datagram,
				       bool *ret_lower);
/* `len_bytes` at most 20. */
struct ztt_flow_key ztt_flow_key_name(unsigned protocol, const uint8_t *name,
				      size_t len_bytes);

#endif
