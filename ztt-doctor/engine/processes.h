/* The engine's processes on this host: every cloudflared that runs. */
#ifndef ZTT_DOCTOR_PROCESSES_H
#define ZTT_DOCTOR_PROCESSES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_doctor;

#define ZTT_PROCESSES_MAX 32
#define ZTT_PROCESS_ARGS_MAX 128

struct ztt_process {
	pid_t pid;
	uid_t uid;               /* effective */
	uint64_t effective_caps; /* CapEff of /proc/PID/status */
	bool net_admin; /* CAP_NET_ADMIN is in them: SO_RCVBUFFORCE works */
	bool has_exe;   /* exe could be read */
	char exe[PATH_MAX];
	bool contained;     /* its files are others than ours: a mount namespace
			    of its own, as in a container */
	bool other_network; /* its loopback is not ours either */
	bool runs_tunnel; /* not "cloudflared access", "tail", "update", ... */
	uint64_t files_soft_max; /* "Max open files", UINT64_MAX: unlimited; 0:
				    not known */
	uint64_t files_open;     /* 0: not known */
	/* argv, NUL-separated, and where each begins. It may hold secrets:
	 * never show it. */
	char *args;
	const char *argv[ZTT_PROCESS_ARGS_MAX + 1];
	size_t argc;
};

struct ztt_processes {
	struct ztt_process list[ZTT_PROCESSES_MAX];
	size_t count;
	bool partial; /* some of /proc could not be read, or there are more */
};

/* Found by the name of the program ("cloudflared", any path) in /proc/PID/comm
 * or exe. Never NULL. */
const struct ztt_processes *ztt_processes(struct ztt_doctor *doctor);

/* The same for flags that name a file: NULL for one whose files are not ours. */
const char *ztt_process_file_flag(const struct ztt_process *process,
				  const char *flag);

/* The value of a flag ("--config", also "--config=VALUE" and with one dash), or
 * NULL. `flag` begins with two dashes. */
const char *ztt_process_flag(const struct ztt_process *process,
			     const char *flag);

/* The same in any list of words, as of a unit's ExecStart. */
const char *ztt_flag_find(const char *const *argv, size_t argc,
			  const char *flag);

#endif
