/* cloudflared's config.yml, read with libyaml: bounded in size, depth and
 * aliases. */
#ifndef ZTT_DOCTOR_CONFIG_H
#define ZTT_DOCTOR_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct ztt_doctor;

#define ZTT_CONFIG_BYTES_MAX (1024 * 1024)
#define ZTT_CONFIG_DEPTH_MAX 32
#define ZTT_CONFIG_RULES_MAX 1024
#define ZTT_CONFIG_UNKNOWN_MAX 32
#define ZTT_CONFIG_KEYS_MAX 128

struct ztt_config_rule {
	char *hostname; /* NULL: any */
	char *path;     /* NULL: any */
	char *service;  /* NULL: missing */
	bool no_tls_verify, bastion_mode;
	bool aliased; /* an alias stands for some of it: what is NULL may yet be
			 there */
	unsigned line;
};

/* A top-level scalar, as "protocol" "http2"; of a list, its scalars joined by
 * commas. That of "token" or "credentials-contents" is a secret. */
struct ztt_config_key {
	char *name, *value;
	unsigned line;
};

struct ztt_config {
	/* 0: read. -ENOENT: there is none; others: cannot be read, or is
	 * broken (-EBADMSG), and `problem` says how, with the line. */
	int rc;
	char problem[256];
	char path[PATH_MAX];             /* which file, or "" */
	char *tunnel, *credentials_file; /* NULL: not given */
	struct ztt_config_rule *rules;
	size_t rule_count;
	bool has_ingress;
	bool aliased;      /* an alias stands for something that was looked for;
			 aliases are never followed */
	bool bastion_mode; /* of the top-level originRequest */
	struct ztt_config_key keys[ZTT_CONFIG_KEYS_MAX];
	size_t key_count;
	/* Keys that cloudflared does not know, "ingres (line 4; did you mean
	 * ingress?)". */
	char *unknown[ZTT_CONFIG_UNKNOWN_MAX];
	size_t unknown_count;
};

/* The file that the user named, that a running engine or the unit names, or
 * that cloudflared's own search finds first. Never NULL. */
const struct ztt_config *ztt_config(struct ztt_doctor *doctor);

/* Parses a text; for tests and fuzzing. The caller releases. */
void ztt_config_parse(const char *text, size_t len_bytes,
		      struct ztt_config *ret_config);
void ztt_config_release(struct ztt_config *config);

/* A top-level scalar, or NULL. */
const char *ztt_config_value(const struct ztt_config *config, const char *name);

#endif
