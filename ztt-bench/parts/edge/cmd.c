#define _GNU_SOURCE
#include "ztt-bench/parts/edge/cmd.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/opt.h"
#include "common/tls.h"
#include "common/tunnel_stream.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/edge/edge.h"
#include "ztt-bench/parts/edge/files.h"
#include "ztt-bench/parts/edge/tunnel.h"
#include "ztt-bench/parts/part.h"

struct settings {
	struct ztt_opt_common common;
	const char *listen, *http, *ca, *credentials, *key_log, *refuse;
	const char *location, *cipher;
	uint64_t threads, control;
	bool any_credentials, no_gso, no_gro;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_edge_options[] = {
	{.name = "listen",
	 .letter = 'l',
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .preset = "127.0.0.1:7844",
	 .offset = AT(listen),
	 .help = "UDP address for connectors; port 0 chooses a free one"},
	{.name = "http",
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .preset = "127.0.0.1:8080",
	 .offset = AT(http),
	 .help = "TCP address for clients (HTTP/1.1, WebSocket, CONNECT)"},
	{.name = "ca",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(ca),
	 .help = "write the CA certificate here (default: a new folder)"},
	{.name = "credentials",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(credentials),
	 .help = "write the tunnel's credentials here (default: a new "
		 "folder)"},
	{.name = "any-credentials",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(any_credentials),
	 .help = "register connectors whatever secret they have"},
	{.name = "refuse",
	 .type = ZTT_OPT_STRING,
	 .arg = "REASON",
	 .offset = AT(refuse),
	 .help = "refuse every registration with this reason"},
	{.name = "location",
	 .type = ZTT_OPT_STRING,
	 .arg = "NAME",
	 .preset = "ztt01",
	 .offset = AT(location),
	 .help = "location name that connectors are told"},
	{.name = "cipher",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "NAME",
	 .preset = "auto",
	 .choices = "auto|aes128|aes256|chacha20",
	 .offset = AT(cipher),
	 .help = "AEAD to accept"},
	{.name = "key-log",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(key_log),
	 .help = "append the TLS secrets (NSS key log) for a decoder"},
	{.name = "threads",
	 .letter = 't',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .max = ZTT_EDGE_WORKERS_MAX,
	 .offset = AT(threads),
	 .help = "worker threads (default: one per core, at most 4)"},
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
	.usage = "ztt-bench edge [options]",
	.purpose = "The counterpart of cloudflared's edge on this host: "
		   "connectors come in over QUIC, clients over HTTP. Prints "
		   "the command line of a cloudflared that connects to it, "
		   "and runs until it is interrupted.",
	.examples = "ztt-bench edge\n"
		    "ztt-bench edge --listen 127.0.0.1:7844 --key-log keys.txt",
};

static void print_invitation(const struct ztt_edge_files *files,
			     const struct ztt_edge *edge)
{
	char udp[ZTT_ADDRESS_LEN], http[ZTT_ADDRESS_LEN], id[ZTT_UUID_LEN];

	ztt_address_text(&edge->address, udp);
	ztt_address_text(&edge->http_address, http);
	ztt_uuid_text(edge->credentials.tunnel_id, id);
	printf("edge: connectors on UDP %s, clients on http://%s\n\n"
	       "Connect a cloudflared (its origin here is "
	       "http://127.0.0.1:8081, 'ztt-bench origin'):\n\n"
	       "  cloudflared tunnel --no-autoupdate --no-prechecks \\\n"
	       "    --edge %s --cacert %s \\\n"
	       "    --protocol quic --ha-connections 1 \\\n"
	       "    --credentials-file %s \\\n"
	       "    --url http://127.0.0.1:8081 run %s\n\n"
	       "or the reference connector:\n\n"
	       "  ztt-bench agent --edge %s --cacert %s \\\n"
	       "    --credentials %s --origin http://127.0.0.1:8081\n\n"
	       "then ask for something: curl http://%s/\n",
	       udp, http, udp, files->ca, files->credentials, id, udp,
	       files->ca, files->credentials, http);
	fflush(stdout);
}

static void announce(const struct ztt_edge_files *files,
		     const struct ztt_edge *edge)
{
	char text[ZTT_ADDRESS_LEN];
	struct ztt_json json;

	if (edge->control_fd == ZTT_CONTROL_NONE) {
		if (!edge->quiet)
			print_invitation(files, edge);
		return;
	}
	ztt_control_begin(&json, "ready");
	ztt_json_string(&json, "address",
			ztt_address_text(&edge->address, text));
	ztt_json_string(&json, "http",
			ztt_address_text(&edge->http_address, text));
	ztt_control_send(edge->control_fd, &json);
}

static int set_up(struct ztt_edge *edge, const struct settings *settings,
		  struct ztt_err *err)
{
	static const char *const names[] = {ZTT_TLS_EDGE_NAME,
					    "h2.cftunnel.com",
					    ZTT_TLS_PROBE_NAME, NULL};
	int rc;

	pthread_mutex_init(&edge->lock, NULL);
	edge->refuse = settings->refuse;
	edge->location = settings->location;
	edge->quiet = settings->common.quiet;
	edge->check_credentials = !settings->any_credentials;
	edge->control_fd =
		settings->control ? (int)settings->control : ZTT_CONTROL_NONE;
	edge->worker_count = ztt_part_threads(settings->threads);
	edge->udp_watch.fd = edge->http_watch.fd = -1;
	edge->plan.streams_max = 16; /* the control stream, and a few more */
	edge->plan.no_gso = settings->no_gso;
	edge->plan.no_gro = settings->no_gro;
	ztt_credentials_make(&edge->credentials);
	rc = ztt_address_parse(settings->listen, &edge->address, err);
	if (rc == 0)
		rc = ztt_address_parse(settings->http, &edge->http_address,
				       err);
	if (rc < 0)
		return -EINVAL;
	rc = ztt_tls_server_new(names, &edge->tls, err);
	if (rc == 0)
		rc = ztt_tls_cipher(edge->tls, settings->cipher, err);
	return rc;
}

static void release(struct ztt_edge *edge)
{
	ztt_edge_free_workers(edge);
	ztt_edge_unlisten(edge);
	ztt_tls_free(edge->tls);
	pthread_mutex_destroy(&edge->lock);
	free(edge);
}

static int run(const struct settings *settings, struct ztt_err *err)
{
	struct ztt_edge *edge = ztt_calloc(1, sizeof(*edge));
	struct ztt_edge_files files = {.folder = ""};
	FILE *key_log = NULL;
	int signal_fd = ztt_part_begin(err);
	int rc = signal_fd < 0 ? signal_fd : set_up(edge, settings, err);

	if (rc == 0)
		rc = ztt_edge_make_workers(edge, err);
	if (rc == 0)
		rc = ztt_edge_listen(edge, err);
	if (rc == 0)
		rc = ztt_edge_write_files(&files, edge, settings->ca,
					  settings->credentials, err);
	if (rc == 0 && settings->key_log)
		rc = ztt_tls_key_log_open(settings->key_log, &key_log, err);
	if (key_log)
		ztt_tls_key_log(edge->tls, key_log);
	if (rc == 0) {
		rc = ztt_edge_start_workers(edge, err);
		if (rc == 0) {
			announce(&files, edge);
			ztt_part_wait(signal_fd, edge->control_fd);
		}
		ztt_edge_stop_workers(edge);
	}
	ztt_edge_remove_files(&files);
	if (key_log)
		fclose(key_log);
	release(edge);
	if (signal_fd >= 0)
		close(signal_fd);
	return rc;
}

int ztt_cmd_edge(int argc, char **argv)
{
	struct settings settings = {.threads = 0};
	struct ztt_err err = {""};
	int rc = ztt_part_options("edge", ztt_edge_options, &help, &settings,
				  &settings.common, argc, argv);

	if (rc >= 0)
		return rc;
	rc = run(&settings, &err);
	return rc < 0 ? ztt_part_fail("edge", rc, &err) : ZTT_EXIT_FINE;
}
