/* What EHLO offers, and the parameters that come with it. */
#include "tests/lib/server_script.h"

enum {
	ALL = EXT_8BITMIME | EXT_CHUNKING | EXT_BINARYMIME | EXT_DSN |
	      EXT_SMTPUTF8 | EXT_MT_PRIORITY | EXT_REQUIRETLS | EXT_LIMITS |
	      EXT_DELIVERBY | EXT_AUTH,
};

static struct smtp_server_conf
conf_all(void)
{
	struct smtp_server_conf conf = script_conf();

	conf.extensions = ALL;
	conf.tls_active = true;
	conf.limit_rcpt = 100;
	conf.limit_mail = 50;
	return conf;
}

#define SHOWN                                                                  \
	"S: 220 *\nC: EHLO a\nE: ehlo a\n"                                     \
	"S: 250-shore.example\n"                                               \
	"S: 250-8BITMIME\n"                                                    \
	"S: 250-CHUNKING\n"                                                    \
	"S: 250-BINARYMIME\n"                                                  \
	"S: 250-DSN\n"                                                         \
	"S: 250-SMTPUTF8\n"                                                    \
	"S: 250-AUTH SCRAM-SHA-256 PLAIN\n"                                    \
	"S: 250-MT-PRIORITY\n"                                                 \
	"S: 250-DELIVERBY\n"                                                   \
	"S: 250-REQUIRETLS\n"                                                  \
	"S: 250 LIMITS RCPTMAX=100 MAILMAX=50\n"

static void
test_keywords(void **state)
{
	struct smtp_server_conf conf = conf_all();

	(void)state;
	script_check(&conf, SHOWN);
	/* what leans on something that is missing is missing, too */
	conf.extensions = EXT_BINARYMIME | EXT_SMTPUTF8 | EXT_LIMITS;
	conf.limit_mail = 0;
	script_check(&conf, "S: 220 *\nC: EHLO a\nE: ehlo a\n"
			    "S: 250-shore.example\n"
			    "S: 250 LIMITS RCPTMAX=100\n");
	conf.limit_rcpt = 0;
	script_check(&conf, "S: 220 *\nC: EHLO a\nE: ehlo a\n"
			    "S: 250 shore.example\n");
	conf.extensions = EXT_REQUIRETLS | EXT_8BITMIME;
	conf.tls_active = false;
	script_check(&conf, "S: 220 *\nC: EHLO a\nE: ehlo a\n"
			    "S: 250-shore.example\nS: 250 8BITMIME\n");
}

static const struct {
	const char *params;
	unsigned ext; /* what must be offered */
	bool good;    /* where it is */
} params[] = {
	{"BODY=7BIT", EXT_8BITMIME, true},
	{"BODY=8BITMIME", EXT_8BITMIME, true},
	{"BODY=BINARYMIME", EXT_BINARYMIME, true},
	{"BODY=9BIT", EXT_8BITMIME, false},
	{"BODY", EXT_8BITMIME, false},
	{"SMTPUTF8", EXT_SMTPUTF8, true},
	{"SMTPUTF8=yes", EXT_SMTPUTF8, false},
	{"SMTPUTF8 SMTPUTF8", EXT_SMTPUTF8, false},
	{"MT-PRIORITY=0", EXT_MT_PRIORITY, true},
	{"MT-PRIORITY=9", EXT_MT_PRIORITY, true},
	{"MT-PRIORITY=-9", EXT_MT_PRIORITY, true},
	{"MT-PRIORITY=10", EXT_MT_PRIORITY, false},
	{"MT-PRIORITY=-10", EXT_MT_PRIORITY, false},
	{"MT-PRIORITY=-0", EXT_MT_PRIORITY, false},
	{"MT-PRIORITY=+1", EXT_MT_PRIORITY, false},
	{"MT-PRIORITY=01", EXT_MT_PRIORITY, false},
	{"MT-PRIORITY=1 MT-PRIORITY=1", EXT_MT_PRIORITY, false},
	{"REQUIRETLS", EXT_REQUIRETLS, true},
	{"REQUIRETLS=1", EXT_REQUIRETLS, false},
	{"RET=FULL ENVID=a+2Bb", EXT_DSN, true},
	{"RET=ALL", EXT_DSN, false},
	{"ENVID=a+2", EXT_DSN, false},
	{"AUTH=<>", EXT_AUTH, true},
	{"AUTH=a+2Bb@c.example", EXT_AUTH, true},
	{"AUTH=a", EXT_AUTH, false},
	{"BY=60;R", EXT_DELIVERBY, true},
	{"LIMITS=1", EXT_LIMITS, false},
};

/* Says MAIL with PARAMS after HELLO; SAID is the reply, or NULL for 250. */
static void
check_params(const struct smtp_server_conf *given, const char *hello,
	const char *words, const char *said)
{
	struct smtp_server_conf conf = *given;
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct smtp_event e;
	struct reply yes;
	char line[256];

	machine_sent(m, machine_out(m).n);
	snprintf(line, sizeof(line), "%s a\r\n", hello);
	machine_feed(m, str_of(line));
	while (machine_next(m, &e))
		;
	machine_sent(m, machine_out(m).n);
	snprintf(line, sizeof(line), "MAIL FROM:<a@b.example> %s\r\n", words);
	machine_feed(m, str_of(line));
	assert_true(machine_next(m, &e));
	if (said) {
		assert_int_equal(e.kind, EV_REFUSED);
		if (!str_starts_nocase(machine_out(m), str_of(said)))
			fail_msg("%s after %s: %.*s", words, hello,
				STR_FMT(machine_out(m)));
	} else if (e.kind != EV_MAIL) {
		fail_msg("%s: %.*s", words, STR_FMT(machine_out(m)));
	} else {
		reply_set(&yes, 250, "2.1.0", "Ok");
		machine_answer(m, &yes);
	}
	machine_free(m);
}

static void
test_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		struct smtp_server_conf conf = conf_all();
		const char *words = params[i].params;
		bool keyword = params[i].ext != EXT_LIMITS;

		check_params(&conf, "EHLO", words,
			params[i].good ? NULL
			: keyword      ? "501 5.5.4 "
				       : "555 5.5.4 ");
		check_params(&conf, "HELO", words, "555 5.5.4 ");
		/* BINARYMIME apart, which BODY has beside others */
		conf.extensions &= ~params[i].ext;
		conf.message_size_max = 0;
		if (params[i].ext == EXT_8BITMIME)
			conf.extensions &= ~(unsigned)EXT_BINARYMIME;
		check_params(&conf, "EHLO", words, "555 5.5.4 ");
	}
}

/* RFC 6409 6.4, for who is known and for nobody else. */
static void
test_completed_addresses(void **state)
{
	struct smtp_server_conf conf = conf_all();

	(void)state;
	conf.home_domain = "shore.example";
	script_check(&conf, SHOWN
		"C: MAIL FROM:<ann>\nS: 501 5.1.7 *\nE: refused 501\n"
		"C: AUTH PLAIN x\nE: auth PLAIN with x\nS: 235 *\n"
		"C: MAIL FROM:<ann> BODY=7BIT\n"
		"E: mail <ann@shore.example>\nS: 250 *\n"
		"C: RCPT TO:<\"b c\">\n"
		"E: rcpt <\"b c\"@shore.example>\nS: 250 *\n"
		"C: RCPT TO:<postmaster>\nE: rcpt <postmaster>\nS: 250 *\n"
		"C: RCPT TO:<ann@>\nS: 501 5.1.3 *\nE: refused 501\n"
		"C: RCPT TO:<>\nS: 501 5.1.3 *\nE: refused 501\n"
		"C: RCPT TO:<a b>\nS: 501 5.1.3 *\nE: refused 501\n");
	conf.home_domain = NULL;
	script_check(&conf,
		SHOWN "C: AUTH PLAIN x\nE: auth PLAIN with x\nS: 235 *\n"
		      "C: MAIL FROM:<ann>\nS: 501 5.1.7 *\nE: refused 501\n");
}

/* RFC 1870 6.1: too large, however large. */
static void
test_countless_size(void **state)
{
	static const char *const sizes[] = {"1001", "18446744073709551615",
		"18446744073709551616", "99999999999999999999"};
	struct smtp_server_conf conf = script_conf();
	char words[64];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(words, sizeof(words), "SIZE=%s", sizes[i]);
		check_params(&conf, "EHLO", words, "552 5.3.4 ");
	}
	check_params(&conf, "EHLO", "SIZE=000000000000000000001", "501 5.5.4 ");
	check_params(&conf, "EHLO", "SIZE=-1", "501 5.5.4 ");
}

/* RFC 2034 4: none in replies to EHLO and HELO, whatever they are. */
static void
test_hello_has_no_enhanced_code(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.extensions = EXT_STARTTLS;
	conf.tls_required = true;
	script_check(&conf, "S: 220 *\nC: HELO a\nS: 530 Must *\n"
			    "E: refused 530\n"
			    "C: NOOP x\nS: 250 2.0.0 Ok\n"
			    "C: VRFY x\nS: 530 5.7.0 Must *\n"
			    "E: refused 530\n");
}

/* AUTH= belongs to AUTH, and that is not offered in the clear. */
static void
test_auth_parameter_is_hidden_with_auth(void **state)
{
	struct smtp_server_conf conf = conf_all();

	(void)state;
	conf.tls_active = false;
	check_params(&conf, "EHLO", "AUTH=<>", "555 5.5.4 ");
	conf.mechs_clear = "CRAM-MD5";
	check_params(&conf, "EHLO", "AUTH=<>", NULL);
}

static void
test_mailmax(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.extensions = EXT_LIMITS | EXT_PIPELINING;
	conf.limit_mail = 2;
	script_check(&conf,
		"S: 220 *\nC: EHLO a\nE: ehlo a\nS: 250-*\nS: 250-*\n"
		"S: 250 LIMITS MAILMAX=2\n"
		"C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n"
		"C: RSET\nE: reset\nS: 250 *\n"
		"C: MAIL FROM:<\nS: 501 *\nE: refused 501\n"
		/* RFC 9422: commands are counted, not successes */
		"C: MAIL FROM:<>\nS: 421 4.5.3 *\nE: refused 421\n"
		"C: NOOP\n");
}

static void
test_vrfy(void **state)
{
	struct smtp_server_conf conf = conf_all();

	(void)state;
	script_check(&conf, SHOWN
		"C: VRFY a@b.example\nS: 252 2.5.0 *\n"
		"C: VRFY a@b.example SMTPUTF8\nS: 252 2.5.0 *\n"
		"c: VRFY \\xc3\\xa9\\r\\n\nS: 553 5.6.7 *\nE: refused 553\n"
		"c: VRFY \\xc3\\xa9 smtputf8\\r\\n\nS: 252 2.5.0 *\n"
		"c: VRFY \\xc3 SMTPUTF8\\r\\n\nS: 501 *\nE: refused 501\n"
		"C: VRFY  SMTPUTF8\nS: 252 *\n"
		"C: VRFY\nS: 501 *\nE: refused 501\n");
	/* not offered, no such word */
	conf.extensions = 0;
	script_check(&conf,
		"S: 220 *\nC: EHLO a\nE: ehlo a\nS: 250 *\n"
		"c: VRFY \\xc3\\xa9 SMTPUTF8\\r\\n\nS: 553 5.6.7 *\n"
		"E: refused 553\n");
}

/* RFC 6531 3.4: the parameter of MAIL opens RCPT, too. */
static void
test_utf8_at_rcpt(void **state)
{
	struct smtp_server_conf conf = conf_all();

	(void)state;
	script_check(&conf, SHOWN
		"C: MAIL FROM:<a@b.example>\nE: mail *\nS: 250 *\n"
		"c: RCPT TO:<a@b.example> ORCPT=utf-8;\\xc3\\xa9@b\\r\\n\n"
		"S: 501 5.5.4 *\nE: refused 501\n"
		"C: RCPT TO:<a@b.example> ORCPT=utf-8;\\\\x{E9}@b\n"
		"E: rcpt *\nS: 250 *\n"
		"C: RSET\nE: reset\nS: 250 *\n"
		"c: MAIL FROM:<\\xc3\\xa9@b.example> SMTPUTF8\\r\\n\n"
		"E: mail *\nS: 250 *\n"
		"c: RCPT TO:<\\xc3\\xa9@\\xc3\\xa9.example> "
		"ORCPT=utf-8;\\xc3\\xa9@b\\r\\n\n"
		"E: rcpt *\nS: 250 *\n"
		/* not UTF-8 at all */
		"c: RCPT TO:<\\xe9@b.example>\\r\\n\n"
		"S: 501 5.1.3 *\nE: refused 501\n");
}

/* RFC 7103 7.1: taken as it is, and the host is told. */
static void
test_8bit_header(void **state)
{
	struct smtp_server_conf conf = conf_all();
	struct smtp_server *s;
	struct machine *m;
	struct smtp_event e;
	struct reply yes;
	struct str in = STR("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>"
			    "\r\nBDAT 16 LAST\r\nSubject: \xc3\xa9\r\n\r\nx");

	(void)state;
	s = smtp_server_new(&conf, 0);
	m = smtp_server_machine(s);
	reply_set(&yes, 250, "", "Ok");
	for (bool ended = false; !ended;) {
		in = str_skip(in, machine_feed(m, in));
		while (machine_next(m, &e)) {
			if (script_asks(e.kind) && e.kind != EV_BODY_END)
				machine_answer(m, &yes);
			ended |= e.kind == EV_BODY_END;
		}
	}
	assert_true(smtp_server_content(s)->has_8bit_header);
	assert_true(smtp_server_content(s)->has_8bit);
	machine_free(m);
}

/* RFC 3030 3: binary is left alone, what is not binary is not. */
static void
test_body_kinds_by_bdat(void **state)
{
	static const struct {
		const char *body, *octets, *told;
	} cases[] = {
		{"BINARYMIME", "a\\0\\n", NULL},
		{"BINARYMIME", "a\\r\\r", NULL},
		{"8BITMIME", "a\\0\\n", "554 5.6.0 *NUL*"},
		{"8BITMIME", "a\\r\\r", "554 5.6.0 *CR*"},
		{"7BIT", "ab\\n", "554 5.6.0 *LF*"},
		{"8BITMIME", "\\xff\\r\\n", NULL},
	};
	struct smtp_server_conf conf = conf_all();
	char script[1024];

	(void)state;
	conf.line_max = 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			SHOWN "C: MAIL FROM:<> BODY=%s\nE: mail <>\nS: 250 *\n"
			      "C: RCPT TO:<c@d.example>\nE: rcpt *\nS: 250 *\n"
			      "C: BDAT 3 LAST\nc: %s\nE: bdat\n%s%s\n%s",
			cases[i].body, cases[i].octets,
			cases[i].told ? "S: " : "E: body *\nE: end\nS: ",
			cases[i].told ? cases[i].told : "250 *",
			cases[i].told ? "E: fault *\n" : "");
		script_check(&conf, script);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_auth_parameter_is_hidden_with_auth),
		cmocka_unit_test(test_completed_addresses),
		cmocka_unit_test(test_countless_size),
		cmocka_unit_test(test_hello_has_no_enhanced_code),
		cmocka_unit_test(test_mailmax),
		cmocka_unit_test(test_vrfy),
		cmocka_unit_test(test_utf8_at_rcpt),
		cmocka_unit_test(test_8bit_header),
		cmocka_unit_test(test_body_kinds_by_bdat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
