/* Engines: what carries the bytes. One file in engines/ and one row in
 * engines.def each. */
#ifndef ZTT_BENCH_ENGINE_H
#define ZTT_BENCH_ENGINE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "ztt-bench/argv.h"

struct ztt_err;

#define ZTT_ENGINES_MAX 8
#define ZTT_ENGINE_VERSION_LEN 32

/* What find() learned. */
struct ztt_engine_found {
	char path[PATH_MAX]; /* the program to start; looked up in PATH when it
				has no slash */
	char version[ZTT_ENGINE_VERSION_LEN]; /* "2026.8.2"; "" not known */
};

/* What the run has ready for an engine; the paths are /proc/self/fd/N of
 * descriptors that the engine inherits. */
struct ztt_engine_site {
	const char *edge;        /* HOST:PORT on UDP */
	const char *ca;          /* the edge's CA certificate, PEM */
	const char *credentials; /* as cloudflared keeps them */
	const char *config;      /* what `config` wrote */
	const char *tunnel_id;   /* UUID */
	const char *origin;      /* http://HOST:PORT */
	unsigned connections;
	unsigned threads; /* 0: the engine's own choice */
	int control_fd;   /* as the engine sees it */
};

struct ztt_engine {
	const char *name;
	const char *transport; /* "quic"; NULL: there is no tunnel, the load
				  talks to the origin itself and no edge is
				  started */
	const char *what;      /* one line for --list */
	const char *needs;     /* one line for --list */

	/* Whether it can run here; `path` is what --engine-path says, or NULL.
	 * -ENOENT: it is not installed; -EACCES, -EPROTO: what is there cannot
	 * be used. May start the program to ask for its version: blocks for up
	 * to 5 seconds. */
	int (*find)(const char *path, struct ztt_engine_found *ret_found,
		    struct ztt_err *err);

	/* The rest is NULL without a transport. */

	/* Text of the file that is site->config, written to `out`; or NULL. */
	void (*config)(const struct ztt_engine_site *site, char *out,
		       size_t cap_bytes);
	/* Adds all arguments, argv[0] among them. */
	void (*command)(const struct ztt_engine_site *site,
			struct ztt_argv *argv);
	/* Variables whose names begin so do not reach it; or NULL. */
	const char *hidden_env;
	/* Name of the variable that takes site->threads, or NULL. */
	const char *threads_env;
	/* What stands in its log before the name of a flag that it does not
	 * know, or NULL: its usage follows, so the last lines do not tell. */
	const char *unknown_flag;
};

/* All of engines.def, in its order, which is that of --list; NULL at the end. */
extern const struct ztt_engine *const ztt_engines[];

/* The engines of a list such as "reference,cloudflared", each once; "auto" is
 * cloudflared where it is found, else reference, and *ret_auto then says which
 * and why (a static sentence or NULL). -EINVAL: an unknown or repeated name
 * (names the nearest one), or too many. Others as find(). */
int ztt_engines_choose(const char *list, const char *path,
		       const struct ztt_engine *ret_engines[ZTT_ENGINES_MAX],
		       struct ztt_engine_found ret_found[ZTT_ENGINES_MAX],
		       size_t *ret_count, const char **ret_auto,
		       struct ztt_err *err);

#endif
