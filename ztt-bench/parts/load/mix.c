#define _GNU_SOURCE
#include "ztt-bench/parts/load/mix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/units.h"

#define FILE_MAX_BYTES 65536
#define SIZE_MAX_BYTES (UINT64_C(1) << 40)
#define BLANKS " \t\r"

void ztt_load_mix_clear(struct ztt_load_mix *mix)
{
	mix->part_count = 0;
}

int ztt_load_mix_add(struct ztt_load_mix *mix, uint64_t weight,
		     uint64_t size_bytes, struct ztt_err *err)
{
	uint64_t before = 0;

	if (mix->part_count == ZTT_LOAD_MIX_MAX)
		return ztt_err_set(err, -E2BIG, "a mix has at most %d sizes",
				   ZTT_LOAD_MIX_MAX);
	if (weight < 1 || weight > ZTT_LOAD_WEIGHT_MAX)
		return ztt_err_set(err, -ERANGE,
				   "a weight is a whole number from 1 to %d",
				   ZTT_LOAD_WEIGHT_MAX);
	if (size_bytes < 1 || size_bytes > SIZE_MAX_BYTES)
		return ztt_err_set(err, -ERANGE,
				   "a size is between 1 byte and 1 TiB");
	if (mix->part_count)
		before = mix->parts[mix->part_count - 1].until;
	mix->parts[mix->part_count++] =
		(struct ztt_load_part){size_bytes, before + weight};
	return 0;
}

static int parse_weight(const char *text, uint64_t *ret_weight)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || text[digits] || digits > 10)
		return -EINVAL;
	*ret_weight = strtoull(text, NULL, 10);
	return 0;
}

static int parse_line(struct ztt_load_mix *mix, char *line, struct ztt_err *err)
{
	char *rest = NULL, *weight_text, *size_text;
	uint64_t weight, size_bytes;

	line[strcspn(line, "#")] = '\0';
	weight_text = strtok_r(line, BLANKS, &rest);
	if (!weight_text)
		return 0;
	size_text = strtok_r(NULL, BLANKS, &rest);
	if (!size_text || strtok_r(NULL, BLANKS, &rest) ||
	    parse_weight(weight_text, &weight) < 0 ||
	    ztt_units_parse_bytes(size_text, &size_bytes) < 0)
		return ztt_err_set(err, -EINVAL,
				   "expected WEIGHT SIZE, such as 70 1KiB");
	return ztt_load_mix_add(mix, weight, size_bytes, err);
}

int ztt_load_mix_parse(struct ztt_load_mix *mix, char *text, const char *name,
		       struct ztt_err *err)
{
	unsigned number = 0;
	int rc;

	ztt_load_mix_clear(mix);
	while (text) {
		char *line = strsep(&text, "\n");

		number++;
		rc = parse_line(mix, line, err);
		if (rc < 0)
			return ztt_err_prefix(err, rc, "%s, line %u", name,
					      number);
	}
	if (!mix->part_count)
		return ztt_err_set(err, -EINVAL, "%s holds no WEIGHT SIZE line",
				   name);
	return 0;
}

int ztt_load_mix_read(struct ztt_load_mix *mix, const char *path,
		      struct ztt_err *err)
{
	FILE *file = fopen(path, "re");
	char *text;
	size_t len;
	int rc;

	if (!file)
		return ztt_err_set(err, -errno, "cannot open %s: %s", path,
				   strerror(errno));
	text = ztt_alloc(FILE_MAX_BYTES + 1);
	len = fread(text, 1, FILE_MAX_BYTES + 1, file);
	if (ferror(file)) {
		rc = ztt_err_set(err, -EIO, "cannot read %s", path);
	} else if (len > FILE_MAX_BYTES) {
		rc = ztt_err_set(err, -E2BIG, "%s is larger than %d bytes",
				 path, FILE_MAX_BYTES);
	} else {
		text[len] = '\0';
		rc = ztt_load_mix_parse(mix, text, path, err);
	}
	free(text);
	fclose(file);
	return rc;
}

static uint64_t draw_number(uint64_t *random)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (*random * UINT64_C(2685821657736338717)) >> 16;
}

size_t ztt_load_mix_draw(const struct ztt_load_mix *mix, uint64_t *random)
{
	size_t low = 0, high = mix->part_count - 1;
	uint64_t drawn;

	if (!high)
		return 0;
	drawn = draw_number(random) % mix->parts[high].until;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (drawn < mix->parts[middle].until)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
