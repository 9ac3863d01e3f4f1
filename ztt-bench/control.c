#define _GNU_SOURCE
#include "ztt-bench/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/err.h"
#include "common/json.h"

void ztt_control_begin(struct ztt_json *json, const char *event)
{
	ztt_json_init(json, false);
	ztt_json_object(json, NULL);
	ztt_json_string(json, "event", event);
}

int ztt_control_send(int fd, struct ztt_json *json)
{
	size_t len;
	const char *text;
	int rc = 0;

	ztt_json_end_object(json);
	text = ztt_json_text(json, &len);
	if (fd != ZTT_CONTROL_NONE && send(fd, text, len, MSG_NOSIGNAL) < 0)
		rc = -errno;
	ztt_json_release(json);
	return rc;
}

int ztt_control_receive(int fd, json_t **ret_record, struct ztt_err *err)
{
	char *text = ztt_alloc(ZTT_CONTROL_MAX_BYTES);
	ssize_t len;
	json_t *record;
	int rc = 0;

	len = recv(fd, text, ZTT_CONTROL_MAX_BYTES, MSG_DONTWAIT);
	if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
		rc = -EPIPE;
	} else if (len > 0) {
		record = json_loadb(text, (size_t)len, 0, NULL);
		if (*ztt_control_event(record)) {
			*ret_record = record;
			rc = 1;
		} else {
			json_decref(record);
			rc = ztt_err_set(
				err, -EPROTO,
				"a part sent a record that is no event");
		}
	}
	free(text);
	return rc;
}

const char *ztt_control_event(const json_t *record)
{
	const char *event = json_string_value(json_object_get(record, "event"));

	return event ? event : "";
}

int ztt_control_pair(int *ret_run_fd, int *ret_part_fd, struct ztt_err *err)
{
	int size = ZTT_CONTROL_MAX_BYTES;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return ztt_err_set(err, -errno, "cannot make a socket pair: %s",
				   strerror(errno));
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*ret_run_fd = fds[0];
	*ret_part_fd = fds[1];
	return 0;
}
