/* Bytes written as hex, in a test or in tests/fixtures/NAME.hex. */
#ifndef ZTT_TESTS_HEX_H
#define ZTT_TESTS_HEX_H

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Appends the bytes of `hex`, blanks passed over, and returns the new length;
 * fails the test when it is no hex or does not fit. */
static inline size_t hex_append(const char *hex, uint8_t *out, size_t at,
				size_t cap_bytes)
{
	for (;;) {
		unsigned byte = 0;

		while (isspace((unsigned char)*hex))
			hex++;
		if (*hex == '\0')
			return at;
		if (at == cap_bytes || sscanf(hex, "%2x", &byte) != 1 ||
		    !isxdigit((unsigned char)hex[1]))
			fail_msg("%s", "not hex, or too long");
		out[at++] = (uint8_t)byte;
		hex += 2;
	}
}

static inline size_t hex_bytes(const char *hex, uint8_t *out, size_t cap_bytes)
{
	return hex_append(hex, out, 0, cap_bytes);
}

/* Reads section `name` of tests/fixtures/`file`; fails when there is none. */
static inline size_t hex_section(const char *file, const char *name,
				 uint8_t *out, size_t cap_bytes)
{
	char path[256], line[256];
	size_t len = 0, name_len = strlen(name);
	int inside = 0;
	FILE *in;

	snprintf(path, sizeof(path), "tests/fixtures/%s", file);
	in = fopen(path, "r");
	if (in == NULL)
		fail_msg("%s: run from the top of the tree", path);
	while (fgets(line, sizeof(line), in)) {
		if (line[0] == '[')
			inside = strncmp(line + 1, name, name_len) == 0 &&
				 line[1 + name_len] == ']';
		else if (inside && line[0] != '#')
			len = hex_append(line, out, len, cap_bytes);
	}
	fclose(in);
	if (len == 0)
		fail_msg("%s has no [%s]", path, name);
	return len;
}

#endif
