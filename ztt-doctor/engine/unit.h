/* The engine's systemd unit: its file and the drop-ins beside it, in systemd's
 * order (systemd.unit(5)). */
#ifndef ZTT_DOCTOR_UNIT_H
#define ZTT_DOCTOR_UNIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_doctor;

#define ZTT_UNIT_BYTES_MAX (64 * 1024)
#define ZTT_UNIT_WORDS_MAX 128
#define ZTT_UNIT_DROPINS_MAX 64
#define ZTT_UNIT_FILES_SHOWN 8
#define ZTT_UNIT_NOT_SET UINT64_MAX

struct ztt_unit {
	/* 0: read. -ENOENT: there is none; others: `path` cannot be read. */
	int rc;
	char name[128];      /* "cloudflared.service" */
	char path[PATH_MAX]; /* of the file, "" when there is none */
	mode_t mode;         /* of that file */
	bool masked;         /* the file is empty or /dev/null */
	char dropins[ZTT_UNIT_FILES_SHOWN][PATH_MAX];
	size_t dropin_count; /* of those kept */
	/* The words of the last ExecStart, NULL-terminated; may hold secrets. */
	char *words[ZTT_UNIT_WORDS_MAX + 1];
	size_t word_count;
	char exec_file[PATH_MAX];        /* which file that line stands in */
	mode_t exec_mode;                /* and its mode */
	bool token_in_environment;       /* Environment= has TUNNEL_TOKEN */
	char user[64];                   /* "": root */
	char type[32];                   /* "": simple */
	char environment_file[PATH_MAX]; /* of the last EnvironmentFile=, "" */
	uint64_t start_timeout_ns;       /* TimeoutStartSec or TimeoutSec;
				      ZTT_NEVER: infinity; 0: not set */
	uint64_t files_max; /* LimitNOFILE's soft part; ZTT_UNIT_NOT_SET;
			       UINT64_MAX - 1: infinity */
	char ambient[256];  /* AmbientCapabilities=, "" */
	bool enabled;       /* wanted by a target */
	bool active;        /* its control group has processes */
	bool active_known;  /* systemd's control groups could be seen */
};

/* Reads the unit that the plan names, or "cloudflared.service". The caller
 * releases. Reads several files; no privileges. */
void ztt_unit_read(struct ztt_doctor *doctor, struct ztt_unit *ret_unit);
void ztt_unit_release(struct ztt_unit *unit);

/* Adds the text of one file, as systemd would; for tests and fuzzing. */
void ztt_unit_add(struct ztt_unit *unit, const char *path, mode_t mode,
		  char *text);

/* The value of a flag of ExecStart ("--config"), or NULL. */
const char *ztt_unit_flag(const struct ztt_unit *unit, const char *flag);

#endif
