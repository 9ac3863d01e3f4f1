/* The first byte picks: 'n' what nft prints, '4' and '6' what iptables-save and
 * ip6tables-save print. */
#include "ztt-doctor/host/ruleset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct ztt_ruleset *rules, unsigned bits)
{
	struct ztt_ruleset_packet packet = {
		.output = bits & 1,
		.v6 = bits & 2,
		.udp = bits & 4,
		.port = 7844,
	};
	char why[ZTT_RULESET_WHY_LEN];
	enum ztt_ruleset_verdict verdict =
		ztt_ruleset_judge(rules, &packet, why);

	if (memchr(why, 0, sizeof(why)) == NULL)
		abort();
	if ((verdict == ZTT_RULESET_PASSES) != (why[0] == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_ruleset *rules;
	char *text;

	if (size == 0)
		return 0;
	rules = ztt_ruleset_new();
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	if (data[0] == 'n')
		ztt_ruleset_add_nft(rules, text, size - 1, size % 2);
	else
		ztt_ruleset_add_iptables(rules, text, size - 1, data[0] == '6');
	for (unsigned bits = 0; bits < 8; bits++)
		judge(rules, bits);
	free(text);
	ztt_ruleset_free(rules);
	return 0;
}
