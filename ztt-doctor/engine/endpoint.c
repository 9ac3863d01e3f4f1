#define _GNU_SOURCE
#include "ztt-doctor/engine/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/finding.h"

#define PORT_FIRST 20241
#define PORT_LAST 20245
#define WAIT_MAX_NS (2 * ZTT_NS_PER_S)
#define CANDIDATES_MAX (2 * ZTT_PROCESSES_MAX + 2)

struct candidates {
	struct ztt_address list[CANDIDATES_MAX];
	size_t count;
};

static void add(struct candidates *all, const char *text)
{
	struct ztt_address address;

	if (all->count == CANDIDATES_MAX ||
	    ztt_address_parse_numeric(text, &address, NULL) < 0)
		return;
	for (size_t i = 0; i < all->count; i++)
		if (ztt_address_equal(&all->list[i], &address))
			return;
	all->list[all->count++] = address;
}

/* An address to listen on: every one of this host, or a name of it, is asked
 * over loopback. Port 0 cannot be guessed. */
static void add_bind(struct candidates *all, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	char loopback[64];

	if (!colon || strcmp(colon, ":0") == 0)
		return;
	if (host_len == 0 || strncmp(text, "0.0.0.0:", 8) == 0 ||
	    strncmp(text, "localhost:", 10) == 0 ||
	    strncmp(text, "[::]:", 5) == 0) {
		snprintf(loopback, sizeof(loopback), "127.0.0.1%s", colon);
		add(all, loopback);
		snprintf(loopback, sizeof(loopback), "[::1]%s", colon);
		add(all, loopback);
		return;
	}
	add(all, text);
}

static void add_default_ports(struct candidates *all)
{
	char text[64];

	for (int port = PORT_FIRST; port <= PORT_LAST; port++) {
		snprintf(text, sizeof(text), "127.0.0.1:%d", port);
		add(all, text);
		snprintf(text, sizeof(text), "[::1]:%d", port);
		add(all, text);
	}
}

static void find_candidates(struct ztt_doctor *doctor, struct candidates *all)
{
	const struct ztt_processes *processes = ztt_processes(doctor);
	const char *value = doctor->plan.metrics;
	bool named = false;

	all->count = 0;
	if (value) {
		add_bind(all, value);
		return;
	}
	for (size_t i = 0; i < processes->count; i++) {
		value = ztt_process_flag(&processes->list[i], "--metrics");
		if (value) {
			add_bind(all, value);
			named = true;
		}
	}
	value = ztt_config_value(ztt_config(doctor), "metrics");
	if (value)
		add_bind(all, value);
	if ((!named && !value) || processes->count > 1)
		add_default_ports(all);
}

/* -ECONNREFUSED and the like: nobody there; -EBADMSG: not an engine's. */
static int ask_ready(const struct ztt_address *address, uint64_t due_ns,
		     struct ztt_endpoint *ret, struct ztt_err *err)
{
	unsigned status;
	size_t len;
	char *body;
	int rc = ztt_endpoint_get(address, "/ready", due_ns, &status, &body,
				  &len, err);

	if (rc < 0)
		return rc;
	rc = ztt_endpoint_read_ready(ret, body, len);
	free(body);
	if (rc < 0)
		return rc;
	ret->ready_status = status;
	return 0;
}

static void ask_rest(const struct ztt_address *address, uint64_t due_ns,
		     struct ztt_endpoint *endpoint)
{
	static int (*const readers[])(struct ztt_endpoint *, const char *,
				      size_t) = {ztt_endpoint_read_tunnel,
						 ztt_endpoint_read_metrics};
	static const char *const paths[] = {"/diag/tunnel", "/metrics"};

	for (size_t i = 0; i < 2; i++) {
		unsigned status;
		size_t len;
		char *body;

		if (ztt_endpoint_get(address, paths[i], due_ns, &status, &body,
				     &len, NULL) < 0)
			continue;
		if (status == 200)
			readers[i](endpoint, body, len);
		free(body);
	}
}

static void clear(struct ztt_endpoint *endpoint)
{
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->ready_connections = -1;
	endpoint->ha_gauge = -1;
}

static void explain_other_network(struct ztt_doctor *doctor,
				  struct ztt_endpoints *all)
{
	const struct ztt_processes *processes = ztt_processes(doctor);

	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].runs_tunnel &&
		    processes->list[i].other_network) {
			int pid = (int)processes->list[i].pid;

			snprintf(all->problem, sizeof(all->problem),
				 "process %d is in a network namespace of its "
				 "own: nsenter --net --target %d ztt-doctor",
				 pid, pid);
			return;
		}
}

static void ask_all(struct ztt_doctor *doctor, struct ztt_endpoints *all)
{
	uint64_t wait_ns =
		doctor->plan.timeout_ns && doctor->plan.timeout_ns < WAIT_MAX_NS
			? doctor->plan.timeout_ns
			: WAIT_MAX_NS;
	uint64_t due_ns = ztt_clock_ns() + wait_ns;
	struct candidates candidates;

	if (due_ns > doctor->deadline_ns)
		due_ns = doctor->deadline_ns;
	find_candidates(doctor, &candidates);
	for (size_t i = 0; i < candidates.count; i++) {
		const struct ztt_address *address = &candidates.list[i];
		struct ztt_endpoint *endpoint = &all->list[all->count];
		struct ztt_err err;
		int rc;

		if (all->count == ZTT_ENDPOINTS_MAX)
			break;
		clear(endpoint);
		ztt_address_text(address, endpoint->at);
		rc = ask_ready(address, due_ns, endpoint, &err);
		if (rc == 0) {
			ask_rest(address, due_ns, endpoint);
			all->count++;
		} else if (rc == -ETIMEDOUT || rc == -EPROTO || rc == -EFBIG) {
			snprintf(all->problem, sizeof(all->problem), "%.*s",
				 (int)sizeof(all->problem) - 1, err.text);
		} else if (rc == -EBADMSG) {
			snprintf(all->problem, sizeof(all->problem),
				 "%s is not cloudflared's", endpoint->at);
		}
	}
	if (all->count == 0 && !all->problem[0])
		explain_other_network(doctor, all);
	if (all->count == 0 && !all->problem[0])
		snprintf(all->problem, sizeof(all->problem),
			 "no engine answers at %s",
			 doctor->plan.metrics ? doctor->plan.metrics
					      : "its metrics address");
}

static bool read_file(struct ztt_doctor *doctor, struct ztt_endpoints *all,
		      const char *path,
		      int (*reader)(struct ztt_endpoint *, const char *,
				    size_t))
{
	struct ztt_finding why = {0};
	size_t len;
	char *body;
	int rc = ztt_root_load(doctor->root, path, ZTT_ENDPOINT_BODY_MAX, &body,
			       &len);

	if (rc == 0) {
		rc = reader(&all->list[0], body, len);
		free(body);
	}
	if (rc < 0 && rc != -ENOENT && !all->unread) {
		ztt_finding_unread(&why, path, rc, NULL);
		snprintf(all->problem, sizeof(all->problem), "%.255s",
			 why.observed);
		all->unread = true;
	}
	return rc == 0;
}

static void read_files(struct ztt_doctor *doctor, struct ztt_endpoints *all)
{
	struct ztt_endpoint *endpoint = &all->list[0];
	bool some;

	clear(endpoint);
	snprintf(endpoint->at, sizeof(endpoint->at), "%s",
		 ztt_root_kind(doctor->root) == ZTT_ROOT_BUNDLE
			 ? "the bundle"
			 : "/engine of the copy");
	some = read_file(doctor, all, "/engine/ready.json",
			 ztt_endpoint_read_ready);
	some |= read_file(doctor, all, "/engine/diag-tunnel.json",
			  ztt_endpoint_read_tunnel);
	some |= read_file(doctor, all, "/engine/metrics.txt",
			  ztt_endpoint_read_metrics);
	if (some)
		all->count = 1;
	else if (!all->unread)
		snprintf(all->problem, sizeof(all->problem),
			 "it says nothing of a running engine");
}

static void *make(struct ztt_doctor *doctor)
{
	struct ztt_endpoints *all = ztt_calloc(1, sizeof(*all));

	if (ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE)
		ask_all(doctor, all);
	else
		read_files(doctor, all);
	return all;
}

const struct ztt_endpoints *ztt_endpoints(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_ENDPOINT, make, free);
}
