#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/cpu_info.h"
#include "ztt-doctor/host/interfaces.h"

#define QUEUES_LISTED_MAX 8192
#define ERROR_SHARE_WARN 1e-6
#define ERROR_SHARE_FAIL 1e-3
#define DROP_SHARE_WARN 1e-4
#define FEW 10 /* errors or drops that say nothing yet */
#define CARRIER_CHANGES_MAX 10

static enum ztt_status judge_speed(uint64_t mbps, const char *duplex,
				   double target_gbps)
{
	if (strcmp(duplex, "half") == 0 || mbps <= 10 ||
	    (target_gbps > 0 && (double)mbps < target_gbps * 1000))
		return ZTT_STATUS_FAIL;
	return mbps <= 100 && target_gbps <= 0 ? ZTT_STATUS_WARN
					       : ZTT_STATUS_OK;
}

/* Bonds and VLANs have no device of their own and the speed of what is below
 * them; veth and tun make theirs up. */
static bool is_stacked(const struct ztt_root *root, const char *name)
{
	char text[1024];

	return ztt_interface_text(root, name, "uevent", text, sizeof(text)) ==
		       0 &&
	       (strstr(text, "DEVTYPE=bond") || strstr(text, "DEVTYPE=vlan"));
}

static void note_speed(const char *name, uint64_t mbps, const char *duplex,
		       double target_gbps, struct ztt_finding *finding)
{
	ztt_finding_note(finding, judge_speed(mbps, duplex, target_gbps),
			 "%s: %llu Mbit/s, %s duplex%s", name,
			 (unsigned long long)mbps, duplex,
			 target_gbps > 0 && (double)mbps < target_gbps * 1000
				 ? ", below the target"
				 : "");
}

static void look_speed(struct ztt_doctor *doctor, const char *name,
		       struct ztt_finding *finding)
{
	char duplex[32], driver[NAME_MAX + 1];
	uint64_t mbps;
	int rc = ztt_interface_driver(doctor->root, name, driver);
	/* 4294967295 is SPEED_UNKNOWN of drivers that print it unsigned. */
	const bool told =
		ztt_interface_uint(doctor->root, name, "speed", &mbps) == 0 &&
		mbps > 0 && mbps < INT32_MAX;

	if (ztt_interface_text(doctor->root, name, "duplex", duplex,
			       sizeof(duplex)) < 0)
		strcpy(duplex, "unknown");
	if (rc == -ENOENT && !is_stacked(doctor->root, name))
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%s: no device behind it (bridge, veth, "
				 "tunnel): no link speed of its own",
				 name);
	else if (rc == 0 && ztt_interface_is_virtual(driver))
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%s: virtual NIC (%s): no link speed of its "
				 "own",
				 name, driver);
	else if (told)
		note_speed(name, mbps, duplex, doctor->plan.target_gbps,
			   finding);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: no link speed is told%s%s", name,
				 rc == 0 ? " by " : "", rc == 0 ? driver : "");
}

void ztt_check_nic_speed(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	ztt_interfaces_each(doctor, finding, look_speed);
}

/* Sums up statistics; false when not even one is there. */
static bool sum(const struct ztt_root *root, const char *name,
		const char *const *counters, uint64_t *ret_sum)
{
	char attribute[64];
	bool found = false;
	uint64_t value;

	*ret_sum = 0;
	for (; *counters; counters++) {
		snprintf(attribute, sizeof(attribute), "statistics/%s",
			 *counters);
		if (ztt_interface_uint(root, name, attribute, &value) < 0)
			continue;
		*ret_sum += value;
		found = true;
	}
	return found;
}

static double share(uint64_t part, uint64_t all)
{
	return all > 0 ? (double)part / (double)all : part > 0 ? 1 : 0;
}

static enum ztt_status judge_share(uint64_t count, double of_all, double warn,
				   double fail)
{
	if (count < FEW || of_all < warn)
		return ZTT_STATUS_OK;
	return of_all < fail ? ZTT_STATUS_WARN : ZTT_STATUS_FAIL;
}

static void look_carrier(const struct ztt_root *root, const char *name,
			 struct ztt_finding *finding)
{
	uint64_t changes;

	if (ztt_interface_uint(root, name, "carrier_changes", &changes) == 0)
		ztt_finding_note(finding,
				 changes > CARRIER_CHANGES_MAX ? ZTT_STATUS_WARN
							       : ZTT_STATUS_OK,
				 "the link changed %llu times%s",
				 (unsigned long long)changes,
				 changes > CARRIER_CHANGES_MAX
					 ? ": cable, port or optics"
					 : "");
}

static void look_errors(struct ztt_doctor *doctor, const char *name,
			struct ztt_finding *finding)
{
	/* rx_errors holds CRC, length and frame errors; rx_missed_errors and
	 * rx_fifo_errors are packets that the host was too slow for. */
	static const char *const packets[] = {"rx_packets", "tx_packets", NULL};
	static const char *const errors[] = {"rx_errors", "tx_errors", NULL};
	static const char *const crc[] = {"rx_crc_errors", NULL};
	static const char *const drops[] = {"rx_dropped", "tx_dropped",
					    "rx_missed_errors", NULL};
	uint64_t packet_sum, error_sum, drop_sum, crc_sum;
	double bad, lost;

	if (!sum(doctor->root, name, packets, &packet_sum) ||
	    !sum(doctor->root, name, errors, &error_sum)) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: no counters to read", name);
		return;
	}
	sum(doctor->root, name, drops, &drop_sum);
	sum(doctor->root, name, crc, &crc_sum);
	bad = share(error_sum, packet_sum);
	lost = share(drop_sum, packet_sum);
	ztt_finding_note(finding,
			 judge_share(error_sum, bad, ERROR_SHARE_WARN,
				     ERROR_SHARE_FAIL),
			 "%s: errors %llu (%llu CRC) of %llu packets (%.2g)",
			 name, (unsigned long long)error_sum,
			 (unsigned long long)crc_sum,
			 (unsigned long long)packet_sum, bad);
	ztt_finding_note(finding,
			 judge_share(drop_sum, lost, DROP_SHARE_WARN, 2),
			 "dropped %llu (%.2g)", (unsigned long long)drop_sum,
			 lost);
	look_carrier(doctor->root, name, finding);
}

void ztt_check_nic_errors(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	ztt_interfaces_each(doctor, finding, look_errors);
}

static void count_queues(const struct ztt_root *root, const char *name,
			 unsigned *ret_rx, unsigned *ret_tx)
{
	char path[128], **names;
	size_t count;

	*ret_rx = *ret_tx = 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", name);
	if (ztt_root_list(root, path, QUEUES_LISTED_MAX, &names, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		*ret_rx += strncmp(names[i], "rx-", 3) == 0;
		*ret_tx += strncmp(names[i], "tx-", 3) == 0;
	}
	ztt_root_list_free(names, count);
}

/* 0 when it cannot be told. */
static unsigned count_cores(const struct ztt_root *root)
{
	bool set[ZTT_CPU_LIST_MAX];
	char text[1024];
	int count;

	if (ztt_root_text(root, "/sys/devices/system/cpu/online", text,
			  sizeof(text), NULL) < 0)
		return 0;
	count = ztt_cpu_list_parse(text, set);
	return count < 0 ? 0 : (unsigned)count;
}

static bool is_emulated(const char *driver)
{
	static const char *const drivers[] = {"e1000", "8139cp", "8139too",
					      "pcnet32", "ne2k-pci"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

static void look_driver(struct ztt_doctor *doctor, const char *name,
			struct ztt_finding *finding)
{
	const unsigned cores = count_cores(doctor->root);
	char driver[NAME_MAX + 1];
	unsigned rx, tx;
	int rc = ztt_interface_driver(doctor->root, name, driver);

	if (rc == -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%s: no device behind it (bridge, veth, "
				 "tunnel)",
				 name);
		return;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, name, rc, NULL);
		return;
	}
	count_queues(doctor->root, name, &rx, &tx);
	ztt_finding_note(
		finding,
		is_emulated(driver) || (rx == 1 && cores >= 4) ? ZTT_STATUS_WARN
							       : ZTT_STATUS_OK,
		"%s: %s%s, %u receive and %u send queues, %u cores%s", name,
		driver, ztt_interface_is_virtual(driver) ? " (virtual)" : "",
		rx, tx, cores,
		is_emulated(driver) ? "; an emulated or 32-bit PCI card: every "
				      "packet is an exit to the hypervisor"
		: rx == 1 && cores >= 4 ? "; one core takes all interrupts"
					: "");
}

void ztt_check_nic_driver(struct ztt_doctor *doctor,
			  struct ztt_finding *finding)
{
	ztt_interfaces_each(doctor, finding, look_driver);
}
