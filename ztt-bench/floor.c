#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "floor/measure.h"

#define REPETITIONS 7

/* clang-format off */
#define AEAD(lower, upper, id_, name_, library_, cipher_)                     \
	{.id = {"aead-seal-" lower "-" id_, "aead-open-" lower "-" id_},      \
	 .what = {upper " seal, " name_, upper " open, " name_},              \
	 .run = ztt_floor_aead, .library = &library_, .cipher = cipher_}
#define AEADS(lower, upper, cipher_)                                          \
	AEAD(lower, upper, "gnutls", "GnuTLS", ztt_aead_gnutls, cipher_),     \
	AEAD(lower, upper, "libcrypto", "libcrypto", ztt_aead_libcrypto,      \
	     cipher_)
/* clang-format on */

static const struct ztt_floor_measure measures[] = {
	AEADS("aes-128-gcm", "AES-128-GCM", ZTT_AEAD_AES_128_GCM),
	AEAD("aes-128-gcm", "AES-128-GCM", "ipsec-mb", "IPsec-MB",
	     ztt_aead_ipsec_mb, ZTT_AEAD_AES_128_GCM),
	AEADS("aes-256-gcm", "AES-256-GCM", ZTT_AEAD_AES_256_GCM),
	AEAD("aes-256-gcm", "AES-256-GCM", "ipsec-mb", "IPsec-MB",
	     ztt_aead_ipsec_mb, ZTT_AEAD_AES_256_GCM),
	AEADS("chacha20-poly1305", "ChaCha20-Poly1305",
	      ZTT_AEAD_CHACHA20_POLY1305),
	{.id = {"udp-send", "udp-receive"},
	 .what = {"UDP send, a datagram a call",
		  "UDP receive, a datagram a call"},
	 .run = ztt_floor_udp},
	{.id = {"udp-send-segmented", "udp-receive-gro"},
	 .what = {"UDP send, 45 datagrams a call (UDP_SEGMENT)",
		  "UDP receive, many a call (UDP_GRO)"},
	 .run = ztt_floor_udp,
	 .segmented = true},
	{.id = {"tcp-write", "tcp-read"},
	 .what = {"TCP write, 128 KiB a call", "TCP read, 128 KiB a call"},
	 .run = ztt_floor_tcp},
};

#define MEASURES (sizeof(measures) / sizeof(*measures))
#define ROWS (ZTT_FLOOR_BOTH * MEASURES)

_Static_assert(ROWS <= ZTT_FLOOR_ROWS_MAX, "the caller's array must hold all");

size_t ztt_floor_measure_count(void)
{
	return MEASURES;
}

void ztt_floor_fail(struct ztt_floor_side *side, const char *fmt, ...)
{
	va_list args;

	if (side->failed)
		return;
	side->failed = true;
	va_start(args, fmt);
	vsnprintf(side->why_not, sizeof(side->why_not), fmt, args);
	va_end(args);
}

/* `figures` grows by one repetition; a row that failed once stays so. */
static void take(struct ztt_floor_row *row, double *figure,
		 const struct ztt_floor_side *side)
{
	if (row->why_not[0] != '\0')
		return;
	if (side->failed)
		memcpy(row->why_not, side->why_not, sizeof(row->why_not));
	else if (side->bytes == 0 || side->cpu_ns == 0)
		snprintf(row->why_not, sizeof(row->why_not),
			 "nothing was carried in the time given");
	else /* ns per byte is s per GB */
		*figure = (double)side->cpu_ns / (double)side->bytes;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void sum_up(struct ztt_floor_row *row, double figures[REPETITIONS])
{
	if (row->why_not[0] != '\0')
		return;
	qsort(figures, REPETITIONS, sizeof(*figures), by_value);
	row->low = figures[0];
	row->cpu_s_per_gb_median = figures[REPETITIONS / 2];
	row->high = figures[REPETITIONS - 1];
	row->measured = true;
}

static void repeat(size_t index, uint64_t budget_ns, unsigned repetition,
		   struct ztt_floor_row *rows, double (*figures)[REPETITIONS])
{
	struct ztt_floor_side sides[ZTT_FLOOR_BOTH] = {0};
	size_t first = index * ZTT_FLOOR_BOTH;

	if (rows[first].why_not[0] != '\0' &&
	    rows[first + 1].why_not[0] != '\0')
		return;
	measures[index].run(&measures[index], budget_ns, sides);
	for (size_t i = 0; i < ZTT_FLOOR_BOTH; i++)
		take(&rows[first + i], &figures[first + i][repetition],
		     &sides[i]);
}

int ztt_floor_measure(uint64_t budget_ns, struct ztt_floor_row *rows,
		      size_t cap, size_t *ret_count, struct ztt_err *err)
{
	double figures[ROWS][REPETITIONS] = {0};

	if (cap < ZTT_FLOOR_ROWS_MAX)
		return ztt_err_set(err, -EINVAL, "%zu rows are too few", cap);
	if (budget_ns < REPETITIONS * ZTT_NS_PER_MS)
		return ztt_err_set(err, -EINVAL,
				   "a measure needs at least %d ms",
				   REPETITIONS);
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct ztt_floor_row){
			.id = measures[i / 2].id[i % 2],
			.what = measures[i / 2].what[i % 2],
		};
	for (unsigned round = 0; round < REPETITIONS; round++)
		for (size_t i = 0; i < MEASURES; i++)
			/* There and back, so that a drift hits all alike. */
			repeat(round % 2 == 0 ? i : MEASURES - 1 - i,
			       budget_ns / REPETITIONS, round, rows, figures);
	for (size_t i = 0; i < ROWS; i++)
		sum_up(&rows[i], figures[i]);
	*ret_count = ROWS;
	return 0;
}

static const struct ztt_floor_row *find_any(const struct ztt_floor_row *rows,
					    size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].id, id) == 0)
			return &rows[i];
	return NULL;
}

const struct ztt_floor_row *ztt_floor_find(const struct ztt_floor_row *rows,
					   size_t count, const char *id)
{
	const struct ztt_floor_row *row = find_any(rows, count, id);

	return row != NULL && row->measured ? row : NULL;
}

/* NAN, and the reason in `err`, when it was not measured. */
static double figure(const struct ztt_floor_row *rows, size_t count,
		     const char *id, struct ztt_err *err)
{
	const struct ztt_floor_row *row = find_any(rows, count, id);

	if (row != NULL && row->measured)
		return row->cpu_s_per_gb_median;
	ztt_err_set(err, -ENODATA, "%s was not measured: %s", id,
		    row != NULL ? row->why_not : "no such row");
	return NAN;
}

static double fastest(const struct ztt_floor_row *rows, size_t count,
		      const char *prefix, struct ztt_err *err)
{
	double best = NAN;

	for (size_t i = 0; i < count; i++)
		if (rows[i].measured &&
		    strncmp(rows[i].id, prefix, strlen(prefix)) == 0)
			best = fmin(best, rows[i].cpu_s_per_gb_median);
	if (isnan(best))
		ztt_err_set(err, -ENODATA, "no %s row was measured", prefix);
	return best;
}

int ztt_floor_path(const struct ztt_floor_row *rows, size_t count,
		   double *ret_down_cpu_s_per_gb, double *ret_up_cpu_s_per_gb,
		   struct ztt_err *err)
{
	const double datagrams =
		(double)ZTT_FLOOR_DATAGRAM_BYTES / ZTT_FLOOR_PAYLOAD_BYTES;
	double down =
		figure(rows, count, "tcp-read", err) +
		fastest(rows, count, "aead-seal-", err) +
		figure(rows, count, "udp-send-segmented", err) * datagrams;
	double up = figure(rows, count, "udp-receive-gro", err) * datagrams +
		    fastest(rows, count, "aead-open-", err) +
		    figure(rows, count, "tcp-write", err);

	*ret_down_cpu_s_per_gb = down;
	*ret_up_cpu_s_per_gb = up;
	return isnan(down) || isnan(up) ? -ENODATA : 0;
}
