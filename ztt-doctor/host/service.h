/* As whom the engine runs here, or would as a service: what decides whether it
 * may go past the kernel's buffer limits. */
#ifndef ZTT_DOCTOR_SERVICE_H
#define ZTT_DOCTOR_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

struct ztt_doctor;

enum ztt_service_source {
	ZTT_SERVICE_NONE,      /* no engine runs and no unit was found */
	ZTT_SERVICE_PROCESSES, /* running engines */
	ZTT_SERVICE_UNIT,      /* the unit file */
};

struct ztt_service {
	enum ztt_service_source source;
	/* CAP_NET_ADMIN is in effect: in all the engines that run, or as the
	 * unit says. SO_RCVBUFFORCE and SO_SNDBUFFORCE work then. */
	bool net_admin;
	/* "the running engine (pid 812, uid 0, CAP_NET_ADMIN)" */
	char text[192];
};

void ztt_service_find(struct ztt_doctor *doctor,
		      struct ztt_service *ret_service);

#endif
