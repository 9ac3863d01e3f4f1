/* Frames written as a pcapng file: draft-ietf-opsawg-pcapng, in this host's
 * byte order, times in nanoseconds. */
#ifndef ZTT_CAPTURE_WRITER_H
#define ZTT_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ztt-capture/source/source.h"

struct ztt_err;
struct ztt_writer; /* opaque; buffers 1 MiB */

struct ztt_writer_interface {
	const char *name;    /* borrowed for the call; NULL: none */
	unsigned link;       /* enum ztt_link */
	uint32_t snap_bytes; /* 0: whole frames */
	/* Its frames have has_vnet: their segment sizes are written, too, as
	 * comments, and read again by ztt_source. */
	bool vnet;
};

/* Makes or empties `path` ("-": standard output) with `mode`, which a file that
 * was there with more than that gets, too. -errno; -EBUSY: it is `not_over`, a
 * file that is being read (its descriptor; -1: none). */
int ztt_writer_open(const char *path, mode_t mode, int not_over,
		    struct ztt_writer **ret_writer, struct ztt_err *err);

/* Each of these returns 0, or -errno (-ENOSPC, -EPIPE, ...) with a sentence,
 * the same for all calls after the first that failed. */

/* The header that a file begins with, by an application, "ztt-capture 0.1". */
int ztt_writer_section(struct ztt_writer *writer, const char *application,
		       struct ztt_err *err);

/* Interfaces count from 0, in the order of these calls. */
int ztt_writer_interface(struct ztt_writer *writer,
			 const struct ztt_writer_interface *interface,
			 struct ztt_err *err);

/* From here on in the other byte order, which a section that was copied by
 * ztt_writer_raw may have. */
void ztt_writer_swap(struct ztt_writer *writer, bool swapped);

/* Lines of a TLS key log, for the packets that follow. */
int ztt_writer_secrets(struct ztt_writer *writer, const char *text,
		       size_t len_bytes, struct ztt_err *err);

/* `frame->interface` is the writer's, and that interface has the frame's link.
 * `comment` NULL: none. Blocks when the buffer is full. */
int ztt_writer_frame(struct ztt_writer *writer, const struct ztt_frame *frame,
		     const char *comment, struct ztt_err *err);

/* What an interface received and the kernel dropped, from the beginning to
 * `at_ns` since the epoch; at the end. */
int ztt_writer_statistics(struct ztt_writer *writer, unsigned interface,
			  int64_t at_ns, uint64_t received, uint64_t dropped,
			  struct ztt_err *err);

int ztt_writer_flush(struct ztt_writer *writer, struct ztt_err *err);

/* Bytes so far, those in the buffer included: for a ring of files. */
uint64_t ztt_writer_bytes(const struct ztt_writer *writer);

/* At most 512 KiB as they are, for a copy of what is pcapng already. */
int ztt_writer_raw(struct ztt_writer *writer, const void *data,
		   size_t len_bytes, struct ztt_err *err);

/* Flushes and closes; NULL is fine. */
int ztt_writer_close(struct ztt_writer *writer, struct ztt_err *err);

#endif
