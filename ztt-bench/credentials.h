/* A tunnel's credentials, as cloudflared keeps them in <UUID>.json. */
#ifndef ZTT_BENCH_CREDENTIALS_H
#define ZTT_BENCH_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

struct ztt_err;

#define ZTT_CREDENTIALS_SECRET_BYTES 32
#define ZTT_UUID_LEN 37

struct ztt_credentials {
	char account_tag[33];
	uint8_t tunnel_id[16];
	uint8_t secret[ZTT_CREDENTIALS_SECRET_BYTES];
};

/* New random ones, valid nowhere but here. */
void ztt_credentials_make(struct ztt_credentials *ret_credentials);

/* Reads or writes {"AccountTag","TunnelSecret","TunnelID"}; a new file has mode
 * 0600. -errno of open; -EPROTO: not of that form. */
int ztt_credentials_read(const char *path,
			 struct ztt_credentials *ret_credentials,
			 struct ztt_err *err);
int ztt_credentials_write(const char *path,
			  const struct ztt_credentials *credentials,
			  struct ztt_err *err);

/* "0f5c...-..."; returns `out`. */
char *ztt_uuid_text(const uint8_t uuid[16], char out[ZTT_UUID_LEN]);

/* Writes `len_bytes` to `path` anew, mode 0600. -errno, with the cause. */
int ztt_file_write(const char *path, const char *text, size_t len_bytes,
		   struct ztt_err *err);

#endif
