/* Where frames come from: a capture file, standard input or an interface. All
 * of it is hostile: bounded memory, a sentence for what is broken, and what was
 * whole before is given. */
#ifndef ZTT_CAPTURE_SOURCE_H
#define ZTT_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;
struct ztt_source; /* opaque */

/* As pcap-linktype(7) numbers them; others are given and not decoded. */
enum ztt_link {
	ZTT_LINK_NULL = 0,
	ZTT_LINK_ETHERNET = 1,
	ZTT_LINK_RAW = 101,
	ZTT_LINK_LOOP = 108,
	ZTT_LINK_LINUX_SLL = 113,
	ZTT_LINK_IPV4 = 228,
	ZTT_LINK_IPV6 = 229,
	ZTT_LINK_LINUX_SLL2 = 276,
};

#define ZTT_FRAME_BYTES_MAX 262144 /* a longer one is a broken file */

struct ztt_frame {
	uint64_t number;    /* from 1, as Wireshark counts */
	int64_t at_ns;      /* since the epoch; never negative */
	unsigned link;      /* enum ztt_link, or another */
	unsigned interface; /* 0 .. of the file */
	uint32_t captured_bytes, length_bytes; /* stored; on the wire */
	const uint8_t *data; /* captured_bytes; valid until the next call */
	/* From PACKET_VNET_HDR, where the source has it: UDP payload bytes of
	 * each segment of a super-datagram; 0: one datagram or not known. */
	uint16_t segment_bytes;
	bool has_vnet; /* segment_bytes is known, also when 0 */
	bool outgoing; /* left this host (cooked, vnet, pcapng flags) */
};

struct ztt_source_figures {
	uint64_t frames, bytes; /* bytes that were captured */
	uint64_t truncated;     /* frames that the capture cut short */
	uint64_t dropped; /* by the kernel, as the file or the source says */
	bool dropped_known;
	/* The file ended within a record, or a record was broken; "" : neither.
	 * A sentence. */
	char problem[256];
};

/* "-" is standard input. pcap (micro- and nanoseconds, both byte orders),
 * pcapng, either gzipped. Blocks. -ENOENT, -EACCES, ...; -EPROTO: no capture
 * file, or an empty one. */
int ztt_source_open_file(const char *path, struct ztt_source **ret_source,
			 struct ztt_err *err);

/* The same in two steps, between which a sandbox can be entered: the path's
 * descriptor or -errno, and reading, which takes `fd` over also when it
 * fails. `path` is for sentences only. */
int ztt_source_open_path(const char *path, struct ztt_err *err);
int ztt_source_open_fd(int fd, const char *path, struct ztt_source **ret_source,
		       struct ztt_err *err);

/* The next frame: 1, 0 at the end, -errno with a sentence only when reading
 * itself fails (a broken file ends, with figures.problem). */
int ztt_source_next(struct ztt_source *source, struct ztt_frame *ret_frame,
		    struct ztt_err *err);

/* Decryption Secrets Blocks (TLS key log) that were met so far, as text;
 * `text` is valid during the call. Called before the frames that follow it. */
void ztt_source_on_secrets(struct ztt_source *source,
			   void (*secrets)(void *owner, const char *text,
					   size_t len_bytes),
			   void *owner);

void ztt_source_figures(const struct ztt_source *source,
			struct ztt_source_figures *ret_figures);
void ztt_source_close(struct ztt_source *source);

#endif
