#define _GNU_SOURCE
#include "ztt-bench/parts/agent/cmd.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/tls.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/agent/agent.h"
#include "ztt-bench/parts/part.h"

struct settings {
	struct ztt_opt_common common;
	const char *edge, *cacert, *credentials, *origin, *cipher, *key_log;
	uint64_t connections, threads, control, grace_ns;
	bool tcp, no_gso, no_gro;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_agent_options[] = {
	{.name = "edge",
	 .letter = 'e',
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .preset = "127.0.0.1:7844",
	 .offset = AT(edge),
	 .help = "UDP address of the edge"},
	{.name = "cacert",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(cacert),
	 .help = "CA certificates to trust (default: the system's)"},
	{.name = "credentials",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(credentials),
	 .help = "the tunnel's credentials, as the edge wrote them"},
	{.name = "origin",
	 .letter = 'o',
	 .type = ZTT_OPT_STRING,
	 .arg = "URL",
	 .preset = "http://127.0.0.1:8081",
	 .offset = AT(origin),
	 .help = "where requests go (http)"},
	{.name = "connections",
	 .letter = 'c',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "4",
	 .min = 1,
	 .max = ZTT_AGENT_CONNECTIONS_MAX,
	 .offset = AT(connections),
	 .help = "connections to the edge"},
	{.name = "threads",
	 .letter = 't',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .max = ZTT_AGENT_WORKERS_MAX,
	 .offset = AT(threads),
	 .help = "worker threads (default: one per core, at most 4 and one "
		 "per connection)"},
	{.name = "tcp",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(tcp),
	 .help = "also connect TCP streams, to any address the edge names"},
	{.name = "cipher",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "NAME",
	 .preset = "auto",
	 .choices = "auto|aes128|aes256|chacha20",
	 .offset = AT(cipher),
	 .help = "AEAD to offer"},
	{.name = "key-log",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(key_log),
	 .help = "append the TLS secrets (NSS key log) for a decoder"},
	{.name = "grace-period",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "5s",
	 .offset = AT(grace_ns),
	 .help = "how long requests may go on after SIGTERM"},
	{.name = "no-gso",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(no_gso),
	 .help = "send without UDP_SEGMENT"},
	{.name = "no-gro",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(no_gro),
	 .help = "receive without UDP_GRO"},
	{.name = "control",
	 .type = ZTT_OPT_UINT,
	 .arg = "FD",
	 .min = 3,
	 .max = 65535,
	 .hidden = true,
	 .offset = AT(control),
	 .help = "socket of the run that started this"},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-bench agent --cacert FILE --credentials FILE [options]",
	.purpose = "The reference connector: speaks cloudflared's protocol to "
		   "the edge and HTTP/1.1 to the origin. Unregisters and ends "
		   "its requests on SIGTERM.",
	.examples = "ztt-bench agent --cacert ca.pem --credentials cred.json",
};

static int parse_origin(struct ztt_agent *agent, const char *url,
			struct ztt_err *err)
{
	static const char scheme[] = "http://";
	const char *host = url + sizeof(scheme) - 1;
	size_t len;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return ztt_err_set(err, -EINVAL,
				   "--origin '%s' is not an "
				   "http:// URL",
				   url);
	len = strcspn(host, "/");
	snprintf(agent->origin_host, sizeof(agent->origin_host), "%.*s%s",
		 (int)len, host, memchr(host, ':', len) ? "" : ":80");
	return ztt_address_parse(agent->origin_host, &agent->origin, err);
}

static int set_up(struct ztt_agent *agent, const struct settings *settings,
		  struct ztt_err *err)
{
	int rc;

	if (!settings->credentials)
		return ztt_err_set(err, -EINVAL,
				   "--credentials FILE is needed:"
				   " 'ztt-bench edge' writes one");
	agent->quiet = settings->common.quiet;
	agent->tcp_allowed = settings->tcp;
	agent->grace_ns = settings->grace_ns;
	agent->worker_count = ztt_part_threads(settings->threads);
	if (agent->worker_count > settings->connections)
		agent->worker_count = settings->connections;
	agent->plan.streams_max = 8192;
	agent->plan.no_gso = settings->no_gso;
	agent->plan.no_gro = settings->no_gro;
	gnutls_rnd(GNUTLS_RND_NONCE, agent->client_id,
		   sizeof(agent->client_id));
	rc = ztt_address_parse(settings->edge, &agent->edge, err);
	if (rc == 0)
		rc = parse_origin(agent, settings->origin, err);
	if (rc == 0)
		rc = ztt_credentials_read(settings->credentials,
					  &agent->credentials, err);
	if (rc == 0)
		rc = ztt_tls_client_new(settings->cacert, &agent->tls, err);
	if (rc == 0)
		rc = ztt_tls_cipher(agent->tls, settings->cipher, err);
	return rc;
}

static void release(struct ztt_agent *agent)
{
	ztt_agent_free_workers(agent);
	ztt_tls_free(agent->tls);
	gnutls_memset(&agent->credentials, 0, sizeof(agent->credentials));
	free(agent);
}

static void announce(int control_fd)
{
	struct ztt_json json;

	ztt_control_begin(&json, "ready");
	ztt_control_send(control_fd, &json);
}

static int run_threads(struct ztt_agent *agent, const struct settings *settings,
		       int signal_fd, struct ztt_err *err)
{
	const int control_fd =
		settings->control ? (int)settings->control : ZTT_CONTROL_NONE;
	int rc = ztt_agent_make_workers(agent, (unsigned)settings->connections,
					err);

	if (rc < 0)
		return rc;
	rc = ztt_agent_start_workers(agent, err);
	if (rc == 0) {
		announce(control_fd);
		ztt_part_wait(signal_fd, control_fd);
	}
	ztt_agent_stop_workers(agent, rc == 0 && !agent->failed);
	if (agent->failed)
		return ztt_err_set(err, -ECONNREFUSED, "%s", agent->why);
	return rc;
}

static int run(const struct settings *settings, struct ztt_err *err)
{
	struct ztt_agent *agent = ztt_calloc(1, sizeof(*agent));
	const int signal_fd = ztt_part_begin(err);
	FILE *key_log = NULL;
	int rc = signal_fd < 0 ? signal_fd : set_up(agent, settings, err);

	if (rc == 0 && settings->key_log)
		rc = ztt_tls_key_log_open(settings->key_log, &key_log, err);
	if (key_log)
		ztt_tls_key_log(agent->tls, key_log);
	if (rc == 0)
		rc = run_threads(agent, settings, signal_fd, err);
	release(agent);
	if (key_log)
		fclose(key_log);
	if (signal_fd >= 0)
		close(signal_fd);
	return rc;
}

int ztt_cmd_agent(int argc, char **argv)
{
	struct settings settings = {.threads = 0};
	struct ztt_err err = {""};
	int rc = ztt_part_options("agent", ztt_agent_options, &help, &settings,
				  &settings.common, argc, argv);

	if (rc >= 0)
		return rc;
	rc = run(&settings, &err);
	return rc < 0 ? ztt_part_fail("agent", rc, &err) : ZTT_EXIT_FINE;
}
