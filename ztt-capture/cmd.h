/* The subcommands of ztt-capture. */
#ifndef ZTT_CAPTURE_CMD_H
#define ZTT_CAPTURE_CMD_H

#include <stddef.h>

#include "common/opt.h"

struct ztt_err;
struct ztt_json;

int ztt_cmd_record(int argc, char **argv);
extern const struct ztt_opt ztt_record_options[];
int ztt_cmd_read(int argc, char **argv);
extern const struct ztt_opt ztt_read_options[];
int ztt_cmd_report(int argc, char **argv);
extern const struct ztt_opt ztt_report_options[];
int ztt_cmd_diff(int argc, char **argv);
extern const struct ztt_opt ztt_diff_options[];
int ztt_cmd_qlog(int argc, char **argv);
extern const struct ztt_opt ztt_qlog_options[];
int ztt_cmd_decrypt(int argc, char **argv);
extern const struct ztt_opt ztt_decrypt_options[];

/* Prints "ztt-capture NAME: SENTENCE"; returns the exit status for `rc`: usage
 * for -EINVAL, else "could not find out". */
int ztt_cmd_complain(const char *name, int rc, const struct ztt_err *err);

/* Gives up every privilege and enters the sandbox (sandbox.h), for good; where
 * there is none, goes on without it. */
int ztt_cmd_confine(struct ztt_err *err);

/* Does `work` in a process of its own that may do nothing but read, compute and
 * write (sandbox.h), and returns the exit status that `work` gives; a process
 * that was stopped is told on stderr. What `work` writes to the descriptor
 * *ret_result_fd, which is in memory, can be read there after. */
int ztt_cmd_confined(const char *name, int (*work)(void *arg, int result_fd),
		     void *arg, int *ret_result_fd);

/* Whether `path` is to be written: -EBUSY when it is one of the captures that
 * are read, `in`; "-" never is. */
int ztt_cmd_check_out(const char *path, const char *const *in, size_t in_count,
		      struct ztt_err *err);

/* Writes the text of `json`, with a newline, to the result. */
void ztt_cmd_put_json(int result_fd, struct ztt_json *json);
/* Saves what `work` wrote as `path` (common/save.h) and returns `status`; when
 * it wrote nothing, only that; a failure to save is told, and another
 * status. */
int ztt_cmd_save_json(const char *name, const char *path, int result_fd,
		      int status);

#endif
