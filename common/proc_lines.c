#define _GNU_SOURCE
#include "proc_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ztt_proc_lines_open(struct ztt_proc_lines *lines, int dir_fd,
			const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lines->fd = fd;
	lines->begin = 0;
	lines->end = 0;
	lines->eof = false;
	lines->skip = false;
	return 0;
}

void ztt_proc_lines_close(struct ztt_proc_lines *lines)
{
	close(lines->fd);
	lines->fd = -1;
}

static bool fill(struct ztt_proc_lines *lines)
{
	size_t held = lines->end - lines->begin;
	ssize_t got;

	memmove(lines->buf, lines->buf + lines->begin, held);
	lines->begin = 0;
	lines->end = held;
	/* One byte stays free for the NUL of a line without newline. */
	do
		got = read(lines->fd, lines->buf + held,
			   sizeof(lines->buf) - 1 - held);
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		lines->eof = true;
		return false;
	}
	lines->end += (size_t)got;
	return true;
}

static char *newline(struct ztt_proc_lines *lines)
{
	return memchr(lines->buf + lines->begin, '\n',
		      lines->end - lines->begin);
}

static bool full(const struct ztt_proc_lines *lines)
{
	return lines->end - lines->begin == sizeof(lines->buf) - 1;
}

/* Drops the rest of a line whose beginning filled the buffer. */
static void skip_line(struct ztt_proc_lines *lines)
{
	char *end;

	while ((end = newline(lines)) == NULL) {
		lines->begin = lines->end;
		if (!fill(lines))
			return;
	}
	lines->begin = (size_t)(end - lines->buf) + 1;
}

char *ztt_proc_lines_next(struct ztt_proc_lines *lines)
{
	char *end;
	char *line;

	if (lines->skip)
		skip_line(lines);
	lines->skip = false;
	while ((end = newline(lines)) == NULL && !lines->eof && !full(lines))
		fill(lines);
	line = lines->buf + lines->begin;
	if (end != NULL) {
		*end = '\0';
		lines->begin = (size_t)(end - lines->buf) + 1;
		return line;
	}
	if (lines->begin == lines->end)
		return NULL;
	lines->skip = full(lines);
	lines->buf[lines->end] = '\0';
	lines->begin = lines->end;
	return line;
}

uint64_t ztt_proc_field(const char *line, unsigned index)
{
	line += strspn(line, " \t");
	for (; index > 0; index--) {
		line += strcspn(line, " \t");
		line += strspn(line, " \t");
	}
	if (*line < '0' || *line > '9')
		return 0;
	return strtoull(line, NULL, 10);
}

const char *ztt_proc_value(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}
