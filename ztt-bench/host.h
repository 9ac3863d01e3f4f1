/* The host that a result was measured on. */
#ifndef ZTT_BENCH_HOST_H
#define ZTT_BENCH_HOST_H

#include <stdbool.h>

struct ztt_host {
	char cpu[128];    /* "AMD EPYC 9354", or "unknown" */
	char os[128];     /* PRETTY_NAME of os-release, or "unknown" */
	char kernel[65];  /* "6.1.0-27-amd64" */
	char machine[65]; /* "x86_64" */
	unsigned cores;   /* online */
	bool isolated;    /* the run has a network namespace of its own */
};

/* All but `isolated`, which stays as it is. */
void ztt_host_read(struct ztt_host *ret_host);

#endif
