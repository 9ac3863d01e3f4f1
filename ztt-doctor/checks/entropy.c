#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"

#define AVAILABLE_BITS_MIN 256
#define DRAWS 101
#define DRAW_BYTES 32
#define SLOW_NS ZTT_NS_PER_MS

void ztt_check_entropy_available(struct ztt_doctor *doctor,
				 struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/kernel/random/entropy_avail";
	uint64_t bits;
	int rc = ztt_root_uint(doctor->root, path, &bits);

	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	ztt_finding_note(finding,
			 bits < AVAILABLE_BITS_MIN ? ZTT_STATUS_WARN
						   : ZTT_STATUS_OK,
			 "%llu bits%s", (unsigned long long)bits,
			 bits == AVAILABLE_BITS_MIN
				 ? " (all that kernels from 5.18 on count)"
				 : "");
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* GRND_NONBLOCK, so that no draw waits for a pool that is not ready. */
static int draw(uint64_t *ret_ns)
{
	unsigned char bytes[DRAW_BYTES];
	const uint64_t begin_ns = ztt_clock_ns();

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		return -errno;
	*ret_ns = ztt_clock_ns() - begin_ns;
	return 0;
}

void ztt_check_entropy_latency(struct ztt_doctor *doctor,
			       struct ztt_finding *finding)
{
	char median[ZTT_UNITS_LEN], slowest[ZTT_UNITS_LEN];
	uint64_t took_ns[DRAWS];
	int rc = 0;

	(void)doctor;
	for (size_t i = 0; i < DRAWS && rc == 0; i++)
		rc = draw(&took_ns[i]);
	if (rc == -EAGAIN) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the kernel's random pool is not initialised: "
				 "every TLS handshake waits for it");
		return;
	}
	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "getrandom: %s",
				 strerror(-rc));
		return;
	}
	qsort(took_ns, DRAWS, sizeof(took_ns[0]), compare);
	ztt_finding_note(finding,
			 took_ns[DRAWS / 2] > SLOW_NS ? ZTT_STATUS_WARN
						      : ZTT_STATUS_OK,
			 "%s median, %s slowest of %d draws of %d bytes",
			 ztt_units_ns(median, (double)took_ns[DRAWS / 2]),
			 ztt_units_ns(slowest, (double)took_ns[DRAWS - 1]),
			 DRAWS, DRAW_BYTES);
}
