/* Noise to fill bodies with, made once and sent over and over. The load fills
 * its uploads with it, too.
 *
 * It is sent with send(2) from memory: on Linux 6.18, loopback, that costs 0.15
 * CPU-s/GB in calls of 1 MiB and 0.42 in calls of 64 KiB, where sendfile(2)
 * from a memfd costs 0.54, for it hands the pages over one by one. */
#ifndef ZTT_ORIGIN_BLOB_H
#define ZTT_ORIGIN_BLOB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZTT_BLOB_PERIOD_BYTES 65536 /* then the noise repeats */
#define ZTT_BLOB_SEND_BYTES 1048576 /* sent by one call at most */

/* Plain storage of the caller; may be read by many threads. */
struct ztt_blob {
	uint8_t *data; /* ZTT_BLOB_PERIOD_BYTES + ZTT_BLOB_SEND_BYTES */
};

void ztt_blob_init(struct ztt_blob *blob);
void ztt_blob_release(struct ztt_blob *blob);

/* Sends at most `left_bytes` of a body of which `at_bytes` were sent before;
 * byte n of every body is the same. One system call, that does not block on a
 * non-blocking socket. Returns the bytes sent or -errno of send, e.g. -EAGAIN.
 */
ssize_t ztt_blob_send(const struct ztt_blob *blob, int socket_fd,
		      uint64_t at_bytes, uint64_t left_bytes);

#endif
