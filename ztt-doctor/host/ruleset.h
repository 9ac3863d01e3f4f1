/* Packet filters, as far as simple rules go: what happens to a new connection
 * to one port. What a rule asks beyond that (addresses, interfaces, sets,
 * limits) is not decided but told as uncertain. */
#ifndef ZTT_DOCTOR_RULESET_H
#define ZTT_DOCTOR_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_ruleset; /* opaque */

struct ztt_ruleset *ztt_ruleset_new(void);
void ztt_ruleset_free(struct ztt_ruleset *ruleset);

/* Adds what `nft -j list ruleset` printed (libnftables-json(5)). Tables in
 * which iptables' own extensions stand are left out when `skip_compat`: what
 * iptables-save prints shows them better. -EINVAL: no such JSON; -E2BIG. */
int ztt_ruleset_add_nft(struct ztt_ruleset *ruleset, const char *text,
			size_t len_bytes, bool skip_compat);
/* Adds the table "filter" of what iptables-save or (`v6`) ip6tables-save
 * printed. -E2BIG; what is not understood makes its rule uncertain. */
int ztt_ruleset_add_iptables(struct ztt_ruleset *ruleset, const char *text,
			     size_t len_bytes, bool v6);

/* Base chains at input and output that were understood to be such. */
size_t ztt_ruleset_chains(const struct ztt_ruleset *ruleset);

/* The first packet of a new flow: to this host from another one, or from this
 * host to another one (`output`); not through loopback. */
struct ztt_ruleset_packet {
	bool output, v6, udp;
	uint16_t port; /* destination */
};

enum ztt_ruleset_verdict {
	ZTT_RULESET_PASSES,  /* nothing drops it */
	ZTT_RULESET_LIMITED, /* dropped, but for what narrower rules accept */
	ZTT_RULESET_BLOCKED, /* dropped or rejected */
	ZTT_RULESET_UNSURE,  /* a rule that was not analysed may drop it */
};

/* `ret_why` names the rule that decided, as "inet filter output: udp dport
 * 7844 drop". */
#define ZTT_RULESET_WHY_LEN 256
enum ztt_ruleset_verdict
ztt_ruleset_judge(const struct ztt_ruleset *ruleset,
		  const struct ztt_ruleset_packet *packet,
		  char ret_why[ZTT_RULESET_WHY_LEN]);

#endif
