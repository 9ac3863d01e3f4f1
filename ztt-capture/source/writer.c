#define _GNU_SOURCE
#include "ztt-capture/source/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-capture/source/pcapng.h"

#define BUFFER_BYTES (1 << 20)
#define TEXT_BYTES_MAX 4096      /* of one option */
#define SECRETS_BYTES_MAX 131072 /* of one block: readers have limits */

struct ztt_writer {
	int fd;
	char *path;
	uint8_t *buffer;
	size_t len_bytes;
	size_t block_at; /* where the block that is being written begins */
	uint64_t flushed_bytes;
	int error;
	bool swapped;
};

static int fail(struct ztt_writer *writer, int code, struct ztt_err *err)
{
	writer->error = code;
	return ztt_err_set(err, code, "cannot write %s: %s", writer->path,
			   strerror(-code));
}

static int write_all(int fd, const uint8_t *data, size_t len_bytes)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	while (len_bytes) {
		ssize_t done = write(fd, data, len_bytes);

		if (done < 0 && errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (done < 0 && errno != EINTR)
			return -errno;
		if (done <= 0)
			continue;
		data += done;
		len_bytes -= (size_t)done;
	}
	return 0;
}

int ztt_writer_flush(struct ztt_writer *writer, struct ztt_err *err)
{
	int rc = writer->error;

	if (!rc)
		rc = write_all(writer->fd, writer->buffer, writer->len_bytes);
	writer->flushed_bytes += writer->len_bytes;
	writer->len_bytes = 0;
	return rc < 0 ? fail(writer, rc, err) : 0;
}

/* Room for a block, which then is written without further checks. */
static int begin_block(struct ztt_writer *writer, size_t room_bytes,
		       struct ztt_err *err)
{
	int rc = 0;

	if (writer->error)
		return fail(writer, writer->error, err);
	if (BUFFER_BYTES - writer->len_bytes < room_bytes)
		rc = ztt_writer_flush(writer, err);
	writer->block_at = writer->len_bytes;
	return rc;
}

static void put(struct ztt_writer *writer, const void *data, size_t len_bytes)
{
	if (len_bytes)
		memcpy(writer->buffer + writer->len_bytes, data, len_bytes);
	writer->len_bytes += len_bytes;
}

static void put16(struct ztt_writer *writer, uint16_t value)
{
	if (writer->swapped)
		value = __builtin_bswap16(value);
	put(writer, &value, sizeof(value));
}

static void put32(struct ztt_writer *writer, uint32_t value)
{
	if (writer->swapped)
		value = __builtin_bswap32(value);
	put(writer, &value, sizeof(value));
}

static void put64(struct ztt_writer *writer, uint64_t value)
{
	if (writer->swapped)
		value = __builtin_bswap64(value);
	put(writer, &value, sizeof(value));
}

static void put_padded(struct ztt_writer *writer, const void *data,
		       size_t len_bytes)
{
	static const uint8_t zero[4];

	put(writer, data, len_bytes);
	put(writer, zero, -len_bytes & 3);
}

static void put_option(struct ztt_writer *writer, uint16_t code,
		       const void *data, size_t len_bytes)
{
	put16(writer, code);
	put16(writer, (uint16_t)len_bytes);
	put_padded(writer, data, len_bytes);
}

/* Nothing where there is no text. */
static void put_text(struct ztt_writer *writer, uint16_t code, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len > TEXT_BYTES_MAX)
		len = TEXT_BYTES_MAX;
	if (len)
		put_option(writer, code, text, len);
}

static void put_head(struct ztt_writer *writer, uint32_t type)
{
	put32(writer, type);
	put32(writer, 0);
}

/* The length stands at a block's both ends. */
static void end_block(struct ztt_writer *writer)
{
	size_t end = writer->len_bytes;
	uint32_t len = (uint32_t)(end - writer->block_at) + 4;

	writer->len_bytes = writer->block_at + 4;
	put32(writer, len);
	writer->len_bytes = end;
	put32(writer, len);
}

static bool same_file(int fd, int other)
{
	struct stat a, b;

	return other >= 0 && fstat(fd, &a) == 0 && fstat(other, &b) == 0 &&
	       S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Emptied only when it is known not to be the file that is read; a regular
 * file's mode is set before anything is in it. */
static int open_path(const char *path, mode_t mode, int not_over)
{
	struct stat st;
	int fd, rc = 0;

	if (strcmp(path, "-") == 0)
		return same_file(STDOUT_FILENO, not_over) ? -EBUSY
							  : STDOUT_FILENO;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0)
		return -errno;
	if (same_file(fd, not_over))
		rc = -EBUSY;
	else if (fstat(fd, &st) < 0 ||
		 (S_ISREG(st.st_mode) &&
		  (((st.st_mode & ~mode & 0777) && fchmod(fd, mode) < 0) ||
		   ftruncate(fd, 0) < 0)))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int ztt_writer_open(const char *path, mode_t mode, int not_over,
		    struct ztt_writer **ret_writer, struct ztt_err *err)
{
	int fd = open_path(path, mode, not_over);
	struct ztt_writer *writer;

	if (fd == -EBUSY)
		return ztt_err_set(err, fd,
				   "cannot write %s: it is the file that is "
				   "being read; name another",
				   path);
	if (fd < 0)
		return ztt_err_set(err, fd, "cannot write %s: %s", path,
				   strerror(-fd));
	writer = ztt_calloc(1, sizeof(*writer));
	writer->fd = fd;
	writer->path =
		ztt_strdup(fd == STDOUT_FILENO ? "standard output" : path);
	writer->buffer = ztt_alloc(BUFFER_BYTES);
	*ret_writer = writer;
	return 0;
}

int ztt_writer_section(struct ztt_writer *writer, const char *application,
		       struct ztt_err *err)
{
	int rc = begin_block(writer, 2 * TEXT_BYTES_MAX, err);

	if (rc < 0)
		return rc;
	put_head(writer, ZTT_BLOCK_SECTION);
	put32(writer, ZTT_PCAPNG_ORDER);
	put16(writer, 1);
	put16(writer, 0);
	put64(writer, UINT64_MAX); /* its length is not known */
	put_text(writer, ZTT_OPTION_SECTION_APPLICATION, application);
	put32(writer, ZTT_OPTION_END);
	end_block(writer);
	return 0;
}

int ztt_writer_interface(struct ztt_writer *writer,
			 const struct ztt_writer_interface *interface,
			 struct ztt_err *err)
{
	const uint8_t nanoseconds = 9;
	int rc = begin_block(writer, 4 * TEXT_BYTES_MAX, err);

	if (rc < 0)
		return rc;
	put_head(writer, ZTT_BLOCK_INTERFACE);
	put16(writer, (uint16_t)interface->link);
	put16(writer, 0);
	put32(writer, interface->snap_bytes);
	if (interface->vnet)
		put_text(writer, ZTT_OPTION_COMMENT, ZTT_PCAPNG_COMMENT_VNET);
	put_text(writer, ZTT_OPTION_INTERFACE_NAME, interface->name);
	put_option(writer, ZTT_OPTION_INTERFACE_RESOLUTION, &nanoseconds, 1);
	put32(writer, ZTT_OPTION_END);
	end_block(writer);
	return 0;
}

void ztt_writer_swap(struct ztt_writer *writer, bool swapped)
{
	writer->swapped = swapped;
}

static int write_secrets(struct ztt_writer *writer, const char *text,
			 size_t len_bytes, struct ztt_err *err)
{
	int rc = begin_block(writer, len_bytes + 32, err);

	if (rc < 0)
		return rc;
	put_head(writer, ZTT_BLOCK_SECRETS);
	put32(writer, ZTT_PCAPNG_TLS_KEY_LOG);
	put32(writer, (uint32_t)len_bytes);
	put_padded(writer, text, len_bytes);
	end_block(writer);
	return 0;
}

/* As much as a block takes, up to the end of a line. */
static size_t secrets_piece(const char *text, size_t len_bytes)
{
	const char *end;

	if (len_bytes <= SECRETS_BYTES_MAX)
		return len_bytes;
	end = memrchr(text, '\n', SECRETS_BYTES_MAX);
	return end ? (size_t)(end - text) + 1 : SECRETS_BYTES_MAX;
}

int ztt_writer_secrets(struct ztt_writer *writer, const char *text,
		       size_t len_bytes, struct ztt_err *err)
{
	while (len_bytes) {
		size_t piece = secrets_piece(text, len_bytes);
		int rc = write_secrets(writer, text, piece, err);

		if (rc < 0)
			return rc;
		text += piece;
		len_bytes -= piece;
	}
	return 0;
}

/* Cooked headers say it themselves. */
static bool tells_direction(const struct ztt_frame *frame)
{
	return frame->outgoing && frame->link != ZTT_LINK_LINUX_SLL &&
	       frame->link != ZTT_LINK_LINUX_SLL2;
}

static void put_frame_options(struct ztt_writer *writer,
			      const struct ztt_frame *frame,
			      const char *comment)
{
	char segment[64];

	put_text(writer, ZTT_OPTION_COMMENT, comment);
	if (frame->segment_bytes) {
		snprintf(segment, sizeof(segment),
			 ZTT_PCAPNG_COMMENT_SEGMENT "%u bytes",
			 frame->segment_bytes);
		put_text(writer, ZTT_OPTION_COMMENT, segment);
	}
	if (!tells_direction(frame))
		return;
	put16(writer, ZTT_OPTION_PACKET_FLAGS);
	put16(writer, 4);
	put32(writer, ZTT_PCAPNG_OUTBOUND);
}

int ztt_writer_frame(struct ztt_writer *writer, const struct ztt_frame *frame,
		     const char *comment, struct ztt_err *err)
{
	size_t len = frame->captured_bytes;
	uint64_t at_ns = (uint64_t)frame->at_ns;
	bool options = frame->segment_bytes || tells_direction(frame) ||
		       (comment && *comment);
	int rc;

	if (len > ZTT_FRAME_BYTES_MAX)
		return fail(writer, -EMSGSIZE, err);
	rc = begin_block(writer, len + 2 * TEXT_BYTES_MAX, err);
	if (rc < 0)
		return rc;
	put_head(writer, ZTT_BLOCK_PACKET);
	put32(writer, frame->interface);
	put32(writer, (uint32_t)(at_ns >> 32));
	put32(writer, (uint32_t)at_ns);
	put32(writer, (uint32_t)len);
	put32(writer, frame->length_bytes);
	put_padded(writer, frame->data, len);
	if (options) {
		put_frame_options(writer, frame, comment);
		put32(writer, ZTT_OPTION_END);
	}
	end_block(writer);
	return 0;
}

static void put_count(struct ztt_writer *writer, uint16_t code, uint64_t count)
{
	put16(writer, code);
	put16(writer, 8);
	put64(writer, count);
}

int ztt_writer_statistics(struct ztt_writer *writer, unsigned interface,
			  int64_t at_ns, uint64_t received, uint64_t dropped,
			  struct ztt_err *err)
{
	int rc = begin_block(writer, 128, err);

	if (rc < 0)
		return rc;
	put_head(writer, ZTT_BLOCK_STATISTICS);
	put32(writer, interface);
	put32(writer, (uint32_t)((uint64_t)at_ns >> 32));
	put32(writer, (uint32_t)at_ns);
	put_count(writer, ZTT_OPTION_STATISTICS_RECEIVED, received);
	put_count(writer, ZTT_OPTION_STATISTICS_DROPPED, dropped);
	put32(writer, ZTT_OPTION_END);
	end_block(writer);
	return 0;
}

uint64_t ztt_writer_bytes(const struct ztt_writer *writer)
{
	return writer->flushed_bytes + writer->len_bytes;
}

int ztt_writer_raw(struct ztt_writer *writer, const void *data,
		   size_t len_bytes, struct ztt_err *err)
{
	int rc = begin_block(writer, len_bytes, err);

	if (rc == 0)
		put(writer, data, len_bytes);
	return rc;
}

int ztt_writer_close(struct ztt_writer *writer, struct ztt_err *err)
{
	int rc;

	if (!writer)
		return 0;
	rc = ztt_writer_flush(writer, err);
	if (writer->fd != STDOUT_FILENO && close(writer->fd) < 0 && rc == 0)
		rc = fail(writer, -errno, err);
	free(writer->buffer);
	free(writer->path);
	free(writer);
	return rc;
}
