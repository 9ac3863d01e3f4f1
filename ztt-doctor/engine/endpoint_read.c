#define _GNU_SOURCE
#include "ztt-doctor/engine/endpoint.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define PROTOCOL_QUIC 1

static void copy_text(char *out, size_t cap_bytes, const json_t *value)
{
	const char *text = json_string_value(value);

	snprintf(out, cap_bytes, "%s", text ? text : "");
	ztt_text_plain(out);
}

static json_t *load(const char *body, size_t len_bytes)
{
	json_t *root = json_loadb(body, len_bytes, 0, NULL);

	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

int ztt_endpoint_read_ready(struct ztt_endpoint *endpoint, const char *body,
			    size_t len_bytes)
{
	json_t *root = load(body, len_bytes);
	json_t *count = json_object_get(root, "readyConnections");
	json_t *status = json_object_get(root, "status");
	json_int_t value = json_integer_value(count);

	if (!json_is_integer(count) || value < 0 || value > 1000000) {
		json_decref(root);
		return -EBADMSG;
	}
	endpoint->ready_connections = (int)value;
	value = json_integer_value(status);
	if (value >= 100 && value <= 599)
		endpoint->ready_status = (unsigned)value;
	copy_text(endpoint->connector_id, sizeof(endpoint->connector_id),
		  json_object_get(root, "connectorId"));
	json_decref(root);
	return 0;
}

static void read_connection(struct ztt_endpoint_connection *ret,
			    const json_t *item)
{
	json_int_t index = json_integer_value(json_object_get(item, "index"));

	ret->connected = json_is_true(json_object_get(item, "isConnected"));
	/* Left out when 0, which is HTTP/2. */
	ret->http2 = json_integer_value(json_object_get(item, "protocol")) !=
		     PROTOCOL_QUIC;
	ret->index = index >= 0 && index < 256 ? (unsigned)index : 0;
	copy_text(ret->edge, sizeof(ret->edge),
		  json_object_get(item, "edgeAddress"));
}

int ztt_endpoint_read_tunnel(struct ztt_endpoint *endpoint, const char *body,
			     size_t len_bytes)
{
	json_t *root = load(body, len_bytes);
	json_t *list = json_object_get(root, "connections");
	json_t *tunnel = json_object_get(root, "tunnelID");
	size_t count = json_array_size(list);

	if (!json_is_string(tunnel)) {
		json_decref(root);
		return -EBADMSG;
	}
	if (count > ZTT_ENDPOINT_CONNECTIONS_MAX)
		count = ZTT_ENDPOINT_CONNECTIONS_MAX;
	copy_text(endpoint->tunnel_id, sizeof(endpoint->tunnel_id), tunnel);
	copy_text(endpoint->connector_id, sizeof(endpoint->connector_id),
		  json_object_get(root, "connectorID"));
	for (size_t i = 0; i < count; i++)
		read_connection(&endpoint->connections[i],
				json_array_get(list, i));
	endpoint->connection_count = count;
	endpoint->has_connections = true;
	json_decref(root);
	return 0;
}

/* The beginning of a sample of the metric, at the beginning of a line. */
static const char *find_sample(const char *body, size_t len_bytes,
			       const char *name)
{
	size_t name_len = strlen(name);
	const char *at = body, *end = body + len_bytes;

	while ((at = memmem(at, (size_t)(end - at), name, name_len))) {
		if (at == body || at[-1] == '\n')
			return at;
		at += name_len;
	}
	return NULL;
}

/* `body` is NUL-terminated past its length. */
int ztt_endpoint_read_metrics(struct ztt_endpoint *endpoint, const char *body,
			      size_t len_bytes)
{
	static const char key[] = ",version=\"";
	const char *build = find_sample(body, len_bytes, "build_info{");
	const char *gauge = find_sample(body, len_bytes,
					"cloudflared_tunnel_ha_connections ");
	const char *version;
	size_t len;

	if (!build)
		return -EBADMSG;
	version = memmem(build, strcspn(build, "\n"), key, sizeof(key) - 1);
	if (version) {
		version += sizeof(key) - 1;
		len = strcspn(version, "\"\n");
		snprintf(endpoint->version, sizeof(endpoint->version), "%.*s",
			 (int)(len < 31 ? len : 31), version);
		ztt_text_plain(endpoint->version);
	}
	if (gauge)
		endpoint->ha_gauge =
			(int)(strtol(strchr(gauge, ' '), NULL, 10) & 0xffff);
	return 0;
}
