/* The UDP datagrams of a small classic pcap of Ethernet frames with IPv4, read
 * without the decoders that other tests are about. */
#ifndef ZTT_TESTS_CAPTURE_PCAP_H
#define ZTT_TESTS_CAPTURE_PCAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct pcap_file {
	uint8_t *data;
	size_t len_bytes, at;
	unsigned frame;
};

struct pcap_datagram {
	unsigned frame; /* from 1 */
	uint16_t from_port, to_port;
	const uint8_t *payload;
	size_t len_bytes;
};

/* All of tests/fixtures/NAME, to be freed. */
static inline uint8_t *fixture_read(const char *name, size_t *ret_len_bytes)
{
	static const size_t most = 1 << 21;
	uint8_t *data = malloc(most);
	char path[256];
	FILE *in;

	snprintf(path, sizeof(path), "tests/fixtures/%s", name);
	in = fopen(path, "r");
	if (!in || !data)
		fail_msg("%s: run from the top of the tree", path);
	*ret_len_bytes = fread(data, 1, most, in);
	fclose(in);
	return data;
}

static inline void pcap_open(struct pcap_file *file, const char *name)
{
	*file = (struct pcap_file){.at = 24};
	file->data = fixture_read(name, &file->len_bytes);
}

static inline unsigned pcap_big(const uint8_t *at)
{
	return (unsigned)(at[0] << 8 | at[1]);
}

/* The next UDP datagram; 0 at the end. */
static inline int pcap_next(struct pcap_file *file, struct pcap_datagram *ret)
{
	uint32_t captured;

	while (file->at + 16 <= file->len_bytes) {
		const uint8_t *ip = file->data + file->at + 16 + 14, *udp;

		memcpy(&captured, file->data + file->at + 8, 4);
		file->at += 16 + captured;
		file->frame++;
		if (ip[-2] != 8 || ip[-1] != 0 || ip[9] != 17)
			continue;
		udp = ip + 4 * (ip[0] & 15);
		*ret = (struct pcap_datagram){
			.frame = file->frame,
			.from_port = (uint16_t)pcap_big(udp),
			.to_port = (uint16_t)pcap_big(udp + 2),
			.payload = udp + 8,
			.len_bytes = (size_t)(file->data + file->at - udp - 8),
		};
		return 1;
	}
	return 0;
}

#endif
