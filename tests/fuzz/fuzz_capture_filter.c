/* Four lists of words, a line each: what the filter options take. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/report/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	char *text = ztt_alloc(len_bytes + 1), *rest = text;
	const char *lists[4] = {NULL};
	struct ztt_filter filter;
	struct ztt_err err;

	memcpy(text, data, len_bytes);
	text[len_bytes] = '\0';
	for (size_t i = 0; i < 4 && rest; i++)
		lists[i] = strsep(&rest, "\n");
	if (ztt_filter_parse(lists[0], lists[1], lists[2], lists[3], &filter,
			     &err) == 0 &&
	    (filter.connection_count > ZTT_FILTER_RANGES_MAX ||
	     filter.more_frame_count > ZTT_FILTER_RANGES_MAX))
		abort();
	free(text);
	return 0;
}
