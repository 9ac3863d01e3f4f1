/* Where the edge is: what --edge says, or what cloudflared would resolve. */
#ifndef ZTT_DOCTOR_EDGE_ADDRESSES_H
#define ZTT_DOCTOR_EDGE_ADDRESSES_H

#include <stddef.h>

#include "common/address.h"

struct ztt_doctor;
struct ztt_err;

#define ZTT_EDGE_ADDRESSES_MAX 16

/* One address of each family of each region (or each address of --edge). */
struct ztt_edge_address {
	char region[64];            /* "region1.v2.argotunnel.com", or "edge" */
	struct ztt_address address; /* with the port */
};

struct ztt_edge_addresses {
	struct ztt_edge_address list[ZTT_EDGE_ADDRESSES_MAX];
	size_t count; /* 0: `problem` says why */
	char problem[256];
};

/* Resolves when first asked (blocks for at most the plan's timeout twice: SRV,
 * then addresses, side by side). Never NULL. */
const struct ztt_edge_addresses *ztt_edge_addresses(struct ztt_doctor *doctor);

/* An address as --edge has it: with port 7844 unless it says another; names are
 * resolved. As ztt_address_parse. */
int ztt_edge_address_parse(const char *text, struct ztt_address *ret_address,
			   struct ztt_err *err);

#endif
