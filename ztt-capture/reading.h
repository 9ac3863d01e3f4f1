/* Captures read into flows. */
#ifndef ZTT_CAPTURE_READING_H
#define ZTT_CAPTURE_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "ztt-capture/flow/flows.h"
#include "ztt-capture/source/source.h"

struct ztt_err;

#define ZTT_READING_FILES_MAX 64

struct ztt_reading_plan {
	char *const *paths; /* of captures, "-" for standard input */
	size_t path_count;
	const char *keys; /* an NSS key log, or NULL */
	struct ztt_observer observer;
};

/* Plain storage of the caller, zeroed. */
struct ztt_reading {
	char *const *paths;
	int fds[ZTT_READING_FILES_MAX];
	size_t fd_count, fds_taken; /* those before it are the sources' */
	struct ztt_key_log *keys;
	struct ztt_flows *flows;
	struct ztt_source_figures figures; /* of all files */
};

/* Opens everything, and parses nothing of the captures: a sandbox can be entered
 * after it. As ztt_source_open_path and ztt_key_log_read. */
int ztt_reading_open(struct ztt_reading *reading,
		     const struct ztt_reading_plan *plan, struct ztt_err *err);
/* Reads all of it, one file after the other; the capture lives as long as the
 * reading. As ztt_source_open_fd, or -errno of reading. */
int ztt_reading_run(struct ztt_reading *reading,
		    const struct ztt_capture **ret_capture,
		    struct ztt_err *err);
void ztt_reading_release(struct ztt_reading *reading);

#endif
