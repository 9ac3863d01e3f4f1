/* Ports of this host that should answer through the tunnel alone: those of the
 * services in config.yml and of the engine's metrics, and who else reaches
 * them. */
#ifndef ZTT_DOCTOR_EXPOSED_H
#define ZTT_DOCTOR_EXPOSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/host/listeners.h"

struct ztt_doctor;

#define ZTT_EXPOSED_MAX 256

struct ztt_exposed_port {
	uint16_t port;
	bool metrics;
	bool listening; /* somebody listens there */
	bool exposed;   /* ... and not on loopback alone, as `by` does */
	struct ztt_listener by;
};

struct ztt_exposed {
	int rc; /* of reading /proc/net/tcp */
	/* 0, -ENOENT: no config.yml; others: it cannot be read. */
	int config_rc;
	bool has_ingress;
	bool has_engine;  /* an engine runs */
	size_t elsewhere; /* services on other hosts, or without a port */
	struct ztt_exposed_port list[ZTT_EXPOSED_MAX];
	size_t count;
};

/* ret_exposed is large: some 10 KiB. */
void ztt_exposed_find(struct ztt_doctor *doctor,
		      struct ztt_exposed *ret_exposed);

/* The port of a service on this host, from what an ingress rule says
 * ("http://localhost:8000", "ssh://127.0.0.1"); 0: it has none, or it is on
 * another host. */
uint16_t ztt_exposed_service_port(const char *service);

#endif
