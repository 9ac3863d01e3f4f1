/* The CA certificate and the credentials of an edge, as files for connectors. */
#ifndef ZTT_BENCH_EDGE_FILES_H
#define ZTT_BENCH_EDGE_FILES_H

#include <stdbool.h>

#include "ztt-bench/parts/edge/edge.h"

#define ZTT_EDGE_PATH_BYTES 4096

/* Begins zeroed. */
struct ztt_edge_files {
	char folder[ZTT_EDGE_PATH_BYTES]; /* made for them; "": none */
	char ca[ZTT_EDGE_PATH_BYTES + 32];
	char credentials[ZTT_EDGE_PATH_BYTES + 32];
	bool own_ca, own_credentials; /* in that folder, and removed with it */
};

/* Writes them where asked; what is NULL goes to a new folder in TMPDIR, or
 * /tmp. -errno of mkdtemp, open or write, with the path. */
int ztt_edge_write_files(struct ztt_edge_files *files,
			 const struct ztt_edge *edge, const char *ca,
			 const char *credentials, struct ztt_err *err);
/* Removes what it made of its own. */
void ztt_edge_remove_files(const struct ztt_edge_files *files);

#endif
