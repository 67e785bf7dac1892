#include "mail/recode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct recode_to seven = {.seven_bit = true};
static const struct recode_to lines = {.binary = true};
static const struct recode_to seven_of_binary = {
	.seven_bit = true, .binary = true};

/* What S becomes, cut at CUT in both passes; or why it cannot. */
static struct str
recode_cut(const struct recode_to *to, struct str s, size_t cut)
{
	static struct buf out;
	struct recode *r = recode_new(to);

	buf_free(&out);
	recode_look(r, (struct str){s.p, cut});
	recode_look(r, str_skip(s, cut));
	if (recode_look_end(r)) {
		recode_write(r, (struct str){s.p, cut}, &out);
		recode_write(r, str_skip(s, cut), &out);
		recode_write_end(r, &out);
		assert_int_equal(out.len, recode_size(r));
	} else {
		buf_addf(&out, "cannot: %s", recode_why(r));
	}
	recode_free(r);
	return (struct str){buf_z(&out), out.len};
}

static void
assert_becomes(const struct recode_to *to, struct str in, const char *out)
{
	for (size_t cut = 0; cut <= in.n; cut++)
		assert_string_equal(recode_cut(to, in, cut).p, out);
}

static void
assert_cannot(const struct recode_to *to, const char *in, const char *why)
{
	const char *z = recode_cut(to, str_of(in), strlen(in) / 2).p;

	if (strncmp(z, "cannot: ", 8) != 0 || !strstr(z, why))
		fail_msg("\"%s\" is not why: %s", why, z);
}

#define MIME "MIME-Version: 1.0\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE "Content-Transfer-Encoding: "

static void
test_text(void **state)
{
	(void)state;
	assert_becomes(&seven,
		STR(MIME TEXT CTE
			"8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
			"e an alle Freunde und Bekannten hier an Bord \r\n"),
		MIME TEXT CTE
		"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle Freunde und Bekannten hier an Bord=20\r\n");
	/* shorter so */
	assert_becomes(&seven,
		STR(MIME TEXT "\r\n\xd0\xbc\xd0\xb0\xd0\xbc\xd0\xb0\r\n"),
		MIME TEXT CTE "base64\r\n\r\n0LzQsNC80LANCg==\r\n");
	/* a field in several lines, and one with a comment */
	assert_becomes(&seven,
		STR(MIME "content-transfer-encoding :\r\n 8BIT (as ever)\r\n"
			 "X: y\r\n\r\n\xe4 and more\r\n"),
		MIME CTE "quoted-printable\r\nX: y\r\n\r\n=E4 and more\r\n");
	/* nobody said that it is MIME, nor which characters (RFC 1428) */
	assert_becomes(&seven, STR("Subject: a\r\n\r\n\xe4 and more\r\n"),
		"Subject: a\r\n" MIME
		"Content-Type: text/plain; charset=unknown-8bit\r\n" CTE
		"quoted-printable\r\n\r\n=E4 and more\r\n");
	assert_becomes(&seven, STR(TEXT "\r\n\xe4 and more\r\n"),
		TEXT MIME CTE "quoted-printable\r\n\r\n=E4 and more\r\n");
}

/* What passes as it is stays as it is, to the octet. */
static void
test_untouched(void **state)
{
	static const char *const same[] = {
		"Subject: a\r\n\r\nbody\r\n",
		MIME CTE "8bit\r\n\r\nplain\r\n",
		MIME "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		     "--b\r\n\r\na=E4\r\n--b  \r\n" CTE "base64\r\n\r\n5A==\r\n"
		     "--b--\r\nepilogue\r\n",
		MIME "Content-Type: multipart/signed; boundary=b; x=y\r\n" CTE
		     "8bit\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
		"DKIM-Signature: v=1\r\n\r\nbody\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_becomes(&seven, str_of(same[i]), same[i]);
}

static void
test_parts(void **state)
{
	(void)state;
	assert_becomes(&seven,
		STR(MIME
			"Content-Type: multipart/mixed;\r\n\tboundary=\"a b\"\r\n" CTE
			"8bit\r\n\r\npreamble\r\n"
			"--a b\r\n" TEXT "\r\nGr\xc3\xbc\xc3\x9f"
			"e an alle Freunde und Bekannten hier an Bord\r\n"
			"--a b\r\nContent-Type: multipart/alternative;\r\n"
			" boundary=\"a b-2\"\r\n\r\n"
			"--a b-2\r\n\r\nplain\r\n"
			"--a b-2\r\nContent-Type: image/x\r\n\r\n\xff\xfe\xfd\r\n"
			"--a b-2--\r\n\r\n"
			"--a b\r\nContent-Type: message/rfc822\r\n\r\n"
			"Subject: in\r\n\r\n\xe4 in it\r\n"
			"--a b--\r\nepilogue\r\n"),
		MIME
		"Content-Type: multipart/mixed;\r\n\tboundary=\"a b\"\r\n" CTE
		"7bit\r\n\r\npreamble\r\n"
		"--a b\r\n" TEXT CTE
		"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle Freunde und Bekannten hier an Bord\r\n"
		"--a b\r\nContent-Type: multipart/alternative;\r\n"
		" boundary=\"a b-2\"\r\n\r\n"
		"--a b-2\r\n\r\nplain\r\n"
		"--a b-2\r\nContent-Type: image/x\r\n" CTE
		"base64\r\n\r\n//79\r\n"
		"--a b-2--\r\n\r\n"
		"--a b\r\nContent-Type: message/rfc822\r\n\r\n"
		"Subject: in\r\n" MIME
		"Content-Type: text/plain; charset=unknown-8bit\r\n" CTE
		"quoted-printable\r\n\r\n=E4 in it\r\n"
		"--a b--\r\nepilogue\r\n");
	/* the parts of a digest are messages; an end is not needed */
	assert_becomes(&seven,
		STR(MIME
			"Content-Type: multipart/digest; boundary=d\r\n\r\n"
			"--d\r\n\r\n" MIME "\r\n\xe4 in it\r\n"
			"--d\r\nContent-Type: text/plain\r\n\r\n\xe4 at last\r\n"),
		MIME "Content-Type: multipart/digest; boundary=d\r\n\r\n"
		     "--d\r\n\r\n" MIME CTE
		     "quoted-printable\r\n\r\n=E4 in it\r\n"
		     "--d\r\nContent-Type: text/plain\r\n" CTE
		     "quoted-printable\r\n\r\n=E4 at last\r\n");
}

#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\r\n"

static void
test_cannot(void **state)
{
	static const struct {
		const char *in, *why;
	} rows[] = {
		{"DKIM-Signature: v=1\r\n" MIME "\r\n\xe4\r\n",
			"signed (DKIM)"},
		{MIME "Content-Type: multipart/signed; boundary=b\r\n\r\n"
		      "--b\r\n\r\n\xe4\r\n--b--\r\n",
			"it is signed"},
		{MIXED "\r\n--b\r\nContent-Type: multipart/encrypted; "
		       "boundary=c\r\n\r\n--c\r\n\r\n\xe4\r\n--c--\r\n--b--\r\n",
			"it is encrypted"},
		{"Subject: \xe4\r\n\r\nx\r\n", "its header has octets"},
		{MIXED "\r\n--b\r\nX: \xe4\r\n\r\nx\r\n--b--\r\n",
			"its header has octets"},
		{MIXED "\r\n\xe4\r\n--b\r\n\r\nx\r\n--b--\r\n",
			"around its parts"},
		{MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n\xe4\r\n",
			"around its parts"},
		{MIME CTE "base64\r\n\r\n\xe4\r\n", "not in the encoding"},
		{MIME CTE "8 bit\r\n\r\n\xe4\r\n", "not in the encoding"},
		{MIME CTE "\r\n\r\n\xe4\r\n", "not in the encoding"},
		{MIXED CTE "base64\r\n\r\n--b\r\n\r\n\xe4\r\n--b--\r\n",
			"an encoding that they may not have"},
		{MIME CTE "8bit\r\n" CTE "8bit\r\n\r\n\xe4\r\n", "twice"},
		{MIME TEXT TEXT "\r\n\xe4\r\n", "twice"},
		{MIME "Content-Type: multipart/mixed\r\n\r\n\xe4\r\n",
			"boundary"},
		{MIME "Content-Type: multipart/mixed; boundary=\"\r\n\r\n\xe4\r\n",
			"boundary"},
		{MIME "Content-Type: multipart/mixed; boundary=a; boundary=b"
		      "\r\n\r\n\xe4\r\n",
			"boundary"},
		{MIME "Content-Type: multipart/mixed; boundary*=a\r\n\r\n\xe4\r\n",
			"boundary"},
		{MIME "Content-Type: text\r\n\r\n\xe4\r\n", "type"},
		{MIME "Content-Type: message/partial; id=1\r\n\r\n\xe4\r\n",
			"may not be encoded"},
		{MIXED "\r\n--b\r\n\r\n\xe4\r\n--bc\r\n--b--\r\n",
			"nearly is a boundary"},
		{MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n"
		       "\r\n--b\r\n\r\n\xe4\r\n--b--\r\n",
			"one boundary"},
		{MIME "no field\r\n\r\n\xe4\r\n", "no field"},
		{MIME "a b: c\r\n\r\n\xe4\r\n", "no field"},
		{MIME ": c\r\n\r\n\xe4\r\n", "no field"},
		{" folded\r\n\r\n\xe4\r\n", "no field"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_cannot(&seven, rows[i].in, rows[i].why);
}

static void
test_signed_too(void **state)
{
	const struct recode_to to = {.seven_bit = true, .signed_too = true};

	(void)state;
	assert_becomes(&to,
		STR("DKIM-Signature: v=1\r\n" MIME "\r\n\xe4 x\r\n"),
		"DKIM-Signature: v=1\r\n" MIME CTE
		"quoted-printable\r\n\r\n=E4 x\r\n");
}

/* Binary to lines: what is no line is encoded, 8 bit may stay. */
static void
test_binary(void **state)
{
	char text[3000] = MIME CTE "binary\r\nContent-Type: image/x\r\n\r\n";
	struct str s;

	(void)state;
	assert_becomes(&lines,
		STR(MIME "Content-Type: multipart/mixed; boundary=b\r\n" CTE
			 "binary\r\n\r\n"
			 "--b\r\n" CTE "binary\r\nContent-Type: image/x\r\n\r\n"
			 "\0\r\n\n\r\n"
			 "--b\r\n" TEXT CTE "binary\r\n\r\na\nb\xe4\r\n"
			 "--b\r\n" CTE "8bit\r\n\r\n\xe4\r\n"
			 "--b--"),
		MIME "Content-Type: multipart/mixed; boundary=b\r\n" CTE
		     "8bit\r\n\r\n"
		     "--b\r\n" CTE "base64\r\nContent-Type: image/x\r\n\r\n"
		     "AA0KCg==\r\n"
		     "--b\r\n" TEXT CTE "quoted-printable\r\n\r\na=0Ab=E4\r\n"
		     "--b\r\n" CTE "8bit\r\n\r\n\xe4\r\n"
		     "--b--\r\n");
	/* no end of line at the end: none is added to what it means */
	assert_becomes(&seven_of_binary, STR(MIME "\r\nabc def ghi"),
		MIME CTE "quoted-printable\r\n\r\nabc def ghi=\r\n");
	/* a long line is none of text */
	s.n = strlen(text);
	memset(text + s.n, 'x', 2000);
	s = (struct str){text, s.n + 2000};
	assert_non_null(strstr(recode_cut(&lines, s, 1500).p,
		CTE "base64\r\nContent-Type: image/x\r\n\r\neHh4"));
	assert_cannot(
		&lines, MIXED "\r\na\nb\r\n--b--\r\n", "around its parts");
}

/* Depth and number have an end. */
static void
test_limits(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (int i = 0; i <= RECODE_DEPTH_MAX; i++)
		buf_addf(&b,
			"%sContent-Type: multipart/mixed; boundary=%dx\r\n"
			"\r\n--%dx\r\n",
			i ? "" : MIME, i, i);
	buf_addz(&b, "\r\n\xe4\r\n");
	assert_cannot(&seven, buf_z(&b), "too deep");
	buf_clear(&b);
	buf_addz(&b, MIXED "\r\n");
	for (int i = 0; i < RECODE_PARTS_MAX; i++)
		buf_addz(&b, "--b\r\n");
	buf_addz(&b, "\r\n\xe4\r\n");
	assert_cannot(&seven, buf_z(&b), "too many parts");
	buf_clear(&b);
	buf_addz(&b, MIME "Content-Type: text/plain;");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "\r\n x%d=y;", i);
	buf_addz(&b, "\r\n\r\n\xe4\r\n");
	assert_cannot(&seven, buf_z(&b), "too long");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_signed_too),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
