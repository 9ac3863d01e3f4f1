#include "ztt-doctor/probes/edge_addresses.h"

#include "doctor_root.h"

#include "doctor_peer.h"

#include "common/err.h"

#define HEADER_BYTES 12

static struct test_host host;

static int begin(void **state)
{
	(void)state;
	test_host_begin(&host);
	return 0;
}

static int end(void **state)
{
	(void)state;
	test_host_end(&host);
	return 0;
}

/* --- --edge --------------------------------------------------------------- */

static void check_parsed(const char *text, const char *address)
{
	struct ztt_address parsed;
	char got[ZTT_ADDRESS_LEN];

	assert_int_equal(ztt_edge_address_parse(text, &parsed, NULL), 0);
	assert_string_equal(ztt_address_text(&parsed, got), address);
}

static void port_7844_is_added_where_none_is_named(void **state)
{
	(void)state;
	check_parsed("192.0.2.1", "192.0.2.1:7844");
	check_parsed("192.0.2.1:443", "192.0.2.1:443");
	check_parsed("[2001:db8::1]", "[2001:db8::1]:7844");
	check_parsed("[2001:db8::1]:443", "[2001:db8::1]:443");
	check_parsed("2001:db8::1", "[2001:db8::1]:7844");
}

static void a_list_is_taken_in_its_order_each_once(void **state)
{
	const struct ztt_edge_addresses *edge;
	char text[ZTT_ADDRESS_LEN];

	(void)state;
	host.doctor.plan.edge = "192.0.2.2,192.0.2.1:1, 192.0.2.2:7844";
	edge = ztt_edge_addresses(&host.doctor);
	assert_int_equal(edge->count, 2);
	assert_string_equal(ztt_address_text(&edge->list[0].address, text),
			    "192.0.2.2:7844");
	assert_string_equal(ztt_address_text(&edge->list[1].address, text),
			    "192.0.2.1:1");
	assert_string_equal(edge->list[0].region, "edge");
}

static void a_list_of_hundreds_is_bounded(void **state)
{
	char text[4096] = "";

	(void)state;
	for (int i = 0; i < 200; i++)
		sprintf(text + strlen(text), "192.0.2.%d,", i);
	host.doctor.plan.edge = text;
	assert_int_equal(ztt_edge_addresses(&host.doctor)->count,
			 ZTT_EDGE_ADDRESSES_MAX);
}

static void what_is_no_address_is_the_problem(void **state)
{
	(void)state;
	host.doctor.plan.edge = "[::1";
	assert_int_equal(ztt_edge_addresses(&host.doctor)->count, 0);
	assert_non_null(
		strstr(ztt_edge_addresses(&host.doctor)->problem, "[::1"));
}

/* --- DNS ------------------------------------------------------------------ */

#define RECORD(type, len) "\xc0\x0c\x00" type "\x00\x01\x00\x00\x00\x3c\x00" len
#define SRV(region, len)                                   \
	RECORD("\x21", len)                                \
	"\x00\x01\x00\x01\x1e\xa4\x07" region "\x02v2\x0a" \
	"argotunnel\x03"                                   \
	"com\x00"

static struct {
	char first[128]; /* the name of the first question */
	bool no_regions, no_ipv6;
} zone;

static size_t speak_dns(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	static const char regions[] = SRV("region1", "\x21")
		SRV("region2", "\x21") SRV("region1", "\x21");
	static const char v4[] = RECORD("\x01", "\x04") "\xc0\x00\x02";
	static const char v6[] =
		RECORD("\x1c", "\x10") "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0";
	const uint8_t region = data[HEADER_BYTES + 7]; /* '1' or '2' */
	size_t at = HEADER_BYTES, name_len = 0;
	uint8_t type;

	(void)arg, (void)turn;
	if (len <= HEADER_BYTES)
		return 0;
	while (data[at] && at < len) {
		if (!zone.first[0] || name_len)
			name_len +=
				(size_t)snprintf(zone.first + name_len,
						 sizeof(zone.first) - name_len,
						 "%.*s.", data[at],
						 (const char *)data + at + 1);
		at += data[at] + 1U;
	}
	type = data[at + 2];
	at += 5;
	data[2] = 0x81;
	data[3] = 0x80;
	data[7] = 1;
	data[11] = 0;
	if (type == 33 && !zone.no_regions) {
		data[7] = 3;
		memcpy(data + at, regions, sizeof(regions) - 1);
		return at + sizeof(regions) - 1;
	}
	if (type == 1) {
		memcpy(data + at, v4, sizeof(v4) - 1);
		at += sizeof(v4) - 1;
		data[at++] = region;
		return at;
	}
	if (type == 28 && !zone.no_ipv6) {
		memcpy(data + at, v6, sizeof(v6) - 1);
		at += sizeof(v6) - 1;
		data[at++] = region;
		return at;
	}
	data[3] = 0x83;
	data[7] = 0;
	return at;
}

static const struct ztt_edge_addresses *resolve(void)
{
	struct test_peer *peer = calloc(1, sizeof(*peer));
	const struct ztt_edge_addresses *edge;

	test_peer_begin(peer, false, 0, speak_dns, NULL);
	host.doctor.plan.resolver = peer->text;
	host.doctor.plan.dot = "127.0.0.1:1"; /* nobody */
	host.doctor.plan.timeout_ns = 5 * ZTT_NS_PER_S;
	edge = ztt_edge_addresses(&host.doctor);
	test_peer_end(peer);
	free(peer);
	return edge;
}

static void each_region_has_one_address_of_each_family(void **state)
{
	static const struct {
		const char *region, *address;
	} rows[] = {
		{"region1.v2.argotunnel.com", "192.0.2.49:7844"},
		{"region1.v2.argotunnel.com", "[2001:db8::31]:7844"},
		{"region2.v2.argotunnel.com", "192.0.2.50:7844"},
		{"region2.v2.argotunnel.com", "[2001:db8::32]:7844"},
	};
	const struct ztt_edge_addresses *edge;
	char text[ZTT_ADDRESS_LEN];

	(void)state;
	memset(&zone, 0, sizeof(zone));
	edge = resolve();
	assert_string_equal(zone.first,
			    "_v2-origintunneld._tcp.argotunnel.com.");
	assert_int_equal(edge->count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(edge->list[i].region, rows[i].region);
		assert_string_equal(ztt_address_text(&edge->list[i].address,
						     text),
				    rows[i].address);
	}
}

static void the_region_is_part_of_the_name(void **state)
{
	(void)state;
	memset(&zone, 0, sizeof(zone));
	host.doctor.plan.region = "us";
	resolve();
	assert_string_equal(zone.first,
			    "_us-v2-origintunneld._tcp.argotunnel.com.");
}

static void a_family_without_addresses_is_left_out(void **state)
{
	(void)state;
	memset(&zone, 0, sizeof(zone));
	zone.no_ipv6 = true;
	assert_int_equal(resolve()->count, 2);
}

static void without_regions_the_problem_says_so(void **state)
{
	const struct ztt_edge_addresses *edge;

	(void)state;
	memset(&zone, 0, sizeof(zone));
	zone.no_regions = true;
	edge = resolve();
	assert_int_equal(edge->count, 0);
	assert_non_null(strstr(edge->problem, "origintunneld"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_7844_is_added_where_none_is_named),
		CASE(a_list_is_taken_in_its_order_each_once),
		CASE(a_list_of_hundreds_is_bounded),
		CASE(what_is_no_address_is_the_problem),
		CASE(each_region_has_one_address_of_each_family),
		CASE(the_region_is_part_of_the_name),
		CASE(a_family_without_addresses_is_left_out),
		CASE(without_regions_the_problem_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
