#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/command.h"
#include "ztt-doctor/host/exposed.h"
#include "ztt-doctor/host/ruleset.h"

#define EDGE_PORT 7844
#define RULES_BYTES_MAX (8 * 1024 * 1024)

static void note_port(struct ztt_finding *finding,
		      const struct ztt_exposed_port *port)
{
	char address[ZTT_LISTENER_LEN];

	ztt_listener_address(&port->by, address);
	if (port->metrics)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "metrics port %u answers on %s: no password, "
				 "no TLS, and pprof with it",
				 port->port, address);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "port %u also answers on %s: the tunnel is "
				 "not the only way in",
				 port->port, address);
}

/* Why there may be more than was seen; nothing to say when all was. */
static void note_unseen(struct ztt_finding *finding,
			const struct ztt_exposed *exposed)
{
	if (exposed->config_rc < 0 && exposed->config_rc != -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "config.yml cannot be read (%s), so its "
				 "services are not known%s",
				 strerror(-exposed->config_rc),
				 exposed->config_rc == -EACCES ? "; needs root"
							       : "");
	else if (exposed->has_engine && !exposed->has_ingress)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no ingress rules on this host (a remotely "
				 "managed tunnel keeps them with Cloudflare): "
				 "its services are not known");
	else if (!exposed->has_ingress && exposed->count == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no engine runs and no config.yml names a "
				 "service");
}

void ztt_check_firewall_listeners(struct ztt_doctor *doctor,
				  struct ztt_finding *finding)
{
	struct ztt_exposed *exposed = ztt_alloc(sizeof(*exposed));
	size_t listening = 0, shown = 0;

	ztt_exposed_find(doctor, exposed);
	if (exposed->rc < 0) {
		ztt_finding_unread(finding, "/proc/net/tcp", exposed->rc, NULL);
		goto out;
	}
	for (size_t i = 0; i < exposed->count; i++) {
		listening += exposed->list[i].listening;
		if (exposed->list[i].exposed && shown++ < 8)
			note_port(finding, &exposed->list[i]);
	}
	if (shown > 8)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "and %zu more ports",
				 shown - 8);
	note_unseen(finding, exposed);
	if (shown == 0 && (exposed->count > 0 || exposed->has_ingress))
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu port%s of services and metrics, %zu "
				 "listened on, all on loopback%s",
				 exposed->count, exposed->count == 1 ? "" : "s",
				 listening,
				 exposed->elsewhere
					 ? "; services on other hosts were not "
					   "looked at"
					 : "");
out:
	free(exposed);
}

struct reading {
	struct ztt_ruleset *rules;
	uint64_t until_ns;
	unsigned read; /* programs that told their rules */
	bool iptables, nft;
	bool denied;
	char problem[128]; /* of one that failed otherwise */
};

/* 0, or why not. */
static int run_program(struct reading *reading, const char *name,
		       const char *const *args, char **ret_text,
		       size_t *ret_len)
{
	char path[PATH_MAX], *argv[8] = {path};
	char words[6][16];
	int rc = ztt_command_find(name, path, sizeof(path));

	if (rc < 0)
		return rc;
	for (size_t i = 0; args[i] && i < 6; i++) {
		snprintf(words[i], sizeof(words[i]), "%s", args[i]);
		argv[i + 1] = words[i];
	}
	rc = ztt_command_run(argv, reading->until_ns, RULES_BYTES_MAX, ret_text,
			     ret_len);
	if (rc == -EACCES || rc == -EPERM)
		reading->denied = true;
	else if (rc < 0)
		snprintf(reading->problem, sizeof(reading->problem), "%s: %s",
			 name, rc == -EIO ? "failed" : strerror(-rc));
	return rc;
}

static bool add_iptables(struct reading *reading, bool v6)
{
	static const char *const none[] = {NULL};
	const char *name = v6 ? "ip6tables-save" : "iptables-save";
	size_t len;
	char *text;

	if (run_program(reading, name, none, &text, &len) < 0)
		return false;
	if (ztt_ruleset_add_iptables(reading->rules, text, len, v6) < 0)
		snprintf(reading->problem, sizeof(reading->problem),
			 "%s: more rules than are analysed", name);
	else
		reading->read++;
	free(text);
	return true;
}

/* What both show, iptables shows better. */
static void read_rules(struct reading *reading)
{
	static const char *const list[] = {"-j", "list", "ruleset", NULL};
	bool ip6tables = add_iptables(reading, true);
	size_t len;
	char *text;
	int rc;

	reading->iptables = add_iptables(reading, false);
	if (run_program(reading, "nft", list, &text, &len) < 0)
		return;
	rc = ztt_ruleset_add_nft(reading->rules, text, len,
				 reading->iptables && ip6tables);
	reading->nft = rc == 0;
	if (rc < 0)
		snprintf(reading->problem, sizeof(reading->problem),
			 "nft -j list ruleset: %s",
			 rc == -E2BIG ? "more rules than are analysed"
				      : "not the JSON it should be");
	else
		reading->read++;
	free(text);
}

/* One transport towards the edge, both families in one sentence. */
static void judge_edge(struct ztt_finding *finding,
		       const struct ztt_ruleset *rules, bool udp)
{
	struct ztt_ruleset_packet packet = {.output = true,
					    .udp = udp,
					    .port = EDGE_PORT};
	char why[ZTT_RULESET_WHY_LEN], why6[ZTT_RULESET_WHY_LEN];
	enum ztt_ruleset_verdict v4 = ztt_ruleset_judge(rules, &packet, why);
	enum ztt_ruleset_verdict v6;
	const char *name = udp ? "UDP 7844" : "TCP 7844";

	packet.v6 = true;
	v6 = ztt_ruleset_judge(rules, &packet, why6);
	if (v4 == ZTT_RULESET_BLOCKED)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "outbound %s is blocked%s (%s)", name,
				 v6 == ZTT_RULESET_BLOCKED ? "" : " over IPv4",
				 why);
	else if (v4 == ZTT_RULESET_PASSES && v6 == ZTT_RULESET_BLOCKED)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "outbound %s is blocked over IPv6 alone (%s)",
				 name, why6);
	else if (v4 == ZTT_RULESET_PASSES && v6 == ZTT_RULESET_PASSES)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "nothing blocks outbound %s", name);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "outbound %s: not analysed (%s): ask "
				 "egress.%s",
				 name, v4 == ZTT_RULESET_PASSES ? why6 : why,
				 udp ? "udp" : "tcp");
}

static void judge_port(struct ztt_finding *finding,
		       const struct ztt_ruleset *rules,
		       const struct ztt_exposed_port *port)
{
	struct ztt_ruleset_packet packet = {.port = port->port,
					    .v6 = port->by.v6};
	static const uint8_t any[16];
	char why[ZTT_RULESET_WHY_LEN];
	enum ztt_ruleset_verdict verdict =
		ztt_ruleset_judge(rules, &packet, why);

	/* A socket on :: takes IPv4 too. */
	if (verdict != ZTT_RULESET_PASSES && port->by.v6 &&
	    memcmp(port->by.address, any, sizeof(any)) == 0) {
		enum ztt_ruleset_verdict v4;

		packet.v6 = false;
		v4 = ztt_ruleset_judge(rules, &packet, why);
		if (v4 == ZTT_RULESET_PASSES || v4 == ZTT_RULESET_UNSURE)
			verdict = v4;
	}
	if (verdict == ZTT_RULESET_PASSES)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "no rule keeps other hosts off %sport %u",
				 port->metrics ? "metrics " : "", port->port);
	else if (verdict == ZTT_RULESET_UNSURE)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "port %u: not analysed (%s)", port->port, why);
	else
		ztt_finding_note(
			finding, ZTT_STATUS_OK, "port %u is filtered%s (%s)",
			port->port,
			verdict == ZTT_RULESET_LIMITED
				? ", but for what narrower rules let in"
				: "",
			why);
}

/* iptables shows no tables of nftables' own, nft none of iptables-legacy; the
 * kernel tells whether there may be any. */
static void note_unshown(struct ztt_doctor *doctor, struct ztt_finding *finding,
			 const struct reading *reading)
{
	struct ztt_root_stat stat;
	char names[256];

	if (!reading->nft &&
	    ztt_root_stat(doctor->root, "/sys/module/nf_tables", &stat) == 0)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "tables of nftables were not seen: nft is not "
				 "installed, or failed");
	if (!reading->iptables &&
	    ztt_root_text(doctor->root, "/proc/net/ip_tables_names", names,
			  sizeof(names), NULL) == 0 &&
	    strstr(names, "filter"))
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "the table filter of iptables was not seen: "
				 "iptables-save is not installed, or failed");
}

static void note_none_read(struct ztt_finding *finding,
			   const struct reading *reading)
{
	if (reading->denied)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "the rules cannot be read; needs "
				 "CAP_NET_ADMIN (root)");
	else if (reading->problem[0])
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s",
				 reading->problem);
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "neither nft nor iptables-save is installed "
				 "to show the rules");
}

void ztt_check_firewall_rules(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	struct reading reading = {
		.rules = ztt_ruleset_new(),
		.until_ns = ztt_doctor_due_ns(doctor),
	};
	struct ztt_exposed *exposed = ztt_alloc(sizeof(*exposed));

	read_rules(&reading);
	if (reading.read == 0) {
		note_none_read(finding, &reading);
		goto out;
	}
	judge_edge(finding, reading.rules, true);
	judge_edge(finding, reading.rules, false);
	ztt_exposed_find(doctor, exposed);
	for (size_t i = 0, shown = 0; i < exposed->count && shown < 8; i++) {
		if (!exposed->list[i].exposed)
			continue;
		judge_port(finding, reading.rules, &exposed->list[i]);
		shown++;
	}
	if (reading.problem[0])
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s",
				 reading.problem);
	else if (reading.denied)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "not all rules can be read; needs "
				 "CAP_NET_ADMIN (root)");
	note_unshown(doctor, finding, &reading);
	ztt_finding_note(finding, ZTT_STATUS_OK, "%zu base chains read",
			 ztt_ruleset_chains(reading.rules));
out:
	free(exposed);
	ztt_ruleset_free(reading.rules);
}
