#include "ztt-capture/source/input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/err.h"

#define PACKED_BYTES (256 << 10)
/* Less than the buffer: what one call brings stays in a core's cache. */
#define READ_BYTES (512 << 10)
#define GZIP_WINDOW (15 + 16) /* zlib.h: the largest, with a gzip header */

struct ztt_gunzip {
	z_stream stream;
	bool between; /* one member has ended; the next may begin */
	uint8_t packed[PACKED_BYTES];
};

/* Bytes read, 0 at the end, -errno. Standard input may be non-blocking. */
static ssize_t read_some(int fd, uint8_t *to, size_t cap_bytes)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t got;

	for (;;) {
		got = read(fd, to, cap_bytes);
		if (got >= 0)
			return got;
		if (errno == EAGAIN)
			poll(&poll_fd, 1, -1);
		else if (errno != EINTR)
			return -errno;
	}
}

static void ended(struct ztt_input *input, ssize_t got)
{
	input->ended = true;
	if (got < 0)
		input->error = (int)got;
}

static bool refill_packed(struct ztt_input *input)
{
	struct ztt_gunzip *gunzip = input->gunzip;
	ssize_t got = read_some(input->fd, gunzip->packed, PACKED_BYTES);

	if (got <= 0) {
		ended(input, got);
		if (!gunzip->between)
			snprintf(input->problem, sizeof(input->problem),
				 "the gzip data ends in the middle");
		return false;
	}
	gunzip->stream.next_in = gunzip->packed;
	gunzip->stream.avail_in = (uInt)got;
	return true;
}

/* What follows a member is another one, or padding that gzip ignores, too. */
static void next_member(struct ztt_input *input)
{
	z_stream *stream = &input->gunzip->stream;

	if (*stream->next_in != 0x1f)
		input->ended = true;
	else
		inflateReset(stream);
	input->gunzip->between = false;
}

static void unpack(struct ztt_input *input, size_t room_bytes)
{
	struct ztt_gunzip *gunzip = input->gunzip;
	z_stream *stream = &gunzip->stream;
	int rc;

	if (!stream->avail_in && !refill_packed(input))
		return;
	if (gunzip->between) {
		next_member(input);
		return;
	}
	stream->next_out = input->end;
	stream->avail_out = (uInt)room_bytes;
	rc = inflate(stream, Z_NO_FLUSH);
	input->end = stream->next_out;
	if (rc == Z_STREAM_END) {
		gunzip->between = true;
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		input->ended = true;
		snprintf(input->problem, sizeof(input->problem),
			 "the gzip data is broken: %s",
			 stream->msg ? stream->msg : zError(rc));
	}
}

static void read_plain(struct ztt_input *input, size_t room_bytes)
{
	ssize_t got =
		read_some(input->fd, input->end,
			  room_bytes < READ_BYTES ? room_bytes : READ_BYTES);

	if (got > 0)
		input->end += got;
	else
		ended(input, got);
}

bool ztt_input_fill(struct ztt_input *input, size_t want_bytes)
{
	size_t ready = ztt_input_ready(input), room;

	if (ready && input->at > input->buffer)
		memmove(input->buffer, input->at, ready);
	input->before_bytes += (uint64_t)(input->at - input->buffer);
	input->at = input->buffer;
	input->end = input->buffer + ready;
	while (ztt_input_ready(input) < want_bytes && !input->ended) {
		room = ZTT_INPUT_BYTES - ztt_input_ready(input);
		if (input->gunzip)
			unpack(input, room);
		else
			read_plain(input, room);
	}
	return ztt_input_ready(input) >= want_bytes;
}

bool ztt_input_skip(struct ztt_input *input, uint64_t len_bytes)
{
	while (len_bytes > ztt_input_ready(input)) {
		len_bytes -= ztt_input_ready(input);
		input->at = input->end;
		if (!ztt_input_fill(input, 1))
			return len_bytes == 0;
	}
	input->at += len_bytes;
	return true;
}

uint64_t ztt_input_offset(const struct ztt_input *input)
{
	return input->before_bytes + (uint64_t)(input->at - input->buffer);
}

/* What was read so far was packed. */
static void begin_gunzip(struct ztt_input *input)
{
	struct ztt_gunzip *gunzip = ztt_calloc(1, sizeof(*gunzip));
	size_t ready = ztt_input_ready(input);

	if (ready > PACKED_BYTES)
		ready = PACKED_BYTES;
	memcpy(gunzip->packed, input->at, ready);
	gunzip->stream.next_in = gunzip->packed;
	gunzip->stream.avail_in = (uInt)ready;
	input->at = input->end = input->buffer;
	input->gunzip = gunzip;
	input->ended = inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK;
}

static bool is_gzip(const struct ztt_input *input)
{
	return ztt_input_ready(input) >= 2 && input->at[0] == 0x1f &&
	       input->at[1] == 0x8b;
}

/* Reads no more at first than fits the buffer of packed bytes. */
static void read_first(struct ztt_input *input)
{
	while (ztt_input_ready(input) < 2 && !input->ended)
		read_plain(input, PACKED_BYTES - 2);
	if (is_gzip(input))
		begin_gunzip(input);
	ztt_input_fill(input, 1);
}

int ztt_input_begin(struct ztt_input *ret_input, int fd, const char *path,
		    struct ztt_err *err)
{
	struct ztt_input input = {.fd = fd};
	int rc = 0;

	input.buffer = input.at = input.end = ztt_alloc(ZTT_INPUT_BYTES);
	read_first(&input);
	if (input.error)
		rc = ztt_err_set(err, input.error, "cannot read %s: %s", path,
				 strerror(-input.error));
	else if (!ztt_input_ready(&input))
		rc = ztt_err_set(err, -EPROTO, "%s is empty%s%s", path,
				 *input.problem ? ": " : "", input.problem);
	if (rc < 0)
		ztt_input_close(&input);
	else
		*ret_input = input;
	return rc;
}

void ztt_input_close(struct ztt_input *input)
{
	if (input->gunzip)
		inflateEnd(&input->gunzip->stream);
	free(input->gunzip);
	free(input->buffer);
	if (input->fd > STDERR_FILENO)
		close(input->fd);
}
