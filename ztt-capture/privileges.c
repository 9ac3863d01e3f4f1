#include "ztt-capture/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/err.h"

int ztt_privileges_drop(struct ztt_err *err)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ztt_err_set(err, -errno, "cannot give up privileges: %s",
				   strerror(errno));
	capng_clear(CAPNG_SELECT_BOTH);
	/* Without CAP_SETPCAP the bounding set stays, which no_new_privs makes
	 * of no use. */
	rc = capng_apply(CAPNG_SELECT_CAPS);
	if (rc < 0)
		return ztt_err_set(err, -EPERM,
				   "cannot give up capabilities (libcap-ng %d)",
				   rc);
	return 0;
}
