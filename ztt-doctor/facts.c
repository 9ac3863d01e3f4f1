#include "ztt-doctor/facts.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"

struct slot {
	pthread_mutex_t lock;
	bool made;
	void *value;
	void (*release)(void *value);
};

struct ztt_facts {
	struct slot slots[ZTT_FACTS_SLOTS];
};

struct ztt_facts *ztt_facts_new(void)
{
	struct ztt_facts *facts = ztt_calloc(1, sizeof(*facts));

	for (size_t i = 0; i < ZTT_FACTS_SLOTS; i++)
		pthread_mutex_init(&facts->slots[i].lock, NULL);
	return facts;
}

void ztt_facts_free(struct ztt_facts *facts)
{
	if (!facts)
		return;
	for (size_t i = 0; i < ZTT_FACTS_SLOTS; i++) {
		struct slot *slot = &facts->slots[i];

		if (slot->release)
			slot->release(slot->value);
		pthread_mutex_destroy(&slot->lock);
	}
	free(facts);
}

void *ztt_facts_get(struct ztt_doctor *doctor, enum ztt_facts_slot at,
		    void *(*make)(struct ztt_doctor *doctor),
		    void (*release)(void *value))
{
	struct slot *slot = &doctor->facts->slots[at];
	void *value;

	pthread_mutex_lock(&slot->lock);
	if (!slot->made) {
		slot->value = make(doctor);
		slot->release = release;
		slot->made = true;
	}
	value = slot->value;
	pthread_mutex_unlock(&slot->lock);
	return value;
}
