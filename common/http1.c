#define _GNU_SOURCE
#include "http1.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* The unread rest of a head. */
struct cursor {
	const char *at, *end;
};

/* What the headers said, before it is weighed. */
struct framing {
	bool http10;
	bool has_length, has_coding;
	bool close, keep_alive;
	bool upgrade_named, upgrade_present;
};

#define LENGTH_MAX ((uint64_t)INT64_MAX)

/* Steps return 1 when done, 0 when the bytes end first, or -errno. */
enum {
	MORE = 0,
	DONE = 1,
};

/* RFC 9110 5.6.2. */
static const bool token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1,
	['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
	['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,
	['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
	['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,
	['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,
	['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
	['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
	['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,
	['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,
	['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The high bit of the first byte that is below `low` or DEL is set; bits above
 * it mean nothing. */
static uint64_t stops(const char *at, uint8_t low)
{
	uint64_t word, below, del;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word);
	below = (word - EVERY_BYTE(low)) & ~word;
	del = word ^ EVERY_BYTE(0x7f);
	del = (del - EVERY_BYTE(1)) & ~del;
	return (below | del) & EVERY_BYTE(0x80);
}

/* The first byte in [at, end) that is below `low` or DEL, or `end`. */
static const char *scan(const char *at, const char *end, uint8_t low)
{
	for (; end - at >= 8; at += 8) {
		uint64_t found = stops(at, low);

		if (found)
			return at + __builtin_ctzll(found) / 8;
	}
	while (at < end && (uint8_t)*at >= low && *at != 0x7f)
		at++;
	return at;
}

static const char *scan_token(const char *at, const char *end)
{
	while (at < end && token_byte[(uint8_t)*at])
		at++;
	return at;
}

static struct ztt_slice between(const char *at, const char *end)
{
	return (struct ztt_slice){at, (size_t)(end - at)};
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static struct ztt_slice trim(struct ztt_slice slice)
{
	while (slice.len_bytes && is_blank(slice.at[0])) {
		slice.at++;
		slice.len_bytes--;
	}
	while (slice.len_bytes && is_blank(slice.at[slice.len_bytes - 1]))
		slice.len_bytes--;
	return slice;
}

/* ASCII alone, whatever the locale. */
static unsigned fold(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (unsigned)byte | 0x20
					  : (unsigned)byte;
}

static bool same(struct ztt_slice slice, const char *text, size_t len_bytes)
{
	if (slice.len_bytes != len_bytes)
		return false;
	for (size_t i = 0; i < len_bytes; i++)
		if (fold(slice.at[i]) != fold(text[i]))
			return false;
	return true;
}

bool ztt_slice_is(struct ztt_slice slice, const char *text)
{
	return same(slice, text, strlen(text));
}

/* CR LF; a bare LF is refused, as proxies differ in what they make of it. */
static int read_line_end(struct cursor *in)
{
	if (in->at == in->end)
		return MORE;
	if (in->at[0] != '\r')
		return -EPROTO;
	if (in->end - in->at < 2)
		return MORE;
	if (in->at[1] != '\n')
		return -EPROTO;
	in->at += 2;
	return DONE;
}

/* Text up to CR LF, which may hold tabs, consumed with it. */
static int read_text(struct cursor *in, struct ztt_slice *ret_text)
{
	const char *begin = in->at, *at = begin;

	while ((at = scan(at, in->end, 0x20)) < in->end && *at == '\t')
		at++;
	in->at = at;
	*ret_text = between(begin, at);
	return read_line_end(in);
}

/* Whether `text` stands at the cursor; consumes it when it does. */
static int read_exactly(struct cursor *in, const char *text)
{
	size_t want = strlen(text), have = (size_t)(in->end - in->at);

	if (memcmp(in->at, text, have < want ? have : want) != 0)
		return -EPROTO;
	if (have < want)
		return MORE;
	in->at += want;
	return DONE;
}

static int read_version(struct cursor *in, struct framing *framing)
{
	int step = read_exactly(in, "HTTP/1.");

	if (step <= 0)
		return step;
	if (in->at == in->end)
		return MORE;
	if (*in->at != '0' && *in->at != '1')
		return -EPROTO;
	framing->http10 = *in->at++ == '0';
	return DONE;
}

static int read_request_line(struct cursor *in, struct framing *framing,
			     struct ztt_http1_head *head)
{
	const char *begin = in->at;
	int step;

	in->at = scan_token(begin, in->end);
	if (in->at == in->end)
		return MORE;
	head->method = between(begin, in->at);
	if (head->method.len_bytes == 0 || *in->at++ != ' ')
		return -EPROTO;

	begin = in->at;
	in->at = scan(begin, in->end, 0x21);
	if (in->at == in->end)
		return MORE;
	head->target = between(begin, in->at);
	if (head->target.len_bytes == 0 || *in->at++ != ' ')
		return -EPROTO;

	step = read_version(in, framing);
	return step > 0 ? read_line_end(in) : step;
}

static int read_status_line(struct cursor *in, struct framing *framing,
			    struct ztt_http1_head *head)
{
	struct ztt_slice reason;
	int step = read_version(in, framing);

	if (step > 0)
		step = read_exactly(in, " ");
	if (step <= 0)
		return step;
	for (int i = 0; i < 3; i++, in->at++) {
		if (in->at == in->end)
			return MORE;
		if (*in->at < '0' || *in->at > '9')
			return -EPROTO;
		head->status = head->status * 10 + (unsigned)(*in->at - '0');
	}
	if (head->status < 100 || head->status > 599)
		return -EPROTO;
	if (in->at < in->end && *in->at != ' ' && *in->at != '\r')
		return -EPROTO;
	return read_text(in, &reason);
}

/* The next element of a comma-separated list, trimmed; false at the end. */
static bool next_element(struct ztt_slice *list, struct ztt_slice *ret_element)
{
	const char *comma;
	size_t len;

	if (list->at == NULL)
		return false;
	comma = memchr(list->at, ',', list->len_bytes);
	len = comma ? (size_t)(comma - list->at) : list->len_bytes;
	*ret_element = trim((struct ztt_slice){list->at, len});
	if (comma)
		*list = (struct ztt_slice){comma + 1,
					   list->len_bytes - len - 1};
	else
		list->at = NULL;
	return true;
}

static int take_length(struct ztt_slice value, struct framing *framing,
		       struct ztt_http1_head *head)
{
	uint64_t length = 0;

	if (value.len_bytes == 0)
		return -EPROTO;
	for (size_t i = 0; i < value.len_bytes; i++) {
		unsigned digit = (unsigned)value.at[i] - '0';

		if (digit > 9 || length > (LENGTH_MAX - digit) / 10)
			return -EPROTO;
		length = length * 10 + digit;
	}
	if (framing->has_length && length != head->content_length)
		return -EPROTO;
	framing->has_length = true;
	head->content_length = length;
	return 0;
}

/* "chunked" is read as such in the last place only (RFC 9112 6.1). */
static int take_coding(struct ztt_slice value, struct framing *framing,
		       struct ztt_http1_head *head)
{
	struct ztt_slice coding;

	framing->has_coding = true;
	while (next_element(&value, &coding)) {
		if (coding.len_bytes == 0)
			continue;
		if (head->chunked)
			return -EPROTO;
		if (same(coding, "chunked", 7))
			head->chunked = true;
		else if (memchr(coding.at, ';', coding.len_bytes))
			return -EPROTO;
	}
	return 0;
}

static void take_connection(struct ztt_slice value, struct framing *framing)
{
	struct ztt_slice option;

	while (next_element(&value, &option)) {
		if (same(option, "close", 5))
			framing->close = true;
		else if (same(option, "keep-alive", 10))
			framing->keep_alive = true;
		else if (same(option, "upgrade", 7))
			framing->upgrade_named = true;
	}
}

static int take_host(struct ztt_slice value, struct ztt_http1_head *head)
{
	if (head->host.at)
		return -EPROTO;
	head->host = value;
	return 0;
}

/* The headers that say how the message is framed; the length picks the few
 * names worth a comparison. */
static int take_header(const struct ztt_http1_header *header,
		       struct framing *framing, struct ztt_http1_head *head)
{
	struct ztt_slice name = header->name;

	switch (name.len_bytes) {
	case 4:
		if (same(name, "host", 4))
			return take_host(header->value, head);
		break;
	case 6:
		if (same(name, "expect", 6))
			head->expect_continue =
				same(header->value, "100-continue", 12);
		break;
	case 7:
		if (same(name, "upgrade", 7))
			framing->upgrade_present = true;
		break;
	case 10:
		if (same(name, "connection", 10))
			take_connection(header->value, framing);
		break;
	case 14:
		if (same(name, "content-length", 14))
			return take_length(header->value, framing, head);
		break;
	case 17:
		if (same(name, "transfer-encoding", 17))
			return take_coding(header->value, framing, head);
		break;
	default:
		break;
	}
	return 0;
}

static int read_header(struct cursor *in, struct ztt_http1_header *ret_header)
{
	const char *begin = in->at;
	int step;

	in->at = scan_token(begin, in->end);
	if (in->at == in->end)
		return MORE;
	ret_header->name = between(begin, in->at);
	if (in->at == begin || *in->at++ != ':')
		return -EPROTO;
	step = read_text(in, &ret_header->value);
	ret_header->value = trim(ret_header->value);
	return step;
}

/* Up to and with the empty line. */
static int read_headers(struct cursor *in, struct framing *framing,
			struct ztt_http1_head *head)
{
	while (in->at < in->end && *in->at != '\r') {
		struct ztt_http1_header *header;
		int step;

		if (head->header_count == ZTT_HTTP1_HEADERS_MAX)
			return -EMSGSIZE;
		header = &head->headers[head->header_count];
		step = read_header(in, header);
		if (step <= 0)
			return step;
		step = take_header(header, framing, head);
		if (step < 0)
			return step;
		head->header_count++;
	}
	return read_line_end(in);
}

/* What the headers mean together. */
static int weigh(const struct framing *framing, bool request,
		 struct ztt_http1_head *head)
{
	if (framing->has_coding && (framing->has_length || framing->http10 ||
				    (request && !head->chunked)))
		return -EPROTO;
	head->keep_alive =
		!framing->close && (!framing->http10 || framing->keep_alive);
	head->upgrade = framing->upgrade_named && framing->upgrade_present &&
			!framing->http10;
	head->expect_continue = head->expect_continue && !framing->http10;
	return 0;
}

/* Everything but the unused places for headers, which are most of it. */
static void copy_head(struct ztt_http1_head *to,
		      const struct ztt_http1_head *from)
{
	to->method = from->method;
	to->target = from->target;
	to->status = from->status;
	to->header_count = from->header_count;
	memcpy(to->headers, from->headers,
	       from->header_count * sizeof(from->headers[0]));
	to->content_length = from->content_length;
	to->chunked = from->chunked;
	to->keep_alive = from->keep_alive;
	to->upgrade = from->upgrade;
	to->expect_continue = from->expect_continue;
	to->host = from->host;
}

static void clear_head(struct ztt_http1_head *head)
{
	head->method = head->target = head->host = (struct ztt_slice){0};
	head->status = 0;
	head->header_count = 0;
	head->content_length = ZTT_HTTP1_LENGTH_UNKNOWN;
	head->chunked = head->keep_alive = false;
	head->upgrade = head->expect_continue = false;
}

/* One empty line before a request is passed over (RFC 9112 2.2). */
static int skip_empty_line(struct cursor *in)
{
	if (in->at == in->end)
		return MORE;
	return *in->at == '\r' ? read_line_end(in) : DONE;
}

static int read_head(struct cursor *in, bool request,
		     struct ztt_http1_head *head)
{
	struct framing framing = {0};
	int step;

	if (request) {
		step = skip_empty_line(in);
		if (step > 0)
			step = read_request_line(in, &framing, head);
	} else {
		step = read_status_line(in, &framing, head);
	}
	if (step > 0)
		step = read_headers(in, &framing, head);
	if (step > 0 && weigh(&framing, request, head) < 0)
		step = -EPROTO;
	return step;
}

static ssize_t parse(const char *data, size_t len_bytes, bool request,
		     struct ztt_http1_head *ret_head)
{
	bool cut = len_bytes >= ZTT_HTTP1_HEAD_MAX_BYTES;
	struct cursor in = {data, data};
	struct ztt_http1_head head;
	int step;

	if (len_bytes == 0)
		return 0;
	in.end += cut ? ZTT_HTTP1_HEAD_MAX_BYTES : len_bytes;
	clear_head(&head);
	step = read_head(&in, request, &head);
	if (step <= 0)
		return step == MORE && cut ? -EMSGSIZE : step;
	copy_head(ret_head, &head);
	return in.at - data;
}

ssize_t ztt_http1_request(const char *data, size_t len_bytes,
			  struct ztt_http1_head *ret_head)
{
	return parse(data, len_bytes, true, ret_head);
}

ssize_t ztt_http1_response(const char *data, size_t len_bytes,
			   struct ztt_http1_head *ret_head)
{
	return parse(data, len_bytes, false, ret_head);
}

struct ztt_slice ztt_http1_find(const struct ztt_http1_head *head,
				const char *name)
{
	size_t len_bytes = strlen(name);

	for (size_t i = 0; i < head->header_count; i++)
		if (same(head->headers[i].name, name, len_bytes))
			return head->headers[i].value;
	return (struct ztt_slice){NULL, 0};
}
