#include "ztt-doctor/host/ruleset.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/host/ruleset_model.h"

#define TABLE_BYTES 96

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* libnftables-json(5): arp, bridge and netdev see other packets. */
static bool is_ip_family(const char *family)
{
	return strcmp(family, "inet") == 0 || strcmp(family, "ip") == 0 ||
	       strcmp(family, "ip6") == 0;
}

static void name_table(char out[TABLE_BYTES], const json_t *object)
{
	snprintf(out, TABLE_BYTES, "%.7s %.80s", text_of(object, "family"),
		 text_of(object, "table"));
}

static enum ztt_rule_proto proto_of(const json_t *value)
{
	const char *text = json_string_value(value);
	json_int_t number = json_integer_value(value);

	if ((text && strcmp(text, "tcp") == 0) || number == 6)
		return ZTT_RULE_PROTO_TCP;
	if ((text && strcmp(text, "udp") == 0) || number == 17)
		return ZTT_RULE_PROTO_UDP;
	return ZTT_RULE_PROTO_OTHER;
}

/* The elements of {"set": [...]} or of a list; NULL for one value. */
static const json_t *elements_of(const json_t *right)
{
	const json_t *set = json_object_get(right, "set");

	if (json_is_array(set))
		return set;
	return json_is_array(right) ? right : NULL;
}

static enum ztt_rule_proto proto_set(const json_t *right)
{
	const json_t *list = elements_of(right);
	unsigned all = 0;

	if (!list)
		return proto_of(right);
	for (size_t i = 0; i < json_array_size(list); i++)
		all |= (unsigned)proto_of(json_array_get(list, i)) & 3;
	return all ? (enum ztt_rule_proto)all : ZTT_RULE_PROTO_OTHER;
}

/* A set that has a name stands elsewhere, "@name". */
static void match_proto(struct ztt_rule *rule, const json_t *right, bool not )
{
	const char *name = json_string_value(right);
	enum ztt_rule_proto proto = proto_set(right);

	if (name && name[0] == '@')
		rule->maybe = true;
	else if (!not )
		ztt_rule_need_proto(rule, proto);
	else if (proto == ZTT_RULE_PROTO_BOTH)
		rule->never = true;
	else if (proto != ZTT_RULE_PROTO_OTHER)
		ztt_rule_need_proto(rule,
				    (enum ztt_rule_proto)(ZTT_RULE_PROTO_BOTH -
							  (unsigned)proto));
}

static void add_port(struct ztt_rule *rule, const json_t *value)
{
	const json_t *range = json_object_get(value, "range");
	const json_t *first = range ? json_array_get(range, 0) : value;
	const json_t *last = range ? json_array_get(range, 1) : value;

	rule->has_ports = true;
	if (!json_is_integer(first) || !json_is_integer(last) ||
	    json_integer_value(first) < 0)
		rule->ports_maybe = true;
	else
		ztt_rule_add_ports(rule, (uint64_t)json_integer_value(first),
				   (uint64_t)json_integer_value(last));
}

static void match_ports(struct ztt_rule *rule, const json_t *right, bool not )
{
	const json_t *list = elements_of(right);

	if (rule->has_ports)
		rule->maybe = true;
	rule->ports_not = not ;
	if (!list)
		add_port(rule, right);
	for (size_t i = 0; list && i < json_array_size(list); i++)
		add_port(rule, json_array_get(list, i));
}

static bool holds(const json_t *right, const char *word)
{
	const json_t *list = elements_of(right);
	const char *text = json_string_value(right);

	if (text)
		return strcmp(text, word) == 0;
	for (size_t i = 0; list && i < json_array_size(list); i++) {
		text = json_string_value(json_array_get(list, i));
		if (text && strcmp(text, word) == 0)
			return true;
	}
	return false;
}

static void match_family(struct ztt_rule *rule, const json_t *right, bool not,
			 const char *v4, const char *v6)
{
	bool has4 = holds(right, v4) != not, has6 = holds(right, v6) != not ;

	if (!has4 && !has6)
		rule->never = true;
	else if (!has4 || !has6)
		rule->family = has4 ? 4 : 6;
}

static void match_meta(struct ztt_rule *rule, const char *key,
		       const json_t *right, bool not )
{
	const char *name = json_string_value(right);

	if (strcmp(key, "l4proto") == 0)
		match_proto(rule, right, not );
	else if (strcmp(key, "nfproto") == 0)
		match_family(rule, right, not, "ipv4", "ipv6");
	else if (strcmp(key, "protocol") == 0)
		match_family(rule, right, not, "ip", "ip6");
	else if (name && strcmp(name, "lo") == 0 &&
		 (strcmp(key, "iifname") == 0 || strcmp(key, "iif") == 0 ||
		  strcmp(key, "oifname") == 0 || strcmp(key, "oif") == 0))
		rule->never = rule->never || !not ;
	else
		rule->maybe = true;
}

static void match_payload(struct ztt_rule *rule, const json_t *payload,
			  const json_t *right, bool not )
{
	const char *protocol = text_of(payload, "protocol");
	const char *field = text_of(payload, "field");

	if (strcmp(protocol, "udp") == 0)
		ztt_rule_need_proto(rule, ZTT_RULE_PROTO_UDP);
	else if (strcmp(protocol, "tcp") == 0)
		ztt_rule_need_proto(rule, ZTT_RULE_PROTO_TCP);
	else if (strcmp(protocol, "ip") == 0)
		rule->family = 4;
	else if (strcmp(protocol, "ip6") == 0)
		rule->family = 6;
	else if (strcmp(protocol, "th") != 0)
		rule->never = true; /* icmp, esp, arp, ... */
	if (strcmp(field, "dport") == 0)
		match_ports(rule, right, not );
	else if (strcmp(field, "nexthdr") == 0 ||
		 (strcmp(field, "protocol") == 0 &&
		  strcmp(protocol, "ip") == 0))
		match_proto(rule, right, not );
	else
		rule->maybe = true;
}

/* "in" is how flags are compared. */
static void parse_match(struct ztt_rule *rule, const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta");
	const json_t *ct = json_object_get(left, "ct");
	const char *op = text_of(match, "op");
	bool not = strcmp(op, "!=") == 0;

	if (!not &&strcmp(op, "==") != 0 && strcmp(op, "in") != 0)
		rule->maybe = true;
	else if (payload)
		match_payload(rule, payload, right, not );
	else if (meta)
		match_meta(rule, text_of(meta, "key"), right, not );
	else if (ct && strcmp(text_of(ct, "key"), "state") == 0)
		rule->never = rule->never || holds(right, "new") == not ;
	else
		rule->maybe = true;
}

/* "ct state vmap { established : accept, invalid : drop }" says nothing of new
 * flows; any other map may end in anything. */
static void parse_vmap(struct ztt_rule *rule, const json_t *vmap)
{
	const json_t *ct = json_object_get(json_object_get(vmap, "key"), "ct");
	const json_t *list =
		json_object_get(json_object_get(vmap, "data"), "set");

	rule->verdict = ZTT_RULE_OTHER;
	if (!ct || strcmp(text_of(ct, "key"), "state") != 0 ||
	    !json_is_array(list))
		return;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (holds(json_array_get(json_array_get(list, i), 0), "new"))
			return;
	rule->verdict = ZTT_RULE_CONTINUE;
}

static void set_target(struct ztt_rule *rule, enum ztt_rule_verdict verdict,
		       const json_t *value)
{
	rule->verdict = verdict;
	snprintf(rule->target, sizeof(rule->target), "%.63s",
		 text_of(value, "target"));
}

static bool is_harmless(const char *key)
{
	static const char *const list[] = {
		"counter",  "log",       "comment",    "mangle", "notrack",
		"dup",      "ct helper", "ct timeout", "flow",   "set",
		"continue", "map",       "secmark",    NULL,
	};

	for (size_t i = 0; list[i]; i++)
		if (strcmp(key, list[i]) == 0)
			return true;
	return false;
}

static void parse_statement(struct ztt_rule *rule, const char *key,
			    const json_t *value, bool *ret_compat)
{
	if (strcmp(key, "match") == 0) {
		parse_match(rule, value);
	} else if (strcmp(key, "accept") == 0) {
		rule->verdict = ZTT_RULE_ACCEPT;
	} else if (strcmp(key, "drop") == 0) {
		rule->verdict = ZTT_RULE_DROP;
	} else if (strcmp(key, "reject") == 0) {
		rule->verdict = ZTT_RULE_REJECT;
	} else if (strcmp(key, "return") == 0) {
		rule->verdict = ZTT_RULE_RETURN;
	} else if (strcmp(key, "jump") == 0) {
		set_target(rule, ZTT_RULE_JUMP, value);
	} else if (strcmp(key, "goto") == 0) {
		set_target(rule, ZTT_RULE_GOTO, value);
	} else if (strcmp(key, "vmap") == 0) {
		parse_vmap(rule, value);
	} else if (strcmp(key, "queue") == 0 || strcmp(key, "tproxy") == 0 ||
		   strcmp(key, "synproxy") == 0 || strcmp(key, "fwd") == 0) {
		rule->verdict = ZTT_RULE_OTHER;
	} else if (strcmp(key, "xt") == 0) {
		rule->maybe = true;
		rule->verdict = ZTT_RULE_OTHER;
		*ret_compat = true;
	} else if (!is_harmless(key)) {
		rule->maybe = true; /* limit, quota, meter, ... */
	}
}

static int add_chain(struct ztt_ruleset *ruleset, const json_t *object)
{
	const char *family = text_of(object, "family");
	const char *hook = text_of(object, "hook");
	struct ztt_chain *chain;
	char table[TABLE_BYTES];

	if (!is_ip_family(family))
		return 0;
	name_table(table, object);
	chain = ztt_ruleset_add_chain(ruleset, table, text_of(object, "name"));
	if (!chain)
		return -E2BIG;
	chain->v4 = strcmp(family, "ip6") != 0;
	chain->v6 = strcmp(family, "ip") != 0;
	chain->policy_drop = strcmp(text_of(object, "policy"), "drop") == 0;
	if (strcmp(text_of(object, "type"), "nat") == 0)
		return 0;
	if (strcmp(hook, "input") == 0)
		chain->hook = ZTT_CHAIN_HOOK_INPUT;
	else if (strcmp(hook, "output") == 0)
		chain->hook = ZTT_CHAIN_HOOK_OUTPUT;
	return 0;
}

static int add_rule(struct ztt_ruleset *ruleset, const json_t *object)
{
	const json_t *list = json_object_get(object, "expr");
	struct ztt_rule rule = {.verdict = ZTT_RULE_CONTINUE};
	struct ztt_chain *chain;
	char table[TABLE_BYTES];
	bool compat = false;

	if (!is_ip_family(text_of(object, "family")))
		return 0;
	name_table(table, object);
	chain = ztt_ruleset_find_chain(ruleset, table,
				       text_of(object, "chain"));
	if (!chain)
		return 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *statement = json_array_get(list, i), *value;
		const char *key;

		json_object_foreach(statement, key, value)
			parse_statement(&rule, key, value, &compat);
	}
	chain->compat = chain->compat || compat;
	return ztt_ruleset_add_rule(ruleset, chain, &rule) ? 0 : -E2BIG;
}

static int add_object(struct ztt_ruleset *ruleset, const json_t *object)
{
	const json_t *chain = json_object_get(object, "chain");
	const json_t *rule = json_object_get(object, "rule");

	if (chain)
		return add_chain(ruleset, chain);
	return rule ? add_rule(ruleset, rule) : 0;
}

/* All chains of a table, when one of them holds an extension. */
static void drop_compat(struct ztt_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->count; i++) {
		if (!ruleset->chains[i].compat)
			continue;
		for (size_t k = 0; k < ruleset->count; k++)
			if (strcmp(ruleset->chains[k].table,
				   ruleset->chains[i].table) == 0)
				ruleset->chains[k].hook = ZTT_CHAIN_HOOK_NONE;
	}
}

int ztt_ruleset_add_nft(struct ztt_ruleset *ruleset, const char *text,
			size_t len_bytes, bool skip_compat)
{
	const char *begin = memchr(text, '{', len_bytes);
	json_t *top = NULL, *list;
	int rc = 0;

	if (begin)
		top = json_loadb(begin, len_bytes - (size_t)(begin - text),
				 JSON_DISABLE_EOF_CHECK, NULL);
	list = json_object_get(top, "nftables");
	if (!json_is_array(list))
		rc = -EINVAL;
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = add_object(ruleset, json_array_get(list, i));
	if (skip_compat)
		drop_compat(ruleset);
	json_decref(top);
	return rc;
}
