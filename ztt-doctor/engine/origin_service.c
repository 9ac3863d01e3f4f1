#include "ztt-doctor/engine/origin_service.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *scheme;
	uint16_t port;
} schemes[] = {
	{"http", 80}, {"https", 443}, {"ws", 80},   {"wss", 443},
	{"ssh", 22},  {"rdp", 3389},  {"smb", 445}, {"tcp", 7864},
};

static int refuse(char problem[128], const char *why)
{
	snprintf(problem, 128, "%s", why);
	return -EINVAL;
}

static bool is_built_in(const char *text)
{
	static const char *const names[] = {"hello_world", "hello-world",
					    "bastion", "socks-proxy"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0)
			return true;
	return false;
}

static int parse_status(const char *text, char problem[128])
{
	char *end;
	long status = strtol(text, &end, 10);

	if (end == text || *end || status < 100 || status > 999)
		return refuse(problem, "no HTTP status code");
	return 0;
}

static int parse_port(const char *text, struct ztt_origin_service *service,
		      char problem[128])
{
	unsigned long port;
	char *end;

	if (!*text) {
		for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
			if (strcmp(schemes[i].scheme, service->scheme) == 0)
				service->port = schemes[i].port;
		return 0;
	}
	port = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || port < 1 || port > 65535)
		return refuse(problem, "no port");
	service->port = (uint16_t)port;
	return 0;
}

static int parse_host(char *rest, struct ztt_origin_service *service,
		      char problem[128])
{
	char *host = strrchr(rest, '@'), *end;

	host = host ? host + 1 : rest;
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return refuse(problem, "no address in brackets");
		*end++ = 0;
	} else {
		end = host + strcspn(host, ":");
	}
	if (*end == ':')
		*end++ = 0;
	if (!*host)
		return refuse(problem, "no host");
	snprintf(service->host, sizeof(service->host), "%s", host);
	return parse_port(end, service, problem);
}

static int parse_url(const char *text, struct ztt_origin_service *service,
		     char problem[128])
{
	const char *colon = strstr(text, "://");
	char rest[256];
	size_t len;

	if (!colon || colon == text)
		return refuse(problem,
			      "no scheme and host, as http://HOST:PORT");
	len = (size_t)(colon - text);
	if (len >= sizeof(service->scheme) ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789+-.") < len)
		return refuse(problem, "no scheme");
	for (size_t i = 0; i < len; i++)
		service->scheme[i] = (char)tolower((unsigned char)text[i]);
	text = colon + 3;
	len = strcspn(text, "/?#");
	if (text[len] == '/')
		return refuse(problem, "a path is not allowed in a service");
	if (len >= sizeof(rest))
		return refuse(problem, "too long");
	memcpy(rest, text, len);
	rest[len] = 0;
	return parse_host(rest, service, problem);
}

int ztt_origin_service_parse(const char *text,
			     struct ztt_origin_service *ret_service,
			     char problem[128])
{
	const char *path = NULL;

	memset(ret_service, 0, sizeof(*ret_service));
	if (is_built_in(text))
		return 0;
	if (strncmp(text, "http_status:", 12) == 0)
		return parse_status(text + 12, problem);
	if (strncmp(text, "unix:", 5) == 0)
		path = text + 5;
	if (strncmp(text, "unix+tls:", 9) == 0)
		path = text + 9;
	if (path) {
		ret_service->kind = ZTT_ORIGIN_SERVICE_UNIX;
		snprintf(ret_service->host, sizeof(ret_service->host), "%s",
			 path);
		return *path ? 0 : refuse(problem, "no path of a socket");
	}
	ret_service->kind = ZTT_ORIGIN_SERVICE_TCP;
	return parse_url(text, ret_service, problem);
}
