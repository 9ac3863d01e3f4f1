#define _GNU_SOURCE
#include "ztt-bench/run_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "ztt-bench/argv.h"

/* How children see what they inherit: after the control socket, in order. */
#define CA_PATH "/proc/self/fd/4"
#define CREDENTIALS_PATH "/proc/self/fd/5"
#define CONFIG_PATH "/proc/self/fd/6"

/* Releases `argv`; the rest of `plan` is the caller's. */
static int start(struct ztt_run_state *state, enum ztt_part part,
		 struct ztt_child_plan plan, struct ztt_argv *argv,
		 struct ztt_err *err)
{
	char text[4096];
	int rc;

	plan.argv = argv->items;
	if (state->plan->details)
		fprintf(state->plan->details, "%s: %s\n", plan.name,
			ztt_argv_text(argv, text, sizeof(text)));
	rc = ztt_supervisor_start(&state->supervisor, part, &plan, err);
	ztt_argv_release(argv);
	return rc;
}

static void part_command(struct ztt_argv *argv, const char *part,
			 unsigned threads)
{
	ztt_argv_option(argv, "ztt-bench", part);
	ztt_argv_add(argv, "--quiet");
	if (threads) {
		ztt_argv_add(argv, "--threads");
		ztt_argv_add(argv, "%u", threads);
	}
	ztt_argv_add(argv, "--control");
	ztt_argv_add(argv, "%d", ZTT_SUPERVISED_CONTROL_FD);
}

int ztt_run_start_origin(struct ztt_run_state *state, struct ztt_err *err)
{
	struct ztt_argv argv = {0};

	part_command(&argv, "origin", state->plan->threads);
	ztt_argv_option(&argv, "--listen", "127.0.0.1:0");
	return start(state, ZTT_PART_ORIGIN,
		     (struct ztt_child_plan){.name = "origin"}, &argv, err);
}

static int make_file(const char *name, int *ret_fd, struct ztt_err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return ztt_err_set(err, -errno,
				   "cannot make a file in memory: "
				   "%s",
				   strerror(errno));
	*ret_fd = fd;
	return 0;
}

int ztt_run_start_edge(struct ztt_run_state *state, struct ztt_err *err)
{
	struct ztt_argv argv = {0};
	int rc = make_file("ztt-ca", &state->ca_fd, err);

	if (rc == 0)
		rc = make_file("ztt-credentials", &state->credentials_fd, err);
	if (rc < 0)
		return rc;
	part_command(&argv, "edge", state->plan->threads);
	ztt_argv_option(&argv, "--listen", "127.0.0.1:0");
	ztt_argv_option(&argv, "--http", "127.0.0.1:0");
	ztt_argv_option(&argv, "--ca", CA_PATH);
	ztt_argv_option(&argv, "--credentials", CREDENTIALS_PATH);
	ztt_argv_option(&argv, "--cipher", state->plan->cipher);
	if (state->plan->key_log)
		ztt_argv_option(&argv, "--key-log", state->plan->key_log);
	return start(state, ZTT_PART_EDGE,
		     (struct ztt_child_plan){
			     .name = "edge",
			     .keep_fds = {state->ca_fd, state->credentials_fd},
			     .keep_count = 2},
		     &argv, err);
}

static int write_config(struct ztt_run_state *state,
			const struct ztt_engine_site *site, struct ztt_err *err)
{
	char text[1024] = "";
	size_t len;
	int rc = make_file("ztt-config", &state->config_fd, err);

	if (rc < 0)
		return rc;
	if (state->engine->config)
		state->engine->config(site, text, sizeof(text));
	len = strlen(text);
	if (write(state->config_fd, text, len) != (ssize_t)len)
		return ztt_err_set(err, -EIO,
				   "cannot write the engine's "
				   "configuration to memory");
	return 0;
}

/* Of the edge's own making, so that only the UUID is taken out of it. */
static int read_tunnel_id(struct ztt_run_state *state, struct ztt_err *err)
{
	struct ztt_credentials credentials;
	char path[32];
	int rc;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", state->credentials_fd);
	rc = ztt_credentials_read(path, &credentials, err);
	if (rc == 0)
		ztt_uuid_text(credentials.tunnel_id, state->tunnel_id);
	explicit_bzero(&credentials, sizeof(credentials));
	return rc;
}

/* Out of this process's own environment: no other part looks at it. */
static void hide_env(const char *prefix)
{
	char name[256];

	for (char **at = environ; prefix && *at;) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(*at, "="),
			 *at);
		if (strncmp(*at, prefix, strlen(prefix)) == 0 &&
		    unsetenv(name) == 0 && !getenv(name))
			at = environ;
		else
			at++;
	}
}

int ztt_run_start_engine(struct ztt_run_state *state, struct ztt_err *err)
{
	char origin[sizeof(state->origin) + 8];
	struct ztt_engine_site site = {
		.edge = state->edge,
		.ca = CA_PATH,
		.credentials = CREDENTIALS_PATH,
		.config = CONFIG_PATH,
		.tunnel_id = state->tunnel_id,
		.origin = origin,
		.connections = state->plan->connections,
		.threads = state->plan->threads,
		.control_fd = ZTT_SUPERVISED_CONTROL_FD,
	};
	const char *threads_env = state->engine->threads_env;
	const char *env[2] = {NULL, NULL};
	struct ztt_argv argv = {0};
	char threads[64];
	int rc;

	snprintf(origin, sizeof(origin), "http://%s", state->origin);
	rc = read_tunnel_id(state, err);
	if (rc == 0)
		rc = write_config(state, &site, err);
	if (rc < 0)
		return rc;
	state->engine->command(&site, &argv);
	if (threads_env && site.threads) {
		snprintf(threads, sizeof(threads), "%s=%u", threads_env,
			 site.threads);
		env[0] = threads;
	}
	hide_env(state->engine->hidden_env);
	return start(state, ZTT_PART_ENGINE,
		     (struct ztt_child_plan){.name = state->engine->name,
					     .path = state->found->path,
					     .env = env,
					     .keep_fds = {state->ca_fd,
							  state->credentials_fd,
							  state->config_fd},
					     .keep_count = 3},
		     &argv, err);
}

static void add_ns(struct ztt_argv *argv, const char *name, uint64_t ns)
{
	ztt_argv_add(argv, "%s", name);
	ztt_argv_add(argv, "%" PRIu64 ".%03uus", ns / ZTT_NS_PER_US,
		     (unsigned)(ns % ZTT_NS_PER_US));
}

static void add_amount(struct ztt_argv *argv, const char *name, uint64_t amount)
{
	ztt_argv_add(argv, "%s", name);
	ztt_argv_add(argv, "%" PRIu64, amount);
}

static void add_load(struct ztt_argv *argv,
		     const struct ztt_load_settings *load)
{
	add_amount(argv, "--streams", load->streams);
	ztt_argv_option(argv, "--direction", load->direction);
	add_ns(argv, "--warmup", load->warmup_ns);
	add_ns(argv, "--timeout", load->timeout_ns);
	if (load->size_bytes)
		add_amount(argv, "--size", load->size_bytes);
	if (load->mix)
		ztt_argv_option(argv, "--mix", load->mix);
	if (load->requests)
		add_amount(argv, "--requests", load->requests);
	if (load->duration_ns)
		add_ns(argv, "--duration", load->duration_ns);
	if (load->rate_per_s > 0) {
		ztt_argv_add(argv, "--rate");
		ztt_argv_add(argv, "%.6f", load->rate_per_s);
	}
	if (load->path)
		ztt_argv_option(argv, "--path", load->path);
	if (load->host)
		ztt_argv_option(argv, "--host", load->host);
}

int ztt_run_start_load(struct ztt_run_state *state, struct ztt_err *err)
{
	struct ztt_argv argv = {0};

	part_command(&argv, "load", state->plan->threads);
	ztt_argv_option(&argv, "--target",
			state->engine->transport ? state->http : state->origin);
	add_load(&argv, &state->plan->load);
	return start(state, ZTT_PART_LOAD,
		     (struct ztt_child_plan){.name = "load"}, &argv, err);
}
