#include "ztt-doctor/probes/round_trip.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/clock.h"
#include "ztt-doctor/probes/quic_ping.h"

#define GRACE_NS ZTT_NS_PER_S
#define TRIES 3

struct trips {
	struct ztt_round_trip *trip;
	struct ztt_quic_ping ping;
	uint64_t sent_ns[ZTT_ROUND_TRIPS], took_ns[ZTT_ROUND_TRIPS];
	unsigned answered;
	int told;
};

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static void listen_until(struct trips *trips, uint64_t until_ns)
{
	uint32_t number;
	int rc;

	until_ns = earlier(until_ns, trips->trip->due_ns);
	while (trips->answered < ZTT_ROUND_TRIPS) {
		rc = ztt_quic_ping_receive(&trips->ping, until_ns, &number,
					   NULL);
		if (rc == -ETIMEDOUT)
			return;
		if (rc < 0)
			trips->told = rc;
		if (rc < 0 || number >= trips->trip->sent ||
		    trips->took_ns[number])
			continue;
		trips->took_ns[number] =
			ztt_clock_ns() - trips->sent_ns[number];
		trips->answered++;
	}
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void conclude(struct trips *trips)
{
	struct ztt_round_trip *trip = trips->trip;
	const unsigned lost = trip->sent - trips->answered;
	const uint64_t *sorted = trips->took_ns + ZTT_ROUND_TRIPS -
				 (trips->answered ? trips->answered : 1);

	trip->lost = lost;
	if (!trips->answered) {
		trip->rc = trips->told ? trips->told : -ETIMEDOUT;
		return;
	}
	/* Those without an answer are 0, and so come first. */
	qsort(trips->took_ns, ZTT_ROUND_TRIPS, sizeof(trips->took_ns[0]),
	      by_size);
	trip->min_ns = sorted[0];
	trip->median_ns = sorted[trips->answered / 2];
	trip->max_ns = sorted[trips->answered - 1];
}

void ztt_round_trip(struct ztt_round_trip *trip)
{
	struct trips trips = {.trip = trip};
	const uint64_t begun_ns = ztt_clock_ns();
	uint64_t end_ns;

	trip->rc = ztt_quic_ping_open(&trip->address, &trips.ping);
	if (trip->rc < 0)
		return;
	while (trip->sent < ZTT_ROUND_TRIPS && ztt_clock_ns() < trip->due_ns) {
		trips.sent_ns[trip->sent] = ztt_clock_ns();
		ztt_quic_ping_send(&trips.ping, trip->sent,
				   ZTT_QUIC_PING_MIN_BYTES);
		trip->sent++;
		listen_until(&trips, begun_ns + trip->sent * trip->gap_ns);
	}
	/* Where some were answered, the others have had time enough then. */
	end_ns = ztt_clock_ns() + GRACE_NS;
	listen_until(&trips, trips.answered ? end_ns : trip->due_ns);
	conclude(&trips);
	ztt_quic_ping_close(&trips.ping);
}

/* The probability of at most `k` of `n`, each with probability `p`. */
static double binomial_cdf(unsigned k, unsigned n, double p)
{
	double term = pow(1 - p, n), sum = 0;

	for (unsigned i = 0; i <= k; i++) {
		sum += term;
		term *= p / (1 - p) * (n - i) / (i + 1);
	}
	return sum;
}

/* The p at which at most `k` of `n` has the probability `chance`. */
static double solve(unsigned k, unsigned n, double chance)
{
	double low = 0, high = 1;

	for (int i = 0; i < 50; i++) {
		const double p = (low + high) / 2;

		if (binomial_cdf(k, n, p) > chance)
			low = p;
		else
			high = p;
	}
	return low;
}

void ztt_loss_interval(unsigned lost, unsigned sent, double *ret_low,
		       double *ret_high)
{
	*ret_low = lost ? 100 * solve(lost - 1, sent, 0.975) : 0;
	*ret_high = lost < sent ? 100 * solve(lost, sent, 0.025) : 100;
}

/* --- the way back --------------------------------------------------------- */

/* Pings up to TRIES times; each time has `wait_ns`. */
static int ask(struct ztt_nat_binding *binding,
	       const struct ztt_quic_ping *ping, uint32_t first,
	       uint64_t wait_ns)
{
	int rc = -ETIMEDOUT, told = 0;

	for (uint32_t i = 0; i < TRIES; i++) {
		const uint64_t until_ns =
			earlier(ztt_clock_ns() + wait_ns, binding->due_ns);
		uint32_t number;

		binding->tries = i + 1;
		ztt_quic_ping_send(ping, first + i, ZTT_QUIC_PING_MIN_BYTES);
		do {
			rc = ztt_quic_ping_receive(ping, until_ns, &number,
						   NULL);
			if (rc == 0 && number >= first)
				return 0;
			if (rc < 0 && rc != -ETIMEDOUT)
				told = rc;
		} while (rc != -ETIMEDOUT);
	}
	return told ? told : rc;
}

static void pause_for(const struct ztt_quic_ping *ping, uint64_t until_ns)
{
	uint32_t number;

	while (ztt_quic_ping_receive(ping, until_ns, &number, NULL) !=
	       -ETIMEDOUT)
		;
}

void ztt_nat_binding(struct ztt_nat_binding *binding)
{
	struct ztt_quic_ping ping;
	uint64_t begun_ns, wait_ns;

	binding->rc = ztt_quic_ping_open(&binding->address, &ping);
	if (binding->rc < 0)
		return;
	wait_ns = (binding->due_ns - ztt_clock_ns()) / (2 * TRIES);
	if (wait_ns > GRACE_NS)
		wait_ns = GRACE_NS;
	begun_ns = ztt_clock_ns();
	binding->rc = ask(binding, &ping, 0, wait_ns);
	if (binding->rc == 0 &&
	    ztt_clock_ns() + binding->idle_ns + (ztt_clock_ns() - begun_ns) >
		    binding->due_ns)
		binding->rc = -EAGAIN;
	if (binding->rc == 0) {
		pause_for(&ping, ztt_clock_ns() + binding->idle_ns);
		binding->survived = ask(binding, &ping, TRIES, wait_ns) == 0;
	}
	ztt_quic_ping_close(&ping);
}
