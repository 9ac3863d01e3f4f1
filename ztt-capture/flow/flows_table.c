#include "ztt-capture/flow/flows_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/err.h"

#define SLOTS 32768
#define USED_MOST (SLOTS / 2)

struct ztt_flow_table {
	uint64_t seed[2];
	uint32_t used;
	struct ztt_flow_entry entries[SLOTS];
};

struct ztt_flow_table *ztt_flow_table_new(void)
{
	struct ztt_flow_table *table = ztt_calloc(1, sizeof(*table));

	if (getrandom(table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
		table->seed[0] = (uint64_t)(uintptr_t)table;
	table->seed[1] |= 1;
	return table;
}

void ztt_flow_table_free(struct ztt_flow_table *table)
{
	free(table);
}

__extension__ typedef unsigned __int128 wide;

static uint64_t mix(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t slot_of(const struct ztt_flow_table *table,
			const struct ztt_flow_key *key)
{
	uint64_t hash = table->seed[0], word;

	for (size_t i = 0; i < ZTT_FLOW_KEY_BYTES; i += 8) {
		memcpy(&word, key->data + i, 8);
		hash = mix(hash ^ word,
			   table->seed[1] ^ UINT64_C(0x9e3779b97f4a7c15));
		hash += word;
	}
	return (uint32_t)(mix(hash, table->seed[1]) % SLOTS);
}

static uint32_t place(const struct ztt_flow_table *table,
		      const struct ztt_flow_key *key)
{
	uint32_t at = slot_of(table, key);

	while (table->entries[at].holder_and_1 &&
	       memcmp(&table->entries[at].key, key, sizeof(*key)))
		at = (at + 1) % SLOTS;
	return at;
}

const struct ztt_flow_entry *
ztt_flow_table_find(const struct ztt_flow_table *table,
		    const struct ztt_flow_key *key)
{
	const struct ztt_flow_entry *entry = &table->entries[place(table, key)];

	return entry->holder_and_1 ? entry : NULL;
}

static void sweep(struct ztt_flow_table *table,
		  bool (*holds)(void *owner, uint32_t holder), void *owner)
{
	struct ztt_flow_entry *old = ztt_calloc(SLOTS, sizeof(*old));

	memcpy(old, table->entries, sizeof(table->entries));
	memset(table->entries, 0, sizeof(table->entries));
	table->used = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		if (!old[i].holder_and_1 ||
		    !holds(owner, old[i].holder_and_1 - 1))
			continue;
		table->entries[place(table, &old[i].key)] = old[i];
		table->used++;
	}
	free(old);
}

bool ztt_flow_table_put(struct ztt_flow_table *table,
			const struct ztt_flow_key *key, uint32_t holder,
			bool up, bool (*holds)(void *owner, uint32_t holder),
			void *owner)
{
	struct ztt_flow_entry *entry = &table->entries[place(table, key)];

	if (!entry->holder_and_1 && table->used >= USED_MOST) {
		sweep(table, holds, owner);
		if (table->used > USED_MOST - USED_MOST / 8)
			return false;
		entry = &table->entries[place(table, key)];
	}
	table->used += !entry->holder_and_1;
	*entry = (struct ztt_flow_entry){*key, holder + 1, up};
	return true;
}

struct ztt_flow_key ztt_flow_key_tuple(const struct ztt_datagram *datagram,
				       bool *ret_lower)
{
	const size_t bytes = sizeof(struct ztt_endpoint);
	struct ztt_flow_key key = {{0}};
	bool lower = memcmp(&datagram->from, &datagram->to, bytes) < 0;

	memcpy(key.data, lower ? &datagram->from : &datagram->to, bytes);
	memcpy(key.data + bytes, lower ? &datagram->to : &datagram->from,
	       bytes);
	key.data[2 * bytes] = datagram->protocol;
	*ret_lower = lower;
	return key;
}

struct ztt_flow_key ztt_flow_key_name(unsigned protocol, const uint8_t *name,
				      size_t len_bytes)
{
	struct ztt_flow_key key = {{0}};

	if (len_bytes > 20)
		len_bytes = 20;
	memcpy(key.data, name, len_bytes);
	key.data[ZTT_FLOW_KEY_BYTES - 2] = (uint8_t)len_bytes;
	key.data[ZTT_FLOW_KEY_BYTES - 1] = (uint8_t)(protocol + 1);
	return key;
}
