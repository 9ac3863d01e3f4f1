/* JA4 of a TLS client: FoxIO's public description of JA4 (TLS client), of 2023
 * to 2026, technical_details/JA4.md. */
#ifndef ZTT_CAPTURE_JA4_H
#define ZTT_CAPTURE_JA4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_JA4_LEN 40
#define ZTT_JA4_LIST_MAX 256 /* of each list; a longer one gives no JA4 */

/* A list as it came; `count` counts all, also those that there was no room
 * for. */
struct ztt_ja4_list {
	uint16_t values[ZTT_JA4_LIST_MAX];
	size_t count;
};

struct ztt_ja4 {
	bool quic;        /* 'q', otherwise 't' */
	uint16_t version; /* highest of supported_versions, or the legacy one */
	const uint8_t *alpn; /* the first; NULL or empty: none */
	size_t alpn_bytes;
	struct ztt_ja4_list ciphers, extensions, signatures; /* with GREASE */
};

/* Adds a value to a list. */
void ztt_ja4_add(struct ztt_ja4_list *list, uint16_t value);

/* Whether a cipher, extension, group or version is GREASE (RFC 8701). */
bool ztt_ja4_is_grease(uint16_t value);

/* "q13d0312h3_55b375c5d22e_06cda9e17597"; "" when a list is too long. */
void ztt_ja4_text(const struct ztt_ja4 *ja4, char out[ZTT_JA4_LEN]);

#endif
