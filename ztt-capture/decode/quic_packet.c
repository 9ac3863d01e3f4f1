#include "ztt-capture/decode/quic_packet.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"

#define LONG_FORM 0x80
#define FIXED_BIT 0x40
#define TAG_BYTES 16

static const char *const names[ZTT_PACKET_TYPES] = {
	[ZTT_PACKET_INITIAL] = "Initial",
	[ZTT_PACKET_0RTT] = "0-RTT",
	[ZTT_PACKET_HANDSHAKE] = "Handshake",
	[ZTT_PACKET_RETRY] = "Retry",
	[ZTT_PACKET_VERSION_NEGOTIATION] = "Version Negotiation",
	[ZTT_PACKET_1RTT] = "1-RTT",
	[ZTT_PACKET_STATELESS_RESET] = "Stateless Reset",
};

const char *ztt_packet_type_name(enum ztt_packet_type type)
{
	return (unsigned)type < ZTT_PACKET_TYPES ? names[type] : "unknown";
}

static enum ztt_packet_type type_of(uint32_t version, uint8_t first)
{
	static const enum ztt_packet_type v1[] = {
		ZTT_PACKET_INITIAL,
		ZTT_PACKET_0RTT,
		ZTT_PACKET_HANDSHAKE,
		ZTT_PACKET_RETRY,
	};
	static const enum ztt_packet_type v2[] = {
		ZTT_PACKET_RETRY,
		ZTT_PACKET_INITIAL,
		ZTT_PACKET_0RTT,
		ZTT_PACKET_HANDSHAKE,
	};
	const unsigned bits = first >> 4 & 3;

	return version == ZTT_QUIC_V2 ? v2[bits] : v1[bits];
}

static bool take_cid(struct ztt_bytes *bytes, size_t len_bytes,
		     struct ztt_cid *cid)
{
	const uint8_t *data;

	if (len_bytes > ZTT_CID_BYTES_MAX)
		return false;
	data = ztt_bytes_take(bytes, len_bytes);
	if (!data)
		return false;
	cid->len_bytes = (uint8_t)len_bytes;
	if (len_bytes > 0)
		memcpy(cid->data, data, len_bytes);
	return true;
}

static int parse_short(struct ztt_bytes *bytes, size_t dcid_bytes,
		       struct ztt_quic_header *header)
{
	assert(dcid_bytes <= ZTT_CID_BYTES_MAX);
	header->type = ZTT_PACKET_1RTT;
	if (!take_cid(bytes, dcid_bytes, &header->dcid) ||
	    ztt_bytes_left(bytes) == 0)
		return -EPROTO;
	header->number_offset = 1 + dcid_bytes;
	return 0;
}

static int parse_token(struct ztt_bytes *bytes, uint64_t len_bytes,
		       struct ztt_quic_header *header)
{
	if (len_bytes > ztt_bytes_left(bytes))
		return -EMSGSIZE;
	header->token_bytes = (size_t)len_bytes;
	header->token = ztt_bytes_take(bytes, (size_t)len_bytes);
	return 0;
}

static int parse_versions(struct ztt_bytes *bytes,
			  struct ztt_quic_header *header)
{
	const size_t left = ztt_bytes_left(bytes);

	header->type = ZTT_PACKET_VERSION_NEGOTIATION;
	if (left == 0 || left % 4 != 0)
		return -EPROTO;
	return parse_token(bytes, left, header);
}

static int parse_retry(struct ztt_bytes *bytes, struct ztt_quic_header *header)
{
	const size_t left = ztt_bytes_left(bytes);

	return left < TAG_BYTES ? -EPROTO
				: parse_token(bytes, left - TAG_BYTES, header);
}

/* Initial, 0-RTT and Handshake: they say how long they are. */
static int parse_numbered(struct ztt_bytes *bytes,
			  struct ztt_quic_header *header)
{
	uint64_t length;
	int result;

	if (header->type == ZTT_PACKET_INITIAL) {
		result = parse_token(bytes, ztt_bytes_varint(bytes), header);
		if (result < 0)
			return result;
	}
	length = ztt_bytes_varint(bytes);
	if (bytes->truncated)
		return -EMSGSIZE;
	header->number_offset = (size_t)(bytes->at - header->packet);
	if (length > ztt_bytes_left(bytes))
		return -EMSGSIZE;
	header->packet_bytes = header->number_offset + (size_t)length;
	return 0;
}

static int parse_long(struct ztt_bytes *bytes, uint8_t first,
		      struct ztt_quic_header *header)
{
	header->version = ztt_bytes_u32(bytes);
	if (!take_cid(bytes, ztt_bytes_u8(bytes), &header->dcid) ||
	    !take_cid(bytes, ztt_bytes_u8(bytes), &header->scid) ||
	    bytes->truncated)
		return -EPROTO;
	if (header->version == 0)
		return parse_versions(bytes, header);
	if (header->version != ZTT_QUIC_V1 && header->version != ZTT_QUIC_V2)
		return -ENOTSUP;
	header->type = type_of(header->version, first);
	return header->type == ZTT_PACKET_RETRY ? parse_retry(bytes, header)
						: parse_numbered(bytes, header);
}

static bool is_padding(const uint8_t *data, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		if (data[i] != 0)
			return false;
	return true;
}

int ztt_quic_header_parse(const uint8_t *data, size_t len_bytes,
			  size_t dcid_bytes, struct ztt_quic_header *ret_header)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, len_bytes);
	struct ztt_quic_header header = {
		.packet = data,
		.packet_bytes = len_bytes,
	};
	const uint8_t first = ztt_bytes_u8(&bytes);
	int result;

	header.fixed_bit = first & FIXED_BIT;
	if (is_padding(data, len_bytes))
		result = -EPROTO;
	else if (first & LONG_FORM)
		result = parse_long(&bytes, first, &header);
	else
		result = parse_short(&bytes, dcid_bytes, &header);
	if (result != -EPROTO)
		*ret_header = header;
	return result;
}

static const struct {
	uint8_t key[16], nonce[12];
} retry_v1 =
	{
		{0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76,
		 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
		{0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98,
		 0x25, 0xbb},
},
  retry_v2 = {
	  {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb,
	   0xce, 0xad, 0x7c, 0xcc, 0x92},
	  {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0,
	   0x4a},
};

bool ztt_quic_retry_is_authentic(const struct ztt_quic_header *header,
				 const struct ztt_cid *first_dcid)
{
	const bool v2 = header->version == ZTT_QUIC_V2;
	EVP_CIPHER_CTX *ctx;
	uint8_t tag[TAG_BYTES];
	bool is_authentic;
	int len;

	if (header->type != ZTT_PACKET_RETRY ||
	    header->packet_bytes < TAG_BYTES ||
	    header->packet_bytes > UINT16_MAX)
		return false;
	len = (int)(header->packet_bytes - TAG_BYTES);
	memcpy(tag, header->packet + len, TAG_BYTES);
	ctx = EVP_CIPHER_CTX_new();
	is_authentic =
		ctx &&
		EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL,
				   v2 ? retry_v2.key : retry_v1.key,
				   v2 ? retry_v2.nonce : retry_v1.nonce) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &(int){0}, &first_dcid->len_bytes,
				  1) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &(int){0}, first_dcid->data,
				  first_dcid->len_bytes) == 1 &&
		EVP_DecryptUpdate(ctx, NULL, &(int){0}, header->packet, len) ==
			1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
				    tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, tag, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return is_authentic;
}

bool ztt_quic_is_stateless_reset(const uint8_t *data, size_t len_bytes,
				 const uint8_t token[ZTT_RESET_TOKEN_BYTES])
{
	return len_bytes >= 5 + ZTT_RESET_TOKEN_BYTES &&
	       !(data[0] & LONG_FORM) &&
	       memcmp(data + len_bytes - ZTT_RESET_TOKEN_BYTES, token,
		      ZTT_RESET_TOKEN_BYTES) == 0;
}

uint64_t ztt_quic_number_decode(uint64_t expected, uint64_t truncated,
				size_t width_bytes)
{
	const uint64_t window = UINT64_C(1) << 8 * width_bytes;
	const uint64_t number = (expected & ~(window - 1)) | truncated;

	if (number + window / 2 <= expected &&
	    number < (UINT64_C(1) << 62) - window)
		return number + window;
	if (number > expected + window / 2 && number >= window)
		return number - window;
	return number;
}
