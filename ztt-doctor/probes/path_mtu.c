#include "ztt-doctor/probes/path_mtu.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "ztt-doctor/probes/quic_ping.h"

#define SIZES_MAX 16
#define INNER 7 /* sizes between two known ones, of one round */
#define TRIES 3
#define PACE_NS (2 * ZTT_NS_PER_MS)
#define TRY_NS (60 * ZTT_NS_PER_MS)
#define GRACE_NS (200 * ZTT_NS_PER_MS)

/* Sizes that are tried at once. */
struct round {
	unsigned sizes[SIZES_MAX];
	bool passed[SIZES_MAX], refused[SIZES_MAX];
	size_t count, open;
};

struct sweep {
	struct ztt_path_mtu *mtu;
	struct ztt_quic_ping ping;
	uint32_t number; /* of the round's first size */
	uint64_t sent_ns, rtt_ns;
	unsigned low,
		high; /* the largest that passed, the least that did not */
	bool refused; /* `high`, by this host itself */
	int told;     /* by ICMP, other than too big */
};

static void add(struct round *round, unsigned size)
{
	for (size_t i = 0; i < round->count; i++)
		if (round->sizes[i] == size)
			return;
	if (round->count < SIZES_MAX)
		round->sizes[round->count++] = size;
}

/* Takes in answers until `until_ns`, or until every size is answered. */
static void listen_for(struct sweep *sweep, struct round *round,
		       uint64_t until_ns)
{
	if (until_ns > sweep->mtu->due_ns)
		until_ns = sweep->mtu->due_ns;
	while (round->open) {
		struct ztt_udp_error error;
		uint32_t number;
		const int rc = ztt_quic_ping_receive(&sweep->ping, until_ns,
						     &number, &error);

		if (rc == -ETIMEDOUT)
			return;
		if (rc == -EMSGSIZE)
			sweep->mtu->told_mtu_bytes = error.mtu_bytes;
		else if (rc < 0)
			sweep->told = rc;
		number -= sweep->number;
		if (rc < 0 || number >= round->count || round->passed[number])
			continue;
		round->passed[number] = true;
		round->open--;
		if (!sweep->rtt_ns)
			sweep->rtt_ns = ztt_clock_ns() - sweep->sent_ns;
	}
}

static void send_open(struct sweep *sweep, struct round *round)
{
	const unsigned overhead = ztt_quic_ping_overhead(&sweep->ping);

	sweep->sent_ns = sweep->rtt_ns ? sweep->sent_ns : ztt_clock_ns();
	for (size_t i = 0; i < round->count; i++) {
		if (round->passed[i] || round->refused[i])
			continue;
		if (ztt_quic_ping_send(&sweep->ping,
				       sweep->number + (uint32_t)i,
				       round->sizes[i] - overhead) ==
		    -EMSGSIZE) {
			round->refused[i] = true;
			round->open--;
			continue;
		}
		listen_for(sweep, round, ztt_clock_ns() + PACE_NS);
	}
}

static void run(struct sweep *sweep, struct round *round)
{
	uint64_t grace_ns;

	sweep->number += SIZES_MAX;
	round->open = round->count;
	for (int i = 0; i < TRIES && round->open; i++) {
		const uint64_t wait_ns = sweep->rtt_ns * 3 / 2;

		send_open(sweep, round);
		listen_for(sweep, round,
			   ztt_clock_ns() +
				   (wait_ns > TRY_NS ? wait_ns : TRY_NS));
	}
	grace_ns = sweep->rtt_ns * 2 > GRACE_NS ? sweep->rtt_ns * 2 : GRACE_NS;
	/* Nothing at all has been heard yet: the time is all that is left. */
	while (!sweep->rtt_ns && round->open &&
	       ztt_clock_ns() < sweep->mtu->due_ns)
		listen_for(sweep, round, ztt_clock_ns() + grace_ns);
	listen_for(sweep, round, ztt_clock_ns() + grace_ns);
}

static void take(struct sweep *sweep, const struct round *round)
{
	for (size_t i = 0; i < round->count; i++)
		if (round->passed[i] && round->sizes[i] > sweep->low)
			sweep->low = round->sizes[i];
	for (size_t i = 0; i < round->count; i++)
		if (!round->passed[i] && round->sizes[i] > sweep->low &&
		    round->sizes[i] < sweep->high) {
			sweep->high = round->sizes[i];
			sweep->refused = round->refused[i];
		}
}

static void first(struct sweep *sweep)
{
	static const unsigned sizes[] = {1280, 1300, 1400, 1480,
					 ZTT_PATH_MTU_MAX};
	const struct ztt_path_mtu *mtu = sweep->mtu;
	struct round round = {.count = 0};

	add(&round, mtu->least_bytes);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		add(&round, sizes[i]);
	if (mtu->route_mtu_bytes > mtu->least_bytes &&
	    mtu->route_mtu_bytes < ZTT_PATH_MTU_MAX) {
		add(&round, mtu->route_mtu_bytes);
		add(&round, mtu->route_mtu_bytes + 1);
	}
	run(sweep, &round);
	take(sweep, &round);
}

static void refine(struct sweep *sweep)
{
	const unsigned gap = sweep->high - sweep->low;
	const unsigned told = sweep->mtu->told_mtu_bytes;
	struct round round = {.count = 0};

	for (unsigned i = 1; i <= INNER; i++)
		if (gap * i / (INNER + 1) > 0)
			add(&round, sweep->low + gap * i / (INNER + 1));
	if (told > sweep->low && told < sweep->high) {
		add(&round, told);
		if (told + 1 < sweep->high)
			add(&round, told + 1);
	}
	run(sweep, &round);
	take(sweep, &round);
}

static void conclude(struct sweep *sweep)
{
	struct ztt_path_mtu *mtu = sweep->mtu;

	mtu->mtu_bytes = sweep->low;
	mtu->local = sweep->refused;
	mtu->exact = sweep->high == sweep->low + 1;
	if (sweep->low)
		mtu->rc = 0;
	else if (mtu->route_mtu_bytes &&
		 mtu->route_mtu_bytes < mtu->least_bytes)
		mtu->rc = -EMSGSIZE;
	else
		mtu->rc = sweep->told ? sweep->told : -ETIMEDOUT;
}

void ztt_path_mtu(struct ztt_path_mtu *mtu)
{
	struct sweep sweep = {.mtu = mtu, .high = ZTT_PATH_MTU_MAX + 1};

	mtu->rc = ztt_quic_ping_open(&mtu->address, &sweep.ping);
	if (mtu->rc < 0)
		return;
	mtu->least_bytes =
		ZTT_QUIC_PING_MIN_BYTES + ztt_quic_ping_overhead(&sweep.ping);
	mtu->route_mtu_bytes = ztt_quic_ping_route_mtu(&sweep.ping);
	first(&sweep);
	while (sweep.low && sweep.high > sweep.low + 1 &&
	       ztt_clock_ns() < mtu->due_ns)
		refine(&sweep);
	conclude(&sweep);
	ztt_quic_ping_close(&sweep.ping);
}
