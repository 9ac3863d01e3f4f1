/* What the kinds of sources have in common; theirs begin with it. */
#ifndef ZTT_CAPTURE_KIND_H
#define ZTT_CAPTURE_KIND_H

#include "ztt-capture/source/source.h"

struct ztt_input;

struct ztt_source_kind {
	/* As ztt_source_next; number, `outgoing` of cooked frames and the
	 * figures of frames are set by the caller. */
	int (*next)(struct ztt_source *source, struct ztt_frame *ret_frame,
		    struct ztt_err *err);
	/* Completes the figures; NULL: nothing to add. */
	void (*figures)(const struct ztt_source *source,
			struct ztt_source_figures *figures);
	void (*close)(struct ztt_source *source);
};

struct ztt_source {
	const struct ztt_source_kind *kind;
	struct ztt_source_figures figures;
	void (*secrets)(void *owner, const char *text, size_t len_bytes);
	void *owner;
};

/* Takes over `input` when it holds a file of that kind, which its first bytes
 * tell: 0; -EPROTO: it does not, or its header is broken; `err` says. */
int ztt_pcap_open(struct ztt_input *input, struct ztt_source **ret_source,
		  struct ztt_err *err);
int ztt_pcapng_open(struct ztt_input *input, struct ztt_source **ret_source,
		    struct ztt_err *err);

/* figures.problem, unless there is one; returns 0, for `return`. */
int ztt_source_problem(struct ztt_source *source, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same where `input` gave less than a record needs: what was wrong with it,
 * or that the file ends in the middle of `what`; nothing when it is not
 * `within` one and no byte of the next was there. -errno when reading failed. */
int ztt_source_ended(struct ztt_source *source, const struct ztt_input *input,
		     const char *what, bool within, struct ztt_err *err);

/* Seconds and nanoseconds as a frame's time: never before the epoch, never
 * past what 63 bits hold. */
int64_t ztt_source_time(uint64_t seconds, int64_t more_seconds, uint64_t ns);

#endif
