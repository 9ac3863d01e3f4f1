#include "ztt-doctor/host/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/host/ruleset_model.h"

#define DEPTH_MAX 16
#define STEPS_MAX 200000

struct ztt_ruleset *ztt_ruleset_new(void)
{
	return ztt_calloc(1, sizeof(struct ztt_ruleset));
}

void ztt_ruleset_free(struct ztt_ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->count; i++)
		free(ruleset->chains[i].rules);
	free(ruleset->chains);
	free(ruleset);
}

struct ztt_chain *ztt_ruleset_add_chain(struct ztt_ruleset *ruleset,
					const char *table, const char *name)
{
	struct ztt_chain *chain;

	if (ruleset->count == ZTT_RULESET_CHAINS_MAX)
		return NULL;
	if (ruleset->count == ruleset->cap) {
		ruleset->cap = ruleset->cap ? ruleset->cap * 2 : 16;
		ruleset->chains =
			ztt_realloc(ruleset->chains,
				    ruleset->cap * sizeof(*ruleset->chains));
	}
	chain = &ruleset->chains[ruleset->count++];
	memset(chain, 0, sizeof(*chain));
	snprintf(chain->table, sizeof(chain->table), "%s", table);
	snprintf(chain->name, sizeof(chain->name), "%s", name);
	return chain;
}

struct ztt_chain *ztt_ruleset_find_chain(const struct ztt_ruleset *ruleset,
					 const char *table, const char *name)
{
	for (size_t i = 0; i < ruleset->count; i++)
		if (strcmp(ruleset->chains[i].name, name) == 0 &&
		    strcmp(ruleset->chains[i].table, table) == 0)
			return &ruleset->chains[i];
	return NULL;
}

bool ztt_ruleset_add_rule(struct ztt_ruleset *ruleset, struct ztt_chain *chain,
			  const struct ztt_rule *rule)
{
	if (ruleset->rule_count == ZTT_RULESET_RULES_MAX)
		return false;
	ruleset->rule_count++;
	if (chain->count == chain->cap) {
		chain->cap = chain->cap ? chain->cap * 2 : 8;
		chain->rules = ztt_realloc(chain->rules,
					   chain->cap * sizeof(*chain->rules));
	}
	chain->rules[chain->count++] = *rule;
	return true;
}

void ztt_rule_add_ports(struct ztt_rule *rule, uint64_t first, uint64_t last)
{
	rule->has_ports = true;
	if (first > last || last > UINT16_MAX ||
	    rule->range_count == ZTT_RULE_RANGES_MAX) {
		rule->ports_maybe = true;
		return;
	}
	rule->ranges[rule->range_count].first = (uint16_t)first;
	rule->ranges[rule->range_count].last = (uint16_t)last;
	rule->range_count++;
}

void ztt_rule_need_proto(struct ztt_rule *rule, enum ztt_rule_proto proto)
{
	unsigned both = (unsigned)rule->proto & (unsigned)proto;

	if (rule->proto == ZTT_RULE_PROTO_ANY)
		rule->proto = proto;
	else
		rule->proto =
			both ? (enum ztt_rule_proto)both : ZTT_RULE_PROTO_OTHER;
}

size_t ztt_ruleset_chains(const struct ztt_ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->count; i++)
		count += ruleset->chains[i].hook != ZTT_CHAIN_HOOK_NONE;
	return count;
}

enum match {
	MATCH_NO,
	MATCH_MAYBE,
	MATCH_YES,
};

struct walk {
	const struct ztt_ruleset *ruleset;
	const struct ztt_ruleset_packet *packet;
	unsigned steps;
	bool maybe_accept; /* in the base chain walked now */
	bool maybe_drop;   /* in any */
	char *why, *maybe_why;
};

/* A port that is not among those kept may be among the rest. */
static enum match match_ports(const struct ztt_rule *rule, uint16_t port)
{
	bool found = false;

	if (!rule->has_ports)
		return MATCH_YES;
	for (size_t i = 0; i < rule->range_count; i++)
		found = found || (port >= rule->ranges[i].first &&
				  port <= rule->ranges[i].last);
	if (!found && rule->ports_maybe)
		return MATCH_MAYBE;
	return found != rule->ports_not ? MATCH_YES : MATCH_NO;
}

static enum match match_rule(const struct ztt_rule *rule,
			     const struct ztt_ruleset_packet *packet)
{
	unsigned proto = packet->udp ? ZTT_RULE_PROTO_UDP : ZTT_RULE_PROTO_TCP;
	enum match ports;

	if (rule->never || (rule->family == 4 && packet->v6) ||
	    (rule->family == 6 && !packet->v6))
		return MATCH_NO;
	if (rule->proto != ZTT_RULE_PROTO_ANY &&
	    ((unsigned)rule->proto & proto) == 0)
		return MATCH_NO;
	ports = match_ports(rule, packet->port);
	return ports == MATCH_YES && rule->maybe ? MATCH_MAYBE : ports;
}

static const char *verdict_name(enum ztt_rule_verdict verdict)
{
	return verdict == ZTT_RULE_REJECT ? "reject"
	       : verdict == ZTT_RULE_DROP ? "drop"
					  : "a rule that was not analysed";
}

static void name_rule(char *out, const struct ztt_chain *chain,
		      const struct ztt_rule *rule)
{
	static const char *const protos[] = {"", "tcp ", "udp ", "tcp,udp "};
	char ports[24] = "";

	if (rule->range_count > 0 &&
	    rule->ranges[0].first == rule->ranges[0].last)
		snprintf(ports, sizeof(ports), "dport %s%u ",
			 rule->ports_not ? "!= " : "", rule->ranges[0].first);
	else if (rule->range_count > 0)
		snprintf(ports, sizeof(ports), "dport %s%u-%u ",
			 rule->ports_not ? "!= " : "", rule->ranges[0].first,
			 rule->ranges[0].last);
	snprintf(out, ZTT_RULESET_WHY_LEN, "%s %s: %s%s%s%s", chain->table,
		 chain->name, rule->proto < 4 ? protos[rule->proto] : "", ports,
		 rule->maybe || rule->ports_maybe ? "... " : "",
		 verdict_name(rule->verdict));
}

enum outcome {
	OUTCOME_FALL,
	OUTCOME_ACCEPT,
	OUTCOME_DROP,
};

static void maybe(struct walk *walk, const struct ztt_chain *chain,
		  const struct ztt_rule *rule, enum outcome outcome)
{
	if (outcome == OUTCOME_ACCEPT)
		walk->maybe_accept = true;
	if (outcome != OUTCOME_DROP)
		return;
	if (!walk->maybe_drop)
		name_rule(walk->maybe_why, chain, rule);
	walk->maybe_drop = true;
}

/* Past the limits anything may happen. */
static enum outcome give_up(struct walk *walk, const struct ztt_chain *chain)
{
	walk->maybe_accept = true;
	if (!walk->maybe_drop)
		snprintf(walk->maybe_why, ZTT_RULESET_WHY_LEN,
			 "%s %s: too many rules to follow", chain->table,
			 chain->name);
	walk->maybe_drop = true;
	return OUTCOME_FALL;
}

static enum outcome walk_chain(struct walk *walk, const struct ztt_chain *chain,
			       bool sure, unsigned depth);

/* A target that is no chain of this table is an extension. */
static enum outcome walk_jump(struct walk *walk, const struct ztt_chain *chain,
			      const struct ztt_rule *rule, bool sure,
			      unsigned depth)
{
	const struct ztt_chain *target =
		ztt_ruleset_find_chain(walk->ruleset, chain->table,
				       rule->target);

	if (target)
		return walk_chain(walk, target, sure, depth + 1);
	maybe(walk, chain, rule, OUTCOME_ACCEPT);
	maybe(walk, chain, rule, OUTCOME_DROP);
	return OUTCOME_FALL;
}

/* What one rule that matches, surely or not, does; *ret_end when the chain ends
 * here. */
static enum outcome apply(struct walk *walk, const struct ztt_chain *chain,
			  const struct ztt_rule *rule, bool sure,
			  unsigned depth, bool *ret_end)
{
	enum outcome outcome = OUTCOME_FALL;

	switch (rule->verdict) {
	case ZTT_RULE_CONTINUE:
		return OUTCOME_FALL;
	case ZTT_RULE_RETURN:
		*ret_end = sure;
		return OUTCOME_FALL;
	case ZTT_RULE_ACCEPT:
		outcome = OUTCOME_ACCEPT;
		break;
	case ZTT_RULE_DROP:
	case ZTT_RULE_REJECT:
		outcome = OUTCOME_DROP;
		if (sure)
			name_rule(walk->why, chain, rule);
		break;
	case ZTT_RULE_OTHER:
		maybe(walk, chain, rule, OUTCOME_ACCEPT);
		maybe(walk, chain, rule, OUTCOME_DROP);
		return OUTCOME_FALL;
	case ZTT_RULE_JUMP:
	case ZTT_RULE_GOTO:
		outcome = walk_jump(walk, chain, rule, sure, depth);
		*ret_end = sure && rule->verdict == ZTT_RULE_GOTO;
		break;
	}
	if (!sure) {
		maybe(walk, chain, rule, outcome);
		return OUTCOME_FALL;
	}
	*ret_end = *ret_end || outcome != OUTCOME_FALL;
	return outcome;
}

static enum outcome walk_chain(struct walk *walk, const struct ztt_chain *chain,
			       bool sure, unsigned depth)
{
	bool still_here = true;

	if (depth > DEPTH_MAX)
		return give_up(walk, chain);
	for (size_t i = 0; i < chain->count; i++) {
		const struct ztt_rule *rule = &chain->rules[i];
		enum match match = match_rule(rule, walk->packet);
		enum outcome outcome;
		bool end = false;

		if (++walk->steps > STEPS_MAX)
			return give_up(walk, chain);
		if (match == MATCH_NO)
			continue;
		outcome = apply(walk, chain, rule,
				sure && still_here && match == MATCH_YES, depth,
				&end);
		if (end)
			return outcome;
		if (rule->verdict == ZTT_RULE_RETURN ||
		    rule->verdict == ZTT_RULE_GOTO)
			still_here = false;
	}
	return OUTCOME_FALL;
}

static bool is_base(const struct ztt_chain *chain,
		    const struct ztt_ruleset_packet *packet)
{
	return chain->hook == (packet->output ? ZTT_CHAIN_HOOK_OUTPUT
					      : ZTT_CHAIN_HOOK_INPUT) &&
	       (packet->v6 ? chain->v6 : chain->v4);
}

/* "accept" ends its own base chain, "drop" the packet (nft(8)); a chain that is
 * left uncertainly may end in its policy. */
enum ztt_ruleset_verdict
ztt_ruleset_judge(const struct ztt_ruleset *ruleset,
		  const struct ztt_ruleset_packet *packet,
		  char ret_why[ZTT_RULESET_WHY_LEN])
{
	char maybe_why[ZTT_RULESET_WHY_LEN] = "";
	struct walk walk = {
		.ruleset = ruleset,
		.packet = packet,
		.why = ret_why,
		.maybe_why = maybe_why,
	};
	bool limited = false;

	ret_why[0] = 0;
	for (size_t i = 0; i < ruleset->count; i++) {
		const struct ztt_chain *chain = &ruleset->chains[i];
		char why[ZTT_RULESET_WHY_LEN] = "";
		enum outcome outcome;

		if (!is_base(chain, packet))
			continue;
		walk.maybe_accept = false;
		walk.why = why;
		outcome = walk_chain(&walk, chain, true, 0);
		if (outcome == OUTCOME_FALL && chain->policy_drop) {
			outcome = OUTCOME_DROP;
			snprintf(why, sizeof(why), "%.95s %.63s: policy drop",
				 chain->table, chain->name);
		}
		if (outcome != OUTCOME_DROP || (limited && walk.maybe_accept))
			continue;
		memcpy(ret_why, why, sizeof(why));
		if (!walk.maybe_accept)
			return ZTT_RULESET_BLOCKED;
		limited = true;
	}
	if (limited)
		return ZTT_RULESET_LIMITED;
	if (!walk.maybe_drop)
		return ZTT_RULESET_PASSES;
	memcpy(ret_why, maybe_why, sizeof(maybe_why));
	return ZTT_RULESET_UNSURE;
}
