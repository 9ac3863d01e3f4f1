#define _GNU_SOURCE
#include "ztt-bench/parts/origin/origin.h"

#include <stdio.h>
#include <unistd.h>

#include "common/address.h"
#include "common/err.h"
#include "common/json.h"
#include "common/opt.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/origin/endpoints.h"
#include "ztt-bench/parts/origin/server.h"
#include "ztt-bench/parts/part.h"

struct settings {
	struct ztt_opt_common common;
	const char *listen;
	uint64_t threads; /* 0: as many as cores, at most 4 */
	uint64_t control; /* 0: none, for 0 is standard input */
};

const struct ztt_opt ztt_origin_options[] = {
	{.name = "listen",
	 .letter = 'l',
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .preset = "127.0.0.1:8081",
	 .help = "where to listen; port 0 chooses a free one",
	 .offset = offsetof(struct settings, listen)},
	{.name = "threads",
	 .letter = 't',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .help = "threads that serve (default: one per core, at most 4)",
	 .offset = offsetof(struct settings, threads),
	 .min = 1,
	 .max = ZTT_ORIGIN_THREADS_MAX},
	{.name = "control",
	 .type = ZTT_OPT_UINT,
	 .arg = "FD",
	 .help = "socket of the run that started this",
	 .offset = offsetof(struct settings, control),
	 .min = 3,
	 .max = 65535,
	 .hidden = true},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-bench origin [options]",
	.purpose = "The HTTP/1.1 server behind the tunnel: bodies of any size "
		   "to fetch, to throw away or to echo. Runs until it is "
		   "interrupted.",
	.examples = "ztt-bench origin\n"
		    "curl 'http://127.0.0.1:8081/blob?bytes=1000000' | wc -c",
};

static int listen_at(const char *text, int *ret_fd, char *bound,
		     struct ztt_err *err)
{
	struct ztt_address address;
	int rc = ztt_address_parse(text, &address, err);

	if (rc < 0)
		return rc;
	rc = ztt_tcp_listen(&address, ret_fd, err);
	if (rc < 0)
		return rc;
	ztt_address_of_socket(*ret_fd, &address);
	ztt_address_text(&address, bound);
	return 0;
}

static void announce(const struct settings *settings, int control_fd,
		     unsigned threads, const char *bound)
{
	struct ztt_json json;

	if (control_fd != ZTT_CONTROL_NONE) {
		ztt_control_begin(&json, "ready");
		ztt_json_string(&json, "address", bound);
		ztt_control_send(control_fd, &json);
	} else if (!settings->common.quiet) {
		printf("origin: http://%s, %u thread%s\n", bound, threads,
		       threads == 1 ? "" : "s");
		ztt_origin_print_endpoints(stdout);
		fflush(stdout);
	}
}

static int serve(const struct settings *settings, struct ztt_err *err)
{
	int control_fd =
		settings->control ? (int)settings->control : ZTT_CONTROL_NONE;
	unsigned threads = ztt_part_threads(settings->threads);
	struct ztt_origin_server *server;
	char bound[ZTT_ADDRESS_LEN];
	int signal_fd = ztt_part_begin(err);
	int listen_fd, rc;

	if (signal_fd < 0)
		return signal_fd;
	rc = listen_at(settings->listen, &listen_fd, bound, err);
	if (rc == 0)
		rc = ztt_origin_server_start(listen_fd, threads, &server, err);
	if (rc == 0) {
		announce(settings, control_fd, threads, bound);
		ztt_part_wait(signal_fd, control_fd);
		ztt_origin_server_stop(server);
	}
	close(signal_fd);
	return rc;
}

int ztt_cmd_origin(int argc, char **argv)
{
	struct settings settings = {0};
	struct ztt_err err = {""};
	int status = ztt_part_options("origin", ztt_origin_options, &help,
				      &settings, &settings.common, argc, argv);
	int rc;

	if (status >= 0)
		return status;
	rc = serve(&settings, &err);
	return rc < 0 ? ztt_part_fail("origin", rc, &err) : ZTT_EXIT_FINE;
}
