#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "faces/charset.h"
#include "faces/html.h"
#include "faces/show.h"
#include "faces/text.h"
#include "base/utf8.h"

#include <string.h>

static void
add_line(void *arg, enum show_kind kind, struct str line)
{
	buf_addf(arg, "%c%.*s\n", "FT>N"[kind], STR_FMT(line));
}

static void
shows(const char *in, enum show_mode mode, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	show_message(str_of(in), mode, add_line, &out);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_text(void **state)
{
	(void)state;
	shows("Received: x\r\nSubject: =?ISO-8859-1?Q?Gr=FC=DFe?=\r\n\r\n"
	      "one\r\n> two\r\n\tthree\r\nlast",
		SHOW_TEXT,
		"FSubject: Gr\xc3\xbc\xc3\x9f"
		"e\nT\nTone\n>> two\nT        three\nTlast\n");
	shows("Received: x\r\nSubject: s\r\n\r\nb\r\n", SHOW_HEADER,
		"FReceived: x\nFSubject: s\nT\nTb\n");
	shows("Subject: =?utf-8?q?s?=\r\n\r\nb\r\n", SHOW_RAW,
		"TSubject: =?utf-8?q?s?=\nT\nTb\n");
	shows("", SHOW_TEXT, "T\n");
	shows("no header at all", SHOW_TEXT, "T\n");
}

static void
test_parts(void **state)
{
	(void)state;
	shows("Content-Type: multipart/alternative; boundary=x\r\n\r\n"
	      "--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
	      "--x\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--x--",
		SHOW_TEXT, "T\nTplain\n");
	shows("Content-Type: text/html\r\n\r\n<p>rich<br>two", SHOW_TEXT,
		"T\nTrich\nTtwo\n");
	shows("Content-Type: image/png; name=\"=?utf-8?q?p=C3=A5?=.png\"\r\n"
	      "Content-Transfer-Encoding: base64\r\n\r\nAAAA",
		SHOW_TEXT, "T\nN[image/png, p\xc3\xa5.png, 4]\n");
	shows("Content-Type: message/rfc822\r\n\r\nSubject: in\r\nX: y\r\n\r\nb",
		SHOW_TEXT, "T\nN[a message]\nFSubject: in\nT\nTb\n");
}

static void
reads(const char *html, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	html_text(str_of(html), &out);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_html(void **state)
{
	(void)state;
	reads("<html><style>p{}</style>a  <i>b</i>\n c<p>d</p>e",
		"a b c\nd\ne");
	reads("&lt;b&gt; &amp; &quot;x&quot;&nbsp;&#65;&#x42;&#xe5;",
		"<b> & \"x\" AB\xc3\xa5");
	reads("&unknown; &#0; &#x110000; & &amp", "&unknown; &#0; &#x110000; & "
						  "&amp");
	reads("<!-- <p> -->x<SCRIPT>alert(1)</script>y<", "xy");
	reads("<p", "");
}

static void
converts(const char *charset, const char *in, const char *expected)
{
	struct buf out;

	buf_init(&out, 0);
	charset_to_utf8(charset, str_of(in), &out);
	assert_string_equal(buf_z(&out), expected);
	buf_free(&out);
}

static void
test_charsets(void **state)
{
	(void)state;
	converts("ISO-8859-15", "\xa4", "\xe2\x82\xac");
	converts("windows-1252", "\x80", "\xe2\x82\xac");
	converts("koi8-r", "\xc1", "\xd0\xb0");
	converts("utf-8", "\xc3\xa5\xff", "\xc3\xa5\xff");
	converts("", "\xe5", "\xe5");
	converts("euc-jp",
		"a\xff"
		"b",
		"a?b");
	/* names that may do anything are not asked for */
	converts("ISO-8859-1//TRANSLIT", "\xe5", "\xe5");
	converts("ISO-2022-CN-EXT", "\xe5", "\xe5");
	converts("../../x", "\xe5", "\xe5");
}

static void
test_words(void **state)
{
	char text[TEXT_SHORT_MAX], octets[4];
	uint32_t c, back;

	(void)state;
	text_age(59, text);
	assert_string_equal(text, "0m");
	text_age(-5, text);
	assert_string_equal(text, "0m");
	text_age(3599, text);
	assert_string_equal(text, "59m");
	text_age(86399, text);
	assert_string_equal(text, "23h");
	text_age(86400 * 400, text);
	assert_string_equal(text, "400d");
	for (c = 0; c <= 0x110000; c += 7) {
		size_t n = utf8_write(c, octets);

		if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(utf8_next((struct str){octets, n}, &back), n);
		assert_int_equal(back, c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
