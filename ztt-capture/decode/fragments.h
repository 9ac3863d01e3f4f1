/* IP fragments put together again. ztt_fragments_new and _free are in
 * datagram.h. */
#ifndef ZTT_CAPTURE_FRAGMENTS_H
#define ZTT_CAPTURE_FRAGMENTS_H

#include "ztt-capture/decode/ip.h"

/* Adds a fragment that came at `at_ns` of the capture at `place` of
 * `interface`. ZTT_DECODED: the datagram is whole, and `ip` is now that of all
 * of it, its payload owned by `fragments` until the next call. ZTT_FRAGMENT: it
 * waits. ZTT_MALFORMED: it overlaps another or contradicts it, and the datagram
 * is given up (RFC 5722); a fragment that comes twice is none of these. What
 * waits longer than 30 s of the capture's time is given up. */
enum ztt_undecoded ztt_fragments_add(struct ztt_fragments *fragments,
				     unsigned interface, uint32_t place,
				     int64_t at_ns, struct ztt_ip *ip);

#endif
