/* The systemd journal of a unit, as journalctl(1) gives it. */
#ifndef ZTT_DOCTOR_JOURNAL_H
#define ZTT_DOCTOR_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct ztt_doctor;

/* The newest lines of the last seven days, at most ZTT_LOG_BYTES_MAX; the
 * caller frees. *ret_cut: there was more. -ENOENT: no journalctl, or no entry
 * of that unit; -EACCES: none that this user may see; -ETIMEDOUT: it took
 * longer than the plan's timeout. Starts a child and waits for it. */
int ztt_journal_read(struct ztt_doctor *doctor, const char *unit,
		     char **ret_text, size_t *ret_len, bool *ret_cut);

#endif
