/* What was found in a capture, for people and for programs. */
#ifndef ZTT_CAPTURE_REPORT_H
#define ZTT_CAPTURE_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "ztt-capture/analysis/connection.h"

struct ztt_json;

/* One block for each connection, what could not be decoded and why, and a
 * verdict in one line, last. `verbose`: every connection and every figure;
 * otherwise the eight connections with the most bytes, and a sum of the rest.
 */
void ztt_capture_text(const struct ztt_capture *capture, bool color,
		      bool verbose, FILE *out);

/* An object of common/schema/ztt-capture-1.json; `of` says what was read: a
 * file's name, an interface. What is not known is null, never 0. */
void ztt_capture_json(const struct ztt_capture *capture, const char *of,
		      struct ztt_json *json);

/* The verdict on all of it: one line, plain text. */
#define ZTT_CAPTURE_SENTENCE_LEN 512
char *ztt_capture_sentence(const struct ztt_capture *capture,
			   char out[ZTT_CAPTURE_SENTENCE_LEN]);

/* Exit status. `loss_most`: a fraction of 0 to 1 above which a direction's loss
 * is a problem; below 0: none was given. 1: some direction lost more; 3: no
 * packet could be decoded, or a bound was given and the loss of some direction
 * is not known; else 0. */
int ztt_capture_exit(const struct ztt_capture *capture, double loss_most);

/* Lost of what was sent, 0 to 1; NAN when it is not known. */
double ztt_direction_loss(const struct ztt_direction *direction);

/* "quic", "wireguard", "tls": as in JSON and in options. */
const char *ztt_protocol_name(enum ztt_protocol protocol);

/* "v1", "v2", "0xff00001d"; "" when no version is known. */
#define ZTT_VERSION_LEN 16
char *ztt_quic_version_text(uint32_t version, char out[ZTT_VERSION_LEN]);

#endif
