#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc_lines.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"

#define CONNTRACK_WARN 0.80
#define CONNTRACK_FAIL 0.95
#define CONNTRACK_FIX_MAX 8388608 /* some 2.5 GB of entries */
#define PORTS_ADVISED 50000
#define PORT_FIRST 11000 /* the vendor's own example: 11000 60999 */
#define PORT_LAST 60999
#define GROUP_LAST "2147483647"

static void note_conntrack(uint64_t count, uint64_t max,
			   struct ztt_finding *finding)
{
	const double used = (double)count / (double)max;
	enum ztt_status status = used > CONNTRACK_FAIL   ? ZTT_STATUS_FAIL
				 : used > CONNTRACK_WARN ? ZTT_STATUS_WARN
							 : ZTT_STATUS_OK;
	char old[32], value[32];

	ztt_finding_note(finding, status, "%llu of %llu entries used (%.0f %%)",
			 (unsigned long long)count, (unsigned long long)max,
			 100 * used);
	if (status == ZTT_STATUS_OK || max > CONNTRACK_FIX_MAX / 2)
		return;
	snprintf(old, sizeof(old), "%llu", (unsigned long long)max);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)max * 2);
	ztt_finding_sysctl(finding, "net.netfilter.nf_conntrack_max", old,
			   value);
}

void ztt_check_nic_conntrack(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	static const char at_count[] =
		"/proc/sys/net/netfilter/nf_conntrack_count";
	static const char at_max[] = "/proc/sys/net/netfilter/nf_conntrack_max";
	uint64_t count, max;
	int rc = ztt_root_uint(doctor->root, at_count, &count);

	if (rc == -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "connection tracking is not loaded");
		return;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, at_count, rc, NULL);
		return;
	}
	rc = ztt_root_uint(doctor->root, at_max, &max);
	if (rc < 0)
		ztt_finding_unread(finding, at_max, rc, NULL);
	else if (max == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%llu entries, no limit",
				 (unsigned long long)count);
	else
		note_conntrack(count, max, finding);
}

/* Two numbers separated by blanks, and nothing else. */
static int read_pair(const struct ztt_root *root, const char *path,
		     uint64_t *ret_first, uint64_t *ret_last)
{
	char text[64], *end;
	int rc = ztt_root_text(root, path, text, sizeof(text), NULL);

	if (rc < 0)
		return rc;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_first = strtoull(text, &end, 10);
	end += strspn(end, " \t");
	if (*end < '0' || *end > '9')
		return -EINVAL;
	*ret_last = strtoull(end, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

static void offer_ports(uint64_t first, uint64_t last,
			struct ztt_finding *finding)
{
	char old[48], value[48];

	snprintf(old, sizeof(old), "%llu %llu", (unsigned long long)first,
		 (unsigned long long)last);
	snprintf(value, sizeof(value), "%llu %llu",
		 (unsigned long long)(first < PORT_FIRST ? first : PORT_FIRST),
		 (unsigned long long)(last > PORT_LAST ? last : PORT_LAST));
	ztt_finding_sysctl(finding, "net.ipv4.ip_local_port_range", old, value);
}

void ztt_check_nic_ports(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
	uint64_t first, last;
	int rc = read_pair(doctor->root, path, &first, &last);

	if (rc == 0 && (first > last || last > UINT16_MAX))
		rc = -EINVAL;
	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	ztt_finding_note(finding,
			 last - first + 1 < PORTS_ADVISED ? ZTT_STATUS_WARN
							  : ZTT_STATUS_OK,
			 "%llu to %llu: %llu ports", (unsigned long long)first,
			 (unsigned long long)last,
			 (unsigned long long)(last - first + 1));
	if (last - first + 1 < PORTS_ADVISED)
		offer_ports(first, last, finding);
}

/* The effective group, second of "Gid: real effective saved fs". */
static int read_group(const struct ztt_root *root, pid_t pid, uint64_t *ret_gid)
{
	char path[64], *text;
	const char *at, *value;
	size_t len;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	rc = ztt_root_load(root, path, 65536, &text, &len);
	if (rc < 0)
		return rc;
	rc = -EINVAL;
	for (at = text; *at && rc < 0; at += *at == '\n') {
		value = ztt_proc_value(at, "Gid");
		if (value) {
			*ret_gid = ztt_proc_field(value, 1);
			rc = 0;
		}
		at += strcspn(at, "\n");
	}
	free(text);
	return rc;
}

static bool note_group(uint64_t gid, const char *whose, uint64_t first,
		       uint64_t last, struct ztt_finding *finding)
{
	const bool in = gid >= first && gid <= last;

	ztt_finding_note(finding, in ? ZTT_STATUS_OK : ZTT_STATUS_WARN,
			 "group %llu of %s is %s", (unsigned long long)gid,
			 whose, in ? "in" : "not in");
	return in;
}

/* Where no engine runs, `cloudflared service install` would run it as root. */
static bool note_groups(struct ztt_doctor *doctor, uint64_t first,
			uint64_t last, struct ztt_finding *finding)
{
	const struct ztt_processes *processes = ztt_processes(doctor);
	bool all_in = true, any = false;
	char whose[64];
	uint64_t gid;

	for (size_t i = 0; i < processes->count; i++) {
		const int pid = (int)processes->list[i].pid;
		int rc;

		if (!processes->list[i].runs_tunnel)
			continue;
		any = true;
		rc = read_group(doctor->root, pid, &gid);
		snprintf(whose, sizeof(whose), "the engine (pid %d)", pid);
		if (rc < 0)
			ztt_finding_unread(finding, whose, rc, NULL);
		else
			all_in &= note_group(gid, whose, first, last, finding);
	}
	if (!any)
		all_in = note_group(0, "a service of root (no engine runs)",
				    first, last, finding);
	return all_in;
}

void ztt_check_nic_ping_group_range(struct ztt_doctor *doctor,
				    struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/net/ipv4/ping_group_range";
	uint64_t first, last;
	char old[48];
	int rc = read_pair(doctor->root, path, &first, &last);
	bool all_in;

	if (rc < 0) {
		ztt_finding_unread(finding, path, rc, NULL);
		return;
	}
	snprintf(old, sizeof(old), "%llu %llu", (unsigned long long)first,
		 (unsigned long long)last);
	ztt_finding_note(finding,
			 first > last ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
			 "groups %s%s", old,
			 first > last ? ": nobody, not even root" : "");
	all_in = first <= last && note_groups(doctor, first, last, finding);
	if (!all_in)
		ztt_finding_sysctl(finding, "net.ipv4.ping_group_range", old,
				   "0 " GROUP_LAST);
}
