/* What is not needed once the sources are open. */
#ifndef ZTT_CAPTURE_PRIVILEGES_H
#define ZTT_CAPTURE_PRIVILEGES_H

struct ztt_err;

/* Gives up every capability, for good, and the right to gain any by starting a
 * program. Files that are opened later must be this user's own. -errno. */
int ztt_privileges_drop(struct ztt_err *err);

#endif
