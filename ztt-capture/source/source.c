#include "ztt-capture/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-capture/source/input.h"
#include "ztt-capture/source/kind.h"

#define PACKET_OUTGOING 4 /* linux/if_packet.h, as cooked headers tell it */
#define SECONDS_MAX (INT64_MAX / 1000000000 - 1)

static int open_kind(struct ztt_input *input, struct ztt_source **ret_source,
		     struct ztt_err *err)
{
	const uint8_t *magic = ztt_input_at(input, 4);

	if (magic && memcmp(magic, "\x0a\x0d\x0d\x0a", 4) == 0)
		return ztt_pcapng_open(input, ret_source, err);
	return ztt_pcap_open(input, ret_source, err);
}

int ztt_source_open_path(const char *path, struct ztt_err *err)
{
	struct stat st;
	int rc = 0, fd;

	if (strcmp(path, "-") == 0)
		return STDIN_FILENO;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	if (!rc)
		return fd;
	if (fd >= 0)
		close(fd);
	return ztt_err_set(err, rc, "cannot open %s: %s", path, strerror(-rc));
}

int ztt_source_open_fd(int fd, const char *path, struct ztt_source **ret_source,
		       struct ztt_err *err)
{
	struct ztt_input input;
	int rc = ztt_input_begin(&input, fd, path, err);

	if (rc < 0)
		return rc;
	rc = open_kind(&input, ret_source, err);
	if (rc < 0 && input.error)
		rc = ztt_err_set(err, input.error, "cannot read %s: %s", path,
				 strerror(-input.error));
	else if (rc < 0)
		ztt_err_prefix(err, rc, "%s", path);
	if (rc < 0)
		ztt_input_close(&input);
	return rc;
}

int ztt_source_open_file(const char *path, struct ztt_source **ret_source,
			 struct ztt_err *err)
{
	int fd = ztt_source_open_path(path, err);

	return fd < 0 ? fd : ztt_source_open_fd(fd, path, ret_source, err);
}

static bool cooked_outgoing(const struct ztt_frame *frame)
{
	if (frame->link == ZTT_LINK_LINUX_SLL && frame->captured_bytes >= 2)
		return !frame->data[0] && frame->data[1] == PACKET_OUTGOING;
	if (frame->link == ZTT_LINK_LINUX_SLL2 && frame->captured_bytes >= 11)
		return frame->data[10] == PACKET_OUTGOING;
	return false;
}

int ztt_source_next(struct ztt_source *source, struct ztt_frame *ret_frame,
		    struct ztt_err *err)
{
	struct ztt_source_figures *figures = &source->figures;
	struct ztt_frame frame = {0};
	int rc = source->kind->next(source, &frame, err);

	if (rc <= 0)
		return rc;
	frame.number = ++figures->frames;
	frame.outgoing = frame.outgoing || cooked_outgoing(&frame);
	figures->bytes += frame.captured_bytes;
	figures->truncated += frame.captured_bytes < frame.length_bytes;
	*ret_frame = frame;
	return 1;
}

void ztt_source_on_secrets(struct ztt_source *source,
			   void (*secrets)(void *owner, const char *text,
					   size_t len_bytes),
			   void *owner)
{
	source->secrets = secrets;
	source->owner = owner;
}

void ztt_source_figures(const struct ztt_source *source,
			struct ztt_source_figures *ret_figures)
{
	*ret_figures = source->figures;
	if (source->kind->figures)
		source->kind->figures(source, ret_figures);
}

void ztt_source_close(struct ztt_source *source)
{
	if (source)
		source->kind->close(source);
}

int ztt_source_problem(struct ztt_source *source, const char *fmt, ...)
{
	struct ztt_source_figures *figures = &source->figures;
	va_list args;

	if (*figures->problem)
		return 0;
	va_start(args, fmt);
	vsnprintf(figures->problem, sizeof(figures->problem), fmt, args);
	va_end(args);
	ztt_text_plain(figures->problem);
	return 0;
}

int ztt_source_ended(struct ztt_source *source, const struct ztt_input *input,
		     const char *what, bool within, struct ztt_err *err)
{
	uint64_t frame = source->figures.frames + 1;

	if (input->error)
		return ztt_err_set(err, input->error,
				   "reading failed at frame %" PRIu64 ": %s",
				   frame, strerror(-input->error));
	if (*input->problem)
		return ztt_source_problem(source, "%s, at frame %" PRIu64,
					  input->problem, frame);
	if (!within && !ztt_input_ready(input))
		return 0;
	return ztt_source_problem(source,
				  "the file ends in the middle of %s, at "
				  "frame %" PRIu64,
				  what, frame);
}

int64_t ztt_source_time(uint64_t seconds, int64_t more_seconds, uint64_t ns)
{
	int64_t whole;

	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	if (__builtin_add_overflow((int64_t)seconds, more_seconds, &whole))
		whole = SECONDS_MAX;
	if (whole < 0)
		return 0;
	if (whole > SECONDS_MAX)
		whole = SECONDS_MAX;
	return whole * 1000000000 + (int64_t)ns;
}
