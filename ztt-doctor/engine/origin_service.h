/* The `service` of an ingress rule: ingress/ingress.go of cloudflared. */
#ifndef ZTT_DOCTOR_ORIGIN_SERVICE_H
#define ZTT_DOCTOR_ORIGIN_SERVICE_H

#include <stddef.h>
#include <stdint.h>

enum ztt_origin_service_kind {
	ZTT_ORIGIN_SERVICE_BUILT_IN, /* http_status:N, hello_world, bastion,
				 socks-proxy */
	ZTT_ORIGIN_SERVICE_UNIX,     /* host: the path */
	ZTT_ORIGIN_SERVICE_TCP,
};

struct ztt_origin_service {
	enum ztt_origin_service_kind kind;
	char scheme[32];
	char host[256]; /* without brackets */
	uint16_t port;
};

/* 0, or -EINVAL with why cloudflared refuses it in `problem`. */
int ztt_origin_service_parse(const char *text,
			     struct ztt_origin_service *ret_service,
			     char problem[128]);

#endif
