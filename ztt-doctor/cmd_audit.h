/* ztt-doctor itself, and `ztt-doctor read`. */
#ifndef ZTT_DOCTOR_CMD_AUDIT_H
#define ZTT_DOCTOR_CMD_AUDIT_H

struct ztt_doctor_settings;

/* Audits this host, or the one in --root, for the checks that the words name,
 * and mends or undoes when asked; returns the exit status. */
int ztt_cmd_audit(struct ztt_doctor_settings *settings, char **words,
		  int word_count);
/* Audits a bundle. */
int ztt_cmd_read(struct ztt_doctor_settings *settings, const char *bundle);
/* --list and --explain. */
int ztt_cmd_list(void);
int ztt_cmd_explain(const char *id);

#endif
