/* The tunnel's credentials: which tunnel of which account, never the secret
 * itself. */
#ifndef ZTT_DOCTOR_CREDENTIALS_H
#define ZTT_DOCTOR_CREDENTIALS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct ztt_doctor;
struct ztt_err;

#define ZTT_CREDENTIALS_BYTES_MAX (64 * 1024)
#define ZTT_CREDENTIALS_SECRET_MIN_BYTES 32

struct ztt_credentials {
	char account[65];   /* account tag, 32 hexadecimal digits */
	char tunnel_id[37]; /* UUID */
	size_t secret_len_bytes;
};

struct ztt_origin_cert {
	char account[65]; /* "": none */
	char zone[65];    /* "": none */
	bool has_api_token;
};

/* All parsers: -EBADMSG with the reason, which never quotes the input. What
 * they decode is wiped. */

/* The text of a credentials file: {"AccountTag", "TunnelSecret", "TunnelID"}.
 */
int ztt_credentials_parse(const char *text, size_t len_bytes,
			  struct ztt_credentials *ret_credentials,
			  struct ztt_err *err);
/* A token: base64 of {"a", "s", "t"}; blanks around it do not matter. */
int ztt_credentials_parse_token(const char *text, size_t len_bytes,
				struct ztt_credentials *ret_credentials,
				struct ztt_err *err);
/* cert.pem: a PEM block ARGO TUNNEL TOKEN, others beside it are passed. */
int ztt_origin_cert_parse(const char *text, size_t len_bytes,
			  struct ztt_origin_cert *ret_cert,
			  struct ztt_err *err);

/* Where the engine takes its credentials from, in its own order. */
enum ztt_credentials_kind {
	ZTT_CREDENTIALS_TOKEN_PROCESS, /* --token of a process; path: its argv */
	ZTT_CREDENTIALS_TOKEN_UNIT,   /* --token in ExecStart; path: the unit */
	ZTT_CREDENTIALS_TOKEN_CONFIG, /* token: in config.yml */
	ZTT_CREDENTIALS_TOKEN_FILE,
	ZTT_CREDENTIALS_FILE,
};

struct ztt_credentials_place {
	enum ztt_credentials_kind kind;
	char path[PATH_MAX]; /* of the file, also where it does not exist */
};

/* Those of engine number `engine`: of the processes that run a tunnel here, in
 * the order of ztt_processes(); where none does, 0 is what the unit and the
 * configuration name. -ENOENT: nothing names any, and no search finds one. */
int ztt_credentials_place(struct ztt_doctor *doctor, size_t engine,
			  struct ztt_credentials_place *ret_place);

/* Finds and parses. -ENOENT: none; -EACCES and others of reading; -EBADMSG: not
 * such a file. The sentence names the place. */
int ztt_credentials(struct ztt_doctor *doctor, size_t engine,
		    struct ztt_credentials *ret_credentials,
		    struct ztt_err *err);

/* cert.pem: that of --origincert, or the first that the search finds. -ENOENT
 * when there is none. */
int ztt_origin_cert_place(struct ztt_doctor *doctor, char out[PATH_MAX]);

#endif
