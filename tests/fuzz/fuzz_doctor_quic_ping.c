/* Answers to a ping: a number comes out only of what has both connection IDs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/probes/quic_ping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t secret[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint32_t number;

	if (ztt_quic_ping_read(secret, data, len, &number) == 0 &&
	    (len < 27 || memcmp(data + 6, secret, sizeof(secret)) != 0))
		abort();
	return 0;
}
