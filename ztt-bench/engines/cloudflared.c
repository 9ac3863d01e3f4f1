#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/text.h"
#include "ztt-bench/engine.h"

#define VERSION_NS (5 * ZTT_NS_PER_S)

static void wait_until_ended(struct ztt_child *child)
{
	uint64_t end_ns = ztt_clock_ns() + VERSION_NS;

	for (ztt_child_poll(child); !child->ended && ztt_clock_ns() < end_ns;
	     ztt_child_poll(child)) {
		struct pollfd fds[] = {
			{.fd = child->pid_fd, .events = POLLIN},
			{.fd = child->log_fd, .events = POLLIN},
		};

		poll(fds, 2, 100);
	}
}

/* "cloudflared version 2026.8.2 (built ...)". */
static int read_version(const struct ztt_child *child,
			struct ztt_engine_found *found, struct ztt_err *err)
{
	static const char before[] = "cloudflared version ";
	const char *at = memmem(child->log, child->log_len_bytes, before,
				sizeof(before) - 1);
	const char *end = child->log + child->log_len_bytes;
	size_t len = 0;

	if (!at)
		return ztt_err_set(err, -EPROTO,
				   "%s is no cloudflared: it "
				   "does not answer to --version as one",
				   found->path);
	at += sizeof(before) - 1;
	while (at + len < end && at[len] > ' ' &&
	       len + 1 < sizeof(found->version))
		len++;
	memcpy(found->version, at, len);
	found->version[len] = '\0';
	ztt_text_plain(found->version);
	return 0;
}

static int find(const char *path, struct ztt_engine_found *ret_found,
		struct ztt_err *err)
{
	char *argv[] = {"cloudflared", "--version", NULL};
	struct ztt_engine_found found = {.version = ""};
	struct ztt_child child = {0};
	struct ztt_child_plan plan = {.name = "cloudflared", .argv = argv};
	int rc;

	snprintf(found.path, sizeof(found.path), "%s",
		 path ? path : "cloudflared");
	plan.path = found.path;
	rc = ztt_child_start(&plan, &child, err);
	if (rc < 0)
		return rc;
	wait_until_ended(&child);
	ztt_child_stop(&child, 0);
	rc = read_version(&child, &found, err);
	if (rc == 0)
		*ret_found = found;
	return rc;
}

/* A configuration of our own keeps it from reading the user's. */
static void config(const struct ztt_engine_site *site, char *out,
		   size_t cap_bytes)
{
	snprintf(out, cap_bytes, "ingress:\n  - service: %s\n", site->origin);
}

static void command(const struct ztt_engine_site *site, struct ztt_argv *argv)
{
	ztt_argv_option(argv, "cloudflared", "tunnel");
	ztt_argv_option(argv, "--config", site->config);
	ztt_argv_add(argv, "--no-autoupdate");
	ztt_argv_add(argv, "--no-prechecks");
	ztt_argv_option(argv, "--metrics", "127.0.0.1:0");
	ztt_argv_option(argv, "--loglevel", "info");
	ztt_argv_option(argv, "--grace-period", "1s");
	/* As many connections as addresses: the same one counts each time. */
	for (unsigned i = 0; i < site->connections; i++)
		ztt_argv_option(argv, "--edge", site->edge);
	ztt_argv_option(argv, "--cacert", site->ca);
	ztt_argv_add(argv, "--ha-connections");
	ztt_argv_add(argv, "%u", site->connections);
	ztt_argv_add(argv, "run");
	ztt_argv_option(argv, "--protocol", "quic");
	ztt_argv_option(argv, "--credentials-file", site->credentials);
	ztt_argv_add(argv, "%s", site->tunnel_id);
}

extern const struct ztt_engine ztt_engine_cloudflared;
const struct ztt_engine ztt_engine_cloudflared = {
	.name = "cloudflared",
	.transport = "quic",
	.what = "the unmodified program, against ztt's own edge",
	.needs = "cloudflared in PATH or --engine-path; no account, no network",
	.find = find,
	.config = config,
	.command = command,
	/* What the user set for a tunnel of their own: a token would win over
	 * the credentials, and pid, log and trace files would be left behind.
	 * An empty value does not do: it starts a trace. */
	.hidden_env = "TUNNEL_",
	.threads_env = "GOMAXPROCS",
	/* Then it ends with status 0. */
	.unknown_flag = "flag provided but not defined: ",
};
