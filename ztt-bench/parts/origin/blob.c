#include "ztt-bench/parts/origin/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/err.h"

#define DATA_BYTES (ZTT_BLOB_PERIOD_BYTES + ZTT_BLOB_SEND_BYTES)

/* xorshift64: nothing on the way gains by compressing it. */
static void fill_period(uint8_t *data)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	for (size_t at = 0; at < ZTT_BLOB_PERIOD_BYTES; at += sizeof(state)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(data + at, &state, sizeof(state));
	}
}

void ztt_blob_init(struct ztt_blob *blob)
{
	uint8_t *data = ztt_alloc(DATA_BYTES);

	fill_period(data);
	for (size_t at = ZTT_BLOB_PERIOD_BYTES; at < DATA_BYTES;
	     at += ZTT_BLOB_PERIOD_BYTES)
		memcpy(data + at, data, ZTT_BLOB_PERIOD_BYTES);
	blob->data = data;
}

void ztt_blob_release(struct ztt_blob *blob)
{
	free(blob->data);
}

ssize_t ztt_blob_send(const struct ztt_blob *blob, int socket_fd,
		      uint64_t at_bytes, uint64_t left_bytes)
{
	size_t len = left_bytes < ZTT_BLOB_SEND_BYTES ? (size_t)left_bytes
						      : ZTT_BLOB_SEND_BYTES;
	ssize_t sent =
		send(socket_fd, blob->data + at_bytes % ZTT_BLOB_PERIOD_BYTES,
		     len, MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}
