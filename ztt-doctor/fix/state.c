#include "ztt-doctor/fix/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/err.h"

void ztt_state_release(struct ztt_state *state)
{
	free(state->bytes);
	*state = (struct ztt_state){.print = ""};
}

static void set_bytes(struct ztt_state *state, const char *bytes,
		      size_t len_bytes)
{
	state->bytes = ztt_alloc(len_bytes + 1);
	memcpy(state->bytes, bytes, len_bytes);
	state->bytes[len_bytes] = 0;
	state->len_bytes = len_bytes;
}

void ztt_state_copy(struct ztt_state *to, const struct ztt_state *from)
{
	*to = *from;
	if (from->bytes)
		set_bytes(to, from->bytes, from->len_bytes);
}

bool ztt_state_same(const struct ztt_state *a, const struct ztt_state *b)
{
	return strcmp(a->print, b->print) == 0;
}

void ztt_state_of_file(struct ztt_state *state, const char *bytes,
		       size_t len_bytes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	*state = (struct ztt_state){.print = ""};
	set_bytes(state, bytes, len_bytes);
	if (!EVP_Digest(bytes, len_bytes, digest, &len, EVP_sha256(), NULL))
		abort();
	for (unsigned i = 0; i < len && i < 32; i++)
		snprintf(state->print + (size_t)2 * i, 3, "%02x", digest[i]);
}

int ztt_state_of_value(struct ztt_state *state, const char *value)
{
	size_t len = strlen(value), digits = 0, out = 0;
	bool blank = false;
	char print[65];

	if (len && value[len - 1] == '\n')
		len--;
	if (len >= sizeof(print) - 1)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!strchr("0123456789 \t-", value[i]) || !value[i])
			return -EINVAL;
		if (value[i] == ' ' || value[i] == '\t') {
			blank = out > 0;
			continue;
		}
		if (blank)
			print[out++] = ' ';
		blank = false;
		digits += value[i] != '-';
		print[out++] = value[i];
	}
	if (!digits)
		return -EINVAL;
	print[out] = 0;
	*state = (struct ztt_state){.print = ""};
	memcpy(state->print, print, out + 1);
	set_bytes(state, value, strlen(value));
	return 0;
}

void ztt_state_of_mode(struct ztt_state *state, mode_t mode)
{
	*state = (struct ztt_state){.mode = mode & 07777};
	snprintf(state->print, sizeof(state->print), "%04o",
		 (unsigned)(mode & 07777));
}
