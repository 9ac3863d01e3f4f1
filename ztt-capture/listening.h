/* What record and report have in common where they listen to interfaces. */
#ifndef ZTT_CAPTURE_LISTENING_H
#define ZTT_CAPTURE_LISTENING_H

#include <stdbool.h>

struct ztt_err;

#define ZTT_LISTENING_FILTER "port 7844 or udp port 443 or udp port 51820"
#define ZTT_LISTENING_FILTER_MAX 4096
#define ZTT_LISTENING_TICK_MS 250

/* The words as one pcap-filter(7); none: ZTT_LISTENING_FILTER. -EINVAL: too
 * long. */
int ztt_listening_filter(char *const *words, int count,
			 char out[ZTT_LISTENING_FILTER_MAX],
			 struct ztt_err *err);
/* Whether a signal of ztt_signals_open has come. */
bool ztt_listening_interrupted(int signals_fd);

#endif
