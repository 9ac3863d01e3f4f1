#define _GNU_SOURCE
#include "measure.h"

#include <string.h>

#include "common/aead.h"
#include "ztt-bench/floor.h"

/* Packets between two looks at the clock. */
#define BATCH 64

struct packet {
	uint8_t key[ZTT_AEAD_KEY_MAX_BYTES];
	uint8_t nonce[ZTT_AEAD_NONCE_BYTES], aad[ZTT_FLOOR_AAD_BYTES];
	uint8_t plain[ZTT_FLOOR_PAYLOAD_BYTES];
	uint8_t sealed[ZTT_FLOOR_PAYLOAD_BYTES + ZTT_AEAD_TAG_BYTES];
	uint8_t opened[ZTT_FLOOR_PAYLOAD_BYTES];
};

struct step {
	const struct ztt_aead_library *library;
	void *context;
	bool seals;
};

static void fill(struct packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	for (size_t i = 0; i < sizeof(packet->key); i++)
		packet->key[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < sizeof(packet->plain); i++)
		packet->plain[i] = (uint8_t)(i * 31);
	memset(packet->aad, 0x43, sizeof(packet->aad));
}

/* RFC 9001, 5.3: the nonce holds the packet number, which grows by one. */
static void next_nonce(struct packet *packet)
{
	for (int i = ZTT_AEAD_NONCE_BYTES - 1;
	     i >= 0 && ++packet->nonce[i] == 0; i--)
		;
}

static bool take(const struct step *step, struct packet *packet)
{
	if (!step->seals)
		return step->library->open(step->context, packet->nonce,
					   packet->aad, sizeof(packet->aad),
					   packet->sealed,
					   sizeof(packet->sealed),
					   packet->opened) == 0;
	next_nonce(packet);
	return step->library->seal(step->context, packet->nonce, packet->aad,
				   sizeof(packet->aad), packet->plain,
				   sizeof(packet->plain), packet->sealed) == 0;
}

static void repeat(const struct step *step, struct packet *packet,
		   uint64_t budget_ns, struct ztt_floor_side *side)
{
	const uint64_t due_ns = ztt_clock_ns() + budget_ns;
	const uint64_t begin_ns = ztt_floor_thread_ns();

	do {
		for (int i = 0; i < BATCH; i++) {
			if (take(step, packet))
				continue;
			ztt_floor_fail(side, "the library refused a packet");
			return;
		}
		side->bytes += (uint64_t)BATCH * sizeof(packet->plain);
	} while (ztt_clock_ns() < due_ns);
	side->cpu_ns = ztt_floor_thread_ns() - begin_ns;
}

static void run_side(const struct ztt_floor_measure *measure, bool seals,
		     struct packet *packet, uint64_t budget_ns,
		     struct ztt_floor_side *side)
{
	struct step step = {measure->library, NULL, seals};

	step.context = step.library->new (measure->cipher, packet->key, seals);
	if (!step.context) {
		ztt_floor_fail(side, "%s does not have this cipher here",
			       step.library->name);
		return;
	}
	repeat(&step, packet, budget_ns, side);
	step.library->free(step.context);
}

void ztt_floor_aead(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		    struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	struct packet packet;

	fill(&packet);
	run_side(measure, true, &packet, budget_ns / 2, &sides[ZTT_FLOOR_OUT]);
	run_side(measure, false, &packet, budget_ns / 2, &sides[ZTT_FLOOR_IN]);
	if (!sides[ZTT_FLOOR_IN].failed &&
	    memcmp(packet.plain, packet.opened, sizeof(packet.plain)) != 0)
		ztt_floor_fail(&sides[ZTT_FLOOR_IN],
			       "what was opened is not what was sealed");
}
