/* `ztt-capture read`: one line for each packet, or a tree of all its fields. */
#ifndef ZTT_CAPTURE_LINES_H
#define ZTT_CAPTURE_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ztt-capture/flow/observer.h"
#include "ztt-capture/report/filter.h"
#include "ztt-capture/report/report_buffer.h"

#define ZTT_LINES_HEX_MAX 20 /* bytes of a connection ID or a challenge */

struct ztt_lines; /* opaque */

struct ztt_lines_plan {
	FILE *out;
	const struct ztt_filter *filter; /* copied; NULL: every packet */
	bool tree;
	bool color;
	bool at_once; /* each line is written when it is there: for a terminal,
			 or for what is captured live */
};

struct ztt_lines *ztt_lines_new(const struct ztt_lines_plan *plan);
void ztt_lines_free(struct ztt_lines *lines);

/* An observer's function; `lines` is a struct ztt_lines *.
 *   FRAME  SECONDS  CONNECTION > PROTOCOL TYPE  #NUMBER  BYTES  what is within
 * where > is from the client and < from the server, FRAME is Wireshark's number
 * of the captured frame, and SECONDS count from the first packet. A line that
 * begins with '#' says which connection a number stands for, when it is first
 * shown. */
void ztt_lines_packet(void *lines, const struct ztt_packet *packet);

/* Writes what is left; -errno when writing failed at any time. */
int ztt_lines_finish(struct ztt_lines *lines);

uint64_t ztt_lines_shown(const struct ztt_lines *lines); /* packets */
uint64_t ztt_lines_seen(const struct ztt_lines *lines);

/* For lines.c and tree.c: a packet's text, whole with its newline. */
void ztt_lines_put_line(struct ztt_buffer *buffer,
			const struct ztt_packet *packet, int64_t since_ns,
			bool color);
void ztt_lines_put_tree(struct ztt_buffer *buffer,
			const struct ztt_packet *packet, int64_t since_ns);
/* "STREAM 5 @1200 +1150 FIN" */
void ztt_lines_put_frame(struct ztt_buffer *buffer,
			 const struct ztt_quic_frame *frame);
/* "QUIC", "Initial"; of TCP the flags. */
void ztt_lines_put_type(struct ztt_buffer *buffer,
			const struct ztt_packet *packet);
/* Whether its type is one that is encrypted: it could have been opened. */
bool ztt_lines_is_protected(const struct ztt_packet *packet);
const char *ztt_lines_protocol(const struct ztt_packet *packet);

#endif
