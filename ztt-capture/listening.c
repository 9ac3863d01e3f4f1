#define _GNU_SOURCE
#include "ztt-capture/listening.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/err.h"

int ztt_listening_filter(char *const *words, int count,
			 char out[ZTT_LISTENING_FILTER_MAX],
			 struct ztt_err *err)
{
	const size_t cap = ZTT_LISTENING_FILTER_MAX;
	size_t len = 0;

	if (count == 0)
		snprintf(out, cap, "%s", ZTT_LISTENING_FILTER);
	for (int i = 0; i < count; i++) {
		int written = snprintf(out + len, cap - len, "%s%s",
				       i ? " " : "", words[i]);

		if (written < 0 || (size_t)written >= cap - len)
			return ztt_err_set(err, -EINVAL,
					   "the filter is too long");
		len += (size_t)written;
	}
	return 0;
}

bool ztt_listening_interrupted(int signals_fd)
{
	struct signalfd_siginfo info;

	return read(signals_fd, &info, sizeof(info)) > 0;
}
