#include "ztt-doctor/probes/names.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/probes/side_by_side.h"

static void add(struct ztt_names *names, enum ztt_name_use use,
		enum ztt_dns_type type, const char *what_for,
		const char *before, const char *region, const char *after)
{
	struct ztt_name *name = &names->list[names->count++];

	assert(names->count <= ZTT_NAMES_MAX);
	*name = (struct ztt_name){.use = use,
				  .type = type,
				  .what_for = what_for};
	snprintf(name->name, sizeof(name->name), "%s%s%s%s", before, region,
		 *region ? "-" : "", after);
}

static void add_api(struct ztt_names *names, const char *what_for,
		    const char *name)
{
	add(names, ZTT_NAME_API, ZTT_DNS_A, what_for, name, "", "");
}

/* edgediscovery/allregions/discovery.go, edgediscovery/protocol.go, features/
 * selector.go, credentials/credentials.go, cmd/cloudflared of cloudflared. */
static void fill(struct ztt_names *names, const char *region)
{
	static const char srv[] = "v2-origintunneld._tcp.argotunnel.com";
	static const char *const regions[] = {"region1.v2.argotunnel.com",
					      "region2.v2.argotunnel.com"};
	const bool fed = strcmp(region, "fed") == 0;

	add(names, ZTT_NAME_SRV, ZTT_DNS_SRV, NULL, "_", region, srv);
	add(names, ZTT_NAME_DOT, ZTT_DNS_SRV, NULL, "_", region, srv);
	for (size_t i = 0; i < 2; i++) {
		add(names, ZTT_NAME_ADDRESS, ZTT_DNS_A, NULL, "", region,
		    regions[i]);
		add(names, ZTT_NAME_ADDRESS, ZTT_DNS_AAAA, NULL, "", region,
		    regions[i]);
	}
	add(names, ZTT_NAME_TXT, ZTT_DNS_TXT, "protocol",
	    "protocol-v2.argotunnel.com", "", "");
	add(names, ZTT_NAME_TXT, ZTT_DNS_TXT, "features",
	    "cfd-features.argotunnel.com", "", "");
	add_api(names, "API and login",
		fed ? "api.fed.cloudflare.com" : "api.cloudflare.com");
	add_api(names, "updates", "update.argotunnel.com");
	add_api(names, "quick tunnels", "api.trycloudflare.com");
	add_api(names, "cloudflared tail",
		fed ? "management.fed.argotunnel.com"
		    : "management.argotunnel.com");
}

static void ask(void *item)
{
	struct ztt_name *name = item;

	name->rc =
		name->use == ZTT_NAME_DOT
			? ztt_dns_ask_tls(name->doctor, name->name, name->type,
					  &name->answer, &name->err)
			: ztt_dns_ask(name->doctor, name->name, name->type,
				      &name->answer, &name->err);
}

static void *make(struct ztt_doctor *doctor)
{
	const char *region = doctor->plan.region ? doctor->plan.region : "";
	struct ztt_names *names = ztt_calloc(1, sizeof(*names));

	fill(names, region);
	for (size_t i = 0; i < names->count; i++)
		names->list[i].doctor = doctor;
	ztt_side_by_side(ask, names->list, sizeof(names->list[0]),
			 names->count);
	return names;
}

const struct ztt_names *ztt_names(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_DNS, make, free);
}

const struct ztt_name *ztt_names_find(const struct ztt_names *names,
				      enum ztt_name_use use)
{
	size_t i = 0;

	while (names->list[i].use != use)
		i++;
	return &names->list[i];
}
