/* What a process and each of its threads cost: CPU time, waits, switches,
 * memory; and what the host lost meanwhile. Two samples and their difference
 * make a window. */
#ifndef ZTT_CPU_H
#define ZTT_CPU_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_err;

#define ZTT_CPU_THREADS_MAX 256

struct ztt_cpu_thread {
	pid_t tid;
	char name[16];
	uint64_t cpu_ns;  /* /proc/PID/task/TID/schedstat, first field; of a
			     running thread up to a scheduler tick behind */
	uint64_t wait_ns; /* runnable but not running, second field */
};

struct ztt_cpu {
	uint64_t at_ns;  /* CLOCK_MONOTONIC of the sample, or the window's
			    length after ztt_cpu_window */
	uint64_t cpu_ns; /* of all threads, ended ones too
			    (clock_getcpuclockid) */
	uint64_t user_ns, system_ns; /* split as /proc/PID/stat says, 10 ms
					steps, scaled to sum to cpu_ns */
	uint64_t voluntary_switches, involuntary_switches; /* live threads */
	uint64_t rss_peak_bytes; /* VmHWM, since the process began */
	uint64_t rss_bytes;
	uint64_t udp_drops; /* sum over the process's UDP sockets of what the
			       kernel dropped for want of receive buffer */
	struct ztt_cpu_thread threads[ZTT_CPU_THREADS_MAX];
	size_t thread_count;
};

/* Samples process `pid`; of its threads the ZTT_CPU_THREADS_MAX oldest, which
 * the sum of switches counts too. A dozen threads take about 0.1 ms; the
 * struct is 10 KiB. -ESRCH: it has ended (also when it is a zombie);
 * -EACCES: /proc does not let this user read it. */
int ztt_cpu_sample(pid_t pid, struct ztt_cpu *ret_cpu, struct ztt_err *err);

/* `end` minus `begin`; threads that began in between count from 0, and
 * rss_* are `end`'s. */
void ztt_cpu_window(const struct ztt_cpu *begin, const struct ztt_cpu *end,
		    struct ztt_cpu *ret_window);

/* The thread with the most cpu_ns, or NULL when there is none. */
const struct ztt_cpu_thread *ztt_cpu_busiest(const struct ztt_cpu *window);

/* The host's own counters (/proc/stat, in ns; /proc/net/snmp and snmp6). */
struct ztt_cpu_host {
	uint64_t at_ns;
	unsigned cores_online;
	uint64_t user_ns, system_ns, softirq_ns, irq_ns, steal_ns, idle_ns;
	uint64_t udp_rcvbuf_errors; /* of this network namespace */
};

int ztt_cpu_host_sample(struct ztt_cpu_host *ret_host, struct ztt_err *err);
void ztt_cpu_host_window(const struct ztt_cpu_host *begin,
			 const struct ztt_cpu_host *end,
			 struct ztt_cpu_host *ret_window);

#endif
