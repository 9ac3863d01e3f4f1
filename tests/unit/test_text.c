#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/text.h"

static const char *nearest(const char *word)
{
	static const char *const known[] = {"duration", "direction", "json",
					    "quiet", "engine-path"};
	struct ztt_near near = {.word = word};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ztt_near_offer(&near, known[i]);
	return near.best ? near.best : "";
}

static void characters_have_their_length(void **unused)
{
	(void)unused;
	assert_int_equal(ztt_text_char_len(""), 1);
	assert_int_equal(ztt_text_char_len("a"), 1);
	assert_int_equal(ztt_text_char_len("\xc3\xa9"), 2);
	assert_int_equal(ztt_text_char_len("\xe2\x82\xac"), 3);
	assert_int_equal(ztt_text_char_len("\xf4\x8f\xbf\xbf"), 4);
	assert_int_equal(ztt_text_char_len("\xf4\x90\x80\x80"), 0);
	assert_int_equal(ztt_text_char_len("\xed\xa0\x80"), 0);
	assert_int_equal(ztt_text_char_len("\xc1\x81"), 0);
	assert_int_equal(ztt_text_char_len("\xe2\x82"), 0);
	assert_int_equal(ztt_text_width("h\xc3\xa9\xff!"), 4);
}

static void a_terminal_cannot_be_driven(void **unused)
{
	char text[] = "a\x1b[2J\r\n\x7f\xc2\x9b\xff\xc3\xa9";

	(void)unused;
	assert_string_equal(ztt_text_plain(text), "a?[2J??????\xc3\xa9");
}

static void a_mistyped_word_finds_its_neighbour(void **unused)
{
	(void)unused;
	assert_string_equal(nearest("duraton"), "duration");
	assert_string_equal(nearest("jsno"), "json");
	assert_string_equal(nearest("JSON"), "json");
	assert_string_equal(nearest("dur"), "duration");
	assert_string_equal(nearest("enginepath"), "engine-path");
	assert_string_equal(nearest("quite"), "quiet");
}

static void a_foreign_word_finds_none(void **unused)
{
	char word[1000];

	(void)unused;
	assert_string_equal(nearest("frobnicate"), "");
	assert_string_equal(nearest(""), "");
	assert_string_equal(nearest("x"), "");
	memset(word, 'd', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_string_equal(nearest(word), "");
	word[64] = '\0';
	assert_string_equal(nearest(word), "");
}

static void an_error_is_one_plain_line(void **unused)
{
	struct ztt_err err;

	(void)unused;
	assert_int_equal(ztt_err_set(&err, -5, "no \"%s\"", "a\nb"), -5);
	assert_string_equal(err.text, "no \"a?b\"");
	assert_int_equal(ztt_err_prefix(&err, -7, "edge %d", 1), -7);
	assert_string_equal(err.text, "edge 1: no \"a?b\"");
	ztt_err_set(&err, -5, "%s again", err.text);
	assert_string_equal(err.text, "edge 1: no \"a?b\" again");
	assert_int_equal(ztt_err_set(NULL, -5, "x"), -5);
	assert_int_equal(ztt_err_prefix(NULL, -5, "x"), -5);
}

static void a_long_error_is_cut(void **unused)
{
	struct ztt_err err;

	(void)unused;
	ztt_err_set(&err, -5, "%2000s", "x");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	ztt_err_prefix(&err, -5, "%2000s", "x");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_have_their_length),
		cmocka_unit_test(a_terminal_cannot_be_driven),
		cmocka_unit_test(a_mistyped_word_finds_its_neighbour),
		cmocka_unit_test(a_foreign_word_finds_none),
		cmocka_unit_test(an_error_is_one_plain_line),
		cmocka_unit_test(a_long_error_is_cut),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
