#include "ztt-bench/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"

void ztt_credentials_make(struct ztt_credentials *ret_credentials)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t tag[32];

	gnutls_rnd(GNUTLS_RND_RANDOM, tag, sizeof(tag));
	for (size_t i = 0; i < sizeof(tag); i++)
		ret_credentials->account_tag[i] = digits[tag[i] & 15];
	ret_credentials->account_tag[sizeof(tag)] = '\0';
	gnutls_rnd(GNUTLS_RND_RANDOM, ret_credentials->tunnel_id,
		   sizeof(ret_credentials->tunnel_id));
	gnutls_rnd(GNUTLS_RND_KEY, ret_credentials->secret,
		   sizeof(ret_credentials->secret));
	/* RFC 9562, section 5.4: version 4, variant 10 */
	ret_credentials->tunnel_id[6] =
		(ret_credentials->tunnel_id[6] & 0x0f) | 0x40;
	ret_credentials->tunnel_id[8] =
		(ret_credentials->tunnel_id[8] & 0x3f) | 0x80;
}

char *ztt_uuid_text(const uint8_t uuid[16], char out[ZTT_UUID_LEN])
{
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		snprintf(out + at, 3, "%02x", uuid[i]);
		at += 2;
	}
	return out;
}

/* sscanf would take signs and blanks for digits. */
static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
		c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int read_uuid(const char *text, uint8_t ret_uuid[16])
{
	size_t at = 0;

	if (strlen(text) != ZTT_UUID_LEN - 1)
		return -EPROTO;
	for (size_t i = 0; i < 16; i++, at += 2) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) &&
		    text[at++] != '-')
			return -EPROTO;
		if (digit_of(text[at]) < 0 || digit_of(text[at + 1]) < 0)
			return -EPROTO;
		ret_uuid[i] = (uint8_t)(digit_of(text[at]) << 4 |
					digit_of(text[at + 1]));
	}
	return 0;
}

static int read_secret(const char *text, uint8_t *ret_secret)
{
	gnutls_datum_t base64 = {(uint8_t *)(uintptr_t)text,
				 (unsigned)strlen(text)};
	gnutls_datum_t raw = {NULL, 0};
	int rc = -EPROTO;

	if (gnutls_base64_decode2(&base64, &raw) < 0)
		return -EPROTO;
	if (raw.size == ZTT_CREDENTIALS_SECRET_BYTES) {
		memcpy(ret_secret, raw.data, raw.size);
		rc = 0;
	}
	gnutls_memset(raw.data, 0, raw.size);
	gnutls_free(raw.data);
	return rc;
}

int ztt_credentials_read(const char *path,
			 struct ztt_credentials *ret_credentials,
			 struct ztt_err *err)
{
	const char *tag, *secret, *id;
	struct ztt_credentials got;
	json_error_t where;
	json_t *json;
	int rc = -EPROTO;

	if (access(path, R_OK) < 0)
		return ztt_err_set(err, -errno,
				   "cannot read the credentials "
				   "%s: %s",
				   path, strerror(errno));
	json = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	tag = json_string_value(json_object_get(json, "AccountTag"));
	secret = json_string_value(json_object_get(json, "TunnelSecret"));
	id = json_string_value(json_object_get(json, "TunnelID"));
	if (tag && strlen(tag) < sizeof(got.account_tag) && secret && id &&
	    read_uuid(id, got.tunnel_id) == 0 &&
	    read_secret(secret, got.secret) == 0) {
		snprintf(got.account_tag, sizeof(got.account_tag), "%s", tag);
		*ret_credentials = got;
		rc = 0;
	}
	gnutls_memset(&got, 0, sizeof(got));
	json_decref(json);
	if (rc < 0)
		ztt_err_set(err, rc,
			    "%s is no tunnel credentials: it needs "
			    "AccountTag, a TunnelSecret of 32 bytes in base64 "
			    "and TunnelID",
			    path);
	return rc;
}

int ztt_file_write(const char *path, const char *text, size_t len_bytes,
		   struct ztt_err *err)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return ztt_err_set(err, -errno, "cannot write %s: %s", path,
				   strerror(errno));
	while (len_bytes && rc == 0) {
		const ssize_t n = write(fd, text, len_bytes);

		if (n < 0) {
			rc = ztt_err_set(err, -errno, "cannot write %s: %s",
					 path, strerror(errno));
		} else {
			text += n;
			len_bytes -= (size_t)n;
		}
	}
	if (close(fd) < 0 && rc == 0)
		rc = ztt_err_set(err, -errno, "cannot write %s: %s", path,
				 strerror(errno));
	return rc;
}

int ztt_credentials_write(const char *path,
			  const struct ztt_credentials *credentials,
			  struct ztt_err *err)
{
	gnutls_datum_t raw = {(uint8_t *)(uintptr_t)credentials->secret,
			      sizeof(credentials->secret)};
	gnutls_datum_t base64 = {NULL, 0};
	char uuid[ZTT_UUID_LEN];
	struct ztt_json json;
	const char *text;
	size_t len;
	int rc;

	if (gnutls_base64_encode2(&raw, &base64) < 0)
		return ztt_err_set(err, -ENOMEM, "cannot encode a secret");
	ztt_json_init(&json, false);
	ztt_json_object(&json, NULL);
	ztt_json_string(&json, "AccountTag", credentials->account_tag);
	ztt_json_string(&json, "TunnelSecret", (const char *)base64.data);
	ztt_json_string(&json, "TunnelID",
			ztt_uuid_text(credentials->tunnel_id, uuid));
	ztt_json_end_object(&json);
	text = ztt_json_text(&json, &len);
	rc = ztt_file_write(path, text, len, err);
	gnutls_memset(json.text, 0, json.len_bytes);
	ztt_json_release(&json);
	gnutls_memset(base64.data, 0, base64.size);
	gnutls_free(base64.data);
	return rc;
}
