#define _GNU_SOURCE
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ztt-doctor/host/offloads.h"

#define ANSWER_TIMEOUT_S 1

struct kinds {
	int ifindex;
	char *out;
	size_t cap_bytes;
};

static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || at[-1] == ' ') &&
		    (!at[len] || at[len] == ' '))
			return true;
	return false;
}

/* Root first, whatever the order of the answers. */
static void add_kind(struct kinds *kinds, const char *kind, bool root)
{
	const size_t len = strlen(kinds->out), more = strlen(kind);

	if (more == 0 || has_word(kinds->out, kind) ||
	    len + more + 2 > kinds->cap_bytes)
		return;
	if (len == 0) {
		memcpy(kinds->out, kind, more + 1);
	} else if (root) {
		memmove(kinds->out + more + 1, kinds->out, len + 1);
		memcpy(kinds->out, kind, more);
		kinds->out[more] = ' ';
	} else {
		kinds->out[len] = ' ';
		memcpy(kinds->out + len + 1, kind, more + 1);
	}
}

static int on_attribute(const struct nlattr *attribute, void *data)
{
	const char **kind = data;

	if (mnl_attr_get_type(attribute) == TCA_KIND &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		*kind = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

static int on_qdisc(const struct nlmsghdr *header, void *data)
{
	const struct tcmsg *message = mnl_nlmsg_get_payload(header);
	struct kinds *kinds = data;
	const char *kind = NULL;

	if (header->nlmsg_type != RTM_NEWQDISC ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*message) ||
	    message->tcm_ifindex != kinds->ifindex)
		return MNL_CB_OK;
	mnl_attr_parse(header, sizeof(*message), on_attribute, &kind);
	if (kind)
		add_kind(kinds, kind, message->tcm_parent == TC_H_ROOT);
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, struct kinds *kinds)
{
	char buf[16384];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct tcmsg *message;
	ssize_t got;
	int rc;

	header->nlmsg_type = RTM_GETQDISC;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = 1;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->tcm_family = AF_UNSPEC;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return -errno;
	do {
		got = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (got < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)got, 1,
				mnl_socket_get_portid(socket), on_qdisc, kinds);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : 0;
}

int ztt_qdisc_read(const char *name, char *out, size_t cap_bytes)
{
	struct kinds kinds = {(int)if_nametoindex(name), out, cap_bytes};
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	struct mnl_socket *socket;
	int rc;

	if (kinds.ifindex == 0)
		return -ENODEV;
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	out[0] = 0;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	else
		rc = ask(socket, &kinds);
	mnl_socket_close(socket);
	if (rc == 0 && !out[0])
		rc = -ENODATA;
	return rc;
}
