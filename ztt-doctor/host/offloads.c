#define _GNU_SOURCE
#include "ztt-doctor/host/offloads.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"

#define FEATURES_MAX 1024
#define BLOCKS_MAX (FEATURES_MAX / 32)

static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static int read_flag(int fd, const char *name, unsigned command)
{
	struct ethtool_value value = {.cmd = command};

	return ethtool(fd, name, &value) < 0 ? -1 : value.data != 0;
}

static unsigned feature_count(int fd, const char *name)
{
	struct ethtool_sset_info *info =
		ztt_calloc(1, sizeof(*info) + sizeof(info->data[0]));
	unsigned count = 0;

	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ULL << ETH_SS_FEATURES;
	if (ethtool(fd, name, info) == 0 && info->sset_mask &&
	    info->data[0] <= FEATURES_MAX)
		count = info->data[0];
	free(info);
	return count;
}

static int find_feature(const struct ethtool_gstrings *strings,
			const struct ethtool_gfeatures *features,
			const char *wanted)
{
	for (unsigned i = 0; i < strings->len; i++) {
		const char *name =
			(const char *)strings->data + i * ETH_GSTRING_LEN;

		if (strncmp(name, wanted, ETH_GSTRING_LEN) == 0 &&
		    i / 32 < features->size)
			return features->features[i / 32].active >> i % 32 & 1;
	}
	return -1;
}

/* ETHTOOL_GFEATURES numbers its bits as ETH_SS_FEATURES names them. */
static void read_features(int fd, const char *name,
			  struct ztt_offloads *offloads)
{
	const unsigned count = feature_count(fd, name);
	struct ethtool_gfeatures *features =
		ztt_calloc(1,
			   sizeof(*features) +
				   BLOCKS_MAX * sizeof(features->features[0]));
	struct ethtool_gstrings *strings =
		ztt_calloc(1,
			   sizeof(*strings) + FEATURES_MAX * ETH_GSTRING_LEN);

	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_FEATURES;
	strings->len = count;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = (count + 31) / 32;
	if (count > 0 && ethtool(fd, name, strings) == 0 &&
	    ethtool(fd, name, features) == 0 && strings->len <= count) {
		offloads->tx_udp_segmentation =
			find_feature(strings, features, "tx-udp-segmentation");
		offloads->rx_udp_gro_forwarding =
			find_feature(strings, features,
				     "rx-udp-gro-forwarding");
	}
	free(strings);
	free(features);
}

int ztt_offloads_read(const char *name, struct ztt_offloads *ret_offloads)
{
	struct ztt_offloads offloads = {-1, -1, -1, -1, -1};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (if_nametoindex(name) == 0) {
		rc = -ENODEV;
		goto out;
	}
	offloads.gro = read_flag(fd, name, ETHTOOL_GGRO);
	offloads.gso = read_flag(fd, name, ETHTOOL_GGSO);
	offloads.tx_checksum = read_flag(fd, name, ETHTOOL_GTXCSUM);
	read_features(fd, name, &offloads);
	if (offloads.gro < 0 && offloads.gso < 0) {
		rc = -EOPNOTSUPP;
		goto out;
	}
	*ret_offloads = offloads;
out:
	close(fd);
	return rc;
}
