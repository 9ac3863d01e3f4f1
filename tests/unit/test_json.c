#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"

static void assert_text(struct ztt_json *json, const char *expected)
{
	size_t len_bytes;
	const char *text = ztt_json_text(json, &len_bytes);

	assert_string_equal(text, expected);
	assert_int_equal(len_bytes, strlen(expected));
	ztt_json_release(json);
}

static void assert_string(const char *text, const char *expected)
{
	struct ztt_json json;

	ztt_json_init(&json, false);
	ztt_json_string(&json, NULL, text);
	assert_text(&json, expected);
}

static void assert_number(double value, const char *expected)
{
	struct ztt_json json;

	ztt_json_init(&json, false);
	ztt_json_number(&json, NULL, value);
	assert_text(&json, expected);
}

static void write_sample(struct ztt_json *json)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "name", "a");
	ztt_json_array(json, "empty");
	ztt_json_end_array(json);
	ztt_json_object(json, "none");
	ztt_json_end_object(json);
	ztt_json_array(json, "runs");
	ztt_json_object(json, NULL);
	ztt_json_bool(json, "valid", true);
	ztt_json_null(json, "reason");
	ztt_json_end_object(json);
	ztt_json_int(json, NULL, -1);
	ztt_json_end_array(json);
	ztt_json_array(json, "pairs");
	ztt_json_array(json, NULL);
	ztt_json_uint(json, NULL, 1);
	ztt_json_uint(json, NULL, 2);
	ztt_json_end_array(json);
	ztt_json_array(json, NULL);
	ztt_json_object(json, NULL);
	ztt_json_number(json, "x", 0.5);
	ztt_json_end_object(json);
	ztt_json_end_array(json);
	ztt_json_end_array(json);
	ztt_json_end_object(json);
}

static void one_line_has_no_blanks(void **unused)
{
	struct ztt_json json;

	(void)unused;
	ztt_json_init(&json, false);
	write_sample(&json);
	assert_text(&json, "{\"name\":\"a\",\"empty\":[],\"none\":{},"
			   "\"runs\":[{\"valid\":true,\"reason\":null},-1],"
			   "\"pairs\":[[1,2],[{\"x\":0.5}]]}");
}

static void pretty_keeps_nested_arrays_on_a_line(void **unused)
{
	struct ztt_json json;

	(void)unused;
	ztt_json_init(&json, true);
	write_sample(&json);
	assert_text(&json, "{\n"
			   "  \"name\": \"a\",\n"
			   "  \"empty\": [],\n"
			   "  \"none\": {},\n"
			   "  \"runs\": [\n"
			   "    {\n"
			   "      \"valid\": true,\n"
			   "      \"reason\": null\n"
			   "    },\n"
			   "    -1\n"
			   "  ],\n"
			   "  \"pairs\": [\n"
			   "    [1, 2],\n"
			   "    [{\"x\": 0.5}]\n"
			   "  ]\n"
			   "}");
}

static void an_untouched_writer_is_empty(void **unused)
{
	struct ztt_json json;

	(void)unused;
	ztt_json_init(&json, true);
	assert_text(&json, "");
}

static void control_characters_are_escaped(void **unused)
{
	(void)unused;
	assert_string("\"\\/", "\"\\\"\\\\/\"");
	assert_string("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	assert_string("\x01\x1b[2J\x7f", "\"\\u0001\\u001b[2J\\u007f\"");
	assert_string("\xc2\x9b"
		      "31m\xc2\xa0",
		      "\"\\u009b31m\xc2\xa0\"");
	assert_string(NULL, "null");
}

static void what_is_no_utf8_is_replaced(void **unused)
{
#define BAD "\xef\xbf\xbd"
	(void)unused;
	assert_string("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		      "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	assert_string("\x80|\xff", "\"" BAD "|" BAD "\"");
	assert_string("\xc3", "\"" BAD "\"");
	assert_string("\xe2\x82", "\"" BAD BAD "\"");
	assert_string("\xf0\x9f\x98", "\"" BAD BAD BAD "\"");
	assert_string("\xc0\xaf", "\"" BAD BAD "\"");
	assert_string("\xe0\x80\x80", "\"" BAD BAD BAD "\"");
	assert_string("\xed\xa0\x80", "\"" BAD BAD BAD "\"");
	assert_string("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
#undef BAD
}

static void every_pair_of_bytes_parses(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 65536; i++) {
		const char text[] = {(char)(i >> 8), (char)i, 'x', '\0'};
		struct ztt_json json;
		json_t *value;

		ztt_json_init(&json, false);
		ztt_json_string(&json, NULL, text);
		value = json_loads(ztt_json_text(&json, NULL), JSON_DECODE_ANY,
				   NULL);
		assert_non_null(value);
		json_decref(value);
		ztt_json_release(&json);
	}
}

static void numbers_have_six_digits(void **unused)
{
	(void)unused;
	assert_number(0, "0");
	assert_number(0.1, "0.1");
	assert_number(-2.5, "-2.5");
	assert_number(1.0 / 3, "0.333333");
	assert_number(1234567, "1234570");
	assert_number(1523456789.0, "1523460000");
	assert_number(-999999.6, "-1000000");
	assert_number(1.5e-7, "1.5e-07");
	assert_number(1e300, "1e+300");
	assert_number((double)NAN, "null");
	assert_number(-(double)INFINITY, "null");
}

static void integers_are_whole(void **unused)
{
	struct ztt_json json;

	(void)unused;
	ztt_json_init(&json, false);
	ztt_json_array(&json, NULL);
	ztt_json_uint(&json, NULL, UINT64_MAX);
	ztt_json_int(&json, NULL, INT64_MIN);
	ztt_json_end_array(&json);
	assert_text(&json, "[18446744073709551615,-9223372036854775808]");
}

static void the_point_does_not_follow_the_locale(void **unused)
{
	static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8",
					    "ps_AF.UTF-8", "C.UTF-8"};

	(void)unused;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (setlocale(LC_NUMERIC, names[i]))
			assert_number(0.25, "0.25");
	}
	setlocale(LC_NUMERIC, "C");
}

static void a_long_text_grows_the_buffer(void **unused)
{
	enum {
		LENGTH = 100000
	};
	char *text = malloc(LENGTH + 1);
	struct ztt_json json;
	json_t *value;

	(void)unused;
	memset(text, 'x', LENGTH);
	text[LENGTH] = '\0';
	ztt_json_init(&json, true);
	ztt_json_array(&json, NULL);
	ztt_json_string(&json, NULL, text);
	ztt_json_end_array(&json);
	value = json_loads(ztt_json_text(&json, NULL), 0, NULL);
	assert_string_equal(json_string_value(json_array_get(value, 0)), text);
	json_decref(value);
	ztt_json_release(&json);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_has_no_blanks),
		cmocka_unit_test(pretty_keeps_nested_arrays_on_a_line),
		cmocka_unit_test(an_untouched_writer_is_empty),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(what_is_no_utf8_is_replaced),
		cmocka_unit_test(every_pair_of_bytes_parses),
		cmocka_unit_test(numbers_have_six_digits),
		cmocka_unit_test(integers_are_whole),
		cmocka_unit_test(the_point_does_not_follow_the_locale),
		cmocka_unit_test(a_long_text_grows_the_buffer),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
