#include "ztt-doctor/host/exposed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/origin_service.h"
#include "ztt-doctor/engine/processes.h"

/* cloudflared metrics/metrics.go: tried in turn. */
#define METRICS_FIRST 20241
#define METRICS_LAST 20245

static bool is_here(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static uint16_t read_port(const char *text)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return 0;
	port = strtoul(text, &end, 10);
	return *end == 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

uint16_t ztt_exposed_service_port(const char *service)
{
	struct ztt_origin_service origin;
	char problem[128];

	if (ztt_origin_service_parse(service, &origin, problem) < 0 ||
	    origin.kind != ZTT_ORIGIN_SERVICE_TCP)
		return 0;
	return is_here(origin.host) ? origin.port : 0;
}

static void add_port(struct ztt_exposed *exposed,
		     const struct ztt_listeners *listeners, uint16_t port,
		     bool metrics)
{
	const struct ztt_listener *by =
		ztt_listeners_exposed(listeners, false, port);
	struct ztt_exposed_port *at;

	for (size_t i = 0; i < exposed->count; i++)
		if (exposed->list[i].port == port)
			return;
	if (exposed->count == ZTT_EXPOSED_MAX)
		return;
	at = &exposed->list[exposed->count++];
	memset(at, 0, sizeof(*at));
	at->port = port;
	at->metrics = metrics;
	at->listening = ztt_listeners_has(listeners, false, port);
	at->exposed = by != NULL;
	if (by)
		at->by = *by;
}

/* "HOST:PORT"; whoever listens there, on what address soever. */
static void add_metrics(struct ztt_exposed *exposed,
			const struct ztt_listeners *listeners,
			const char *address)
{
	const char *colon = address ? strrchr(address, ':') : NULL;
	uint16_t port = colon ? read_port(colon + 1) : 0;

	if (port)
		add_port(exposed, listeners, port, true);
}

static void add_engines(struct ztt_doctor *doctor, struct ztt_exposed *exposed,
			const struct ztt_listeners *listeners)
{
	const struct ztt_processes *engines = ztt_processes(doctor);

	exposed->has_engine = engines->count > 0;
	for (size_t i = 0; i < engines->count; i++)
		add_metrics(exposed, listeners,
			    ztt_process_flag(&engines->list[i], "--metrics"));
}

static void add_config(struct ztt_doctor *doctor, struct ztt_exposed *exposed,
		       const struct ztt_listeners *listeners)
{
	const struct ztt_config *config = ztt_config(doctor);

	exposed->config_rc = config->rc;
	if (config->rc < 0)
		return;
	exposed->has_ingress = config->has_ingress;
	add_metrics(exposed, listeners, ztt_config_value(config, "metrics"));
	for (size_t i = 0; i < config->rule_count; i++) {
		const char *service = config->rules[i].service;
		uint16_t port = service ? ztt_exposed_service_port(service) : 0;

		if (port)
			add_port(exposed, listeners, port, false);
		else if (service && strstr(service, "://"))
			exposed->elsewhere++;
	}
}

/* A default port that nobody listens on is none of the engine's. */
static void add_default_metrics(struct ztt_exposed *exposed,
				const struct ztt_listeners *listeners)
{
	for (unsigned port = METRICS_FIRST; port <= METRICS_LAST; port++)
		if (ztt_listeners_has(listeners, false, (uint16_t)port))
			add_port(exposed, listeners, (uint16_t)port, true);
}

void ztt_exposed_find(struct ztt_doctor *doctor,
		      struct ztt_exposed *ret_exposed)
{
	struct ztt_listeners *listeners = ztt_alloc(sizeof(*listeners));

	memset(ret_exposed, 0, sizeof(*ret_exposed));
	ret_exposed->rc = ztt_listeners_read(doctor->root, listeners);
	if (ret_exposed->rc == 0) {
		add_metrics(ret_exposed, listeners, doctor->plan.metrics);
		add_engines(doctor, ret_exposed, listeners);
		add_config(doctor, ret_exposed, listeners);
		add_default_metrics(ret_exposed, listeners);
	}
	free(listeners);
}
