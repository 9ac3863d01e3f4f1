/* A recording: one capture file, or a ring of them. */
#ifndef ZTT_CAPTURE_RECORDER_H
#define ZTT_CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/source/source.h"

struct ztt_err;
struct ztt_recorder; /* opaque */

struct ztt_recorder_plan {
	const char *path;    /* "-": standard output */
	uint64_t file_bytes; /* a new file past it; 0: never */
	uint64_t file_ns;    /* ... and after so long */
	unsigned files;      /* the oldest is removed past it; 0: kept */
	uint32_t snap_bytes;
	bool splits; /* the source knows segment sizes */
	bool whole;  /* super-datagrams as they came, with a comment */
};

struct ztt_recorder_figures {
	uint64_t frames, packets; /* as they came; as they were written */
	uint64_t super_datagrams, bytes;
	unsigned files;
};

/* With a limit of a file the files are called NAME_00001.pcapng and so on.
 * Mode 0600. As ztt_writer_open; -EINVAL: a ring on the standard output. */
int ztt_recorder_open(const struct ztt_recorder_plan *plan,
		      struct ztt_recorder **ret_recorder, struct ztt_err *err);
/* Linux cooked v2 frames. -errno of writing. */
int ztt_recorder_frame(struct ztt_recorder *recorder,
		       const struct ztt_frame *frame, struct ztt_err *err);
int ztt_recorder_flush(struct ztt_recorder *recorder, struct ztt_err *err);
void ztt_recorder_figures(const struct ztt_recorder *recorder,
			  struct ztt_recorder_figures *ret_figures);
/* Writes what the kernel counted, and closes. NULL is fine. */
int ztt_recorder_close(struct ztt_recorder *recorder, uint64_t seen,
		       uint64_t dropped, struct ztt_err *err);

#endif
