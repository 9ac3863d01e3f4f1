#include <errno.h>
#include <string.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/interfaces.h"
#include "ztt-doctor/host/offloads.h"

static const char *on_off(int value)
{
	return value < 0 ? "not told" : value ? "on" : "off";
}

static void advise_offloads(const char *name, const struct ztt_offloads *is,
			    bool gro_matters, struct ztt_finding *finding)
{
	ztt_finding_advise(finding, "ethtool -K %s%s%s%s", name,
			   is->tx_checksum == 0 ? " tx on" : "",
			   is->gso == 0 ? " gso on" : "",
			   is->gro == 0 && gro_matters ? " gro on" : "");
}

/* Without a device (veth, bridge) gro is off by default: the host's NIC has
 * done it before. */
static void look_offloads(struct ztt_doctor *doctor, const char *name,
			  struct ztt_finding *finding)
{
	char driver[NAME_MAX + 1];
	const bool gro_matters =
		ztt_interface_driver(doctor->root, name, driver) != -ENOENT;
	struct ztt_offloads is;
	int rc = ztt_offloads_read(name, &is);
	bool lacks;

	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s", name,
				 strerror(-rc));
		return;
	}
	lacks = is.gso == 0 || is.tx_checksum == 0 ||
		(is.gro == 0 && gro_matters);
	/* Before Linux 6.11 a segmented UDP send through a NIC without
	 * checksums ended with EIO (net/ipv4/udp.c, udp_send_skb). */
	ztt_finding_note(finding,
			 lacks                      ? ZTT_STATUS_WARN
			 : is.gro < 0 || is.gso < 0 ? ZTT_STATUS_UNKNOWN
						    : ZTT_STATUS_OK,
			 "%s%s: gro %s, gso %s, tx-checksum %s%s, "
			 "tx-udp-segmentation %s, rx-udp-gro-forwarding %s",
			 name, gro_matters ? "" : " (no device behind it)",
			 on_off(is.gro), on_off(is.gso), on_off(is.tx_checksum),
			 is.tx_checksum == 0
				 ? " (before Linux 6.11 segmented UDP sends "
				   "end with EIO)"
				 : "",
			 on_off(is.tx_udp_segmentation),
			 on_off(is.rx_udp_gro_forwarding));
	if (lacks)
		advise_offloads(name, &is, gro_matters, finding);
}

void ztt_check_nic_offloads(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	ztt_interfaces_each(doctor, finding, look_offloads);
}

static bool is_fair(const char *kinds)
{
	/* fq also stands in fq_codel and fq_pie. */
	return strstr(kinds, "fq") || strstr(kinds, "cake");
}

/* Never worse than a note: quic-go paces by itself. */
static void look_qdisc(struct ztt_doctor *doctor, const char *name,
		       struct ztt_finding *finding)
{
	char kinds[256];
	int rc = ztt_qdisc_read(name, kinds, sizeof(kinds));

	(void)doctor;
	if (rc == -ENODATA)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%s: none", name);
	else if (rc < 0)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s: %s", name,
				 strerror(-rc));
	else
		ztt_finding_note(
			finding, ZTT_STATUS_OK, "%s: %s%s", name, kinds,
			is_fair(kinds) || strstr(kinds, "noqueue") ? ""
			: strstr(kinds, "netem") || strstr(kinds, "tbf")
				? ": shapes or impairs what is sent"
				: ": no fair queueing, so a bulk transfer "
				  "delays the others");
}

void ztt_check_nic_qdisc(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	ztt_interfaces_each(doctor, finding, look_qdisc);
}
