#include "ztt-capture/decode/ja4.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSION_SERVER_NAME 0x0000
#define EXTENSION_ALPN 0x0010
#define HASH_DIGITS 12
#define SHOWN_MAX 99
#define ITEM_CHARS 5 /* "1301," */

void ztt_ja4_add(struct ztt_ja4_list *list, uint16_t value)
{
	if (list->count < ZTT_JA4_LIST_MAX)
		list->values[list->count] = value;
	list->count++;
}

bool ztt_ja4_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static const char *version_text(uint16_t version)
{
	switch (version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	default:
		return "00";
	}
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* Its first and last characters, or those of it in hex. */
static void alpn_text(const struct ztt_ja4 *ja4, char out[3])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t first, last;

	memcpy(out, "00", 3);
	if (!ja4->alpn || ja4->alpn_bytes == 0)
		return;
	first = ja4->alpn[0];
	last = ja4->alpn[ja4->alpn_bytes - 1];
	if (is_alphanumeric(first) && is_alphanumeric(last)) {
		out[0] = (char)first;
		out[1] = (char)last;
	} else {
		out[0] = digits[first >> 4];
		out[1] = digits[last & 15];
	}
}

static void drop(struct ztt_ja4_list *list, bool (*is_dropped)(uint16_t value))
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!is_dropped(list->values[i]))
			list->values[kept++] = list->values[i];
	list->count = kept;
}

static int compare(const void *a, const void *b)
{
	const uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct ztt_ja4_list *list)
{
	qsort(list->values, list->count, sizeof(*list->values), compare);
}

/* "002f,0035": returns its length. */
static size_t list_text(const struct ztt_ja4_list *list, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < list->count; i++)
		len += (size_t)snprintf(out + len, ITEM_CHARS + 1, "%s%04x",
					i > 0 ? "," : "", list->values[i]);
	return len;
}

static void hash_text(const char *text, size_t len, char out[HASH_DIGITS + 1])
{
	uint8_t digest[32] = {0};

	if (len > 0)
		gnutls_hash_fast(GNUTLS_DIG_SHA256, text, len, digest);
	for (size_t i = 0; i < HASH_DIGITS / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool is_in_first_part(uint16_t extension)
{
	return extension == EXTENSION_SERVER_NAME ||
	       extension == EXTENSION_ALPN;
}

static size_t shown(size_t count)
{
	return count > SHOWN_MAX ? SHOWN_MAX : count;
}

static void extension_hash(struct ztt_ja4_list *extensions,
			   const struct ztt_ja4_list *signatures,
			   char out[HASH_DIGITS + 1])
{
	char text[2 * ITEM_CHARS * ZTT_JA4_LIST_MAX + 2];
	size_t len;

	drop(extensions, is_in_first_part);
	sort(extensions);
	len = list_text(extensions, text);
	if (len > 0 && signatures->count > 0) {
		text[len++] = '_';
		len += list_text(signatures, text + len);
	}
	hash_text(text, len, out);
}

static void cipher_hash(struct ztt_ja4_list *ciphers, char out[HASH_DIGITS + 1])
{
	char text[ITEM_CHARS * ZTT_JA4_LIST_MAX + 1];

	sort(ciphers);
	hash_text(text, list_text(ciphers, text), out);
}

static bool has_server_name(const struct ztt_ja4_list *extensions)
{
	for (size_t i = 0; i < extensions->count; i++)
		if (extensions->values[i] == EXTENSION_SERVER_NAME)
			return true;
	return false;
}

void ztt_ja4_text(const struct ztt_ja4 *ja4, char out[ZTT_JA4_LEN])
{
	struct ztt_ja4_list ciphers = ja4->ciphers,
			    extensions = ja4->extensions,
			    signatures = ja4->signatures;
	char alpn[3], first[HASH_DIGITS + 1], second[HASH_DIGITS + 1];
	size_t cipher_count, extension_count;
	bool named;

	out[0] = '\0';
	if (ciphers.count > ZTT_JA4_LIST_MAX ||
	    extensions.count > ZTT_JA4_LIST_MAX ||
	    signatures.count > ZTT_JA4_LIST_MAX)
		return;
	drop(&ciphers, ztt_ja4_is_grease);
	drop(&extensions, ztt_ja4_is_grease);
	drop(&signatures, ztt_ja4_is_grease);
	cipher_count = shown(ciphers.count);
	extension_count = shown(extensions.count);
	named = has_server_name(&extensions);
	alpn_text(ja4, alpn);
	cipher_hash(&ciphers, first);
	extension_hash(&extensions, &signatures, second);
	snprintf(out, ZTT_JA4_LEN, "%c%s%c%02zu%02zu%s_%s_%s",
		 ja4->quic ? 'q' : 't', version_text(ja4->version),
		 named ? 'd' : 'i', cipher_count, extension_count, alpn, first,
		 second);
}
