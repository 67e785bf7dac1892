#include "mail/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What S becomes, cut at CUT. */
static const char *
write_cut(struct str s, size_t cut, enum transfer how, bool binary)
{
	static struct buf out;
	struct transfer_write w, count;

	buf_free(&out);
	transfer_begin(&w, how, binary, &out);
	transfer_octets(&w, (struct str){s.p, cut});
	transfer_octets(&w, str_skip(s, cut));
	transfer_end(&w);
	transfer_begin(&count, how, binary, NULL);
	transfer_octets(&count, s);
	transfer_end(&count);
	assert_int_equal(w.octets, out.len);
	assert_int_equal(count.octets, out.len);
	return buf_z(&out);
}

static void
test_quoted_printable(void **state)
{
	static const struct {
		struct str in;
		const char *text, *binary;
	} rows[] = {
		{{"", 0}, "", ""},
		{{"a=b\r\n", 5}, "a=3Db\r\n", "a=3Db=0D=0A"},
		{{"gr\xc3\xbc\xc3\x9f"
		  "e",
			 7},
			"gr=C3=BC=C3=9Fe", "gr=C3=BC=C3=9Fe"},
		{{"a \r\nb\t\r\n", 8}, "a=20\r\nb=09\r\n", "a =0D=0Ab\t=0D=0A"},
		{{"a  b ", 5}, "a  b=20", "a  b=20"},
		{{"a\rb\nc\r", 6}, "a=0Db=0Ac=0D", "a=0Db=0Ac=0D"},
		{{"\r\r\n \r\r\n", 7}, "=0D\r\n =0D\r\n",
			"=0D=0D=0A =0D=0D=0A"},
		{{"\0\x7f", 2}, "=00=7F", "=00=7F"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++) {
			assert_string_equal(
				write_cut(rows[i].in, cut, TRANSFER_QP, false),
				rows[i].text);
			assert_string_equal(
				write_cut(rows[i].in, cut, TRANSFER_QP, true),
				rows[i].binary);
		}
}

/* A line of our making is no boundary, and none is too long. */
static void
test_soft_breaks(void **state)
{
	char in[202];
	const char *z, *end;

	(void)state;
	memset(in, '-', sizeof(in));
	memcpy(in + 200, "\r\n", 2);
	z = write_cut((struct str){in, sizeof(in)}, 0, TRANSFER_QP, false);
	for (unsigned line = 0; *z; line++, z = end + 2) {
		end = strstr(z, "\r\n");
		assert_non_null(end);
		assert_true(end - z <= TRANSFER_LINE_MAX);
		assert_true(line == 0 || memcmp(z, "=2D-", 4) == 0);
	}
	memset(in, 'x', 76);
	z = write_cut((struct str){in, 76}, 0, TRANSFER_QP, false);
	assert_int_equal(strcspn(z, "\r"), 76);
	assert_string_equal(z + 75, "=\r\nx");
}

static void
test_base64(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{{"", 0}, ""},
		{{"f", 1}, "Zg=="},
		{{"fo", 2}, "Zm8="},
		{{"foo", 3}, "Zm9v"},
		{{"\xff\xfe\xfd\0", 4}, "//79AA=="},
	};
	char in[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++)
			assert_string_equal(write_cut(rows[i].in, cut,
						    TRANSFER_BASE64, true),
				rows[i].out);
	memset(in, 0, sizeof(in));
	for (size_t n = 0; n <= sizeof(in); n++) {
		const char *z = write_cut(
			(struct str){in, n}, n / 2, TRANSFER_BASE64, true);

		assert_int_equal(strlen(z), transfer_base64_octets(n));
		assert_int_equal(
			strcspn(z, "\r"), n >= 57 ? 76 : (n + 2) / 3 * 4);
	}
}

/* The end of the last line means nothing. */
static void
test_end_of_line(void **state)
{
	static const struct {
		enum transfer how;
		const char *in, *out;
	} rows[] = {
		{TRANSFER_QP, "a", "a=\r\n"},
		{TRANSFER_QP, "a\r\n", "a\r\n"},
		{TRANSFER_QP, "", ""},
		{TRANSFER_BASE64, "a", "YQ==\r\n"},
		{TRANSFER_BASE64, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct transfer_write w;
		struct buf out;

		buf_init(&out, 0);
		transfer_begin(&w, rows[i].how, false, &out);
		transfer_octets(&w, str_of(rows[i].in));
		transfer_end(&w);
		transfer_end_line(&w);
		assert_string_equal(buf_z(&out), rows[i].out);
		assert_int_equal(w.octets, out.len);
		buf_free(&out);
	}
}

static void
test_shorter(void **state)
{
	(void)state;
	assert_int_equal(transfer_shorter(STR("plain text\r\n")), TRANSFER_QP);
	assert_int_equal(
		transfer_shorter(STR("\xd0\xbc\xd0\xb0\xd0\xbc\xd0\xb0")),
		TRANSFER_BASE64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_soft_breaks),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_end_of_line),
		cmocka_unit_test(test_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
