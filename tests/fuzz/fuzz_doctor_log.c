/* The engine's log; and, for want of a better place, a systemd unit. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/engine/log.h"
#include "ztt-doctor/engine/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ztt_log log;
	static struct ztt_unit unit;
	char *text = ztt_alloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	ztt_log_scan(text, size, &log);
	for (size_t i = 0; i < ZTT_LOG_COUNT; i++)
		if (log.hits[i].count)
			ztt_log_age(&log, (enum ztt_log_id)i);
	ztt_unit_add(&unit, "/fuzz", 0644, text);
	ztt_unit_release(&unit);
	free(text);
	return 0;
}
