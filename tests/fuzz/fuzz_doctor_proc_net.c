/* Text files of /proc/net: routes, sockets, counters. */
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/host/interfaces.h"
#include "ztt-doctor/host/proc_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const uint8_t *data, size_t size)
{
	char *text = ztt_alloc(size + 1);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = 0;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct ztt_interfaces *,
				       char *) = {ztt_interfaces_add_routes,
						  ztt_interfaces_add_routes6};
	struct ztt_interfaces interfaces = {.count = 0};
	struct ztt_udp_sockets sockets = {0};
	uint64_t value;
	char *text;

	for (size_t i = 0; i < 2; i++) {
		text = text_of(data, size);
		parsers[i](&interfaces, text);
		free(text);
		text = text_of(data, size);
		ztt_udp_sockets_add(&sockets, text);
		free(text);
	}
	text = text_of(data, size);
	ztt_snmp_value(text, "Udp", "RcvbufErrors", &value);
	ztt_snmp6_value(text, "Udp6RcvbufErrors", &value);
	free(text);
	ztt_udp_sockets_find(&sockets, 0);
	ztt_udp_sockets_release(&sockets);
	return 0;
}
