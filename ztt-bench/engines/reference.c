#include <stdio.h>

#include "common/version.h"
#include "ztt-bench/engine.h"

static int find(const char *path, struct ztt_engine_found *ret_found,
		struct ztt_err *err)
{
	(void)path;
	(void)err;
	snprintf(ret_found->path, sizeof(ret_found->path), "/proc/self/exe");
	snprintf(ret_found->version, sizeof(ret_found->version), "%s",
		 ZTT_VERSION);
	return 0;
}

static void command(const struct ztt_engine_site *site, struct ztt_argv *argv)
{
	ztt_argv_option(argv, "ztt-bench", "agent");
	ztt_argv_option(argv, "--edge", site->edge);
	ztt_argv_option(argv, "--cacert", site->ca);
	ztt_argv_option(argv, "--credentials", site->credentials);
	ztt_argv_option(argv, "--origin", site->origin);
	ztt_argv_add(argv, "--connections");
	ztt_argv_add(argv, "%u", site->connections);
	if (site->threads) {
		ztt_argv_add(argv, "--threads");
		ztt_argv_add(argv, "%u", site->threads);
	}
	ztt_argv_add(argv, "--control");
	ztt_argv_add(argv, "%d", site->control_fd);
}

extern const struct ztt_engine ztt_engine_reference;
const struct ztt_engine ztt_engine_reference = {
	.name = "reference",
	.transport = "quic",
	.what = "ztt's own connector in C, with cloudflared's protocol",
	.needs = "nothing",
	.find = find,
	.command = command,
};
