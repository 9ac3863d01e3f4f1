/* Numbers of the pcapng format: draft-ietf-opsawg-pcapng. */
#ifndef ZTT_CAPTURE_PCAPNG_H
#define ZTT_CAPTURE_PCAPNG_H

#include <stdint.h>

#define ZTT_PCAPNG_ORDER 0x1a2b3c4dU /* byte-order magic */
#define ZTT_PCAPNG_TLS_KEY_LOG 0x544c534bU
/* A block without body: type, length, length again. */
#define ZTT_PCAPNG_BLOCK_BYTES 12

enum ztt_pcapng_block {
	ZTT_BLOCK_INTERFACE = 1,
	ZTT_BLOCK_PACKET_OLD = 2,
	ZTT_BLOCK_SIMPLE = 3,
	ZTT_BLOCK_STATISTICS = 5,
	ZTT_BLOCK_PACKET = 6,
	ZTT_BLOCK_SECRETS = 10,
	ZTT_BLOCK_SECTION = 0x0a0d0d0a,
};

/* Options, of any block and of those that begin with its name. */
enum ztt_pcapng_option {
	ZTT_OPTION_END = 0,
	ZTT_OPTION_COMMENT = 1,
	ZTT_OPTION_SECTION_APPLICATION = 4,
	ZTT_OPTION_INTERFACE_NAME = 2,
	ZTT_OPTION_INTERFACE_RESOLUTION = 9,
	ZTT_OPTION_INTERFACE_OFFSET = 14,
	ZTT_OPTION_PACKET_FLAGS = 2,
	ZTT_OPTION_STATISTICS_RECEIVED = 4,
	ZTT_OPTION_STATISTICS_DROPPED = 5,
	ZTT_OPTION_STATISTICS_DROPPED_OS = 7,
};

/* Lowest bits of a packet's flags. */
enum ztt_pcapng_direction {
	ZTT_PCAPNG_INBOUND = 1,
	ZTT_PCAPNG_OUTBOUND = 2,
};

/* ztt-capture's own: a comment on an interface whose packets came with the
 * kernel's word on segmentation, and the comment's begin on each packet that
 * is a super-datagram, followed by its segment size. Comments live through
 * other tools' copying, and are read by people. */
#define ZTT_PCAPNG_COMMENT_VNET "ztt: segment sizes are exact"
#define ZTT_PCAPNG_COMMENT_SEGMENT "ztt: datagrams of "

#endif
