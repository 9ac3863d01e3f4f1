#include "ztt-bench/run_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-bench/cmd_run.h"
#include "ztt-bench/stats/stats.h"

#define DURATION_PRESET_NS (5 * ZTT_NS_PER_S)
#define DAY_NS (86400 * ZTT_NS_PER_S)
#define HOUR_NS (3600 * ZTT_NS_PER_S)
#define THREADS_MAX 64
#define HTTP "http://"
#define AT(member) offsetof(struct ztt_run_settings, member)

const struct ztt_opt ztt_run_options[] = {
	{.name = "engine",
	 .letter = 'e',
	 .type = ZTT_OPT_STRING,
	 .arg = "LIST",
	 .preset = "auto",
	 .offset = AT(engine),
	 .help = "what carries the bytes: cloudflared, reference, direct, or "
		 "several with commas, then compared; auto: cloudflared if it "
		 "is found, else reference"},
	{.name = "engine-path",
	 .type = ZTT_OPT_STRING,
	 .arg = "PATH",
	 .offset = AT(engine_path),
	 .help = "the cloudflared to use (default: the one in PATH)"},
	{.name = "connections",
	 .letter = 'c',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "1",
	 .offset = AT(connections),
	 .min = 1,
	 .max = ZTT_CONNECTIONS_MAX,
	 .help = "connections of the engine to the edge"},
	{.name = "streams",
	 .letter = 's',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "8",
	 .offset = AT(load.streams),
	 .min = 1,
	 .max = ZTT_LOAD_STREAMS_MAX,
	 .help = "requests at a time"},
	{.name = "size",
	 .type = ZTT_OPT_SIZE,
	 .arg = "SIZE",
	 .offset = AT(load.size_bytes),
	 .min = 1,
	 .max = UINT64_C(1) << 40,
	 .help = "bytes of every body (default 100M)"},
	{.name = "mix",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(load.mix),
	 .help = "sizes in proportions, in place of --size: lines such as "
		 "\"70 1KiB\", weight and size"},
	{.name = "direction",
	 .letter = 'd',
	 .type = ZTT_OPT_CHOICE,
	 .arg = "WAY",
	 .preset = "down",
	 .choices = "down|up|both",
	 .offset = AT(load.direction),
	 .help = "where the bodies go: down is from the origin"},
	{.name = "duration",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .offset = AT(load.duration_ns),
	 .min = ZTT_NS_PER_MS,
	 .max = DAY_NS,
	 .help = "how long to measure (default 5s)"},
	{.name = "requests",
	 .letter = 'n',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .offset = AT(load.requests),
	 .min = 1,
	 .max = UINT64_C(1000000000000),
	 .help = "how many requests to measure, in place of --duration"},
	{.name = "warmup",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "1s",
	 .offset = AT(load.warmup_ns),
	 .max = HOUR_NS,
	 .help = "load before measuring"},
	{.name = "rate",
	 .letter = 'r',
	 .type = ZTT_OPT_RATE,
	 .arg = "RATE",
	 .offset = AT(load.rate_per_s),
	 .help = "requests per second, due on a schedule; latency counts from "
		 "when they were due (default: as fast as they are answered)"},
	{.name = "timeout",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "10s",
	 .offset = AT(load.timeout_ns),
	 .min = ZTT_NS_PER_MS,
	 .max = HOUR_NS,
	 .help = "fail a request in which no byte moves for this long"},
	{.name = "repeat",
	 .letter = 'R',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "1",
	 .offset = AT(repeat),
	 .min = 1,
	 .max = ZTT_STATS_MAX,
	 .help = "rounds; engines take turns: A B, B A, A B, ..."},
	{.name = "origin",
	 .letter = 'o',
	 .type = ZTT_OPT_STRING,
	 .arg = "URL",
	 .offset = AT(origin),
	 .help = "measure with your own origin, http://HOST:PORT/PATH"},
	{.name = "path",
	 .type = ZTT_OPT_STRING,
	 .arg = "TEXT",
	 .offset = AT(load.path),
	 .help = "what to ask the origin for, in place of its URL's path"},
	{.name = "threads",
	 .letter = 't',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .offset = AT(threads),
	 .max = THREADS_MAX,
	 .help = "threads of every part, GOMAXPROCS of cloudflared (default: "
		 "each by itself)"},
	{.name = "cipher",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "NAME",
	 .preset = "auto",
	 .choices = "auto|aes128|aes256|chacha20",
	 .offset = AT(cipher),
	 .help = "AEAD that the edge accepts"},
	{.name = "key-log",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(key_log),
	 .help = "append the TLS secrets (NSS key log) for a decoder"},
	{.name = "start-timeout",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "15s",
	 .offset = AT(start_timeout_ns),
	 .min = ZTT_NS_PER_MS,
	 .max = HOUR_NS,
	 .help = "how long the edge, and then the engine, may take to start"},
	{.name = "json",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .offset = AT(json),
	 .help = "write the result as JSON; - for standard output, in place "
		 "of the text"},
	{.name = "no-floor",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(no_floor),
	 .help = "leave out how many times this host's floor it costs"},
	{.name = "host-network",
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(host_network),
	 .help = "stay in this host's network, to capture or watch it there "
		 "(--origin does so too)"},
	{.name = "list",
	 .letter = 'l',
	 .type = ZTT_OPT_FLAG,
	 .offset = AT(list),
	 .help = "list the engines, and whether they can "
		 "run here"},
	ZTT_OPT_COMMON_ROWS(struct ztt_run_settings, common),
	{.name = NULL},
};

const struct ztt_opt_help ztt_run_help = {
	.usage = "ztt-bench run [options]",
	.purpose = "Measures what a tunnel carries on this host and what it "
		   "costs in CPU: load, edge, engine and origin all run here, "
		   "without an account or a network.",
	.examples = "ztt-bench run\n"
		    "ztt-bench run --size 1KiB --streams 64\n"
		    "ztt-bench run --engine cloudflared,reference --repeat 6\n"
		    "ztt-bench run --direction up --json result.json",
};

static int bad_origin(struct ztt_err *err)
{
	return ztt_err_set(err, -EINVAL,
			   "--origin must be of the form "
			   "http://HOST:PORT or http://HOST:PORT/PATH");
}

static int take_origin(const char *url, struct ztt_run_origin *origin,
		       struct ztt_err *err)
{
	struct ztt_address address;
	const char *close;
	size_t len;

	if (strncmp(url, "https://", 8) == 0)
		return ztt_err_set(err, -EINVAL,
				   "--origin over TLS cannot be "
				   "measured: give it an http:// address");
	if (strncmp(url, HTTP, strlen(HTTP)) != 0)
		return bad_origin(err);
	url += strlen(HTTP);
	len = strcspn(url, "/");
	if (len == 0 || len > ZTT_LOAD_HOST_MAX_BYTES ||
	    strlen(url + len) > ZTT_LOAD_PATH_MAX_BYTES ||
	    memchr(url, '@', len))
		return bad_origin(err);
	memcpy(origin->address, url, len);
	origin->address[len] = '\0';
	close = strrchr(origin->address, ']');
	if (!strchr(close ? close : origin->address, ':'))
		strcat(origin->address, ":80");
	strcpy(origin->path, url[len] ? url + len : "/");
	return ztt_address_parse(origin->address, &address, err);
}

static int take_own_origin(const struct ztt_run_settings *settings,
			   struct ztt_run_origin *origin,
			   struct ztt_run_plan *plan, struct ztt_err *err)
{
	int rc;

	if (!settings->origin && settings->load.path)
		return ztt_err_set(err, -EINVAL,
				   "--path is for an origin of "
				   "your own: give --origin too");
	if (!settings->origin)
		return 0;
	rc = take_origin(settings->origin, origin, err);
	plan->origin = origin->address;
	plan->load.host = origin->address;
	if (!plan->load.path)
		plan->load.path = origin->path;
	return rc;
}

/* The load would find the same faults, but only once everything is up. */
static int check_load(const struct ztt_load_settings *load, struct ztt_err *err)
{
	struct ztt_load_plan *plan = ztt_alloc(sizeof(*plan));
	struct ztt_load_settings tried = *load;
	int rc;

	tried.target = "127.0.0.1:1";
	tried.host = load->host ? load->host : "localhost";
	tried.threads = 1;
	rc = ztt_load_plan_make(&tried, NULL, plan, err);
	free(plan);
	return rc;
}

int ztt_run_plan_make(const struct ztt_run_settings *settings,
		      struct ztt_run_origin *origin,
		      struct ztt_run_plan *ret_plan, struct ztt_err *err)
{
	struct ztt_run_plan plan = {
		.load = settings->load,
		.connections = (unsigned)settings->connections,
		.threads = (unsigned)settings->threads,
		.cipher = settings->cipher,
		.key_log = settings->key_log,
		.start_timeout_ns = settings->start_timeout_ns,
		.signal_fd = -1,
	};
	int rc = take_own_origin(settings, origin, &plan, err);

	if (rc == 0)
		rc = check_load(&plan.load, err);
	if (rc < 0)
		return rc;
	if (!plan.load.requests && !plan.load.duration_ns)
		plan.load.duration_ns = DURATION_PRESET_NS;
	*ret_plan = plan;
	return 0;
}
