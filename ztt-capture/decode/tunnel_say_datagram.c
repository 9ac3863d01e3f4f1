#define _GNU_SOURCE
#include "ztt-capture/decode/tunnel_say.h"

#include "ztt-capture/decode/bytes.h"

#define ID_BYTES 16
#define IDENTITY_BYTES 25 /* trace 16, span 8, flags 1 */

enum {
	V2_UDP = 0,
	V2_IP = 1,
	V2_IP_TRACED = 2,
	V2_SPANS = 3,
};

enum {
	V3_REGISTRATION = 0,
	V3_PAYLOAD = 1,
	V3_ICMP = 2,
	V3_RESPONSE = 3,
};

enum {
	V3_FLAG_IPV6 = 1,
	V3_FLAG_BUNDLED = 4,
};

static const char *ip_name(uint8_t protocol)
{
	return protocol == 1 || protocol == 58 ? "ICMP"
	       : protocol == 6                 ? "TCP"
	       : protocol == 17                ? "UDP"
					       : "IP";
}

/* "ICMP 10.0.0.1 to 10.0.0.2, 84 bytes"; false: no IP packet. */
static bool say_ip(const uint8_t *packet, size_t len_bytes,
		   struct ztt_line *line)
{
	const unsigned version = len_bytes ? packet[0] >> 4 : 0;

	if (version == 4 && len_bytes >= 20) {
		ztt_line_add(line, "%s ", ip_name(packet[9]));
		ztt_line_ip(line, packet + 12, 4);
		ztt_line_add(line, " to ");
		ztt_line_ip(line, packet + 16, 4);
	} else if (version == 6 && len_bytes >= 40) {
		ztt_line_add(line, "%s ", ip_name(packet[6]));
		ztt_line_ip(line, packet + 8, 16);
		ztt_line_add(line, " to ");
		ztt_line_ip(line, packet + 24, 16);
	} else {
		return false;
	}
	ztt_line_add(line, ", %zu bytes", len_bytes);
	return true;
}

static bool say_v2_udp(const uint8_t *data, size_t len_bytes,
		       struct ztt_line *line)
{
	if (len_bytes < ID_BYTES)
		return false;
	ztt_line_add(line, "UDP session ");
	ztt_line_uuid(line, data + len_bytes - ID_BYTES);
	ztt_line_add(line, ", %zu bytes", len_bytes - ID_BYTES);
	return true;
}

/* The type is the last byte (quic/datagramv2.go). */
static bool say_v2(const uint8_t *data, size_t len_bytes, struct ztt_line *line)
{
	const size_t rest = len_bytes - 1;

	ztt_line_add(line, "datagram v2: ");
	switch (data[rest]) {
	case V2_UDP:
		return say_v2_udp(data, rest, line);
	case V2_IP:
		return say_ip(data, rest, line);
	case V2_IP_TRACED:
		return rest >= IDENTITY_BYTES &&
		       say_ip(data, rest - IDENTITY_BYTES, line);
	case V2_SPANS:
		ztt_line_add(line, "spans, %zu bytes", rest);
		return rest >= IDENTITY_BYTES;
	default:
		return false;
	}
}

static bool say_v3_registration(struct ztt_bytes *bytes, struct ztt_line *line)
{
	const uint8_t flags = ztt_bytes_u8(bytes);
	const uint16_t port = ztt_bytes_u16(bytes);
	const uint16_t idle_s = ztt_bytes_u16(bytes);
	const uint8_t *id = ztt_bytes_take(bytes, ID_BYTES);
	const size_t ip_bytes = flags & V3_FLAG_IPV6 ? 16 : 4;
	const uint8_t *ip = ztt_bytes_take(bytes, ip_bytes);

	if (!id || !ip)
		return false;
	ztt_line_add(line, "registration to ");
	ztt_line_ip(line, ip, ip_bytes);
	ztt_line_add(line, " port %u idle %u s session ", port, idle_s);
	ztt_line_uuid(line, id);
	if (flags & V3_FLAG_BUNDLED)
		ztt_line_add(line, ", %zu bytes", ztt_bytes_left(bytes));
	return true;
}

static bool say_v3_payload(struct ztt_bytes *bytes, struct ztt_line *line)
{
	const uint8_t *id = ztt_bytes_take(bytes, ID_BYTES);

	if (!id)
		return false;
	ztt_line_add(line, "UDP session ");
	ztt_line_uuid(line, id);
	ztt_line_add(line, ", %zu bytes", ztt_bytes_left(bytes));
	return true;
}

static const char *response_name(uint8_t code)
{
	static const char *const names[] = {"ok", "unreachable", "bind failed",
					    "too many flows"};

	return code < 4 ? names[code] : code == 0xff ? "error" : "?";
}

static bool say_v3_response(struct ztt_bytes *bytes, struct ztt_line *line)
{
	const uint8_t code = ztt_bytes_u8(bytes);
	const uint8_t *id = ztt_bytes_take(bytes, ID_BYTES);
	const uint16_t text_bytes = ztt_bytes_u16(bytes);
	const uint8_t *text = ztt_bytes_take(bytes, text_bytes);

	if (!id || !text)
		return false;
	ztt_line_add(line, "registration %s session ", response_name(code));
	ztt_line_uuid(line, id);
	if (text_bytes) {
		ztt_line_add(line, ": ");
		ztt_line_slice(line, (struct ztt_slice){(const char *)text,
							text_bytes});
	}
	return true;
}

/* The type is the first byte (quic/v3/datagram.go). */
static bool say_v3(const uint8_t *data, size_t len_bytes, struct ztt_line *line)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, len_bytes);

	ztt_line_add(line, "datagram v3: ");
	switch (ztt_bytes_u8(&bytes)) {
	case V3_REGISTRATION:
		return say_v3_registration(&bytes, line);
	case V3_PAYLOAD:
		return say_v3_payload(&bytes, line);
	case V3_ICMP:
		return say_ip(bytes.at, ztt_bytes_left(&bytes), line);
	case V3_RESPONSE:
		return say_v3_response(&bytes, line);
	default:
		return false;
	}
}

/* Of a datagram alone one cannot be sure: an IP packet begins with 4 or 6, so a
 * first byte of 0 to 3 is v3's more often than a UDP payload of v2. */
static enum ztt_datagram_version guess(const uint8_t *data, size_t len_bytes)
{
	const bool v2 = data[len_bytes - 1] <= V2_SPANS;

	if (v2 && (data[0] > V3_RESPONSE || len_bytes < 1 + ID_BYTES))
		return ZTT_DATAGRAM_V2;
	return data[0] <= V3_RESPONSE ? ZTT_DATAGRAM_V3 : ZTT_DATAGRAM_UNKNOWN;
}

bool ztt_tunnel_say_datagram(enum ztt_datagram_version version,
			     const uint8_t *data, size_t len_bytes,
			     struct ztt_line *line)
{
	bool said = false;

	ztt_line_next(line);
	if (len_bytes && version == ZTT_DATAGRAM_UNKNOWN)
		version = guess(data, len_bytes);
	if (len_bytes && version == ZTT_DATAGRAM_V2)
		said = say_v2(data, len_bytes, line);
	else if (len_bytes && version == ZTT_DATAGRAM_V3)
		said = say_v3(data, len_bytes, line);
	else
		ztt_line_add(line, "datagram ");
	if (!said)
		ztt_line_add(line, "malformed, %zu bytes", len_bytes);
	return said;
}
