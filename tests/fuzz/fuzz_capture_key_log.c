/* A key log's text. */
#include <stdint.h>
#include <stdlib.h>

#include "ztt-capture/decode/key_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_key_log *log = ztt_key_log_new();
	size_t len_bytes = 0;

	ztt_key_log_add(log, (const char *)data, size);
	if (ztt_key_log_count(log) > size ||
	    (size >= 32 &&
	     ztt_key_log_find(log, data, ZTT_SECRET_CLIENT_EARLY, &len_bytes) &&
	     len_bytes != 32 && len_bytes != 48))
		abort();
	ztt_key_log_free(log);
	return 0;
}
