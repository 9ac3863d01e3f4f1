#include "ztt-capture/decode/tls_hello.h"

#include <errno.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"

/* A message while it is parsed. */
struct parse {
	struct ztt_hello hello;
	struct ztt_ja4 ja4;
	bool quic;
};

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* The next vector, whose length is in `width` bytes. */
static struct ztt_bytes vector(struct ztt_bytes *bytes, size_t width)
{
	const size_t len_bytes = (size_t)ztt_bytes_uint(bytes, width);
	const uint8_t *data = ztt_bytes_take(bytes, len_bytes);

	return data ? ztt_bytes_of(data, len_bytes)
		    : ztt_bytes_of(bytes->at, 0);
}

static void copy_text(char *out, size_t out_size, const struct ztt_bytes *text)
{
	size_t len = ztt_bytes_left(text);

	if (len > out_size - 1)
		len = out_size - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = text->at[i] >= 0x20 && text->at[i] < 0x7f
				 ? (char)text->at[i]
				 : '?';
	out[len] = '\0';
}

static size_t take_list(struct ztt_bytes *list, uint16_t *out)
{
	size_t count = 0;
	uint16_t value;

	while (ztt_bytes_left(list) > 0) {
		value = ztt_bytes_u16(list);
		if (count < ZTT_HELLO_LIST_MAX)
			out[count++] = value;
	}
	return count;
}

/* RFC 6066 section 3: the first name of type host_name. */
static void server_name(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes names, name;
	uint8_t type;

	if (ztt_bytes_left(data) == 0)
		return;
	names = vector(data, 2);
	while (ztt_bytes_left(&names) > 0) {
		type = ztt_bytes_u8(&names);
		name = vector(&names, 2);
		if (type == 0 && parse->hello.server_name[0] == '\0')
			copy_text(parse->hello.server_name,
				  sizeof(parse->hello.server_name), &name);
	}
	data->truncated |= names.truncated;
}

/* RFC 7301. */
static void alpn(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes names = vector(data, 2);
	struct ztt_bytes name;

	if (ztt_bytes_left(&names) == 0)
		return;
	name = vector(&names, 1);
	parse->ja4.alpn = name.at;
	parse->ja4.alpn_bytes = ztt_bytes_left(&name);
	copy_text(parse->hello.alpn, sizeof(parse->hello.alpn), &name);
	data->truncated |= names.truncated;
}

static void supported_groups(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes groups = vector(data, 2);

	parse->hello.group_count = take_list(&groups, parse->hello.groups);
	data->truncated |= groups.truncated;
}

static void signature_algorithms(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes signatures = vector(data, 2);

	while (ztt_bytes_left(&signatures) > 0)
		ztt_ja4_add(&parse->ja4.signatures, ztt_bytes_u16(&signatures));
	data->truncated |= signatures.truncated;
}

static void supported_versions(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes versions;
	uint16_t version, most = 0;

	if (parse->hello.server) {
		parse->hello.version = ztt_bytes_u16(data);
		return;
	}
	versions = vector(data, 1);
	while (ztt_bytes_left(&versions) > 0) {
		version = ztt_bytes_u16(&versions);
		if (!ztt_ja4_is_grease(version) && version > most)
			most = version;
	}
	parse->hello.version = most;
	data->truncated |= versions.truncated;
}

/* A ServerHello has one, a HelloRetryRequest its group alone. */
static void key_share(struct parse *parse, struct ztt_bytes *data)
{
	struct ztt_bytes shares;
	uint16_t group;

	if (parse->hello.server) {
		parse->hello.group = ztt_bytes_u16(data);
		return;
	}
	shares = vector(data, 2);
	while (ztt_bytes_left(&shares) > 0) {
		group = ztt_bytes_u16(&shares);
		vector(&shares, 2);
		if (parse->hello.group == 0 && !ztt_ja4_is_grease(group))
			parse->hello.group = group;
	}
	data->truncated |= shares.truncated;
}

static void transport_parameters(struct parse *parse, struct ztt_bytes *data)
{
	if (parse->quic &&
	    ztt_transport_parameters_parse(data->at, ztt_bytes_left(data),
					   &parse->hello.parameters) < 0)
		data->truncated = true;
}

static const struct {
	uint16_t type;
	void (*take)(struct parse *parse, struct ztt_bytes *data);
} extensions[] = {
	{0, server_name},
	{10, supported_groups},
	{13, signature_algorithms},
	{16, alpn},
	{43, supported_versions},
	{51, key_share},
	{57, transport_parameters},
	{0xffa5, transport_parameters}, /* of the drafts up to 32 */
};

static void extension(struct parse *parse, uint16_t type,
		      struct ztt_bytes *data)
{
	ztt_ja4_add(&parse->ja4.extensions, type);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (extensions[i].type == type)
			extensions[i].take(parse, data);
}

static int parse_extensions(struct parse *parse, struct ztt_bytes *bytes)
{
	struct ztt_bytes all = vector(bytes, 2), data;
	uint16_t type;

	while (ztt_bytes_left(&all) > 0) {
		type = ztt_bytes_u16(&all);
		data = vector(&all, 2);
		if (!all.truncated)
			extension(parse, type, &data);
		all.truncated |= data.truncated;
		if (all.truncated)
			return -EPROTO;
	}
	return bytes->truncated || ztt_bytes_left(bytes) > 0 ? -EPROTO : 0;
}

/* Up to the random and the session ID, as both hellos begin. */
static void parse_begin(struct parse *parse, struct ztt_bytes *bytes)
{
	const uint8_t *random;

	parse->hello.version = ztt_bytes_u16(bytes);
	random = ztt_bytes_take(bytes, sizeof(parse->hello.random));
	if (random)
		memcpy(parse->hello.random, random,
		       sizeof(parse->hello.random));
	vector(bytes, 1);
}

static int parse_client(struct parse *parse, struct ztt_bytes *bytes)
{
	struct ztt_bytes ciphers, all;

	parse_begin(parse, bytes);
	ciphers = vector(bytes, 2);
	all = ciphers;
	parse->hello.cipher_count = take_list(&ciphers, parse->hello.ciphers);
	while (ztt_bytes_left(&all) > 0)
		ztt_ja4_add(&parse->ja4.ciphers, ztt_bytes_u16(&all));
	vector(bytes, 1);
	if (bytes->truncated || ciphers.truncated)
		return -EPROTO;
	/* Before TLS 1.3 there need be none. */
	if (ztt_bytes_left(bytes) > 0 && parse_extensions(parse, bytes) < 0)
		return -EPROTO;
	parse->ja4.quic = parse->quic;
	parse->ja4.version = parse->hello.version;
	ztt_ja4_text(&parse->ja4, parse->hello.ja4);
	return 0;
}

static int parse_server(struct parse *parse, struct ztt_bytes *bytes)
{
	parse->hello.server = true;
	parse_begin(parse, bytes);
	parse->hello.retry_request = memcmp(parse->hello.random, retry_random,
					    sizeof(retry_random)) == 0;
	parse->hello.cipher_suite = ztt_bytes_u16(bytes);
	ztt_bytes_u8(bytes);
	if (bytes->truncated)
		return -EPROTO;
	return ztt_bytes_left(bytes) > 0 ? parse_extensions(parse, bytes) : 0;
}

static int parse_body(struct parse *parse, uint8_t type, struct ztt_bytes *body)
{
	switch (type) {
	case ZTT_TLS_CLIENT_HELLO:
		return parse_client(parse, body);
	case ZTT_TLS_SERVER_HELLO:
		return parse_server(parse, body);
	case ZTT_TLS_ENCRYPTED_EXTENSIONS:
		parse->hello.server = true;
		return parse_extensions(parse, body);
	default:
		return -ENOMSG;
	}
}

int ztt_hello_parse(const uint8_t *message, size_t len_bytes, bool quic,
		    struct ztt_hello *ret_hello)
{
	struct ztt_bytes bytes = ztt_bytes_of(message, len_bytes), body;
	const uint8_t type = ztt_bytes_u8(&bytes);
	struct parse parse = {.quic = quic};
	int result;

	body = vector(&bytes, 3);
	if (bytes.truncated || ztt_bytes_left(&bytes) > 0)
		return -EPROTO;
	ztt_transport_parameters_clear(&parse.hello.parameters);
	result = parse_body(&parse, type, &body);
	if (result < 0)
		return result;
	if (type == ZTT_TLS_ENCRYPTED_EXTENSIONS) {
		memcpy(ret_hello->alpn, parse.hello.alpn,
		       sizeof(ret_hello->alpn));
		ret_hello->parameters = parse.hello.parameters;
	} else {
		*ret_hello = parse.hello;
	}
	return 0;
}
