#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/cpu.h"
#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/host/cgroup.h"
#include "ztt-doctor/host/cpu_info.h"
#include "ztt-doctor/host/window.h"

/* The manual's figure. */
#define VCPU_PER_GBPS 2.0
#define CORES_LEAST 2
#define STEAL_WARN 0.02
#define STEAL_FAIL 0.10
#define POLICIES_MAX 1024

static void note_x86(struct ztt_finding *finding,
		     const struct ztt_cpu_info *info)
{
	bool gcm = info->aes && info->pclmulqdq;
	const char *wide = info->vaes      ? ", VAES"
			   : info->avx512f ? ", AVX-512 without VAES"
			   : info->avx2    ? ", AVX2 without VAES"
					   : "";

	ztt_finding_note(finding, gcm ? ZTT_STATUS_OK : ZTT_STATUS_WARN,
			 "%s: %sAES-NI, %sPCLMULQDQ%s",
			 info->model[0] ? info->model : "x86 processor",
			 info->aes ? "" : "no ", info->pclmulqdq ? "" : "no ",
			 wide);
	if (!gcm && info->hypervisor)
		ztt_finding_advise(
			finding,
			"this is a virtual machine: let its processor model "
			"pass the host's instructions on (QEMU: -cpu host)");
}

static void note_arm(struct ztt_finding *finding,
		     const struct ztt_cpu_info *info)
{
	ztt_finding_note(finding,
			 info->aes && info->pmull ? ZTT_STATUS_OK
						  : ZTT_STATUS_WARN,
			 "%s: %sAES, %sPMULL, %sSHA2",
			 info->model[0] ? info->model : "Arm processor",
			 info->aes ? "" : "no ", info->pmull ? "" : "no ",
			 info->sha2 ? "" : "no ");
	if (!info->aes)
		ztt_finding_advise(
			finding,
			"none in software: a Raspberry Pi 5 has them, a "
			"Raspberry Pi 4 and older have not; expect ChaCha20");
}

void ztt_check_cpu_aes(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_cpu_info info;
	int rc = ztt_cpu_info_read(doctor->root, &info);

	if (rc < 0)
		ztt_finding_unread(finding, "/proc/cpuinfo", rc, NULL);
	else if (!info.has_flags)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "/proc/cpuinfo lists no instructions");
	else if (info.arm)
		note_arm(finding, &info);
	else
		note_x86(finding, &info);
}

static int read_list(const struct ztt_root *root, const char *path,
		     bool set[ZTT_CPU_LIST_MAX])
{
	char text[4096];
	int rc = ztt_root_text(root, path, text, sizeof(text), NULL);

	return rc < 0 ? rc : ztt_cpu_list_parse(text, set);
}

/* "Cpus_allowed_list:\t0-3": affinity and cpuset together. */
static int read_allowed(const struct ztt_root *root, pid_t pid,
			bool set[ZTT_CPU_LIST_MAX])
{
	static const char key[] = "\nCpus_allowed_list:";
	char path[64], text[8192], *at;
	int rc;

	if (pid > 0)
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	else
		snprintf(path, sizeof(path), "/proc/self/status");
	rc = ztt_root_text(root, path, text, sizeof(text), NULL);
	if (rc < 0)
		return rc;
	at = strstr(text, key);
	if (!at)
		return -EINVAL;
	at += sizeof(key) - 1;
	return ztt_cpu_list_parse(at + strspn(at, " \t"), set);
}

/* Online, or -errno. */
static int count_online(const struct ztt_root *root, bool set[ZTT_CPU_LIST_MAX])
{
	struct ztt_cpu_info info;
	int rc = read_list(root, "/sys/devices/system/cpu/online", set);

	if (rc > 0)
		return rc;
	rc = ztt_cpu_info_read(root, &info);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < ZTT_CPU_LIST_MAX; i++)
		set[i] = i < info.processors;
	return info.processors > 0 ? (int)info.processors : -EINVAL;
}

/* What the engine may use: the first one running, else what this process may.
 */
static pid_t engine_pid(struct ztt_doctor *doctor)
{
	const struct ztt_processes *engines = ztt_processes(doctor);

	return engines->count > 0 ? engines->list[0].pid : 0;
}

static int count_usable(struct ztt_doctor *doctor, pid_t pid, int online,
			const bool *is_online)
{
	bool allowed[ZTT_CPU_LIST_MAX];
	int usable = 0;

	if (read_allowed(doctor->root, pid, allowed) <= 0)
		return online;
	for (unsigned i = 0; i < ZTT_CPU_LIST_MAX; i++)
		usable += is_online[i] && allowed[i];
	return usable > 0 ? usable : online;
}

static void judge_cores(struct ztt_doctor *doctor, struct ztt_finding *finding,
			int usable, const char *seen)
{
	const struct ztt_doctor_plan *plan = &doctor->plan;
	bool measured = plan->measured.vcpu_per_gbps > 0;
	double each = measured ? plan->measured.vcpu_per_gbps : VCPU_PER_GBPS;
	char source[96] = "the manual's figure";
	double need = plan->target_gbps * each;

	if (measured)
		snprintf(source, sizeof(source), "measured here with %s",
			 plan->measured.engine);

	if (plan->target_gbps <= 0) {
		ztt_finding_note(
			finding,
			usable >= CORES_LEAST ? ZTT_STATUS_OK : ZTT_STATUS_WARN,
			"%s: about %.2g Gbit/s at %.2g vCPU per Gbit/s (%s)",
			seen, usable / each, each, source);
		return;
	}
	ztt_finding_expect(finding,
			   "%.3g for %.3g Gbit/s at %.2g vCPU per Gbit/s (%s)",
			   ceil(need - 1e-9), plan->target_gbps, each, source);
	ztt_finding_note(finding,
			 usable + 1e-9 >= need ? ZTT_STATUS_OK
					       : ZTT_STATUS_FAIL,
			 "%s: about %.2g Gbit/s of the %.3g wanted", seen,
			 usable / each, plan->target_gbps);
}

void ztt_check_cpu_cores(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	bool is_online[ZTT_CPU_LIST_MAX];
	pid_t pid = engine_pid(doctor);
	int online = count_online(doctor->root, is_online), usable;
	char seen[128];

	if (online < 0) {
		ztt_finding_unread(finding, "/proc/cpuinfo", online, NULL);
		return;
	}
	usable = count_usable(doctor, pid, online, is_online);
	if (usable < online)
		snprintf(seen, sizeof(seen), "%d of %d cores (affinity of %s)",
			 usable, online,
			 pid > 0 ? "the running engine" : "this process");
	else
		snprintf(seen, sizeof(seen), "%d core%s", online,
			 online == 1 ? "" : "s");
	judge_cores(doctor, finding, usable, seen);
}

static double steal_share(const struct ztt_cpu_host *host)
{
	uint64_t all = host->user_ns + host->system_ns + host->softirq_ns +
		       host->irq_ns + host->steal_ns + host->idle_ns;

	return all > 0 ? (double)host->steal_ns / (double)all : 0;
}

/* Steal hurts when the host is busy: an idle guest is robbed of nothing. */
void ztt_check_cpu_steal(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_cpu_host begin, end, window;
	struct ztt_err err;
	double now, boot;

	if (ztt_cpu_host_sample(&begin, &err) < 0)
		goto unread;
	ztt_window_wait(doctor);
	if (ztt_cpu_host_sample(&end, &err) < 0)
		goto unread;
	ztt_cpu_host_window(&begin, &end, &window);
	now = steal_share(&window);
	boot = steal_share(&end);
	ztt_finding_note(finding,
			 now > STEAL_FAIL ? ZTT_STATUS_FAIL
			 : now > STEAL_WARN || boot > STEAL_WARN
				 ? ZTT_STATUS_WARN
				 : ZTT_STATUS_OK,
			 "%.1f %% over %.1f s, %.1f %% since boot", 100 * now,
			 (double)window.at_ns / (double)ZTT_NS_PER_S,
			 100 * boot);
	return;
unread:
	ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s", err.text);
}

/* intel_pstate and amd-pstate-epp have a "powersave" that rises with the load
 * (Documentation/admin-guide/pm/intel_pstate.rst). */
static bool is_slow(const char *governor, const char *driver)
{
	if (strcmp(governor, "powersave") != 0)
		return false;
	return strcmp(driver, "intel_pstate") != 0 &&
	       strcmp(driver, "amd-pstate-epp") != 0 &&
	       strcmp(driver, "amd-pstate") != 0;
}

struct governor {
	char name[64], driver[64];
	unsigned policies;
};

#define GOVERNORS_MAX 8

static size_t add_governor(struct governor *list, size_t count,
			   const char *name, const char *driver)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0 &&
		    strcmp(list[i].driver, driver) == 0) {
			list[i].policies++;
			return count;
		}
	}
	if (count == GOVERNORS_MAX)
		return count;
	snprintf(list[count].name, sizeof(list->name), "%s", name);
	snprintf(list[count].driver, sizeof(list->driver), "%s", driver);
	list[count].policies = 1;
	return count + 1;
}

static size_t read_governors(const struct ztt_root *root, char **names,
			     size_t name_count, struct governor *list)
{
	static const char dir[] = "/sys/devices/system/cpu/cpufreq";
	char path[PATH_MAX], name[64], driver[64];
	size_t count = 0;

	for (size_t i = 0; i < name_count; i++) {
		if (strncmp(names[i], "policy", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/scaling_governor", dir,
			 names[i]);
		if (ztt_root_text(root, path, name, sizeof(name), NULL) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/scaling_driver", dir,
			 names[i]);
		if (ztt_root_text(root, path, driver, sizeof(driver), NULL) < 0)
			driver[0] = 0;
		count = add_governor(list, count, name, driver);
	}
	return count;
}

void ztt_check_cpu_governor(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	struct governor list[GOVERNORS_MAX];
	char **names = NULL;
	size_t name_count = 0, count = 0;

	if (ztt_root_list(doctor->root, "/sys/devices/system/cpu/cpufreq",
			  POLICIES_MAX, &names, &name_count) == 0) {
		count = read_governors(doctor->root, names, name_count, list);
		ztt_root_list_free(names, name_count);
	}
	if (count == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no frequency control visible (a virtual "
				 "machine has none)");
	for (size_t i = 0; i < count; i++)
		ztt_finding_note(finding,
				 is_slow(list[i].name, list[i].driver)
					 ? ZTT_STATUS_WARN
					 : ZTT_STATUS_OK,
				 "%s (%s) on %u polic%s", list[i].name,
				 list[i].driver[0] ? list[i].driver
						   : "driver not told",
				 list[i].policies,
				 list[i].policies == 1 ? "y" : "ies");
}

static void note_quota(struct ztt_finding *finding, const char *whose,
		       const struct ztt_cgroup_cpu *cpu)
{
	double share = cpu->periods > 0
			       ? (double)cpu->throttled / (double)cpu->periods
			       : 0;
	bool tight = cpu->cores < CORES_LEAST;

	if (!cpu->has_stat || cpu->periods == 0) {
		ztt_finding_note(finding,
				 tight ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
				 "%s: %.2f cores by %s", whose, cpu->cores,
				 cpu->where);
		return;
	}
	ztt_finding_note(finding,
			 tight || share > 0.01 ? ZTT_STATUS_WARN
					       : ZTT_STATUS_OK,
			 "%s: %.2f cores by %s, throttled in %.1f %% of %llu "
			 "periods",
			 whose, cpu->cores, cpu->where, 100 * share,
			 (unsigned long long)cpu->periods);
}

void ztt_check_cpu_quota(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct ztt_processes *engines = ztt_processes(doctor);
	struct ztt_cgroup_cpu cpu;
	size_t free_engines = 0;
	char whose[64];
	int rc;

	for (size_t i = 0; i < engines->count; i++) {
		snprintf(whose, sizeof(whose), "engine process %d",
			 (int)engines->list[i].pid);
		rc = ztt_cgroup_cpu(doctor->root, engines->list[i].pid, &cpu);
		if (rc < 0)
			ztt_finding_note(
				finding, ZTT_STATUS_UNKNOWN,
				"%s: its control group cannot be read: %s",
				whose, strerror(-rc));
		else if (cpu.limited)
			note_quota(finding, whose, &cpu);
		else
			free_engines++;
	}
	if (free_engines > 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu of %zu engine processes without a quota",
				 free_engines, engines->count);
	if (engines->count > 0)
		return;
	rc = ztt_cgroup_cpu(doctor->root, 0, &cpu);
	if (rc == -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no engine runs, and this process is in no "
				 "control group with a cpu controller");
	else if (rc < 0)
		ztt_finding_unread(finding, "/proc/self/cgroup", rc, NULL);
	else if (cpu.limited)
		note_quota(finding, "this process", &cpu);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "this process: no quota (no engine runs)");
}
