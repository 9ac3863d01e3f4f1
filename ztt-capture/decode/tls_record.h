/* TLS records (RFC 8446, section 5): taken apart as their bytes come in order,
 * and opened with a traffic secret of the key log. */
#ifndef ZTT_CAPTURE_TLS_RECORD_H
#define ZTT_CAPTURE_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_TLS_HEAD_BYTES 5
#define ZTT_TLS_BODY_BYTES_MAX (16384 + 256)
#define ZTT_TLS_RECORD_BYTES_MAX (ZTT_TLS_HEAD_BYTES + ZTT_TLS_BODY_BYTES_MAX)

enum ztt_tls_type {
	ZTT_TLS_CHANGE_CIPHER_SPEC = 20,
	ZTT_TLS_ALERT = 21,
	ZTT_TLS_HANDSHAKE = 22,
	ZTT_TLS_APPLICATION = 23,
};

/* One record of the wire. */
struct ztt_tls_record {
	uint8_t type;
	size_t body_bytes;
	const uint8_t *data; /* head and body; valid during the call. NULL: it
				was not wanted, or bytes of it are missing */
	bool broken;         /* bytes of it are missing, or it was not held */
};

struct ztt_tls_reader {
	/* Each record at its end; `wants` says, at its head, whether its bytes
	 * are to be there. */
	void (*record)(void *owner, const struct ztt_tls_record *record);
	bool (*wants)(void *owner, uint8_t type);
	/* Whether so many bytes more may be held (NULL: always). */
	bool (*reserve)(void *owner, long size_bytes);
	void *owner;
	/* Set when what came is no TLS; everything after that is ignored. */
	bool failed;
	/* Where records begin is not known: after a gap, or in the middle of a
	 * connection. Looked for where bytes come after it. */
	bool lost;
	uint64_t resumed; /* how often it was found again */

	/* Of decode/tls_record.c. */
	uint8_t head[ZTT_TLS_HEAD_BYTES];
	size_t head_bytes, body_bytes, left_bytes;
	uint8_t *buffer; /* of a wanted record in pieces; NULL: none yet */
	size_t buffer_bytes;
	bool wanted, broken;
};

/* Bytes in order. Allocates when a wanted record comes in pieces and is longer
 * than those before: at most 16 KiB. */
void ztt_tls_reader_data(struct ztt_tls_reader *reader, const uint8_t *data,
			 size_t len_bytes);
/* So many bytes are missing. */
void ztt_tls_reader_gap(struct ztt_tls_reader *reader, uint64_t len_bytes);
void ztt_tls_reader_release(struct ztt_tls_reader *reader);

/* Whether `data` begins as a record that holds a ClientHello. */
bool ztt_tls_is_client_hello(const uint8_t *data, size_t len_bytes);

/* ---- TLS 1.3 protection (tls_record_keys.c) ---- */

struct ztt_tls_keys; /* opaque: one direction, from one secret on */

struct ztt_tls_opened {
	uint8_t type;
	uint8_t *data; /* in `out` */
	size_t len_bytes;
	uint64_t skipped; /* records before it that were never opened */
};

/* "AES-128-GCM"; NULL: no cipher suite of TLS 1.3 that is opened here. */
const char *ztt_tls_cipher_name(uint16_t cipher_suite);

/* NULL: no such suite, or a secret that is not as long as its hash. */
struct ztt_tls_keys *ztt_tls_keys_new(uint16_t cipher_suite,
				      const uint8_t *secret,
				      size_t secret_bytes);
void ztt_tls_keys_free(struct ztt_tls_keys *keys); /* wipes; NULL is fine */

/* After a KeyUpdate message: the next secret, records counted anew. 0, -EIO. */
int ztt_tls_keys_update(struct ztt_tls_keys *keys);

/* Records that were not seen: the next opened may be up to so many later. */
void ztt_tls_keys_skip(struct ztt_tls_keys *keys, uint64_t records);

/* Opens a whole record of type 23. `out` has room for its body. 0; -EBADMSG:
 * not authentic with these keys, which then stay as they were. */
int ztt_tls_open(struct ztt_tls_keys *keys, const struct ztt_tls_record *record,
		 uint8_t *out, struct ztt_tls_opened *ret_opened);

#endif
