/* Text files of /proc, line by line, through one bounded buffer: whatever the
 * length of a file or a line, nothing is allocated. */
#ifndef ZTT_PROC_LINES_H
#define ZTT_PROC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain storage of the caller; fields are the reader's own. */
struct ztt_proc_lines {
	int fd;
	size_t begin, end;
	bool eof, skip;
	char buf[8192];
};

/* Opens `path`, below `dir_fd` unless it is absolute. A negative errno value
 * when that fails; then there is nothing to close. */
int ztt_proc_lines_open(struct ztt_proc_lines *lines, int dir_fd,
			const char *path);

/* The next line without its newline, valid until the next call, or NULL at the
 * end (a read error is an end). Of a line longer than the buffer only the
 * beginning is given, the rest is skipped. */
char *ztt_proc_lines_next(struct ztt_proc_lines *lines);

void ztt_proc_lines_close(struct ztt_proc_lines *lines);

/* Field number `index` (from 0) of a line of fields separated by blanks,
 * as a decimal number; 0 when there is no such field or it is no number. What
 * follows the digits is ignored. */
uint64_t ztt_proc_field(const char *line, unsigned index);

/* The text after "KEY:" and its blanks when `line` begins so, else NULL. */
const char *ztt_proc_value(const char *line, const char *key);

#endif
