#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct step {
	const char *name;
	double factor;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Splits the number into its whole part and its fraction in [0, 1], and points
 * `ret_unit` behind it. */
static int parse_number(const char *text, uint64_t *ret_whole,
			double *ret_fraction, const char **ret_unit)
{
	uint64_t whole = 0;
	double fraction = 0, place = 1;

	if (!is_digit(text[text[0] == '.']))
		return -EINVAL;
	for (; is_digit(*text); text++) {
		if (__builtin_mul_overflow(whole, UINT64_C(10), &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*text - '0'),
					   &whole))
			return -ERANGE;
	}
	if (*text == '.') {
		if (!is_digit(*++text))
			return -EINVAL;
		for (; is_digit(*text); text++)
			fraction += (*text - '0') * (place /= 10);
	}
	*ret_whole = whole;
	*ret_fraction = fraction;
	*ret_unit = text;
	return 0;
}

static const struct step *find_step(const struct step *steps, const char *name,
				    size_t len)
{
	for (; steps->name; steps++) {
		if (strlen(steps->name) == len &&
		    !strncasecmp(steps->name, name, len))
			return steps;
	}
	return NULL;
}

/* Factors are whole and at most 2^42, so that the fraction's part is exact to
 * less than a half. `tail`: a letter that may follow the unit, or 0. */
static int parse_whole(const char *text, char tail, const struct step *steps,
		       uint64_t *ret_value)
{
	const struct step *step;
	const char *unit;
	uint64_t whole, value, part;
	double fraction;
	size_t len;
	int rc = parse_number(text, &whole, &fraction, &unit);

	if (rc < 0)
		return rc;
	len = strlen(unit);
	if (tail && len && unit[len - 1] == tail)
		len--;
	step = find_step(steps, unit, len);
	if (!step)
		return -EINVAL;
	part = (uint64_t)llround(fraction * step->factor);
	if (__builtin_mul_overflow(whole, (uint64_t)step->factor, &value) ||
	    __builtin_add_overflow(value, part, &value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int ztt_units_parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const struct step steps[] = {
		{"", 1},        {"k", 1e3},   {"M", 1e6},      {"G", 1e9},
		{"T", 1e12},    {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 0x1p30},
		{"Ti", 0x1p40}, {NULL, 0},
	};

	return parse_whole(text, 'B', steps, ret_bytes);
}

int ztt_units_parse_ns(const char *text, uint64_t *ret_ns)
{
	static const struct step steps[] = {
		{"", 1e9}, {"s", 1e9},  {"ms", 1e6},   {"us", 1e3},
		{"ns", 1}, {"m", 6e10}, {"h", 3.6e12}, {NULL, 0},
	};

	return parse_whole(text, 0, steps, ret_ns);
}

int ztt_units_parse_rate(const char *text, double *ret_per_s)
{
	static const struct step steps[] = {
		{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
	};
	const struct step *step;
	const char *unit;
	uint64_t whole;
	double fraction;
	int rc = parse_number(text, &whole, &fraction, &unit);

	if (rc < 0)
		return rc;
	step = find_step(steps, unit, strlen(unit));
	if (!step)
		return -EINVAL;
	*ret_per_s = ((double)whole + fraction) * step->factor;
	return 0;
}

/* `steps` rises from 1; the unit changes where three digits would become four,
 * so that 999.6 k is 1.00 M. */
static char *format(char *out, double value, const struct step *steps)
{
	const struct step *step = steps;
	double scaled;

	if (!isfinite(value)) {
		snprintf(out, ZTT_UNITS_LEN, "-");
		return out;
	}
	while (fabs(value / step->factor) >= 999.5 && step[1].name)
		step++;
	scaled = value / step->factor;
	if (fabs(scaled) >= 1e6)
		snprintf(out, ZTT_UNITS_LEN, "%.3g %s", scaled, step->name);
	else if (fabs(scaled) >= 99.95 ||
		 (step == steps && value == floor(value)))
		snprintf(out, ZTT_UNITS_LEN, "%.0f %s", scaled, step->name);
	else if (fabs(scaled) >= 9.995)
		snprintf(out, ZTT_UNITS_LEN, "%.1f %s", scaled, step->name);
	else if (fabs(scaled) >= 0.9995)
		snprintf(out, ZTT_UNITS_LEN, "%.2f %s", scaled, step->name);
	else
		snprintf(out, ZTT_UNITS_LEN, "%.3g %s", scaled, step->name);
	if (!step->name[0])
		out[strlen(out) - 1] = '\0';
	return out;
}

char *ztt_units_bits(char out[ZTT_UNITS_LEN], double bps)
{
	static const struct step steps[] = {
		{"bit/s", 1},    {"kbit/s", 1e3},  {"Mbit/s", 1e6},
		{"Gbit/s", 1e9}, {"Tbit/s", 1e12}, {NULL, 0},
	};

	return format(out, bps, steps);
}

char *ztt_units_bytes(char out[ZTT_UNITS_LEN], double bytes)
{
	static const struct step steps[] = {
		{"B", 1},    {"kB", 1e3},  {"MB", 1e6},
		{"GB", 1e9}, {"TB", 1e12}, {NULL, 0},
	};

	return format(out, bytes, steps);
}

char *ztt_units_ns(char out[ZTT_UNITS_LEN], double ns)
{
	static const struct step steps[] = {
		{"ns", 1},     {"us", 1e3},   {"ms", 1e6}, {"s", 1e9},
		{"min", 6e10}, {"h", 3.6e12}, {NULL, 0},
	};

	return format(out, ns, steps);
}

char *ztt_units_count(char out[ZTT_UNITS_LEN], double count)
{
	static const struct step steps[] = {
		{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
	};

	return format(out, count, steps);
}
