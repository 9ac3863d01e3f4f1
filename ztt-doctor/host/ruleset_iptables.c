#include "ztt-doctor/host/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/host/ruleset_model.h"

#define WORD_BYTES 256

/* The next word of a line; "..." keeps blanks, a backslash the next character.
 */
static bool next_word(const char **at, const char *end, char out[WORD_BYTES])
{
	bool quoted = false;
	size_t len = 0;

	while (*at < end && **at == ' ')
		(*at)++;
	if (*at >= end)
		return false;
	for (; *at < end && (quoted || **at != ' '); (*at)++) {
		if (**at == '"') {
			quoted = !quoted;
			continue;
		}
		if (**at == '\\' && *at + 1 < end)
			(*at)++;
		if (len < WORD_BYTES - 1)
			out[len++] = **at;
	}
	out[len] = 0;
	return true;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static void set_proto(struct ztt_rule *rule, const char *word, bool not )
{
	bool tcp = strcmp(word, "tcp") == 0 || strcmp(word, "6") == 0;
	bool udp = strcmp(word, "udp") == 0 || strcmp(word, "17") == 0;

	if (strcmp(word, "all") == 0 || strcmp(word, "0") == 0)
		return;
	if (not )
		ztt_rule_need_proto(rule, tcp   ? ZTT_RULE_PROTO_UDP
					  : udp ? ZTT_RULE_PROTO_TCP
						: ZTT_RULE_PROTO_BOTH);
	else
		ztt_rule_need_proto(rule, tcp   ? ZTT_RULE_PROTO_TCP
					  : udp ? ZTT_RULE_PROTO_UDP
						: ZTT_RULE_PROTO_OTHER);
}

/* "7844", "1000:2000", "80,443,8000:8080". */
static void set_ports(struct ztt_rule *rule, const char *word, bool not )
{
	if (rule->has_ports)
		rule->maybe = true;
	rule->has_ports = true;
	rule->ports_not = not ;
	while (*word) {
		char *end;
		unsigned long first, last;

		if (*word < '0' || *word > '9') {
			rule->ports_maybe = true;
			return;
		}
		first = last = strtoul(word, &end, 10);
		if (*end == ':')
			last = strtoul(end + 1, &end, 10);
		ztt_rule_add_ports(rule, first, last);
		word = end + (*end == ',');
		if (*end && *end != ',') {
			rule->ports_maybe = true;
			return;
		}
	}
}

/* A flow that begins is NEW, and nothing else. */
static void set_state(struct ztt_rule *rule, const char *word, bool not )
{
	bool is_new = false;

	while (*word) {
		size_t len = strcspn(word, ",");

		is_new = is_new || (len == 3 && memcmp(word, "NEW", 3) == 0);
		word += len + (word[len] == ',');
	}
	if (is_new == not )
		rule->never = true;
}

static void set_interface(struct ztt_rule *rule, const char *word, bool not )
{
	if (strcmp(word, "lo") != 0)
		rule->maybe = true;
	else if (!not )
		rule->never = true;
}

static void set_target(struct ztt_rule *rule, const char *word, bool go_to)
{
	static const char *const goes_on[] = {
		"LOG",     "NFLOG", "ULOG",  "MARK",     "CONNMARK",
		"CT",      "TRACE", "SET",   "TCPMSS",   "CLASSIFY",
		"DSCP",    "TOS",   "AUDIT", "NOTRACK",  "CONNSECMARK",
		"SECMARK", "HL",    "TTL",   "CHECKSUM", "RATEEST",
		"TEE",     NULL,
	};
	static const char *const queues[] = {"QUEUE", "NFQUEUE", NULL};

	if (strcmp(word, "ACCEPT") == 0)
		rule->verdict = ZTT_RULE_ACCEPT;
	else if (strcmp(word, "DROP") == 0)
		rule->verdict = ZTT_RULE_DROP;
	else if (strcmp(word, "REJECT") == 0)
		rule->verdict = ZTT_RULE_REJECT;
	else if (strcmp(word, "RETURN") == 0)
		rule->verdict = ZTT_RULE_RETURN;
	else if (is_one_of(word, queues))
		rule->verdict = ZTT_RULE_OTHER;
	else if (!is_one_of(word, goes_on))
		rule->verdict = go_to ? ZTT_RULE_GOTO : ZTT_RULE_JUMP;
	snprintf(rule->target, sizeof(rule->target), "%.63s", word);
}

/* One option and its argument; false after the target, whose own options say
 * nothing about who is met. */
static bool parse_option(struct ztt_rule *rule, const char *word, bool not,
			 const char **at, const char *end)
{
	static const char *const modules[] = {
		"udp",   "tcp",     "multiport", "conntrack",
		"state", "comment", NULL,
	};
	char argument[WORD_BYTES];

	if (!next_word(at, end, argument)) {
		rule->maybe = true;
		return false;
	}
	if (strcmp(word, "-j") == 0 || strcmp(word, "-g") == 0) {
		set_target(rule, argument, word[1] == 'g');
		return false;
	}
	if (strcmp(word, "-p") == 0)
		set_proto(rule, argument, not );
	else if (strcmp(word, "--dport") == 0 || strcmp(word, "--dports") == 0)
		set_ports(rule, argument, not );
	else if (strcmp(word, "--ctstate") == 0 || strcmp(word, "--state") == 0)
		set_state(rule, argument, not );
	else if (strcmp(word, "-i") == 0 || strcmp(word, "-o") == 0)
		set_interface(rule, argument, not );
	else if (strcmp(word, "-m") == 0)
		rule->maybe = rule->maybe || !is_one_of(argument, modules);
	else if (strcmp(word, "--comment") != 0)
		rule->maybe = true;
	return true;
}

static void parse_rule(struct ztt_rule *rule, const char *at, const char *end)
{
	char word[WORD_BYTES];
	bool not = false;

	while (next_word(&at, end, word)) {
		if (strcmp(word, "!") == 0) {
			not = true;
			continue;
		}
		if (word[0] != '-')
			rule->maybe = true; /* a second argument */
		else if (!parse_option(rule, word, not, &at, end))
			return;
		not = false;
	}
}

/* ":INPUT DROP [0:0]"; a chain of the user's own has the policy "-". */
static int add_chain(struct ztt_ruleset *ruleset, const char *table,
		     const char *at, const char *end, bool v6)
{
	char name[WORD_BYTES], policy[WORD_BYTES];
	struct ztt_chain *chain;

	if (!next_word(&at, end, name) || !next_word(&at, end, policy))
		return 0;
	chain = ztt_ruleset_add_chain(ruleset, table, name);
	if (!chain)
		return -E2BIG;
	chain->v4 = !v6;
	chain->v6 = v6;
	chain->policy_drop = strcmp(policy, "DROP") == 0;
	if (strcmp(name, "INPUT") == 0)
		chain->hook = ZTT_CHAIN_HOOK_INPUT;
	else if (strcmp(name, "OUTPUT") == 0)
		chain->hook = ZTT_CHAIN_HOOK_OUTPUT;
	return 0;
}

static int add_rule(struct ztt_ruleset *ruleset, const char *table,
		    const char *at, const char *end)
{
	struct ztt_rule rule = {.verdict = ZTT_RULE_CONTINUE};
	struct ztt_chain *chain;
	char name[WORD_BYTES];

	if (!next_word(&at, end, name))
		return 0;
	chain = ztt_ruleset_find_chain(ruleset, table, name);
	if (!chain)
		return 0;
	parse_rule(&rule, at, end);
	return ztt_ruleset_add_rule(ruleset, chain, &rule) ? 0 : -E2BIG;
}

int ztt_ruleset_add_iptables(struct ztt_ruleset *ruleset, const char *text,
			     size_t len_bytes, bool v6)
{
	const char *table = v6 ? "ip6tables filter" : "iptables filter";
	const char *all_end = text + len_bytes;
	bool in_filter = false;
	int rc = 0;

	while (text < all_end && rc == 0) {
		const char *end = memchr(text, '\n', (size_t)(all_end - text));

		end = end ? end : all_end;
		if (*text == '*')
			in_filter = end - text == 7 &&
				    memcmp(text, "*filter", 7) == 0;
		else if (in_filter && *text == ':')
			rc = add_chain(ruleset, table, text + 1, end, v6);
		else if (in_filter && end - text > 3 &&
			 memcmp(text, "-A ", 3) == 0)
			rc = add_rule(ruleset, table, text + 3, end);
		text = end < all_end ? end + 1 : end;
	}
	return rc;
}
