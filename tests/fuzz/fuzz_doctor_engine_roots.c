/* A program of any bytes: what comes out is PEM text, and bounded. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ztt-doctor/probes/engine_roots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const int fd = memfd_create("program", MFD_CLOEXEC);
	char path[64], *pem = NULL;
	size_t pem_len = 0;
	int count;

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	count = ztt_engine_roots(path, &pem, &pem_len);
	if (count < 0 || count > ZTT_ENGINE_ROOTS_MAX || !count != !pem ||
	    (pem && strlen(pem) != pem_len))
		abort();
	free(pem);
	close(fd);
	return 0;
}
