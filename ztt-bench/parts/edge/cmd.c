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

/* Files for whoever started the edge by hand, removed at its end. */
struct files {
	char folder[64];
	char ca[96], credentials[96];
	bool own_ca, own_credentials;
	FILE *key_log;
};

static int make_folder(struct files *files, struct ztt_err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(files->folder, sizeof(files->folder), "%s/ztt-edge-XXXXXX",
		 tmp);
	if (!mkdtemp(files->folder)) {
		files->folder[0] = '\0';
		return ztt_err_set(err, -errno,
				   "cannot make a folder in %s: "
				   "%s; name the files with --ca and "
				   "--credentials",
				   tmp, strerror(errno));
	}
	snprintf(files->ca, sizeof(files->ca), "%s/ca.pem", files->folder);
	snprintf(files->credentials, sizeof(files->credentials),
		 "%s/credentials.json", files->folder);
	return 0;
}

static int write_files(struct settings *settings, struct files *files,
		       const struct ztt_edge *edge, struct ztt_err *err)
{
	const char *pem;
	size_t len;
	int rc = 0;

	if (!settings->ca || !settings->credentials)
		rc = make_folder(files, err);
	if (rc < 0)
		return rc;
	files->own_ca = !settings->ca;
	files->own_credentials = !settings->credentials;
	if (files->own_ca)
		settings->ca = files->ca;
	if (files->own_credentials)
		settings->credentials = files->credentials;
	pem = ztt_tls_ca_pem(edge->tls, &len);
	rc = ztt_file_write(settings->ca, pem, len, err);
	if (rc == 0)
		rc = ztt_credentials_write(settings->credentials,
					   &edge->credentials, err);
	if (rc == 0 && settings->key_log) {
		files->key_log = fopen(settings->key_log, "ae");
		if (!files->key_log)
			return ztt_err_set(err, -errno, "cannot write %s: %s",
					   settings->key_log, strerror(errno));
		ztt_tls_key_log(edge->tls, files->key_log);
	}
	return rc;
}

static void remove_files(struct files *files)
{
	if (files->key_log)
		fclose(files->key_log);
	if (files->own_ca)
		unlink(files->ca);
	if (files->own_credentials)
		unlink(files->credentials);
	if (files->folder[0])
		rmdir(files->folder);
}

static void print_invitation(const struct settings *settings,
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
	       udp, http, udp, settings->ca, settings->credentials, id, udp,
	       settings->ca, settings->credentials, http);
	fflush(stdout);
}

static void announce(const struct settings *settings,
		     const struct ztt_edge *edge)
{
	char text[ZTT_ADDRESS_LEN];
	struct ztt_json json;

	if (edge->control_fd == ZTT_CONTROL_NONE) {
		if (!edge->quiet)
			print_invitation(settings, edge);
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

static void *work(void *argument)
{
	struct ztt_edge_worker *worker = argument;

	ztt_loop_run(worker->loop);
	ztt_eyeball_close_all(worker);
	ztt_edge_close_tunnels(worker);
	return NULL;
}

static int make_workers(struct ztt_edge *edge, struct ztt_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < edge->worker_count && rc == 0; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		worker->edge = edge;
		rc = ztt_loop_new(&worker->loop, err);
		if (rc < 0)
			break;
		worker->shared = ztt_quic_shared_new(worker->loop);
		worker->scratch = ztt_alloc(ZTT_CONNECT_MAX_BYTES);
		worker->keys = ztt_alloc(4 * ZTT_CONNECT_MAX_BYTES);
	}
	return rc;
}

static int start_workers(struct ztt_edge *edge, struct ztt_err *err)
{
	char name[16];
	int rc;

	for (size_t i = 0; i < edge->worker_count; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		rc = pthread_create(&worker->thread, NULL, work, worker);
		if (rc != 0) {
			edge->worker_count = i;
			return ztt_err_set(err, -rc,
					   "cannot start a thread: "
					   "%s",
					   strerror(rc));
		}
		snprintf(name, sizeof(name), "edge-%hhu", (uint8_t)i);
		pthread_setname_np(worker->thread, name);
	}
	return 0;
}

static void stop_workers(struct ztt_edge *edge)
{
	for (size_t i = 0; i < edge->worker_count; i++)
		ztt_loop_stop(edge->workers[i].loop);
	for (size_t i = 0; i < edge->worker_count; i++)
		pthread_join(edge->workers[i].thread, NULL);
}

static void release(struct ztt_edge *edge)
{
	for (size_t i = 0; i < ZTT_EDGE_WORKERS_MAX; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		ztt_quic_shared_free(worker->shared);
		ztt_loop_free(worker->loop);
		free(worker->scratch);
		free(worker->keys);
	}
	ztt_edge_unlisten(edge);
	ztt_tls_free(edge->tls);
	pthread_mutex_destroy(&edge->lock);
	free(edge);
}

static int run(struct settings *settings, struct ztt_err *err)
{
	struct ztt_edge *edge = ztt_calloc(1, sizeof(*edge));
	struct files files = {.folder = ""};
	int signal_fd = ztt_part_begin(err);
	int rc = signal_fd < 0 ? signal_fd : set_up(edge, settings, err);

	if (rc == 0)
		rc = make_workers(edge, err);
	if (rc == 0)
		rc = ztt_edge_listen(edge, err);
	if (rc == 0)
		rc = write_files(settings, &files, edge, err);
	if (rc == 0) {
		rc = start_workers(edge, err);
		if (rc == 0) {
			announce(settings, edge);
			ztt_part_wait(signal_fd, edge->control_fd);
		}
		stop_workers(edge);
	}
	remove_files(&files);
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
