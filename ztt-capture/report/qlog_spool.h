/* Text of many connections that comes interleaved and is wanted one after the
 * other: chains of blocks in one unnamed temporary file, one block of each in
 * memory. */
#ifndef ZTT_CAPTURE_QLOG_SPOOL_H
#define ZTT_CAPTURE_QLOG_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ztt_err;

#define ZTT_QLOG_BLOCK_BYTES 4096

struct ztt_qlog_spool {
	int fd;
	uint64_t blocks; /* given out */
	int failed;      /* -errno of the first write or read that did */
};

/* Begin with {0}. */
struct ztt_qlog_chain {
	char *block; /* being filled; owned */
	uint64_t first, at, len_bytes;
};

int ztt_qlog_spool_open(struct ztt_qlog_spool *spool, struct ztt_err *err);
void ztt_qlog_spool_close(struct ztt_qlog_spool *spool);

void ztt_qlog_chain_put(struct ztt_qlog_spool *spool,
			struct ztt_qlog_chain *chain, const char *text,
			size_t len_bytes);
/* Copies all of it to `out`; -errno. Called once, at the end. */
int ztt_qlog_chain_copy(struct ztt_qlog_spool *spool,
			struct ztt_qlog_chain *chain, FILE *out);
void ztt_qlog_chain_release(struct ztt_qlog_chain *chain);

#endif
