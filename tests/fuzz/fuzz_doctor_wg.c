/* The first byte picks: 'n' attributes of generic netlink, anything else an
 * answer of the UAPI socket. */
#include "ztt-doctor/host/wg_device.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ztt_wg_device device;

static void check(void)
{
	char name[ZTT_WG_NAME_LEN];

	if (device.peer_count > ZTT_WG_PEERS_MAX)
		abort();
	for (size_t i = 0; i < device.peer_count; i++)
		if (strlen(ztt_wg_peer_name(&device.peers[i], name)) != 8)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	memset(&device, 0, sizeof(device));
	if (data[0] == 'n')
		ztt_wg_parse_netlink(&device, copy, size - 1);
	else
		ztt_wg_parse_uapi(&device, copy, size - 1);
	check();
	free(copy);
	return 0;
}
