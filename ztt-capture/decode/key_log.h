/* NSS key logs: which secrets belong to which client random. Bounded: at most
 * 65,536 secrets are kept (about 6 MiB), lines of at most 512 bytes. */
#ifndef ZTT_CAPTURE_KEY_LOG_H
#define ZTT_CAPTURE_KEY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;
struct ztt_key_log; /* opaque */

#define ZTT_KEY_LOG_SECRETS_MAX 65536
#define ZTT_KEY_LOG_LINE_MAX 512
#define ZTT_KEY_LOG_FILE_BYTES_MAX (64U << 20)

enum ztt_secret_kind {
	ZTT_SECRET_CLIENT_EARLY,
	ZTT_SECRET_CLIENT_HANDSHAKE,
	ZTT_SECRET_SERVER_HANDSHAKE,
	ZTT_SECRET_CLIENT_TRAFFIC, /* CLIENT_TRAFFIC_SECRET_0 */
	ZTT_SECRET_SERVER_TRAFFIC,
	ZTT_SECRET_KINDS,
};

struct ztt_key_log *ztt_key_log_new(void);
void ztt_key_log_free(struct ztt_key_log *log); /* wipes */
/* Adds the lines of a text, the last also without its newline; what is no line
 * of a key log is counted. Comments and the labels of other secrets (those of
 * TLS 1.2, exporters, the old QUIC_*) are passed over. A later line for the same
 * random and kind counts. */
void ztt_key_log_add(struct ztt_key_log *log, const char *text,
		     size_t len_bytes);
/* Adds a file of at most 64 MiB; may be called again when it has grown. -EFBIG:
 * longer, what came before is there; -ENOENT, -EACCES, ... */
int ztt_key_log_read(struct ztt_key_log *log, const char *path,
		     struct ztt_err *err);
/* Secrets kept. */
size_t ztt_key_log_count(const struct ztt_key_log *log);
/* Lines that could not be read, those that there was no room for among them. */
uint64_t ztt_key_log_bad_lines(const struct ztt_key_log *log);
/* The secret, 32 or 48 bytes, owned by the log and valid until something is
 * added; NULL: not in it. */
const uint8_t *ztt_key_log_find(const struct ztt_key_log *log,
				const uint8_t client_random[32],
				enum ztt_secret_kind kind,
				size_t *ret_len_bytes);

/* One secret and whose it is, owned by the log as above. */
struct ztt_key_log_secret {
	const uint8_t *client_random; /* 32 bytes */
	enum ztt_secret_kind kind;
	const uint8_t *secret;
	size_t len_bytes;
};

/* The next secret, in no order; *cursor is 0 before the first; nothing may be
 * added meanwhile. False: no more. For a connection whose ClientHello was not
 * seen. */
bool ztt_key_log_walk(const struct ztt_key_log *log, size_t *cursor,
		      struct ztt_key_log_secret *ret_secret);

#endif
