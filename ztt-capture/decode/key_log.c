#define _GNU_SOURCE
#include "ztt-capture/decode/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "common/err.h"

#define RANDOM_BYTES 32
#define SECRET_MAX_BYTES 48
#define SLOTS_FIRST 64
#define READ_BYTES 65536

struct secret {
	uint8_t random[RANDOM_BYTES];
	uint8_t kind;
	uint8_t len_bytes; /* 0: a free slot */
	uint8_t bytes[SECRET_MAX_BYTES];
};

struct ztt_key_log {
	struct secret *slots; /* open addressing, at most half full */
	size_t slot_count;    /* a power of two */
	size_t count;
	uint64_t bad_lines;
	uint64_t
		seed[2]; /* randoms are chosen by others: no known collisions */
};

static const char *const labels[ZTT_SECRET_KINDS] = {
	[ZTT_SECRET_CLIENT_EARLY] = "CLIENT_EARLY_TRAFFIC_SECRET",
	[ZTT_SECRET_CLIENT_HANDSHAKE] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	[ZTT_SECRET_SERVER_HANDSHAKE] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	[ZTT_SECRET_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
	[ZTT_SECRET_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0",
};

struct ztt_key_log *ztt_key_log_new(void)
{
	struct ztt_key_log *log = ztt_calloc(1, sizeof(*log));
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (random)
		memcpy(log->seed, random, sizeof(log->seed));
	log->slot_count = SLOTS_FIRST;
	log->slots = ztt_calloc(log->slot_count, sizeof(*log->slots));
	return log;
}

static void wipe(struct secret *slots, size_t slot_count)
{
	gnutls_memset(slots, 0, slot_count * sizeof(*slots));
	free(slots);
}

void ztt_key_log_free(struct ztt_key_log *log)
{
	if (!log)
		return;
	wipe(log->slots, log->slot_count);
	free(log);
}

static uint64_t mix(uint64_t hash, uint64_t lane)
{
	hash = (hash ^ lane) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The slot of a secret, or the free one where it would be. */
static struct secret *slot_of(const struct ztt_key_log *log,
			      const uint8_t *random, uint8_t kind)
{
	uint64_t lanes[RANDOM_BYTES / 8], hash = log->seed[0] + kind;
	struct secret *slot;
	size_t at;

	memcpy(lanes, random, sizeof(lanes));
	for (size_t i = 0; i < sizeof(lanes) / sizeof(*lanes); i++)
		hash = mix(hash, lanes[i] ^ log->seed[1]);
	for (at = hash & (log->slot_count - 1);;
	     at = (at + 1) & (log->slot_count - 1)) {
		slot = &log->slots[at];
		if (slot->len_bytes == 0 ||
		    (slot->kind == kind &&
		     memcmp(slot->random, random, RANDOM_BYTES) == 0))
			return slot;
	}
}

static void grow(struct ztt_key_log *log)
{
	struct secret *old = log->slots;
	const size_t old_count = log->slot_count;

	log->slot_count *= 2;
	log->slots = ztt_calloc(log->slot_count, sizeof(*log->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].len_bytes > 0)
			*slot_of(log, old[i].random, old[i].kind) = old[i];
	wipe(old, old_count);
}

static bool put(struct ztt_key_log *log, const struct secret *secret)
{
	struct secret *slot = slot_of(log, secret->random, secret->kind);

	if (slot->len_bytes == 0) {
		if (log->count == ZTT_KEY_LOG_SECRETS_MAX)
			return false;
		log->count++;
	}
	*slot = *secret;
	if (log->count * 2 > log->slot_count)
		grow(log);
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *text, size_t len_bytes, uint8_t *out)
{
	int high, low;

	for (size_t i = 0; i < len_bytes; i++) {
		high = digit(text[2 * i]);
		low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The next word of a line, and how long it is; 0 at the end. */
static size_t word(const char **at, const char *end)
{
	const char *begin;

	while (*at < end && (**at == ' ' || **at == '\t'))
		++*at;
	begin = *at;
	while (*at < end && **at != ' ' && **at != '\t')
		++*at;
	return (size_t)(*at - begin);
}

static bool is_label(const char *text, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		if (!(text[i] >= 'A' && text[i] <= 'Z') &&
		    !(text[i] >= '0' && text[i] <= '9') && text[i] != '_')
			return false;
	return len_bytes > 0;
}

static int kind_of(const char *label, size_t len_bytes)
{
	for (int i = 0; i < ZTT_SECRET_KINDS; i++)
		if (strlen(labels[i]) == len_bytes &&
		    memcmp(labels[i], label, len_bytes) == 0)
			return i;
	return -1;
}

/* False: no line of a key log. */
static bool add_words(struct ztt_key_log *log, const char *at, const char *end)
{
	const size_t label_bytes = word(&at, end);
	const int kind = kind_of(at - label_bytes, label_bytes);
	const bool is_known = is_label(at - label_bytes, label_bytes);
	const size_t random_digits = word(&at, end);
	const char *random = at - random_digits;
	const size_t secret_digits = word(&at, end);
	struct secret secret = {.kind = (uint8_t)kind};
	bool is_line;

	if (!is_known || secret_digits == 0 || word(&at, end) != 0)
		return false;
	if (kind < 0)
		return true;
	if (random_digits != 2 * RANDOM_BYTES ||
	    (secret_digits != 64 && secret_digits != 96))
		return false;
	secret.len_bytes = (uint8_t)(secret_digits / 2);
	is_line = unhex(random, RANDOM_BYTES, secret.random) &&
		  unhex(at - secret_digits, secret.len_bytes, secret.bytes) &&
		  put(log, &secret);
	gnutls_memset(&secret, 0, sizeof(secret));
	return is_line;
}

static void add_line(struct ztt_key_log *log, const char *line,
		     size_t len_bytes)
{
	while (len_bytes > 0 &&
	       (line[len_bytes - 1] == '\r' || line[len_bytes - 1] == ' '))
		len_bytes--;
	if (len_bytes == 0 || line[0] == '#')
		return;
	if (len_bytes > ZTT_KEY_LOG_LINE_MAX ||
	    !add_words(log, line, line + len_bytes))
		log->bad_lines++;
}

void ztt_key_log_add(struct ztt_key_log *log, const char *text,
		     size_t len_bytes)
{
	const char *end = text + len_bytes, *newline;

	while (text < end) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		add_line(log, text, (size_t)(newline - text));
		text = newline < end ? newline + 1 : end;
	}
}

/* Adds the whole lines of a buffer; what remains of it, an unfinished line,
 * goes to its beginning. A line that fills all of it is too long in any case. */
static size_t add_whole_lines(struct ztt_key_log *log, char *buffer,
			      size_t len_bytes)
{
	const char *newline = memrchr(buffer, '\n', len_bytes);
	size_t rest;

	if (!newline)
		return len_bytes;
	rest = len_bytes - (size_t)(newline + 1 - buffer);
	ztt_key_log_add(log, buffer, len_bytes - rest);
	memmove(buffer, newline + 1, rest);
	return rest;
}

static int read_lines(struct ztt_key_log *log, int fd, char *buffer)
{
	size_t held = 0, total = 0;
	ssize_t got;

	while ((got = read(fd, buffer + held, READ_BYTES - held)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		total += (size_t)got;
		if (total > ZTT_KEY_LOG_FILE_BYTES_MAX)
			return -EFBIG;
		held = add_whole_lines(log, buffer, held + (size_t)got);
		if (held == READ_BYTES)
			held = ZTT_KEY_LOG_LINE_MAX + 1;
	}
	ztt_key_log_add(log, buffer, held);
	return 0;
}

int ztt_key_log_read(struct ztt_key_log *log, const char *path,
		     struct ztt_err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buffer;
	int result;

	if (fd < 0)
		return ztt_err_set(err, -errno, "key log %s: %s", path,
				   strerror(errno));
	buffer = ztt_alloc(READ_BYTES);
	result = read_lines(log, fd, buffer);
	gnutls_memset(buffer, 0, READ_BYTES);
	free(buffer);
	close(fd);
	if (result == -EFBIG)
		return ztt_err_set(err, result,
				   "key log %s: longer than 64 MiB", path);
	return result < 0 ? ztt_err_set(err, result, "key log %s: %s", path,
					strerror(-result))
			  : 0;
}

size_t ztt_key_log_count(const struct ztt_key_log *log)
{
	return log->count;
}

uint64_t ztt_key_log_bad_lines(const struct ztt_key_log *log)
{
	return log->bad_lines;
}

const uint8_t *ztt_key_log_find(const struct ztt_key_log *log,
				const uint8_t client_random[32],
				enum ztt_secret_kind kind,
				size_t *ret_len_bytes)
{
	const struct secret *slot = slot_of(log, client_random, (uint8_t)kind);

	if (slot->len_bytes == 0)
		return NULL;
	*ret_len_bytes = slot->len_bytes;
	return slot->bytes;
}

bool ztt_key_log_walk(const struct ztt_key_log *log, size_t *cursor,
		      struct ztt_key_log_secret *ret_secret)
{
	while (*cursor < log->slot_count) {
		const struct secret *slot = &log->slots[(*cursor)++];

		if (slot->len_bytes == 0)
			continue;
		*ret_secret = (struct ztt_key_log_secret){
			.client_random = slot->random,
			.kind = (enum ztt_secret_kind)slot->kind,
			.secret = slot->bytes,
			.len_bytes = slot->len_bytes,
		};
		return true;
	}
	return false;
}
