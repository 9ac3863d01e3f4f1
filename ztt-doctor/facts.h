/* Facts that several checks need, each gathered when first asked for, once, and
 * then shared: any thread may ask, and what is given stays until the end. */
#ifndef ZTT_DOCTOR_FACTS_H
#define ZTT_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>

struct ztt_doctor;
struct ztt_facts; /* opaque */

struct ztt_facts *ztt_facts_new(void);
void ztt_facts_free(struct ztt_facts *facts);

/* What a container, if any, this is: "docker", "kubernetes", "lxc", ... or "a
 * container"; NULL when nothing says so (/run/systemd/container, /.dockerenv,
 * /run/.containerenv, environment and control groups of process 1). */
const char *ztt_facts_container(struct ztt_doctor *doctor);

/* Engine processes, configuration, edge addresses: engine/processes.h,
 * engine/config.h, probes/edge_addresses.h. Each keeps its fact in a slot: */
enum ztt_facts_slot {
	ZTT_FACTS_CONTAINER,
	ZTT_FACTS_PROCESSES,
	ZTT_FACTS_CONFIG,
	ZTT_FACTS_EDGE,
	ZTT_FACTS_ENDPOINT,
	ZTT_FACTS_LOG,
	ZTT_FACTS_TLS,
	ZTT_FACTS_DNS,
	ZTT_FACTS_OIDC,
	ZTT_FACTS_SLOTS,
};

/* The value of a slot; the first caller makes it with `make`, while others wait.
 * `release` (may be NULL) is called at the end. `make` may ask for other slots,
 * in an order without a circle. */
void *ztt_facts_get(struct ztt_doctor *doctor, enum ztt_facts_slot slot,
		    void *(*make)(struct ztt_doctor *doctor),
		    void (*release)(void *value));

#endif
