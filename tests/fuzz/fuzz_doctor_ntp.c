/* Answers of an NTP server: two clocks of this host, then the packet, whose
 * nonce is the one that was sent. */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/probes/ntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t sent_ns, received_ns;
	struct ztt_ntp_sample sample;
	uint64_t nonce = 0;
	struct ztt_err err;

	if (size < 16)
		return 0;
	memcpy(&sent_ns, data, 8);
	memcpy(&received_ns, data + 8, 8);
	data += 16;
	size -= 16;
	/* The kernel's clock is never before 1970, and CLOCK_MONOTONIC only
	 * adds to it. */
	sent_ns &= INT64_MAX >> 1;
	received_ns = sent_ns + (received_ns & (INT64_MAX >> 2));
	if (size >= 32)
		memcpy(&nonce, data + 24, 8);
	ztt_ntp_read(data, size, be64toh(nonce), sent_ns, received_ns, &sample,
		     &err);
	return 0;
}
