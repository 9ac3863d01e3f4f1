#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/interfaces.h"
#include "ztt-doctor/host/wg_device.h"

/* WireGuard paper, section 5.4: 32 bytes of its own, 8 of UDP, 20 or 40 of IP. */
#define OVERHEAD_V4 60
#define OVERHEAD_V6 80
#define DEFAULT_MTU 1420
/* cloudflared's Initial: 1252 bytes, in IPv4 and IPv6 packets of: */
#define INITIAL_V4 1280
#define INITIAL_V6 1300
/* wireguard.com/protocol: keys are not used for longer. */
#define REJECT_AFTER_S 180
/* NAT devices forget an idle UDP mapping after 30 s or more; wg(8) advises. */
#define ADVISED_KEEPALIVE_S 25
#define FILES_MAX 4096
#define SHOWN_MAX 8

static bool find_interfaces(struct ztt_doctor *doctor,
			    struct ztt_finding *finding,
			    struct ztt_wg_interfaces *interfaces)
{
	ztt_wg_interfaces(doctor->root, interfaces);
	if (interfaces->count == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no WireGuard interface");
	return interfaces->count > 0;
}

void ztt_check_wireguard_backend(struct ztt_doctor *doctor,
				 struct ztt_finding *finding)
{
	struct ztt_wg_interfaces interfaces;
	struct ztt_root_stat stat;
	bool module = ztt_root_stat(doctor->root, "/sys/module/wireguard",
				    &stat) == 0;

	if (!find_interfaces(doctor, finding, &interfaces))
		return;
	for (size_t i = 0; i < interfaces.count; i++) {
		const struct ztt_wg_interface *at = &interfaces.list[i];

		ztt_finding_note(finding,
				 at->userspace && module ? ZTT_STATUS_WARN
							 : ZTT_STATUS_OK,
				 "%s: %s", at->name,
				 !at->userspace ? "in the kernel"
				 : module ? "a userspace process, though this "
					    "kernel has WireGuard"
					  : "a userspace process");
	}
}

/* The smallest MTU of the interfaces that packets to other hosts leave by; 0
 * when it is not known. A tunnel's own default route is none of them. */
static uint64_t find_path_mtu(struct ztt_doctor *doctor,
			      const struct ztt_wg_interfaces *tunnels,
			      char ret_name[IF_NAMESIZE])
{
	struct ztt_interfaces outer;
	uint64_t least = 0;

	ztt_interfaces_find(doctor->root, &outer);
	for (size_t i = 0; i < outer.count; i++) {
		bool tunnel = false;
		uint64_t mtu;

		for (size_t k = 0; k < tunnels->count; k++)
			tunnel = tunnel || strcmp(tunnels->list[k].name,
						  outer.names[i]) == 0;
		if (tunnel || ztt_interface_uint(doctor->root, outer.names[i],
						 "mtu", &mtu) < 0)
			continue;
		if (least == 0 || mtu < least) {
			least = mtu;
			snprintf(ret_name, IF_NAMESIZE, "%s", outer.names[i]);
		}
	}
	return least;
}

static void judge_mtu(struct ztt_finding *finding,
		      const struct ztt_wg_interface *at, uint64_t path_mtu,
		      const char *outer)
{
	unsigned long long mtu = at->mtu, path = path_mtu;

	if (path_mtu > 0 && at->mtu + OVERHEAD_V4 > path_mtu)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s: MTU %llu makes packets of %llu bytes, "
				 "fragmented on %s (%llu)",
				 at->name, mtu, mtu + OVERHEAD_V4, outer, path);
	else if (path_mtu > 0 && at->mtu + OVERHEAD_V6 > path_mtu)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: MTU %llu fits %s (%llu) over IPv4, and "
				 "not when the peer is reached over IPv6",
				 at->name, mtu, outer, path);
	else if (path_mtu > 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: MTU %llu fits %s (%llu)", at->name, mtu,
				 outer, path);
	else
		ztt_finding_note(finding,
				 at->mtu > DEFAULT_MTU ? ZTT_STATUS_UNKNOWN
						       : ZTT_STATUS_OK,
				 "%s: MTU %llu (no default route to compare "
				 "with)",
				 at->name, mtu);
	if (at->mtu < INITIAL_V4)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "a QUIC tunnel inside %s cannot connect: its "
				 "first packets have 1280 bytes (1300 over "
				 "IPv6)",
				 at->name);
	else if (at->mtu < INITIAL_V6)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "a QUIC tunnel inside %s cannot connect over "
				 "IPv6: its first packets have 1300 bytes",
				 at->name);
	if (path_mtu > OVERHEAD_V6)
		ztt_finding_advise(
			finding,
			"MTU = %llu in the [Interface] section of "
			"/etc/wireguard/%s.conf, and the same at the "
			"other end",
			path - OVERHEAD_V6, at->name);
}

void ztt_check_wireguard_mtu(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	struct ztt_wg_interfaces interfaces;
	char outer[IF_NAMESIZE] = "";
	uint64_t path_mtu;

	if (!find_interfaces(doctor, finding, &interfaces))
		return;
	path_mtu = find_path_mtu(doctor, &interfaces, outer);
	for (size_t i = 0; i < interfaces.count; i++) {
		if (interfaces.list[i].mtu > 0)
			judge_mtu(finding, &interfaces.list[i], path_mtu,
				  outer);
		else
			ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
					 "%s: its MTU cannot be read",
					 interfaces.list[i].name);
	}
}

static void note_unasked(struct ztt_finding *finding,
			 const struct ztt_wg_interface *at, int rc)
{
	const char *needs = rc != -EPERM && rc != -EACCES ? ""
			    : at->userspace               ? "; needs root"
					    : "; needs CAP_NET_ADMIN (root)";

	if (rc == -ECONNREFUSED)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s: %s is there, and no process behind it",
				 at->name, at->socket);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: its state cannot be asked for: %s%s",
				 at->name, strerror(-rc), needs);
}

/* Asks every interface, and has `judge` look at each that answered. */
static void
for_each_device(struct ztt_doctor *doctor, struct ztt_finding *finding,
		void (*judge)(struct ztt_finding *finding, const char *name,
			      const struct ztt_wg_device *device))
{
	struct ztt_wg_device *device = ztt_alloc(sizeof(*device));
	struct ztt_wg_interfaces interfaces;

	if (!find_interfaces(doctor, finding, &interfaces))
		goto out;
	for (size_t i = 0; i < interfaces.count; i++) {
		const struct ztt_wg_interface *at = &interfaces.list[i];
		int rc = ztt_wg_get(at, ztt_doctor_due_ns(doctor), device);

		if (rc < 0)
			note_unasked(finding, at, rc);
		else if (device->peer_count == 0)
			ztt_finding_note(finding, ZTT_STATUS_WARN,
					 "%s: no peers", at->name);
		else
			judge(finding, at->name, device);
	}
out:
	free(device);
}

/* RFC 1918, RFC 6598, link-local, loopback. */
static bool is_private(uint32_t address)
{
	return address >> 24 == 10 || address >> 20 == 0xac1 ||
	       address >> 16 == 0xc0a8 || address >> 22 == 0x64400000 >> 22 ||
	       address >> 16 == 0xa9fe || address >> 24 == 127;
}

/* Whether no interface has an IPv4 address of the Internet. */
static bool is_behind_nat(void)
{
	struct ifaddrs *list;
	bool public = false;

	if (getifaddrs(&list) < 0)
		return true;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		struct sockaddr_in in;

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&in, at->ifa_addr, sizeof(in));
		public = public || !is_private(ntohl(in.sin_addr.s_addr));
	}
	freeifaddrs(list);
	return !public;
}

static void judge_keepalive(struct ztt_finding *finding, const char *name,
			    const struct ztt_wg_device *device)
{
	bool nat = is_behind_nat();
	size_t without = 0, shown = 0, slow = 0;
	char peer[ZTT_WG_NAME_LEN] = "";

	for (size_t i = 0; i < device->peer_count; i++) {
		const struct ztt_wg_peer *at = &device->peers[i];

		slow += at->keepalive_s > 2 * ADVISED_KEEPALIVE_S;
		if (!at->has_endpoint || at->keepalive_s > 0)
			continue;
		without++;
		if (shown++ == 0)
			ztt_wg_peer_name(at, peer);
	}
	if (without == 0)
		ztt_finding_note(finding,
				 slow && nat ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
				 "%s: every peer with an endpoint has a "
				 "keepalive%s (%zu peers)",
				 name, slow ? ", some longer than 50 s" : "",
				 device->peer_count);
	else
		ztt_finding_note(finding, nat ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
				 "%s: %zu of %zu peers have no keepalive "
				 "(%s...)%s",
				 name, without, device->peer_count, peer,
				 nat ? ", and this host has no public IPv4 "
				       "address"
				     : "; this host has a public IPv4 address");
}

void ztt_check_wireguard_keepalive(struct ztt_doctor *doctor,
				   struct ztt_finding *finding)
{
	for_each_device(doctor, finding, judge_keepalive);
}

/* Nothing new for longer than keys live: with a keepalive that cannot be for
 * want of traffic. */
static enum ztt_status judge_peer(const struct ztt_wg_peer *peer, int64_t now_s,
				  const char **ret_text)
{
	int64_t age_s = now_s - peer->handshake_s;

	if (peer->handshake_s <= 0) {
		*ret_text = peer->has_endpoint
				    ? "no handshake ever"
				    : "no handshake ever, and no endpoint: it "
				      "must begin";
		return peer->has_endpoint ? ZTT_STATUS_FAIL : ZTT_STATUS_WARN;
	}
	if (age_s <= REJECT_AFTER_S)
		return ZTT_STATUS_OK;
	*ret_text = "last handshake too long ago for its keepalive";
	return peer->keepalive_s > 0 ? ZTT_STATUS_FAIL : ZTT_STATUS_OK;
}

static void judge_handshake(struct ztt_finding *finding, const char *name,
			    const struct ztt_wg_device *device)
{
	int64_t now_s = (int64_t)time(NULL);
	size_t fresh = 0, idle = 0, shown = 0;

	for (size_t i = 0; i < device->peer_count; i++) {
		const struct ztt_wg_peer *at = &device->peers[i];
		char peer[ZTT_WG_NAME_LEN];
		const char *text = "";
		enum ztt_status status = judge_peer(at, now_s, &text);

		if (status == ZTT_STATUS_OK) {
			fresh += now_s - at->handshake_s <= REJECT_AFTER_S;
			idle += now_s - at->handshake_s > REJECT_AFTER_S;
			continue;
		}
		if (shown++ >= SHOWN_MAX)
			continue;
		ztt_wg_peer_name(at, peer);
		if (at->handshake_s > 0)
			ztt_finding_note(finding, status,
					 "%s peer %s...: %s (%lld s)", name,
					 peer, text,
					 (long long)(now_s - at->handshake_s));
		else
			ztt_finding_note(finding, status, "%s peer %s...: %s",
					 name, peer, text);
	}
	ztt_finding_note(finding, ZTT_STATUS_OK,
			 "%s: %zu of %zu peers shook hands within 180 s, %zu "
			 "idle without a keepalive%s",
			 name, fresh, device->peer_count, idle,
			 device->cut ? " (more were not looked at)" : "");
}

void ztt_check_wireguard_handshake(struct ztt_doctor *doctor,
				   struct ztt_finding *finding)
{
	for_each_device(doctor, finding, judge_handshake);
}

static bool has_end(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* wg-quick's and what people call their key files. */
static bool holds_keys(const char *name)
{
	if (has_end(name, ".pub") || strstr(name, "public"))
		return false;
	return has_end(name, ".conf") || has_end(name, ".key") ||
	       has_end(name, ".psk") || strstr(name, "private") ||
	       strstr(name, "preshared");
}

/* 1 when it is as it should be, 0 when not, -EISDIR when it is a directory, and
 * other -errno when it cannot be seen. */
static int judge_file(struct ztt_doctor *doctor, struct ztt_finding *finding,
		      const char *path)
{
	struct ztt_root_stat stat;
	int rc = ztt_root_stat(doctor->root, path, &stat);
	mode_t mode;

	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return rc;
	}
	if (S_ISDIR(stat.mode))
		return -EISDIR;
	mode = stat.mode & 07777;
	if (!S_ISREG(stat.mode) || (stat.uid == 0 && (mode & 077) == 0))
		return 1;
	if (mode & 077) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s has mode %04o: others may read the key",
				 path, (unsigned)mode);
		ztt_finding_mode(finding, path, mode, 0600);
	}
	if (stat.uid != 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s belongs to uid %u, who may change it",
				 path, (unsigned)stat.uid);
	return 0;
}

void ztt_check_wireguard_keys(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	static const char dir[] = "/etc/wireguard";
	size_t count, seen = 0, fine = 0;
	char **names, path[PATH_MAX];
	int rc = ztt_root_list(doctor->root, dir, FILES_MAX, &names, &count);

	if (rc == -ENOENT || rc == -ENOTDIR) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no /etc/wireguard: no keys to look at");
		return;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, dir, rc, NULL);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!holds_keys(names[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		rc = judge_file(doctor, finding, path);
		seen += rc != -EISDIR;
		fine += rc == 1;
	}
	ztt_root_list_free(names, count);
	if (seen == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no configuration or key in /etc/wireguard");
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu of %zu files in /etc/wireguard are for "
				 "root alone",
				 fine, seen);
}
