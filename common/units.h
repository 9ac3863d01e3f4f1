/* Sizes, durations and rates as people write and read them. */
#ifndef ZTT_UNITS_H
#define ZTT_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* All parsers take the whole string: decimal digits with an optional fraction,
 * then the unit, no sign, exponent or blank; -EINVAL otherwise, -ERANGE past
 * the type. Case of the prefix does not matter. Whole numbers are rounded to
 * the nearest. The locale plays no part. */

/* Bytes: "1000", "100k", "1.5M", "2G", "1T" are powers of 1000 (as goodput is
 * counted); "64Ki", "64KiB", "1MiB" of 1024; a trailing "B" is allowed. */
int ztt_units_parse_bytes(const char *text, uint64_t *ret_bytes);
/* Nanoseconds: "5s", "250ms", "10us", "2m", "1h"; a bare number is seconds. */
int ztt_units_parse_ns(const char *text, uint64_t *ret_ns);
/* Per second: "500", "2k", "1.5M". */
int ztt_units_parse_rate(const char *text, double *ret_per_s);

/* Formatters write at most 24 bytes, three significant digits (a whole number
 * below 1000 as it is; what is not finite as "-"), and return `out`, so that
 * they can stand in a printf call. Durations go up to "min" and "h". */
#define ZTT_UNITS_LEN 24
char *ztt_units_bits(char out[ZTT_UNITS_LEN], double bps);    /* 1.52 Gbit/s */
char *ztt_units_bytes(char out[ZTT_UNITS_LEN], double bytes); /* 64.0 MB */
char *ztt_units_ns(char out[ZTT_UNITS_LEN], double ns);       /* 1.25 ms */
char *ztt_units_count(char out[ZTT_UNITS_LEN], double count); /* 5.30 k */

#endif
