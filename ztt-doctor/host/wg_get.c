#define _GNU_SOURCE
#include "ztt-doctor/host/wg_device.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"

#define ANSWER_BYTES (64 * 1024)
#define UAPI_BYTES_MAX (1024 * 1024)

static int wait_readable(int fd, uint64_t until_ns)
{
	uint64_t now = ztt_clock_ns();
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	uint64_t left_ms;
	int rc;

	if (now >= until_ns)
		return -ETIMEDOUT;
	left_ms = (until_ns - now) / ZTT_NS_PER_MS + 1;
	rc = poll(&wait, 1, left_ms < 60000 ? (int)left_ms : 60000);
	if (rc < 0 && errno != EINTR)
		return -errno;
	return rc == 0 ? -ETIMEDOUT : 0;
}

static struct nlmsghdr *begin(void *buf, uint16_t type, uint16_t flags,
			      uint8_t command, uint8_t version)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *generic;

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	header->nlmsg_seq = 1;
	generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	generic->cmd = command;
	generic->version = version;
	return header;
}

/* Sends and runs `each` on every message of the answer. */
static int ask(struct mnl_socket *socket, const struct nlmsghdr *request,
	       uint64_t until_ns, mnl_cb_t each, void *context)
{
	char *answer = ztt_alloc(ANSWER_BYTES);
	unsigned port = mnl_socket_get_portid(socket);
	int rc = 0;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		rc = -errno;
	while (rc == 0) {
		ssize_t got;
		int more;

		rc = wait_readable(mnl_socket_get_fd(socket), until_ns);
		if (rc < 0)
			break;
		got = mnl_socket_recvfrom(socket, answer, ANSWER_BYTES);
		if (got < 0) {
			rc = -errno;
			break;
		}
		more = mnl_cb_run(answer, (size_t)got, 1, port, each, context);
		explicit_bzero(answer, ANSWER_BYTES);
		if (more < 0)
			rc = errno ? -errno : -EPROTO;
		else if (more == MNL_CB_STOP)
			break;
	}
	free(answer);
	return rc;
}

static int keep_id(const struct nlattr *attr, void *context)
{
	uint16_t *ret_id = context;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_get_payload_len(attr) >= sizeof(uint16_t))
		*ret_id = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int keep_family(const struct nlmsghdr *header, void *context)
{
	if (mnl_nlmsg_get_payload_len(header) < sizeof(struct genlmsghdr))
		return MNL_CB_OK;
	return mnl_attr_parse(header, sizeof(struct genlmsghdr), keep_id,
			      context);
}

static int keep_device(const struct nlmsghdr *header, void *context)
{
	size_t len = mnl_nlmsg_get_payload_len(header);
	const char *payload = mnl_nlmsg_get_payload(header);
	int rc;

	if (len < sizeof(struct genlmsghdr))
		return MNL_CB_OK;
	rc = ztt_wg_parse_netlink(context, payload + sizeof(struct genlmsghdr),
				  len - sizeof(struct genlmsghdr));
	if (rc == 0)
		return MNL_CB_OK;
	errno = -rc;
	return MNL_CB_ERROR;
}

static int find_family(struct mnl_socket *socket, uint64_t until_ns,
		       uint16_t *ret_id)
{
	char buf[256];
	struct nlmsghdr *request =
		begin(buf, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	int rc;

	*ret_id = 0;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	rc = ask(socket, request, until_ns, keep_family, ret_id);
	if (rc == -ENOENT || (rc == 0 && *ret_id == 0))
		return -EOPNOTSUPP;
	return rc;
}

int ztt_wg_get_kernel(const char *name, uint64_t until_ns,
		      struct ztt_wg_device *ret_device)
{
	struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	struct nlmsghdr *request;
	char buf[256];
	uint16_t family;
	int rc;

	if (!socket)
		return -errno;
	memset(ret_device, 0, sizeof(*ret_device));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		goto out;
	}
	rc = find_family(socket, until_ns, &family);
	if (rc < 0)
		goto out;
	request = begin(buf, family, NLM_F_DUMP, WG_CMD_GET_DEVICE,
			WG_GENL_VERSION);
	mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, name);
	rc = ask(socket, request, until_ns, keep_device, ret_device);
out:
	mnl_socket_close(socket);
	return rc;
}

/* wg(8) reads until an empty line. */
static int read_answer(int fd, uint64_t until_ns, char **text, size_t *len)
{
	size_t cap = 0;

	for (;;) {
		ssize_t got;
		int rc = wait_readable(fd, until_ns);

		if (rc < 0)
			return rc;
		if (cap - *len < 2) {
			char *grown = ztt_alloc(cap ? cap * 2 : 4096);

			if (*len)
				memcpy(grown, *text, *len);
			if (cap)
				explicit_bzero(*text, cap);
			free(*text);
			*text = grown;
			cap = cap ? cap * 2 : 4096;
		}
		got = recv(fd, *text + *len, cap - *len - 1, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return -errno;
		*len += (size_t)got;
		if (got == 0 || (*len >= 2 && (*text)[*len - 1] == '\n' &&
				 (*text)[*len - 2] == '\n'))
			return 0;
		if (*len > UAPI_BYTES_MAX)
			return -EFBIG;
	}
}

int ztt_wg_get_socket(const char *path, uint64_t until_ns,
		      struct ztt_wg_device *ret_device)
{
	static const char request[] = "get=1\n\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (fd < 0)
		return -errno;
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    (int)sizeof(address.sun_path)) {
		rc = -ENAMETOOLONG;
		goto out;
	}
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
		    0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
		rc = -errno;
		goto out;
	}
	rc = read_answer(fd, until_ns, &text, &len);
	if (rc == 0)
		rc = ztt_wg_parse_uapi(ret_device, text ? text : "", len);
out:
	if (text)
		explicit_bzero(text, len);
	free(text);
	close(fd);
	return rc;
}

int ztt_wg_get(const struct ztt_wg_interface *interface, uint64_t until_ns,
	       struct ztt_wg_device *ret_device)
{
	return interface->userspace ? ztt_wg_get_socket(interface->socket,
							until_ns, ret_device)
				    : ztt_wg_get_kernel(interface->name,
							until_ns, ret_device);
}
