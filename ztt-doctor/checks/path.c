#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/interfaces.h"
#include "ztt-doctor/probes/edge_addresses.h"
#include "ztt-doctor/probes/path_mtu.h"
#include "ztt-doctor/probes/round_trip.h"
#include "ztt-doctor/probes/side_by_side.h"

/* cloudflared's first datagram has 1252 bytes over both families, the largest
 * 1452; IP and UDP headers are 28 bytes, with IPv6 48. */
#define NEEDED(v6) ((v6) ? 1300U : 1280U)
#define FULL(v6) ((v6) ? 1500U : 1480U)
#define ADVISED 1400U

#define LOST_WARN 2
#define SLOW_NS (100 * ZTT_NS_PER_MS)
#define GAP_NS (20 * ZTT_NS_PER_MS)
#define IDLE_NS (5 * ZTT_NS_PER_S) /* cloudflared quic/constants.go */

/* --- what the interface carries ------------------------------------------- */

/* Where /sys is another network namespace's. */
static int ask_kernel(const char *name, uint64_t *ret_mtu)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_mtu = 0};
	int rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFMTU, &request) < 0)
		rc = -errno;
	else
		*ret_mtu = (uint64_t)request.ifr_mtu;
	close(fd);
	return rc;
}

/* IPv6 has a limit of its own, which a router's advertisement may lower
 * (Documentation/networking/ip-sysctl.rst). */
static int mtu_of(const struct ztt_root *root, const char *name, bool v6,
		  uint64_t *ret_mtu, char path[64])
{
	uint64_t own;
	int rc;

	snprintf(path, 64, "/sys/class/net/%s/mtu", name);
	rc = ztt_root_uint(root, path, ret_mtu);
	if (rc == -ENOENT && ztt_root_kind(root) == ZTT_ROOT_LIVE)
		rc = ask_kernel(name, ret_mtu);
	if (rc < 0 || !v6)
		return rc;
	snprintf(path, 64, "/proc/sys/net/ipv6/conf/%s/mtu", name);
	if (ztt_root_uint(root, path, &own) == 0 && own < *ret_mtu)
		*ret_mtu = own;
	return 0;
}

/* The same for an interface and for a path. */
static enum ztt_status judge_mtu(uint64_t mtu, bool v6, char *out, size_t cap)
{
	const unsigned headers = v6 ? 48 : 28;

	if (mtu < NEEDED(v6)) {
		snprintf(out, cap,
			 ": below %u, so that every 1252-byte Initial is "
			 "dropped and no QUIC tunnel can connect over IPv%c",
			 NEEDED(v6), v6 ? '6' : '4');
		return ZTT_STATUS_FAIL;
	}
	if (mtu < ADVISED) {
		snprintf(out, cap,
			 ": a tunnel connects, with datagrams of %llu bytes in "
			 "place of 1452",
			 (unsigned long long)mtu - headers);
		return ZTT_STATUS_WARN;
	}
	if (mtu < FULL(v6))
		snprintf(out, cap, ": datagrams of %llu bytes in place of 1452",
			 (unsigned long long)mtu - headers);
	else
		*out = 0;
	return ZTT_STATUS_OK;
}

/* `elsewhere`: a tunnel can connect over another family or interface. */
static void judge_interface(struct ztt_doctor *doctor,
			    struct ztt_finding *finding, const char *name,
			    bool v6, bool elsewhere)
{
	char path[64], text[160];
	enum ztt_status status;
	uint64_t mtu;
	int rc = mtu_of(doctor->root, name, v6, &mtu, path);

	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	status = judge_mtu(mtu, v6, text, sizeof(text));
	if (status == ZTT_STATUS_FAIL)
		ztt_finding_advise(
			finding,
			"ip link set dev %s mtu 1500, or %u at least where a "
			"VPN or provider allows no more%s",
			name, NEEDED(v6),
			v6 ? "; or keep to IPv4: --edge-ip-version 4" : "");
	if (status == ZTT_STATUS_FAIL && elsewhere)
		status = ZTT_STATUS_WARN;
	ztt_finding_note(finding, status, "%s has an MTU of %llu for IPv%c%s",
			 name, (unsigned long long)mtu, v6 ? '6' : '4', text);
}

static bool carries_tunnel(const struct ztt_root *root,
			   const struct ztt_interfaces *interfaces, bool v6)
{
	char path[64];
	uint64_t mtu;

	for (size_t i = 0; i < interfaces->count; i++)
		if (mtu_of(root, interfaces->names[i], v6, &mtu, path) == 0 &&
		    mtu >= NEEDED(v6))
			return true;
	return false;
}

void ztt_check_path_interface_mtu(struct ztt_doctor *doctor,
				  struct ztt_finding *finding)
{
	static const char *const paths[] = {"/proc/net/route",
					    "/proc/net/ipv6_route"};
	struct ztt_interfaces of_family[2];
	bool carries = false;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		int rc = ztt_interfaces_by_route(doctor->root, v6,
						 &of_family[v6]);

		/* Not there where IPv6 is off. */
		if (rc < 0 && !(v6 && rc == -ENOENT))
			ztt_finding_unread(finding, paths[v6], rc, NULL);
		carries |= carries_tunnel(doctor->root, &of_family[v6], v6);
	}
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < of_family[v6].count; i++)
			judge_interface(doctor, finding, of_family[v6].names[i],
					v6, carries);
	if (!finding->concluded)
		ztt_finding_note(finding, ZTT_STATUS_SKIP, "no default route");
}

/* --- what the path carries ------------------------------------------------ */

/* One address, with the probe that runs on it. */
struct target {
	const struct ztt_edge_address *edge;
	bool v6;
	char text[ZTT_ADDRESS_LEN];
	int rc; /* of the probe */
	union {
		struct ztt_path_mtu mtu;
		struct ztt_round_trip trip;
		struct ztt_nat_binding binding;
	};
};

/* What a check does with each address; `note` returns whether the rc says all
 * that it knows how to say. */
struct plan {
	void (*begin)(struct ztt_doctor *doctor, struct target *target);
	void (*run)(void *target);
	bool (*note)(struct ztt_finding *finding, const struct target *target);
};

static bool has_no_route(const struct target *target)
{
	return target->rc == -ENETUNREACH || target->rc == -EADDRNOTAVAIL ||
	       target->rc == -EAFNOSUPPORT;
}

/* A family that this host has no route for does not matter beside another. */
static void note_all(struct ztt_finding *finding, const struct plan *plan,
		     const struct target *targets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!has_no_route(&targets[i]) &&
		    !plan->note(finding, &targets[i]))
			ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
					 "%s: %s; see egress.udp",
					 targets[i].text,
					 targets[i].rc == -ETIMEDOUT
						 ? "nothing was answered"
						 : strerror(-targets[i].rc));
	for (size_t i = 0; i < count; i++)
		if (has_no_route(&targets[i]))
			ztt_finding_note(finding,
					 finding->concluded &&
							 finding->status !=
								 ZTT_STATUS_SKIP
						 ? ZTT_STATUS_OK
						 : ZTT_STATUS_SKIP,
					 "%s: no route", targets[i].text);
}

static void carry_out(struct ztt_doctor *doctor, struct ztt_finding *finding,
		      const struct plan *plan)
{
	const struct ztt_edge_addresses *edge = ztt_edge_addresses(doctor);
	struct target *targets;

	if (!edge->count) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no address of the edge is known: %s",
				 edge->problem);
		return;
	}
	targets = ztt_calloc(edge->count, sizeof(*targets));
	for (size_t i = 0; i < edge->count; i++) {
		struct target *target = &targets[i];

		target->edge = &edge->list[i];
		target->v6 =
			edge->list[i].address.storage.ss_family == AF_INET6;
		ztt_address_text(&edge->list[i].address, target->text);
		plan->begin(doctor, target);
	}
	ztt_side_by_side(plan->run, targets, sizeof(*targets), edge->count);
	note_all(finding, plan, targets, edge->count);
	free(targets);
}

static void begin_mtu(struct ztt_doctor *doctor, struct target *target)
{
	target->mtu.address = target->edge->address;
	target->mtu.due_ns = ztt_doctor_due_ns(doctor);
}

static void run_mtu(void *item)
{
	struct target *target = item;

	ztt_path_mtu(&target->mtu);
	target->rc = target->mtu.rc;
}

static void advise_mtu(struct ztt_finding *finding, const struct target *target,
		       enum ztt_status status)
{
	const bool other = target->v6 && status == ZTT_STATUS_FAIL;

	ztt_finding_advise(
		finding, "%s%s",
		target->mtu.local || target->rc < 0
			? "raise the MTU of the interface or VPN towards the "
			  "edge: ip link set dev NAME mtu 1500"
			: "a hop on the way is narrower than this host's "
			  "interface (a VPN, PPPoE or another tunnel): raise "
			  "its MTU",
		other ? ", or keep to IPv4: --edge-ip-version 4" : "");
}

/* -EMSGSIZE: this host's own route does not carry what an edge answers. */
static bool note_mtu(struct ztt_finding *finding, const struct target *target)
{
	const struct ztt_path_mtu *mtu = &target->mtu;
	const bool narrow = mtu->rc == -EMSGSIZE && mtu->route_mtu_bytes;
	const unsigned bytes = narrow ? mtu->route_mtu_bytes : mtu->mtu_bytes;
	enum ztt_status status;
	char text[160];

	if (mtu->rc < 0 && !narrow)
		return false;
	status = judge_mtu(bytes, target->v6, text, sizeof(text));
	ztt_finding_note(finding, status, "%s: %s carries %s%u bytes%s%s",
			 target->text,
			 narrow ? "this host's route" : "the path",
			 narrow || mtu->exact ? "" : "at least ", bytes,
			 mtu->local ? ", as much as this host's interface" : "",
			 text);
	if (status != ZTT_STATUS_OK && status >= finding->status)
		advise_mtu(finding, target, status);
	return true;
}

void ztt_check_path_mtu(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	carry_out(doctor, finding,
		  &(struct plan){begin_mtu, run_mtu, note_mtu});
}

/* --- time and loss -------------------------------------------------------- */

static void begin_trip(struct ztt_doctor *doctor, struct target *target)
{
	target->trip.address = target->edge->address;
	target->trip.gap_ns = GAP_NS;
	target->trip.due_ns = ztt_doctor_due_ns(doctor);
}

static void run_trip(void *item)
{
	struct target *target = item;

	ztt_round_trip(&target->trip);
	target->rc = target->trip.rc;
}

static bool note_trip(struct ztt_finding *finding, const struct target *target)
{
	const struct ztt_round_trip *trip = &target->trip;
	char min[ZTT_UNITS_LEN], median[ZTT_UNITS_LEN], max[ZTT_UNITS_LEN];
	double low, high;

	if (trip->rc < 0)
		return false;
	ztt_loss_interval(trip->lost, trip->sent, &low, &high);
	ztt_finding_note(
		finding,
		trip->lost >= LOST_WARN ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
		"%s: round trip %s (least %s, most %s)%s, %u of %u lost (%.0f "
		"to %.0f %% at 95 %% confidence)",
		target->text, ztt_units_ns(median, (double)trip->median_ns),
		ztt_units_ns(min, (double)trip->min_ns),
		ztt_units_ns(max, (double)trip->max_ns),
		trip->median_ns > SLOW_NS
			? ", which over HTTP/2 is one MiB of upload each"
			: "",
		trip->lost, trip->sent, low, high);
	return true;
}

void ztt_check_path_rtt(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	carry_out(doctor, finding,
		  &(struct plan){begin_trip, run_trip, note_trip});
}

/* --- the way back --------------------------------------------------------- */

static void begin_binding(struct ztt_doctor *doctor, struct target *target)
{
	struct ztt_nat_binding *binding = &target->binding;

	binding->address = target->edge->address;
	binding->idle_ns = IDLE_NS;
	binding->due_ns = ztt_doctor_due_ns(doctor) + IDLE_NS;
	if (binding->due_ns > doctor->deadline_ns)
		binding->due_ns = doctor->deadline_ns;
}

static void run_binding(void *item)
{
	struct target *target = item;

	ztt_nat_binding(&target->binding);
	target->rc = target->binding.rc;
}

static bool note_binding(struct ztt_finding *finding,
			 const struct target *target)
{
	if (target->rc == -EAGAIN)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: no time for a pause of 5 s; see "
				 "--timeout",
				 target->text);
	else if (target->rc == 0)
		ztt_finding_note(finding,
				 target->binding.survived ? ZTT_STATUS_OK
							  : ZTT_STATUS_WARN,
				 target->binding.survived
					 ? "%s: answers the same port after 5 "
					   "s without a packet"
					 : "%s: answered at first, but not the "
					   "same port after 5 s without a "
					   "packet",
				 target->text);
	return target->rc == 0 || target->rc == -EAGAIN;
}

void ztt_check_path_nat(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	carry_out(doctor, finding,
		  &(struct plan){begin_binding, run_binding, note_binding});
}
