#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/names.h"

#define REGIONS_MIN 2 /* edgediscovery/allregions/regions.go */
#define SLOW_NS (500 * ZTT_NS_PER_MS)

static bool is_needless(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	if (!doctor->plan.edge)
		return false;
	ztt_finding_note(finding, ZTT_STATUS_SKIP,
			 "the edge is given as --edge: its names are not asked "
			 "for");
	return true;
}

/* How many different targets. */
static size_t count_regions(const struct ztt_dns_answer *answer)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++) {
		size_t j = 0;

		while (j < i && strcasecmp(answer->records[i].text,
					   answer->records[j].text))
			j++;
		count += j == i && answer->records[i].text[0];
	}
	return count;
}

static void list_records(const struct ztt_dns_answer *answer, char *out,
			 size_t cap)
{
	size_t len = 0;

	out[0] = 0;
	for (size_t i = 0; i < answer->count && len < cap; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s",
					i > 0 ? ", " : "",
					answer->records[i].text);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

void ztt_check_dns_srv(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct ztt_name *srv, *dot;
	char took[ZTT_UNITS_LEN], list[256];
	size_t regions;

	if (is_needless(doctor, finding))
		return;
	srv = ztt_names_find(ztt_names(doctor), ZTT_NAME_SRV);
	dot = ztt_names_find(ztt_names(doctor), ZTT_NAME_DOT);
	if (srv->rc < 0) {
		ztt_finding_note(finding,
				 dot->rc == 0 ? ZTT_STATUS_WARN
					      : ZTT_STATUS_FAIL,
				 "%s", srv->err.text);
		if (dot->rc == 0)
			ztt_finding_note(finding, ZTT_STATUS_WARN,
					 "the fallback over TLS works");
		return;
	}
	list_records(&srv->answer, list, sizeof(list));
	regions = count_regions(&srv->answer);
	ztt_finding_note(finding,
			 regions < REGIONS_MIN ? ZTT_STATUS_FAIL
					       : ZTT_STATUS_OK,
			 "%zu region%s in %s: %s", regions, plural(regions),
			 ztt_units_ns(took, (double)srv->answer.took_ns), list);
}

/* A and AAAA of one region; `a` stands before `aaaa`. */
static void note_region(struct ztt_finding *finding, const struct ztt_name *a)
{
	const struct ztt_name *aaaa = a + 1;

	if (a->rc < 0 && aaaa->rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s", a->err.text);
		return;
	}
	ztt_finding_note(finding, ZTT_STATUS_OK, "%s: %zu IPv4 and %zu IPv6",
			 a->name, a->rc < 0 ? 0 : a->answer.count,
			 aaaa->rc < 0 ? 0 : aaaa->answer.count);
	if (a->rc < 0 && a->rc != -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "%s", a->err.text);
	if (aaaa->rc < 0 && aaaa->rc != -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "%s",
				 aaaa->err.text);
}

void ztt_check_dns_addresses(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	const struct ztt_names *names;

	if (is_needless(doctor, finding))
		return;
	names = ztt_names(doctor);
	for (size_t i = 0; i < names->count; i++)
		if (names->list[i].use == ZTT_NAME_ADDRESS &&
		    names->list[i].type == ZTT_DNS_A)
			note_region(finding, &names->list[i]);
}

/* cloudflared reads the first record as JSON. */
static void note_txt(struct ztt_finding *finding, const struct ztt_name *name)
{
	const char *text = name->answer.records[0].text;
	bool cut = strlen(text) == sizeof(name->answer.records[0].text) - 1;
	json_t *json;

	if (name->rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_WARN, "%s",
				 name->err.text);
		return;
	}
	json = cut ? NULL : json_loads(text, 0, NULL);
	if (json || cut)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%s: %s",
				 name->what_for, text);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "TXT %s is not the JSON that cloudflared "
				 "reads: '%s'",
				 name->name, text);
	json_decref(json);
}

void ztt_check_dns_txt(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct ztt_names *names;

	if (is_needless(doctor, finding))
		return;
	names = ztt_names(doctor);
	for (size_t i = 0; i < names->count; i++)
		if (names->list[i].use == ZTT_NAME_TXT)
			note_txt(finding, &names->list[i]);
}

void ztt_check_dns_latency(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	const struct ztt_name *slowest = NULL;
	char took[ZTT_UNITS_LEN];
	size_t answered = 0;

	if (is_needless(doctor, finding))
		return;
	for (size_t i = 0; i < ztt_names(doctor)->count; i++) {
		const struct ztt_name *name = &ztt_names(doctor)->list[i];

		if (name->use == ZTT_NAME_DOT || name->rc < 0)
			continue;
		answered++;
		if (!slowest || name->answer.took_ns > slowest->answer.took_ns)
			slowest = name;
	}
	if (!slowest) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no name was answered: see dns.srv");
		return;
	}
	ztt_finding_note(finding,
			 slowest->answer.took_ns > SLOW_NS ? ZTT_STATUS_WARN
							   : ZTT_STATUS_OK,
			 "%zu answer%s, the slowest in %s (%s %s)", answered,
			 plural(answered),
			 ztt_units_ns(took, (double)slowest->answer.took_ns),
			 ztt_dns_type_name(slowest->type), slowest->name);
}

void ztt_check_dns_dot(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct ztt_name *srv, *dot;
	char took[ZTT_UNITS_LEN];

	if (is_needless(doctor, finding))
		return;
	srv = ztt_names_find(ztt_names(doctor), ZTT_NAME_SRV);
	dot = ztt_names_find(ztt_names(doctor), ZTT_NAME_DOT);
	if (dot->rc == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%zu region%s in %s",
				 count_regions(&dot->answer),
				 plural(count_regions(&dot->answer)),
				 ztt_units_ns(took,
					      (double)dot->answer.took_ns));
	else if (srv->rc == 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s; not needed while dns.srv is answered",
				 dot->err.text);
	else
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s", dot->err.text);
}

void ztt_check_dns_api(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	const struct ztt_names *names;

	if (is_needless(doctor, finding))
		return;
	names = ztt_names(doctor);
	for (size_t i = 0; i < names->count; i++) {
		const struct ztt_name *name = &names->list[i];

		if (name->use != ZTT_NAME_API)
			continue;
		if (name->rc < 0)
			ztt_finding_note(finding, ZTT_STATUS_WARN, "%s: %s",
					 name->what_for, name->err.text);
		else
			ztt_finding_note(finding, ZTT_STATUS_OK, "%s",
					 name->name);
	}
}
