#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"

void ztt_check_libc_version(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	(void)doctor;
#ifdef __GLIBC__
	const char *version = gnu_get_libc_version();
	unsigned major, minor;

	if (sscanf(version, "%4u.%4u", &major, &minor) != 2)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "glibc says its version is \"%s\"", version);
	else
		ztt_finding_note(finding,
				 major > 2 || (major == 2 && minor >= 36)
					 ? ZTT_STATUS_OK
					 : ZTT_STATUS_WARN,
				 "glibc %s", version);
#else
	ztt_finding_note(finding, ZTT_STATUS_SKIP,
			 "these tools are not linked with glibc");
#endif
}
