#include "ztt-doctor/probes/edge_addresses.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/probes/dns.h"
#include "ztt-doctor/probes/side_by_side.h"

#define PORT 7844
#define QUESTIONS_MAX ZTT_EDGE_ADDRESSES_MAX

/* One question: an address of a region, in one family. */
struct question {
	struct ztt_doctor *doctor;
	char region[64];
	uint16_t port;
	enum ztt_dns_type type;
	int rc;
	struct ztt_dns_answer answer;
	struct ztt_err err;
};

static void add(struct ztt_edge_addresses *edge, const char *region,
		const struct ztt_address *address)
{
	struct ztt_edge_address *at = &edge->list[edge->count];

	if (edge->count == ZTT_EDGE_ADDRESSES_MAX)
		return;
	for (size_t i = 0; i < edge->count; i++)
		if (ztt_address_equal(&edge->list[i].address, address))
			return;
	snprintf(at->region, sizeof(at->region), "%s", region);
	at->address = *address;
	edge->count++;
}

/* --- what --edge says ----------------------------------------------------- */

int ztt_edge_address_parse(const char *text, struct ztt_address *ret_address,
			   struct ztt_err *err)
{
	const char *colon = strrchr(text, ':');
	const char *bracket = strrchr(text, ']');
	const bool bare6 = colon && !bracket && strchr(text, ':') != colon;
	const bool has_port = colon && !bare6 && (!bracket || colon > bracket);
	char full[300];

	snprintf(full, sizeof(full), bare6 ? "[%s]:%d" : "%s:%d", text, PORT);
	return ztt_address_parse(has_port ? text : full, ret_address, err);
}

static void read_option(struct ztt_edge_addresses *edge, const char *text)
{
	char *copy = ztt_strdup(text), *word, *rest;
	struct ztt_address address;
	struct ztt_err err;

	for (word = strtok_r(copy, ", ", &rest); word;
	     word = strtok_r(NULL, ", ", &rest)) {
		if (ztt_edge_address_parse(word, &address, &err) == 0)
			add(edge, "edge", &address);
		else
			snprintf(edge->problem, sizeof(edge->problem), "%.255s",
				 err.text);
	}
	free(copy);
	if (!edge->count && !edge->problem[0])
		snprintf(edge->problem, sizeof(edge->problem),
			 "--edge names no address");
}

/* --- what DNS says -------------------------------------------------------- */

static void ask(void *item)
{
	struct question *question = item;

	question->rc =
		ztt_dns_ask(question->doctor, question->region, question->type,
			    &question->answer, &question->err);
}

/* Over TLS where the resolver fails, as cloudflared asks for the regions, though
 * not for their addresses (edgediscovery/allregions/discovery.go). */
static int ask_regions(struct ztt_doctor *doctor,
		       struct ztt_dns_answer *ret_answer, struct ztt_err *err)
{
	const char *region = doctor->plan.region;
	char name[128];
	struct ztt_err tls_err;
	int rc;

	snprintf(name, sizeof(name),
		 "_%s%sv2-origintunneld._tcp.argotunnel.com",
		 region ? region : "", region ? "-" : "");
	rc = ztt_dns_ask(doctor, name, ZTT_DNS_SRV, ret_answer, err);
	if (rc < 0 && ztt_dns_ask_tls(doctor, name, ZTT_DNS_SRV, ret_answer,
				      &tls_err) == 0)
		rc = 0;
	return rc;
}

static bool is_asked(const struct question *questions, size_t count,
		     const char *region)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(questions[i].region, region) == 0)
			return true;
	return false;
}

static size_t fill_questions(struct ztt_doctor *doctor,
			     const struct ztt_dns_answer *regions,
			     struct question *questions)
{
	static const enum ztt_dns_type types[] = {ZTT_DNS_A, ZTT_DNS_AAAA};
	size_t count = 0;

	for (size_t i = 0; i < regions->count; i++) {
		const struct ztt_dns_record *record = &regions->records[i];
		char region[sizeof(questions->region)];
		size_t len = strlen(record->text);

		while (len && record->text[len - 1] == '.')
			len--;
		if (!len || len >= sizeof(region))
			continue;
		snprintf(region, sizeof(region), "%.*s", (int)len,
			 record->text);
		if (is_asked(questions, count, region))
			continue;
		if (count + 2 > QUESTIONS_MAX)
			break;
		for (size_t t = 0; t < 2; t++, count++) {
			questions[count] =
				(struct question){.doctor = doctor,
						  .port = record->port,
						  .type = types[t]};
			memcpy(questions[count].region, region, sizeof(region));
		}
	}
	return count;
}

static void take_answer(struct ztt_edge_addresses *edge,
			const struct question *question)
{
	struct ztt_address address;
	char text[300];

	if (question->rc < 0 || !question->answer.count) {
		if (!edge->problem[0])
			snprintf(edge->problem, sizeof(edge->problem), "%.255s",
				 question->rc < 0 ? question->err.text
						  : "no address");
		return;
	}
	snprintf(text, sizeof(text),
		 question->type == ZTT_DNS_AAAA ? "[%s]:%u" : "%s:%u",
		 question->answer.records[0].text,
		 question->port ? question->port : PORT);
	if (ztt_address_parse_numeric(text, &address, NULL) == 0)
		add(edge, question->region, &address);
}

static void resolve(struct ztt_doctor *doctor, struct ztt_edge_addresses *edge)
{
	struct ztt_dns_answer *regions = ztt_calloc(1, sizeof(*regions));
	struct question *questions =
		ztt_calloc(QUESTIONS_MAX, sizeof(*questions));
	struct ztt_err err = {.text = ""};
	size_t count = 0;

	if (ask_regions(doctor, regions, &err) < 0)
		snprintf(edge->problem, sizeof(edge->problem), "%.255s",
			 err.text);
	else
		count = fill_questions(doctor, regions, questions);
	if (count)
		ztt_side_by_side(ask, questions, sizeof(*questions), count);
	for (size_t i = 0; i < count; i++)
		take_answer(edge, &questions[i]);
	if (!edge->count && !edge->problem[0])
		snprintf(edge->problem, sizeof(edge->problem),
			 "DNS names no region of the edge");
	free(questions);
	free(regions);
}

static void *make(struct ztt_doctor *doctor)
{
	struct ztt_edge_addresses *edge = ztt_calloc(1, sizeof(*edge));

	if (doctor->plan.edge)
		read_option(edge, doctor->plan.edge);
	else
		resolve(doctor, edge);
	return edge;
}

const struct ztt_edge_addresses *ztt_edge_addresses(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_EDGE, make, free);
}
