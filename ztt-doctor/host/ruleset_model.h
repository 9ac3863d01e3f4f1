/* The rules as both readers write them and the judge reads them; for
 * ruleset*.c alone. */
#ifndef ZTT_DOCTOR_RULESET_MODEL_H
#define ZTT_DOCTOR_RULESET_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_RULE_RANGES_MAX 16
#define ZTT_RULESET_CHAINS_MAX 4096
#define ZTT_RULESET_RULES_MAX 65536

enum ztt_rule_proto {
	ZTT_RULE_PROTO_ANY,
	ZTT_RULE_PROTO_TCP = 1,
	ZTT_RULE_PROTO_UDP = 2,
	ZTT_RULE_PROTO_BOTH = 3,
	ZTT_RULE_PROTO_OTHER = 4, /* neither */
};

enum ztt_rule_verdict {
	ZTT_RULE_CONTINUE,
	ZTT_RULE_ACCEPT,
	ZTT_RULE_DROP,
	ZTT_RULE_REJECT,
	ZTT_RULE_JUMP,
	ZTT_RULE_GOTO,
	ZTT_RULE_RETURN,
	ZTT_RULE_OTHER, /* may end in anything */
};

struct ztt_rule {
	enum ztt_rule_proto proto;
	enum ztt_rule_verdict verdict;
	uint8_t family; /* 0: any; 4, 6 */
	bool never;     /* not for new flows from or to other hosts */
	bool maybe;     /* has conditions that were not analysed */
	bool has_ports, ports_not;
	bool ports_maybe; /* not all of them are in ranges[] */
	uint8_t range_count;
	struct {
		uint16_t first, last;
	} ranges[ZTT_RULE_RANGES_MAX];
	char target[64]; /* of jump and goto */
};

enum ztt_chain_hook {
	ZTT_CHAIN_HOOK_NONE,
	ZTT_CHAIN_HOOK_INPUT,
	ZTT_CHAIN_HOOK_OUTPUT,
};

struct ztt_chain {
	bool v4, v6;
	bool compat;    /* holds extensions of iptables */
	char table[96]; /* "inet filter", "iptables filter" */
	char name[64];
	enum ztt_chain_hook hook;
	bool policy_drop;
	struct ztt_rule *rules;
	size_t count, cap;
};

struct ztt_ruleset {
	struct ztt_chain *chains;
	size_t count, cap, rule_count;
};

/* NULL past ZTT_RULESET_CHAINS_MAX; valid until the next call. */
struct ztt_chain *ztt_ruleset_add_chain(struct ztt_ruleset *ruleset,
					const char *table, const char *name);
struct ztt_chain *ztt_ruleset_find_chain(const struct ztt_ruleset *ruleset,
					 const char *table, const char *name);
/* A copy; false past ZTT_RULESET_RULES_MAX. */
bool ztt_ruleset_add_rule(struct ztt_ruleset *ruleset, struct ztt_chain *chain,
			  const struct ztt_rule *rule);

/* Past ZTT_RULE_RANGES_MAX the rule becomes uncertain. */
void ztt_rule_add_ports(struct ztt_rule *rule, uint64_t first, uint64_t last);
/* Both must hold: of two that contradict the rule is never met. */
void ztt_rule_need_proto(struct ztt_rule *rule, enum ztt_rule_proto proto);

#endif
