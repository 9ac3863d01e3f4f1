#define _GNU_SOURCE
#include "ztt-doctor/engine/credentials.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* Decodes standard base64, line ends within left out; the caller wipes and
 * frees. */
static int decode(const char *text, size_t len, unsigned char **ret_data,
		  size_t *ret_len)
{
	unsigned char *packed = ztt_alloc(len + 1), *data;
	size_t count = 0;
	int got;

	for (size_t i = 0; i < len; i++)
		if (!isspace((unsigned char)text[i]))
			packed[count++] = (unsigned char)text[i];
	data = ztt_alloc(count + 4);
	got = count > 0 && count % 4 == 0
		      ? EVP_DecodeBlock(data, packed, (int)count)
		      : -1;
	for (size_t i = 1; got > 0 && i <= 2; i++)
		if (packed[count - i] == '=')
			got--;
	explicit_bzero(packed, count);
	free(packed);
	if (got <= 0) {
		free(data);
		return -EBADMSG;
	}
	*ret_data = data;
	*ret_len = (size_t)got;
	return 0;
}

static void wipe_json(json_t *root)
{
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value) if (json_is_string(value))
		explicit_bzero((void *)(size_t)json_string_value(value),
			       json_string_length(value));
	json_decref(root);
}

static json_t *load_object(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23
			    ? text[i] != '-'
			    : !isxdigit((unsigned char)text[i]))
			return false;
	return text[36] == 0;
}

static bool is_tag(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF");

	return len > 0 && len <= 64 && text[len] == 0;
}

static int take(json_t *root, const char *const names[3],
		struct ztt_credentials *ret, struct ztt_err *err)
{
	const char *account =
		json_string_value(json_object_get(root, names[0]));
	const char *secret = json_string_value(json_object_get(root, names[1]));
	const char *tunnel = json_string_value(json_object_get(root, names[2]));
	unsigned char *data;
	size_t len;

	if (!account || !is_tag(account))
		return ztt_err_set(err, -EBADMSG, "it holds no account tag");
	if (!tunnel || !is_uuid(tunnel))
		return ztt_err_set(err, -EBADMSG, "it holds no tunnel id");
	if (!secret || decode(secret, strlen(secret), &data, &len) < 0)
		return ztt_err_set(err, -EBADMSG,
				   "the tunnel secret in it is no base64");
	explicit_bzero(data, len);
	free(data);
	if (len < ZTT_CREDENTIALS_SECRET_MIN_BYTES)
		return ztt_err_set(err, -EBADMSG,
				   "the tunnel secret in it has %zu bytes, "
				   "less than %d",
				   len, ZTT_CREDENTIALS_SECRET_MIN_BYTES);
	snprintf(ret->account, sizeof(ret->account), "%s", account);
	snprintf(ret->tunnel_id, sizeof(ret->tunnel_id), "%s", tunnel);
	ret->secret_len_bytes = len;
	return 0;
}

static int parse(const char *text, size_t len_bytes, const char *const names[3],
		 struct ztt_credentials *ret, struct ztt_err *err)
{
	json_t *root = load_object(text, len_bytes);
	int rc;

	if (!root)
		return ztt_err_set(err, -EBADMSG, "it is no JSON object");
	rc = take(root, names, ret, err);
	wipe_json(root);
	return rc;
}

int ztt_credentials_parse(const char *text, size_t len_bytes,
			  struct ztt_credentials *ret_credentials,
			  struct ztt_err *err)
{
	static const char *const names[] = {"AccountTag", "TunnelSecret",
					    "TunnelID"};

	if (len_bytes > ZTT_CREDENTIALS_BYTES_MAX)
		return ztt_err_set(err, -EBADMSG, "it is too long");
	return parse(text, len_bytes, names, ret_credentials, err);
}

int ztt_credentials_parse_token(const char *text, size_t len_bytes,
				struct ztt_credentials *ret_credentials,
				struct ztt_err *err)
{
	static const char *const names[] = {"a", "s", "t"};
	unsigned char *data;
	size_t len;
	int rc;

	if (len_bytes > ZTT_CREDENTIALS_BYTES_MAX ||
	    decode(text, len_bytes, &data, &len) < 0)
		return ztt_err_set(err, -EBADMSG, "it is no base64");
	rc = parse((const char *)data, len, names, ret_credentials, err);
	explicit_bzero(data, len);
	free(data);
	return rc;
}

static void copy_tag(char out[65], json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	snprintf(out, 65, "%s", text && is_tag(text) ? text : "");
}

static int parse_block(const char *text, size_t len_bytes,
		       struct ztt_origin_cert *ret, struct ztt_err *err)
{
	unsigned char *data;
	const char *token;
	json_t *root;
	size_t len;

	if (decode(text, len_bytes, &data, &len) < 0)
		return ztt_err_set(err, -EBADMSG,
				   "its block ARGO TUNNEL TOKEN is no base64");
	root = load_object((const char *)data, len);
	explicit_bzero(data, len);
	free(data);
	if (!root)
		return ztt_err_set(err, -EBADMSG,
				   "its block ARGO TUNNEL TOKEN holds no JSON "
				   "object");
	copy_tag(ret->account, root, "accountID");
	copy_tag(ret->zone, root, "zoneID");
	token = json_string_value(json_object_get(root, "apiToken"));
	ret->has_api_token = token && token[0];
	wipe_json(root);
	return 0;
}

int ztt_origin_cert_parse(const char *text, size_t len_bytes,
			  struct ztt_origin_cert *ret_cert, struct ztt_err *err)
{
	static const char begin[] = "-----BEGIN ARGO TUNNEL TOKEN-----";
	static const char end[] = "-----END ARGO TUNNEL TOKEN-----";
	struct ztt_origin_cert cert;
	const char *from, *to = NULL;
	int rc;

	if (len_bytes > ZTT_CREDENTIALS_BYTES_MAX)
		return ztt_err_set(err, -EBADMSG, "it is too long");
	from = memmem(text, len_bytes, begin, sizeof(begin) - 1);
	if (from) {
		from += sizeof(begin) - 1;
		to = memmem(from, len_bytes - (size_t)(from - text), end,
			    sizeof(end) - 1);
	}
	if (!to)
		return ztt_err_set(err, -EBADMSG,
				   "it has no PEM block ARGO TUNNEL TOKEN");
	rc = parse_block(from, (size_t)(to - from), &cert, err);
	if (rc < 0)
		return rc;
	if (!cert.has_api_token)
		return ztt_err_set(err, -EBADMSG, "it holds no API token");
	*ret_cert = cert;
	return 0;
}
