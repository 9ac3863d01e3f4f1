/* CRYPTO frames put together by offset into whole handshake messages, of one
 * direction at one level (RFC 9000 section 19.6). */
#ifndef ZTT_CAPTURE_CRYPTO_STREAM_H
#define ZTT_CAPTURE_CRYPTO_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define ZTT_CRYPTO_WINDOW_BYTES 65536 /* past what was taken */
#define ZTT_CRYPTO_PIECES_MAX 64      /* with gaps between them */

/* Opaque. Grows with what comes, to the window at most. */
struct ztt_crypto_stream;

struct ztt_crypto_stream *ztt_crypto_stream_new(void);
void ztt_crypto_stream_free(struct ztt_crypto_stream *stream);

/* Adds what one frame has, in any order; what is there already stays as it
 * came first. 0; -EMSGSIZE: past the window; -ENOBUFS: too many gaps; it is
 * not kept, and may come again. */
int ztt_crypto_stream_add(struct ztt_crypto_stream *stream, uint64_t offset,
			  const uint8_t *data, size_t len_bytes);

/* The next whole handshake message with its 4-byte head, valid until the next
 * call. 1; 0: not all of it is there; -EMSGSIZE: it is longer than the window
 * and will never be. */
int ztt_crypto_stream_next(struct ztt_crypto_stream *stream,
			   const uint8_t **ret_message, size_t *ret_len_bytes);

#endif
