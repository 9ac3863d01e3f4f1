#include "ztt-doctor/probes/dns.h"

#include "doctor_root.h"

#include "doctor_peer.h"
#include "doctor_tls_peer.h"

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/probes/dns_message.h"
#include "ztt-doctor/probes/names.h"

#define HEADER_BYTES 12

/* Turns a question into an answer: its own bytes, without what came after the
 * question itself, then `count` records of `tail`. */
static size_t answer_with(uint8_t *data, size_t len, unsigned code,
			  unsigned count, const void *tail, size_t tail_len)
{
	size_t at = HEADER_BYTES;

	assert_true(len > HEADER_BYTES);
	while (data[at])
		at += data[at] + 1u;
	at += 5;
	data[2] = 0x81;
	data[3] = (uint8_t)(0x80 | code);
	data[7] = (uint8_t)count;
	data[11] = 0;
	memcpy(data + at, tail, tail_len);
	return at + tail_len;
}

#define RECORD(type, len) "\xc0\x0c\x00" type "\x00\x01\x00\x00\x00\x3c\x00" len
#define A_RECORD RECORD("\x01", "\x04") "\x01\x02\x03\x04"

static size_t two_addresses(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	static const char records[] = A_RECORD A_RECORD;

	(void)arg;
	(void)turn;
	return answer_with(data, len, 0, 2, records, sizeof(records) - 1);
}

static size_t error_code(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	(void)turn;
	return answer_with(data, len, *(unsigned *)arg, 0, "", 0);
}

/* Bytes after the question, as they are. */
struct raw {
	const void *data;
	size_t len_bytes;
	unsigned count;
};

static size_t raw(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	const struct raw *raw = arg;

	(void)turn;
	return answer_with(data, len, 0, raw->count, raw->data, raw->len_bytes);
}

static size_t wrong_id(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	len = two_addresses(arg, turn, data, len);
	data[0] ^= 1;
	return len;
}

static size_t wrong_question(void *arg, unsigned turn, uint8_t *data,
			     size_t len)
{
	len = two_addresses(arg, turn, data, len);
	data[HEADER_BYTES + 1] ^= 1;
	return len;
}

static size_t silent_once(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	return turn == 0 ? 0 : two_addresses(arg, turn, data, len);
}

static size_t truncated(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	len = two_addresses(arg, turn, data, len);
	data[2] |= 2;
	return len;
}

static size_t framed(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	memmove(data, data + 2, len - 2);
	len = two_addresses(arg, turn, data, len - 2);
	memmove(data + 2, data, len);
	data[0] = (uint8_t)(len >> 8);
	data[1] = (uint8_t)len;
	return len + 2;
}

static size_t nothing(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	(void)arg;
	(void)turn;
	(void)data;
	(void)len;
	return 0;
}

struct asked {
	int rc;
	struct ztt_dns_answer answer;
	struct ztt_err err;
};

static struct asked ask(test_peer_answer *answer, void *arg,
			enum ztt_dns_type type, uint64_t timeout_ns)
{
	static struct test_peer peer;
	struct asked asked;
	struct test_host host;

	memset(&asked, 0, sizeof(asked));
	test_host_begin(&host);
	test_peer_begin(&peer, false, 0, answer, arg);
	host.doctor.plan.resolver = peer.text;
	host.doctor.plan.timeout_ns = timeout_ns;
	asked.rc = ztt_dns_ask(&host.doctor, "a.example", type, &asked.answer,
			       &asked.err);
	test_peer_end(&peer);
	test_host_end(&host);
	return asked;
}

static void addresses_are_read(void **state)
{
	struct asked asked = ask(two_addresses, NULL, ZTT_DNS_A, ZTT_NS_PER_S);

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.answer.count, 2);
	assert_string_equal(asked.answer.records[1].text, "1.2.3.4");
	assert_true(asked.answer.took_ns > 0);
}

static struct asked ask_raw(const void *data, size_t len, unsigned count,
			    enum ztt_dns_type type)
{
	struct raw bytes = {data, len, count};

	return ask(raw, &bytes, type, ZTT_NS_PER_S);
}

static void a_service_record_has_target_and_port(void **state)
{
	static const char record[] =
		RECORD("\x21", "\x0b") "\x00\x01\x00\x02\x1e\xa4\x02r1\xc0\x0c";
	struct asked asked =
		ask_raw(record, sizeof(record) - 1, 1, ZTT_DNS_SRV);

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_string_equal(asked.answer.records[0].text, "r1.a.example");
	assert_int_equal(asked.answer.records[0].port, 7844);
}

static void the_strings_of_a_text_record_are_joined_and_plain(void **state)
{
	static const char record[] = RECORD("\x10", "\x08") "\x03"
							    "ab\x1b"
							    "\x03"
							    "c\0d";
	struct asked asked =
		ask_raw(record, sizeof(record) - 1, 1, ZTT_DNS_TXT);

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_string_equal(asked.answer.records[0].text, "ab?c?d");
}

static void a_huge_text_is_cut(void **state)
{
	static uint8_t record[12 + 4 * 256] = RECORD("\x10", "\x00");
	struct asked asked;

	(void)state;
	record[10] = 4;
	for (size_t i = 0; i < 4; i++) {
		record[12 + i * 256] = 255;
		memset(record + 13 + i * 256, 'x', 255);
	}
	asked = ask_raw(record, sizeof(record), 1, ZTT_DNS_TXT);
	assert_int_equal(asked.rc, 0);
	assert_int_equal(strlen(asked.answer.records[0].text), 255);
}

static void a_compression_loop_is_a_broken_answer(void **state)
{
	/* The record's owner points at itself: 12 + 11 + 4 = 27. */
	static const char loop[] = "\xc0\x1b\x00\x01\x00\x01\x00\x00\x00\x3c"
				   "\x00\x04\x01\x02\x03\x04";
	struct asked asked = ask_raw(loop, sizeof(loop) - 1, 1, ZTT_DNS_A);

	(void)state;
	assert_int_equal(asked.rc, -EPROTO);
	assert_non_null(strstr(asked.err.text, "a broken answer"));
}

static void records_that_are_cut_short_are_a_broken_answer(void **state)
{
	static const char record[] = A_RECORD;
	static const char text[] = RECORD("\x10", "\x02") "\x7f"
							  "a";

	(void)state;
	for (size_t len = 0; len < sizeof(record) - 1; len++)
		assert_int_equal(ask_raw(record, len, 1, ZTT_DNS_A).rc,
				 -EPROTO);
	assert_int_equal(ask_raw(text, sizeof(text) - 1, 1, ZTT_DNS_TXT).rc,
			 -EPROTO);
}

static void a_wrong_length_of_an_address_is_a_broken_answer(void **state)
{
	static const char record[] = RECORD("\x01", "\x02") "\x01\x02";

	(void)state;
	assert_int_equal(ask_raw(record, sizeof(record) - 1, 1, ZTT_DNS_A).rc,
			 -EPROTO);
}

static void records_of_another_type_are_none(void **state)
{
	struct asked asked =
		ask(two_addresses, NULL, ZTT_DNS_AAAA, ZTT_NS_PER_S);

	(void)state;
	assert_int_equal(asked.rc, -ENOENT);
	assert_non_null(strstr(asked.err.text, "no AAAA record"));
}

static void each_error_code_is_told_apart(void **state)
{
	static const struct {
		unsigned code;
		int rc;
		const char *word;
	} rows[] = {
		{1, -EPROTO, "FORMERR"},  {2, -EPROTO, "SERVFAIL"},
		{3, -ENOENT, "NXDOMAIN"}, {4, -EPROTO, "NOTIMP"},
		{5, -EPROTO, "REFUSED"},  {9, -EPROTO, "an error code"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned code = rows[i].code;
		struct asked asked =
			ask(error_code, &code, ZTT_DNS_A, ZTT_NS_PER_S);

		assert_int_equal(asked.rc, rows[i].rc);
		assert_non_null(strstr(asked.err.text, rows[i].word));
	}
}

static void what_was_not_asked_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(ask(wrong_id, NULL, ZTT_DNS_A, ZTT_NS_PER_S / 10).rc,
			 -ETIMEDOUT);
	assert_int_equal(
		ask(wrong_question, NULL, ZTT_DNS_A, ZTT_NS_PER_S / 10).rc,
		-ETIMEDOUT);
}

static void a_lost_question_is_asked_again(void **state)
{
	(void)state;
	assert_int_equal(ask(silent_once, NULL, ZTT_DNS_A, ZTT_NS_PER_S / 2).rc,
			 0);
}

static void a_truncated_answer_is_asked_for_over_tcp(void **state)
{
	static struct test_peer udp, tcp;
	struct ztt_dns_answer answer;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_peer_begin(&tcp, true, 0, framed, NULL);
	test_peer_begin(&udp, false, (unsigned)atoi(strchr(tcp.text, ':') + 1),
			truncated, NULL);
	host.doctor.plan.resolver = udp.text;
	assert_int_equal(ztt_dns_ask(&host.doctor, "a.example", ZTT_DNS_A,
				     &answer, NULL),
			 0);
	assert_int_equal(answer.count, 2);
	test_peer_end(&udp);
	test_peer_end(&tcp);
	test_host_end(&host);
}

static void a_refused_port_says_so(void **state)
{
	static struct test_peer peer;
	struct ztt_dns_answer answer;
	struct ztt_err err = {0};
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_peer_begin(&peer, false, 0, nothing, NULL);
	test_peer_end(&peer);
	host.doctor.plan.resolver = peer.text;
	assert_int_equal(ztt_dns_ask(&host.doctor, "a.example", ZTT_DNS_A,
				     &answer, &err),
			 -ECONNREFUSED);
	assert_non_null(strstr(err.text, "refused"));
	test_host_end(&host);
}

static void servers_come_from_resolv_conf(void **state)
{
	struct ztt_dns_answer answer;
	struct ztt_err err = {0};
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.timeout_ns = ZTT_NS_PER_S / 50;
	test_host_file(&host, "/etc/resolv.conf",
		       "# none\nnameserver\nnameserver what\n"
		       "search example\nnameserver 127.93.94.95\n",
		       0644);
	assert_true(ztt_dns_ask(&host.doctor, "a.example", ZTT_DNS_A, &answer,
				&err) < 0);
	assert_non_null(strstr(err.text, "127.93.94.95:53"));
	test_host_end(&host);
}

static void names_that_are_none_are_refused(void **state)
{
	struct ztt_dns_question question;
	char name[400];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(ztt_dns_question_init(&question, name, ZTT_DNS_A,
					       NULL),
			 -EINVAL);
	assert_int_equal(ztt_dns_question_init(&question, "a..b", ZTT_DNS_A,
					       NULL),
			 -EINVAL);
}

static void servers_are_read_with_and_without_a_port(void **state)
{
	static const char *const rows[][2] = {
		{"1.2.3.4", "1.2.3.4:53"},
		{"1.2.3.4:54", "1.2.3.4:54"},
		{"::1", "[::1]:53"},
		{"[::1]", "[::1]:53"},
		{"[::1]:54", "[::1]:54"},
		{"2001:db8::1:54", "[2001:db8::1:54]:53"},
	};
	static const char *const bad[] = {"", "a.example", "1.2.3.4:", "[::1"};
	struct ztt_address address;
	char text[ZTT_ADDRESS_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ztt_dns_server_parse(rows[i][0], 53, &address,
						      NULL),
				 0);
		assert_string_equal(ztt_address_text(&address, text),
				    rows[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(ztt_dns_server_parse(bad[i], 53, &address, NULL) <
			    0);
}

/* --- the checks, by a resolver that knows all, or that fails --------------- */

#define LABEL(len, text) len text
#define REGION(n)                                           \
	RECORD("\x21", "\x21")                              \
	"\x00\x01\x00\x01\x1e\xa4\x07region" n "\x02v2\x0a" \
	"argotunnel\x03"                                    \
	"com\x00"

/* The type stands behind the name of the question. */
static unsigned type_of(const uint8_t *data)
{
	size_t at = HEADER_BYTES;

	while (data[at])
		at += data[at] + 1u;
	return data[at + 2];
}

static size_t knows_all(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	static const char regions[] = REGION("1") REGION("2");
	static const char aaaa[] = RECORD("\x1c", "\x10") "0123456789abcdef";
	static const char txt[] = RECORD("\x10", "\x03") "\x02[]";
	const unsigned *srv_count = arg;

	(void)turn;
	switch (len > HEADER_BYTES ? type_of(data) : 0) {
	case 1:
		return answer_with(data, len, 0, 1, A_RECORD,
				   sizeof(A_RECORD) - 1);
	case 16:
		return answer_with(data, len, 0, 1, txt, sizeof(txt) - 1);
	case 28:
		return answer_with(data, len, 0, 1, aaaa, sizeof(aaaa) - 1);
	case 33:
		return answer_with(data, len, 0, *srv_count, regions,
				   *srv_count * (sizeof(regions) - 1) / 2);
	default:
		return 0;
	}
}

static void check_by(test_peer_answer *answer, void *arg,
		     void (*look)(struct test_host *))
{
	static struct test_peer peer;
	struct test_host host;

	test_host_begin(&host);
	test_peer_begin(&peer, false, 0, answer, arg);
	host.doctor.plan.resolver = peer.text;
	host.doctor.plan.dot = "127.0.0.1:1";
	look(&host);
	test_peer_end(&peer);
	test_host_end(&host);
}

static void all_is_well(struct test_host *host)
{
	struct ztt_finding found = test_host_check(host, ztt_check_dns_srv);

	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "2 regions in "));
	assert_non_null(strstr(found.observed, "region2.v2.argotunnel.com"));
	found = test_host_check(host, ztt_check_dns_addresses);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "1 IPv4 and 1 IPv6"));
	assert_int_equal(test_host_check(host, ztt_check_dns_txt).status,
			 ZTT_STATUS_OK);
	assert_int_equal(test_host_check(host, ztt_check_dns_api).status,
			 ZTT_STATUS_OK);
	found = test_host_check(host, ztt_check_dns_latency);
	assert_non_null(strstr(found.observed, "11 answers"));
	/* Needed only where SRV fails. */
	found = test_host_check(host, ztt_check_dns_dot);
	assert_int_equal(found.status, ZTT_STATUS_WARN);
}

static void names_that_are_all_answered_are_ok(void **state)
{
	unsigned count = 2;

	(void)state;
	check_by(knows_all, &count, all_is_well);
}

static void one_region_is_too_few(struct test_host *host)
{
	struct ztt_finding found = test_host_check(host, ztt_check_dns_srv);

	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "1 region in"));
}

static void fewer_than_two_regions_fail(void **state)
{
	unsigned count = 1;

	(void)state;
	check_by(knows_all, &count, one_region_is_too_few);
}

static void all_fails(struct test_host *host)
{
	struct ztt_finding found = test_host_check(host, ztt_check_dns_srv);

	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "SERVFAIL"));
	assert_int_equal(test_host_check(host, ztt_check_dns_addresses).status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(test_host_check(host, ztt_check_dns_txt).status,
			 ZTT_STATUS_WARN);
	assert_int_equal(test_host_check(host, ztt_check_dns_dot).status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(test_host_check(host, ztt_check_dns_latency).status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(test_host_check(host, ztt_check_dns_api).status,
			 ZTT_STATUS_WARN);
}

static void a_resolver_that_fails_is_named_in_each_check(void **state)
{
	unsigned code = 2;

	(void)state;
	check_by(error_code, &code, all_fails);
}

/* Over TLS to a server of that name, with `pem` as the only root. */
static int ask_over_tls(const char *name, bool is_trusted, const char *answer,
			struct ztt_err *err)
{
	static struct test_tls_peer peer;
	struct ztt_dns_answer found;
	struct test_host host;
	char file[128];
	int rc;

	test_host_begin(&host);
	test_tls_begin(&peer, name, -60, 3600, answer);
	test_host_file(&host, "/roots.pem", is_trusted ? peer.pem : "", 0644);
	snprintf(file, sizeof(file), "%s/roots.pem", host.dir);
	host.doctor.plan.ca_file = file;
	host.doctor.plan.dot = peer.text;
	rc = ztt_dns_ask_tls(&host.doctor, "a.example", ZTT_DNS_A, &found, err);
	test_tls_end(&peer);
	test_host_end(&host);
	return rc;
}

static void over_tls_the_server_must_be_the_one_that_was_meant(void **state)
{
	struct ztt_err err;

	(void)state;
	assert_int_equal(ask_over_tls("cloudflare-dns.com", false, NULL, &err),
			 -EACCES);
	assert_non_null(strstr(err.text, "certificate is not accepted"));
	assert_int_equal(ask_over_tls("other.example", true, NULL, &err),
			 -EACCES);
}

static void over_tls_a_cut_or_forged_answer_is_none(void **state)
{
	struct ztt_err err;

	(void)state;
	assert_int_equal(ask_over_tls("cloudflare-dns.com", true, NULL, &err),
			 -EPIPE);
	assert_int_equal(ask_over_tls("cloudflare-dns.com", true, "\x7f\x01x",
				      &err),
			 -EPIPE);
	assert_int_equal(ask_over_tls("cloudflare-dns.com", true,
				      "AA this is long, but is cut", &err),
			 -EPIPE);
}

static void with_an_edge_given_no_name_is_asked_for(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.edge = "127.0.0.1:7844";
	assert_int_equal(test_host_check(&host, ztt_check_dns_srv).status,
			 ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_dns_api).status,
			 ZTT_STATUS_SKIP);
	test_host_end(&host);
}

static void the_region_goes_before_the_names(struct test_host *host)
{
	const struct ztt_names *names;

	host->doctor.plan.region = "fed";
	names = ztt_names(&host->doctor);
	assert_string_equal(ztt_names_find(names, ZTT_NAME_SRV)->name,
			    "_fed-v2-origintunneld._tcp.argotunnel.com");
	assert_string_equal(ztt_names_find(names, ZTT_NAME_ADDRESS)->name,
			    "fed-region1.v2.argotunnel.com");
	assert_string_equal(ztt_names_find(names, ZTT_NAME_API)->name,
			    "api.fed.cloudflare.com");
}

static void a_region_has_names_of_its_own(void **state)
{
	unsigned code = 3;

	(void)state;
	check_by(error_code, &code, the_region_goes_before_the_names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(a_service_record_has_target_and_port),
		cmocka_unit_test(
			the_strings_of_a_text_record_are_joined_and_plain),
		cmocka_unit_test(a_huge_text_is_cut),
		cmocka_unit_test(a_compression_loop_is_a_broken_answer),
		cmocka_unit_test(
			records_that_are_cut_short_are_a_broken_answer),
		cmocka_unit_test(
			a_wrong_length_of_an_address_is_a_broken_answer),
		cmocka_unit_test(records_of_another_type_are_none),
		cmocka_unit_test(each_error_code_is_told_apart),
		cmocka_unit_test(what_was_not_asked_is_passed_over),
		cmocka_unit_test(a_lost_question_is_asked_again),
		cmocka_unit_test(a_truncated_answer_is_asked_for_over_tcp),
		cmocka_unit_test(a_refused_port_says_so),
		cmocka_unit_test(servers_come_from_resolv_conf),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(servers_are_read_with_and_without_a_port),
		cmocka_unit_test(names_that_are_all_answered_are_ok),
		cmocka_unit_test(fewer_than_two_regions_fail),
		cmocka_unit_test(a_resolver_that_fails_is_named_in_each_check),
		cmocka_unit_test(
			over_tls_the_server_must_be_the_one_that_was_meant),
		cmocka_unit_test(over_tls_a_cut_or_forged_answer_is_none),
		cmocka_unit_test(with_an_edge_given_no_name_is_asked_for),
		cmocka_unit_test(a_region_has_names_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
