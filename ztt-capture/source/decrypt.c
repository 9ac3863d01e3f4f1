#define _GNU_SOURCE
#include "ztt-capture/source/decrypt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/version.h"
#include "ztt-capture/source/input.h"
#include "ztt-capture/source/kind.h"
#include "ztt-capture/source/pcapng.h"
#include "ztt-capture/source/writer.h"

#define KEY_LOG_BYTES_MAX (64 << 20)
#define LINE_BYTES_MAX 512
#define RANDOM_BYTES 32
#define SECTION_LENGTH_AT 16 /* in a section's header */

/* The key log as it was read; then, packed to its begin, what is wanted. */
struct keys {
	char *text;
	size_t len_bytes, read_bytes;
};

static void wipe(struct keys *keys)
{
	if (keys->text)
		explicit_bzero(keys->text, keys->read_bytes);
	free(keys->text);
}

static int read_all(int fd, struct keys *keys)
{
	while (keys->read_bytes <= KEY_LOG_BYTES_MAX) {
		ssize_t got = read(fd, keys->text + keys->read_bytes,
				   KEY_LOG_BYTES_MAX + 1 - keys->read_bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		keys->read_bytes += (size_t)got;
	}
	return -EFBIG;
}

static int read_keys(const char *path, struct keys *keys, struct ztt_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc = fd < 0 ? -errno : 0;

	keys->text = ztt_alloc(KEY_LOG_BYTES_MAX + 1);
	if (fd >= 0) {
		rc = read_all(fd, keys);
		close(fd);
	}
	if (rc == -EFBIG)
		return ztt_err_set(err, rc,
				   "the key log %s is larger than 64 MiB",
				   path);
	if (rc < 0)
		return ztt_err_set(err, rc, "cannot read the key log %s: %s",
				   path, strerror(-rc));
	return 0;
}

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The bytes that `text` begins with in hex; how many digits there are. */
static size_t hex_digits(const char *text, size_t len, uint8_t *bytes,
			 size_t cap_bytes)
{
	size_t count = 0;

	for (; count < len && hex(text[count]) >= 0; count++)
		if (count / 2 < cap_bytes)
			bytes[count / 2] = (uint8_t)(bytes[count / 2] << 4 |
						     hex(text[count]));
	return count;
}

/* LABEL, the client random and the secret, a blank between them: the NSS key
 * log format. */
static bool is_secret(const char *line, size_t len,
		      uint8_t ret_random[RANDOM_BYTES])
{
	size_t at = 0, digits;

	while (at < len &&
	       (isupper((unsigned char)line[at]) ||
		isdigit((unsigned char)line[at]) || line[at] == '_'))
		at++;
	if (!at || at == len || line[at++] != ' ')
		return false;
	digits = hex_digits(line + at, len - at, ret_random, RANDOM_BYTES);
	at += digits;
	if (digits != 2 * RANDOM_BYTES || at == len || line[at++] != ' ')
		return false;
	digits = hex_digits(line + at, len - at, NULL, 0);
	return digits >= 32 && digits % 2 == 0 && at + digits == len;
}

static bool is_wanted(const struct ztt_decrypt_plan *plan, const char *line,
		      size_t len, struct ztt_decrypt_figures *figures)
{
	uint8_t random[RANDOM_BYTES] = {0};

	while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (!len || *line == '#')
		return false;
	if (len > LINE_BYTES_MAX || !is_secret(line, len, random)) {
		figures->lines_bad++;
		return false;
	}
	if (plan->wanted && !plan->wanted(plan->owner, random)) {
		figures->lines_not_wanted++;
		return false;
	}
	figures->lines++;
	return true;
}

/* Nothing but lines of secrets is copied: the file may be another one by
 * mistake. */
static void keep_wanted(const struct ztt_decrypt_plan *plan, struct keys *keys,
			struct ztt_decrypt_figures *figures)
{
	size_t kept = 0, at = 0, len;

	while (at < keys->read_bytes) {
		const char *line = keys->text + at;
		const char *end = memchr(line, '\n', keys->read_bytes - at);

		len = end ? (size_t)(end - line) : keys->read_bytes - at;
		at += len + 1;
		if (!is_wanted(plan, line, len, figures))
			continue;
		memmove(keys->text + kept, line, len);
		kept += len;
		keys->text[kept++] = '\n';
	}
	keys->len_bytes = kept;
}

static int copy_frames(struct ztt_source *source, struct ztt_writer *writer,
		       struct ztt_err *err)
{
	struct ztt_writer_interface interface = {0};
	struct ztt_frame frame;
	bool told = false;
	int rc;

	while ((rc = ztt_source_next(source, &frame, err)) > 0) {
		interface.link = frame.link;
		rc = told ? 0 : ztt_writer_interface(writer, &interface, err);
		told = true;
		if (rc == 0)
			rc = ztt_writer_frame(writer, &frame, NULL, err);
		if (rc < 0)
			break;
	}
	return rc;
}

/* Takes `input` over. */
static int copy_pcap(struct ztt_input *input, struct ztt_writer *writer,
		     const struct keys *keys,
		     struct ztt_decrypt_figures *figures, struct ztt_err *err)
{
	struct ztt_source_figures of_source;
	struct ztt_source *source;
	int rc = ztt_pcap_open(input, &source, err);

	if (rc < 0) {
		ztt_input_close(input);
		return rc;
	}
	rc = ztt_writer_section(writer, "ztt-capture " ZTT_VERSION, err);
	if (rc == 0)
		rc = ztt_writer_secrets(writer, keys->text, keys->len_bytes,
					err);
	if (rc == 0)
		rc = copy_frames(source, writer, err);
	ztt_source_figures(source, &of_source);
	memcpy(figures->problem, of_source.problem, sizeof(figures->problem));
	ztt_source_close(source);
	return rc;
}

/* A section's header, its length as not known: the keys make it longer. */
static int copy_section(struct ztt_input *input, struct ztt_writer *writer,
			struct ztt_err *err)
{
	const uint8_t *at = ztt_input_at(input, ZTT_PCAPNG_BLOCK_BYTES);
	uint8_t unknown[8];
	uint32_t order, len;
	bool swapped;
	int rc;

	if (!at)
		return ztt_err_set(err, -EPROTO, "no capture file, too short");
	memcpy(&len, at + 4, 4);
	memcpy(&order, at + 8, 4);
	swapped = order == __builtin_bswap32(ZTT_PCAPNG_ORDER);
	if (swapped)
		len = __builtin_bswap32(len);
	at = len >= 28 && len <= ZTT_INPUT_AT_MAX ? ztt_input_at(input, len)
						  : NULL;
	if (!at || (!swapped && order != ZTT_PCAPNG_ORDER))
		return ztt_err_set(err, -EPROTO,
				   "no capture file: its pcapng header is "
				   "broken");
	memset(unknown, 0xff, sizeof(unknown));
	ztt_writer_swap(writer, swapped);
	rc = ztt_writer_raw(writer, at, SECTION_LENGTH_AT, err);
	if (rc == 0)
		rc = ztt_writer_raw(writer, unknown, sizeof(unknown), err);
	if (rc == 0)
		rc = ztt_writer_raw(writer, at + SECTION_LENGTH_AT + 8,
				    len - SECTION_LENGTH_AT - 8, err);
	ztt_input_take(input, len);
	return rc;
}

static int copy_rest(struct ztt_input *input, struct ztt_writer *writer,
		     struct ztt_decrypt_figures *figures, struct ztt_err *err)
{
	const uint8_t *at;
	int rc = 0;

	while (rc == 0 && (at = ztt_input_at(input, 1))) {
		size_t len = ztt_input_ready(input);

		if (len > ZTT_INPUT_AT_MAX)
			len = ZTT_INPUT_AT_MAX;
		rc = ztt_writer_raw(writer, at, len, err);
		ztt_input_take(input, len);
	}
	if (rc == 0 && input->error)
		rc = ztt_err_set(err, input->error, "reading failed: %s",
				 strerror(-input->error));
	snprintf(figures->problem, sizeof(figures->problem), "%s",
		 input->problem);
	return rc;
}

/* Takes `input` over. */
static int copy_pcapng(struct ztt_input *input, struct ztt_writer *writer,
		       const struct keys *keys,
		       struct ztt_decrypt_figures *figures, struct ztt_err *err)
{
	int rc = copy_section(input, writer, err);

	if (rc == 0)
		rc = ztt_writer_secrets(writer, keys->text, keys->len_bytes,
					err);
	if (rc == 0)
		rc = copy_rest(input, writer, figures, err);
	ztt_input_close(input);
	return rc;
}

static int copy(const struct ztt_decrypt_plan *plan, int fd,
		struct ztt_writer *writer, const struct keys *keys,
		struct ztt_decrypt_figures *figures, struct ztt_err *err)
{
	struct ztt_input input;
	const uint8_t *magic;
	int rc = ztt_input_begin(&input, fd, plan->in, err);

	if (rc < 0)
		return rc;
	magic = ztt_input_at(&input, 4);
	if (magic && memcmp(magic, "\x0a\x0d\x0d\x0a", 4) == 0)
		rc = copy_pcapng(&input, writer, keys, figures, err);
	else
		rc = copy_pcap(&input, writer, keys, figures, err);
	return rc == -EPROTO ? ztt_err_prefix(err, rc, "%s", plan->in) : rc;
}

/* What must be open before the sandbox closes. */
static int open_both(const struct ztt_decrypt_plan *plan, int *ret_fd,
		     struct ztt_writer **ret_writer, struct ztt_err *err)
{
	int fd = ztt_source_open_path(plan->in, err);
	int rc = fd;

	if (fd >= 0)
		rc = ztt_writer_open(plan->out, 0600, fd, ret_writer, err);
	if (rc == 0 && plan->opened)
		rc = plan->opened(plan->owner, err);
	if (rc < 0) {
		if (fd > STDERR_FILENO)
			close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

int ztt_decrypt(const struct ztt_decrypt_plan *plan,
		struct ztt_decrypt_figures *ret_figures, struct ztt_err *err)
{
	struct ztt_decrypt_figures figures = {0};
	struct ztt_writer *writer = NULL;
	struct keys keys = {0};
	int fd, rc = read_keys(plan->key_log, &keys, err);

	if (rc < 0)
		goto out;
	keep_wanted(plan, &keys, &figures);
	if (!keys.len_bytes)
		rc = ztt_err_set(err, -ENODATA,
				 "the key log %s holds no secret of this "
				 "capture: record both at the same time",
				 plan->key_log);
	if (rc == 0)
		rc = open_both(plan, &fd, &writer, err);
	if (rc == 0)
		rc = copy(plan, fd, writer, &keys, &figures, err);
	if (writer)
		figures.bytes = ztt_writer_bytes(writer);
	if (rc < 0)
		ztt_writer_close(writer, NULL);
	else
		rc = ztt_writer_close(writer, err);
	if (rc == 0)
		*ret_figures = figures;
out:
	wipe(&keys);
	return rc;
}
