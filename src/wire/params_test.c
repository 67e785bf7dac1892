#include "wire/params.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { ALL = (1 << 17) - 1 };

#define L50 "01234567890123456789012345678901234567890123456789"
#define L100 L50 L50

struct param_case {
	struct str in;
	unsigned offered;
	enum params_result result;
	const char *text; /* what is written again, or the parameter at fault */
};

static enum params_result
parse_mail(struct str in, unsigned offered, struct buf *out, struct str *bad_r)
{
	struct mail_params p;
	enum params_result result = params_mail(in, offered, &p, bad_r);

	if (result == PARAMS_OK)
		params_mail_write(&p, offered, out);
	return result;
}

static enum params_result
parse_rcpt(struct str in, unsigned offered, struct buf *out, struct str *bad_r)
{
	struct rcpt_params p;
	enum params_result result = params_rcpt(in, offered, &p, bad_r);

	if (result == PARAMS_OK)
		params_rcpt_write(&p, offered, out);
	return result;
}

typedef enum params_result parse_fn(
	struct str in, unsigned offered, struct buf *out, struct str *bad_r);

static void
expect(parse_fn *parse, const struct param_case *c)
{
	struct str bad = STR("untouched");
	enum params_result result;
	struct buf out;

	buf_init(&out, 0);
	result = parse(c->in, c->offered, &out, &bad);
	if (result == PARAMS_OK)
		bad = buf_view(&out);
	else
		assert_true(
			bad.p >= c->in.p && bad.p + bad.n <= c->in.p + c->in.n);
	if (result != c->result || !str_eq(bad, str_of(c->text)))
		print_error("\"%.*s\": %d \"%.*s\"\n", STR_FMT(c->in), result,
			STR_FMT(bad));
	assert_int_equal(result, c->result);
	assert_true(str_eq(bad, str_of(c->text)));
	buf_free(&out);
}

/* Whatever a prefix gives: nothing is read beyond its end. */
static void
try_prefixes(parse_fn *parse, struct str in)
{
	for (size_t n = 0; n <= in.n; n++) {
		char *exact = malloc(n ? n : 1);
		struct str bad;
		struct buf out;

		memcpy(exact, in.p, n);
		buf_init(&out, 0);
		parse((struct str){exact, n}, ALL, &out, &bad);
		buf_free(&out);
		free(exact);
	}
}

static void
run(parse_fn *parse, const struct param_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		expect(parse, &cases[i]);
		try_prefixes(parse, cases[i].in);
	}
}

#define RUN(parse, cases) run(parse, cases, sizeof(cases) / sizeof(cases[0]))
#define GOOD(text)                                                             \
	{                                                                      \
		STR(text), ALL, PARAMS_OK, text                                \
	}
#define GOOD_AS(text, again)                                                   \
	{                                                                      \
		STR(text), ALL, PARAMS_OK, again                               \
	}
#define BAD(text)                                                              \
	{                                                                      \
		STR(" " text), ALL, PARAMS_SYNTAX, text                        \
	}

static void
of_mail(void **state)
{
	static const struct param_case cases[] = {
		GOOD(""),
		GOOD_AS(" ", ""),
		GOOD_AS("   ", ""),
		GOOD(" SIZE=0"),
		GOOD_AS("  size=007  BODY=8bitmime  ", " SIZE=7 BODY=8BITMIME"),
		GOOD(" SIZE=18446744073709551615"),
		GOOD_AS(" SIZE=00000000000000000001", " SIZE=1"),
		BAD("SIZE=000000000000000000001"),
		GOOD_AS(" SIZE=18446744073709551616",
			" SIZE=18446744073709551615"),
		GOOD_AS(" SIZE=99999999999999999999",
			" SIZE=18446744073709551615"),
		BAD("SIZE=-1"),
		BAD("SIZE=+1"),
		BAD("SIZE=1K"),
		BAD("SIZE="),
		BAD("SIZE"),
		BAD("SIZE=1=2"),
		GOOD_AS(" BODY=7BIT", ""),
		GOOD(" BODY=8BITMIME"),
		GOOD(" BODY=BINARYMIME"),
		BAD("BODY=8BIT"),
		BAD("BODY"),
		GOOD_AS(" smtputf8 RequireTLS", " SMTPUTF8 REQUIRETLS"),
		BAD("SMTPUTF8=1"),
		BAD("SMTPUTF8="),
		BAD("REQUIRETLS=yes"),
		GOOD_AS(" RET=full", " RET=FULL"),
		GOOD(" RET=HDRS"),
		BAD("RET=NONE"),
		BAD("RET=FULLX"),
		BAD("RET="),
		GOOD(" ENVID=QQ314159"),
		GOOD(" ENVID=a+20b+09+2B+3D"),
		GOOD(" ENVID=" L100),
		BAD("ENVID=" L100 "x"),
		BAD("ENVID="),
		BAD("ENVID=a+0D+0AX"),
		BAD("ENVID=a+7F"),
		BAD("ENVID=a+00"),
		BAD("ENVID=a+C3+B8"),
		BAD("ENVID=a+2b"),
		BAD("ENVID=a+"),
		BAD("ENVID=\xc3\xb8"),
		GOOD(" AUTH=<>"),
		GOOD(" AUTH=+3C+3E"),
		GOOD(" AUTH=e+3Dmc2@example.com"),
		GOOD(" AUTH=+22a+20b+22@c"),
		GOOD(" AUTH=j+C3+B8@b"),
		BAD("AUTH=a"),
		BAD("AUTH=<a@b>"),
		BAD("AUTH=a+3Db"),
		BAD("AUTH=a@b=c"),
		BAD("AUTH=a@b+0D"),
		BAD("AUTH="),
		GOOD(" MT-PRIORITY=-9"),
		GOOD(" MT-PRIORITY=0"),
		GOOD(" MT-PRIORITY=9"),
		BAD("MT-PRIORITY=10"),
		BAD("MT-PRIORITY=-10"),
		BAD("MT-PRIORITY=+1"),
		BAD("MT-PRIORITY=-0"),
		BAD("MT-PRIORITY=01"),
		BAD("MT-PRIORITY=-"),
		BAD("MT-PRIORITY=x"),
		BAD("MT-PRIORITY=--"),
		GOOD(" BY=120;R"),
		GOOD_AS(" by=+000000120;rt", " BY=120;RT"),
		GOOD(" BY=-5;NT"),
		GOOD(" BY=0;N"),
		GOOD(" BY=999999999;N"),
		GOOD(" BY=-999999999;N"),
		BAD("BY=1000000000;N"),
		BAD("BY=0;R"),
		BAD("BY=-1;R"),
		BAD("BY=1"),
		BAD("BY=1;"),
		BAD("BY=;N"),
		BAD("BY=-;N"),
		BAD("BY=+-1;N"),
		BAD("BY=1;X"),
		BAD("BY=1;NX"),
		BAD("BY=1;NTT"),
		GOOD(" HOLDFOR=1"),
		GOOD(" HOLDFOR=999999999"),
		BAD("HOLDFOR=0"),
		BAD("HOLDFOR=01"),
		BAD("HOLDFOR=1000000000"),
		BAD("HOLDFOR=1s"),
		GOOD(" HOLDUNTIL=2026-12-24T17:00:00Z"),
		GOOD(" HOLDUNTIL=2028-02-29t23:59:60.123z"),
		BAD("HOLDUNTIL=2026-02-29T00:00:00Z"),
		BAD("HOLDUNTIL=2100-02-29T00:00:00Z"),
		BAD("HOLDUNTIL=2026-00-01T00:00:00Z"),
		BAD("HOLDUNTIL=2026-13-01T00:00:00Z"),
		BAD("HOLDUNTIL=2026-04-31T00:00:00Z"),
		BAD("HOLDUNTIL=2026-04-00T00:00:00Z"),
		BAD("HOLDUNTIL=2026-04-01T24:00:00Z"),
		BAD("HOLDUNTIL=2026-04-01T00:60:00Z"),
		BAD("HOLDUNTIL=2026-04-01T00:00:61Z"),
		BAD("HOLDUNTIL=2026-04-01T00:00:00"),
		BAD("HOLDUNTIL=2026-04-01T00:00:00.Z"),
		BAD("HOLDUNTIL=2026-04-01T00:00:00+01:00"),
		BAD("HOLDUNTIL=2026-04-01T00:00:00ZZ"),
		BAD("HOLDUNTIL=2026-04-01T00:00:00.000000000000000000001Z"),
		{STR(" HOLDFOR=1 HOLDUNTIL=2026-12-24T17:00:00Z"), ALL,
			PARAMS_REPEATED, "HOLDUNTIL=2026-12-24T17:00:00Z"},
		{STR(" HOLDUNTIL=2026-12-24T17:00:00Z HOLDFOR=1"), ALL,
			PARAMS_REPEATED, "HOLDFOR=1"},
		{STR(" SIZE=1 BODY=7BIT Size=2"), ALL, PARAMS_REPEATED,
			"Size=2"},
		{STR(" SMTPUTF8 SMTPUTF8"), ALL, PARAMS_REPEATED, "SMTPUTF8"},
		{STR(" NOTIFY=NEVER"), ALL, PARAMS_UNKNOWN, "NOTIFY=NEVER"},
		{STR(" X-FOO SIZE=1"), ALL, PARAMS_UNKNOWN, "X-FOO"},
		{STR(" SIZE=1 X=\xc3\xb8"), ALL, PARAMS_UNKNOWN, "X=\xc3\xb8"},
		{STR(" SIZE=1 X=\xc3\xb8"), EXT_SIZE, PARAMS_SYNTAX,
			"X=\xc3\xb8"},
		{STR("SIZE=1"), ALL, PARAMS_SYNTAX, "SIZE=1"},
		{STR(" SIZE=1\tBODY=7BIT"), ALL, PARAMS_SYNTAX,
			"SIZE=1\tBODY=7BIT"},
		BAD("=1"),
		BAD("-X"),
		BAD("SIZE:1"),
	};

	(void)state;
	RUN(parse_mail, cases);
}

static void
of_rcpt(void **state)
{
	static const struct param_case cases[] = {
		GOOD(""),
		GOOD(" NOTIFY=NEVER"),
		GOOD_AS(" notify=delay,success", " NOTIFY=SUCCESS,DELAY"),
		GOOD(" NOTIFY=SUCCESS,FAILURE,DELAY"),
		GOOD_AS(" NOTIFY=DELAY,DELAY", " NOTIFY=DELAY"),
		BAD("NOTIFY=NEVER,DELAY"),
		BAD("NOTIFY=DELAY,NEVER"),
		BAD("NOTIFY=NEVER,NEVER"),
		BAD("NOTIFY=DELAY,"),
		BAD("NOTIFY=,DELAY"),
		BAD("NOTIFY=DELAYS"),
		BAD("NOTIFY="),
		BAD("NOTIFY"),
		GOOD(" ORCPT=rfc822;a+2Bb@c.d"),
		GOOD(" ORCPT=x-local;u"),
		GOOD(" ORCPT=rfc822;"),
		GOOD(" NOTIFY=NEVER ORCPT=rfc822;a@b"),
		BAD("ORCPT=rfc822"),
		BAD("ORCPT=;a"),
		BAD("ORCPT=a.b;c"),
		BAD("ORCPT=rfc822;a+b"),
		BAD("ORCPT=rfc822;a+0Ab"),
		BAD("ORCPT=rfc822;j\xc3\xb8@b"),
		BAD("ORCPT="),
		GOOD(" ORCPT=rfc822;" L100 L100 L100 L100 L50
		     "0123456789012345678901234567890123456789012"),
		BAD("ORCPT=rfc822;" L100 L100 L100 L100 L50
		    "01234567890123456789012345678901234567890123"),
		/* RFC 6533 3 */
		GOOD(" ORCPT=utf-8;a@b"),
		GOOD(" ORCPT=UTF-8;j\\x{F8}\\x{2B}@b"),
		GOOD(" ORCPT=utf-8;\\x{10FFFF}\\x{20}\\x{5C}\\x{80}@b"),
		GOOD(" ORCPT=utf-8;j\xc3\xb8@\xc3\xb8"),
		BAD("ORCPT=utf-8;"),
		BAD("ORCPT=utf-8;a+41"),
		BAD("ORCPT=utf-8;a\\b"),
		BAD("ORCPT=utf-8;\\x{F8"),
		BAD("ORCPT=utf-8;\\x{}"),
		BAD("ORCPT=utf-8;\\x{8}"),
		BAD("ORCPT=utf-8;\\x{41}"),
		BAD("ORCPT=utf-8;\\x{0D}"),
		BAD("ORCPT=utf-8;\\x{0F8}"),
		BAD("ORCPT=utf-8;\\x{D800}"),
		BAD("ORCPT=utf-8;\\x{110000}"),
		BAD("ORCPT=utf-8;\\x{1000000}"),
		BAD("ORCPT=utf-8;\\x{G8}"),
		BAD("ORCPT=utf-8;\xc3"),
		{STR(" ORCPT=utf-8;\\x{F8}@b"), EXT_DSN, PARAMS_OK,
			" ORCPT=utf-8;\\x{F8}@b"},
		{STR(" ORCPT=utf-8;\xc3\xb8@b"), EXT_DSN, PARAMS_SYNTAX,
			"ORCPT=utf-8;\xc3\xb8@b"},
		{STR(" ORCPT=rfc822;a ORCPT=rfc822;b"), ALL, PARAMS_REPEATED,
			"ORCPT=rfc822;b"},
		{STR(" SIZE=1"), ALL, PARAMS_UNKNOWN, "SIZE=1"},
		{STR(" NOTIFY=NEVER"), ALL & ~EXT_DSN, PARAMS_UNKNOWN,
			"NOTIFY=NEVER"},
	};

	(void)state;
	RUN(parse_rcpt, cases);
}

static void
not_offered_is_unknown(void **state)
{
	static const struct {
		struct str in;
		unsigned ext;
	} cases[] = {
		{STR(" SIZE=1"), EXT_SIZE},
		{STR(" BODY=8BITMIME"), EXT_8BITMIME | EXT_BINARYMIME},
		{STR(" BODY=BINARYMIME"), EXT_BINARYMIME},
		{STR(" SMTPUTF8"), EXT_SMTPUTF8},
		{STR(" REQUIRETLS"), EXT_REQUIRETLS},
		{STR(" RET=FULL"), EXT_DSN},
		{STR(" ENVID=a"), EXT_DSN},
		{STR(" AUTH=<>"), EXT_AUTH},
		{STR(" MT-PRIORITY=1"), EXT_MT_PRIORITY},
		{STR(" BY=1;R"), EXT_DELIVERBY},
		{STR(" HOLDFOR=1"), EXT_FUTURERELEASE},
		{STR(" HOLDUNTIL=2026-12-24T17:00:00Z"), EXT_FUTURERELEASE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_params p;
		struct str bad;
		struct buf out;

		buf_init(&out, 0);
		assert_int_equal(
			params_mail(cases[i].in, ALL & ~cases[i].ext, &p, &bad),
			PARAMS_UNKNOWN);
		assert_int_equal(
			params_mail(cases[i].in, cases[i].ext, &p, &bad),
			PARAMS_OK);
		params_mail_write(&p, ALL & ~cases[i].ext, &out);
		assert_int_equal(out.len, 0);
		params_mail_write(&p, cases[i].ext, &out);
		assert_true(str_eq(buf_view(&out), cases[i].in));
		buf_free(&out);
	}
}

static void
values_are_stored(void **state)
{
	struct mail_params m;
	struct rcpt_params r;
	struct str bad;

	(void)state;
	assert_int_equal(
		params_mail(STR(" SIZE=12 BODY=BINARYMIME SMTPUTF8 REQUIRETLS "
				"RET=HDRS ENVID=a+2B AUTH=a@b MT-PRIORITY=-4 "
				"BY=-7;NT HOLDFOR=60"),
			ALL, &m, &bad),
		PARAMS_OK);
	assert_true(m.has_size && m.size_bytes == 12);
	assert_int_equal(m.body, BODY_BINARYMIME);
	assert_true(m.smtputf8 && m.requiretls);
	assert_int_equal(m.ret, RET_HDRS);
	assert_string_equal(m.envid, "a+2B");
	assert_true(m.has_auth);
	assert_string_equal(m.auth, "a@b");
	assert_true(m.has_priority && m.priority == -4);
	assert_true(m.has_deliver_by && m.deliver_by_s == -7);
	assert_true(m.deliver_by_mode == 'N' && m.deliver_by_trace);
	assert_int_equal(m.hold_for_s, 60);
	assert_int_equal(
		params_rcpt(STR(" NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@b"), ALL,
			&r, &bad),
		PARAMS_OK);
	assert_int_equal(r.notify, NOTIFY_FAILURE | NOTIFY_DELAY);
	assert_string_equal(r.orcpt, "rfc822;a@b");
	assert_int_equal(params_mail(STR(""), 0, &m, &bad), PARAMS_OK);
	assert_false(m.has_size || m.has_auth || m.has_priority ||
		     m.has_deliver_by || m.smtputf8 || m.requiretls);
}

static void
overdue_time_is_bounded(void **state)
{
	struct mail_params p = {.has_deliver_by = true,
		.deliver_by_mode = 'N',
		.deliver_by_s = -20000000000};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	params_mail_write(&p, ALL, &out);
	assert_true(str_eq(buf_view(&out), STR(" BY=-999999999;N")));
	buf_free(&out);
}

static void
orcpt_for_a_peer_without_smtputf8(void **state)
{
	struct rcpt_params p = {
		.orcpt = "utf-8;j\xc3\xb8\xf0\x9f\x98\x80@\xe4\xbe\x8b"};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	params_rcpt_write(&p, EXT_DSN, &out);
	assert_true(str_eq(buf_view(&out),
		STR(" ORCPT=utf-8;j\\x{F8}\\x{1F600}@\\x{4F8B}")));
	buf_clear(&out);
	memcpy(p.orcpt, "utf-8;", 6);
	for (size_t i = 6; i + 2 < sizeof(p.orcpt); i += 2)
		memcpy(p.orcpt + i, "\xc3\xb8", 3);
	params_rcpt_write(&p, EXT_DSN, &out);
	assert_int_equal(out.len, 0);
	params_rcpt_write(&p, EXT_DSN | EXT_SMTPUTF8, &out);
	assert_int_equal(out.len, 7 + strlen(p.orcpt));
	buf_free(&out);
}

static void
names_of_extensions(void **state)
{
	(void)state;
	for (unsigned bit = 1; bit < ALL; bit <<= 1) {
		struct str name = str_of(ext_name((enum ext)bit));

		assert_true(name.n > 0);
		assert_int_equal(ext_by_name(name), bit);
	}
	assert_int_equal(ext_by_name(STR("pipelining")), EXT_PIPELINING);
	assert_int_equal(ext_by_name(STR("PIPE")), 0);
	assert_int_equal(ext_by_name(STR("")), 0);
	assert_string_equal(ext_name((enum ext)(1 << 20)), "");
	assert_string_equal(body_name(BODY_8BITMIME), "8BITMIME");
}

static void
test_hold_until_is_a_time(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} rows[] = {
		{"", 0},
		{"1970-01-01T00:00:01Z", 1},
		{"2000-02-29T12:00:00Z", 951825600},
		{"2026-12-01T00:00:00.25Z", 1796083200},
		{"2100-03-01T00:00:00z", 4107542400},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"2026-02-29T00:00:00Z", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mail_params p = {.has_size = false};

		str_copyz(p.hold_until, sizeof(p.hold_until), rows[i].text);
		assert_int_equal(params_hold_until_s(&p), rows[i].at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_until_is_a_time),
		cmocka_unit_test(of_mail),
		cmocka_unit_test(of_rcpt),
		cmocka_unit_test(not_offered_is_unknown),
		cmocka_unit_test(values_are_stored),
		cmocka_unit_test(overdue_time_is_bounded),
		cmocka_unit_test(orcpt_for_a_peer_without_smtputf8),
		cmocka_unit_test(names_of_extensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
