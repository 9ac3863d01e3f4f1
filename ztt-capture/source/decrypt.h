/* A capture and its keys in one pcapng file, which Wireshark then opens and
 * decrypts by itself. */
#ifndef ZTT_CAPTURE_DECRYPT_H
#define ZTT_CAPTURE_DECRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;

struct ztt_decrypt_plan {
	const char *in;      /* pcap or pcapng, gzipped or not; "-" */
	const char *key_log; /* an NSS key log of at most 64 MiB */
	const char *out;     /* "-": standard output */
	/* Whether a client random's secrets belong to the capture; NULL: all
	 * lines of the key log are taken. */
	bool (*wanted)(void *owner, const uint8_t client_random[32]);
	/* When every file is open, and none was read but the key log: where to
	 * enter the sandbox; NULL: nothing to do. Negative ends it. */
	int (*opened)(void *owner, struct ztt_err *err);
	void *owner;
};

struct ztt_decrypt_figures {
	size_t lines;            /* of secrets that are now in the file */
	size_t lines_not_wanted; /* secrets of other connections */
	size_t lines_bad;        /* neither secret, comment nor empty */
	uint64_t bytes;          /* written */
	char problem[256];       /* as ztt_source_figures */
};

/* Copies `in` to `out`, which gets mode 0600, as it opens the traffic. Only what
 * is a line of a key log is copied from there. A pcapng file's blocks stay as
 * they are, so that comments, names and secrets of its own are kept. -ENODATA:
 * no line of the key log belongs to the capture, and nothing is written; -EBUSY:
 * `out` is `in`; else as ztt_source_open_file, ztt_writer_open. */
int ztt_decrypt(const struct ztt_decrypt_plan *plan,
		struct ztt_decrypt_figures *ret_figures, struct ztt_err *err);

#endif
