/* What the peer offers: parameters as they were given, its limits, binary. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "smtp/client.h"

#include <stdio.h>
#include <string.h>

static const struct smtp_client_conf conf = {.hostname = "me.example"};

/* A client whose peer answered EHLO with LINES ("250-..." CRLF each). */
static struct smtp_client *
greeted(const char *lines)
{
	struct smtp_client *c = smtp_client_new(&conf, 0);
	struct machine *m = smtp_client_machine(c);
	struct smtp_event e;

	machine_feed(m, STR("220 a\r\n"));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250-peer\r\n"));
	machine_feed(m, str_of(lines));
	machine_feed(m, STR("250 HELP\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_READY);
	return c;
}

static struct smtp_mail
some_mail(void)
{
	static struct mailbox to;
	static struct rcpt_params rcpt = {
		.notify = NOTIFY_FAILURE | NOTIFY_DELAY,
		.orcpt = "rfc822;ben+2Bx@y.example"};
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &rcpt,
		.recipients_n = 1,
		.size_bytes = 4,
		.params = {.body = BODY_8BITMIME,
			.smtputf8 = true,
			.requiretls = true,
			.ret = RET_HDRS,
			.envid = "id+3D1",
			.has_auth = true,
			.auth = "<>",
			.has_priority = true,
			.priority = -3}};

	strcpy(mail.sender.text, "ann@x.example");
	strcpy(to.text, "ben@y.example");
	return mail;
}

/* The whole envelope, in one flight. */
static void
check_envelope(
	const char *offered, const struct smtp_mail *mail, const char *want)
{
	char lines[512];
	struct smtp_client *c;
	struct str out;

	snprintf(lines, sizeof(lines), "250-PIPELINING\r\n%s", offered);
	c = greeted(lines);
	smtp_client_send(c, mail);
	out = machine_out(smtp_client_machine(c));
	if (!str_eq(out, str_of(want)))
		fail_msg("for %s: %.*s", offered, STR_FMT(out));
	machine_free(smtp_client_machine(c));
}

static void
test_parameters(void **state)
{
	static const struct {
		const char *offered, *mail, *rcpt;
	} cases[] = {
		{"", "", ""},
		{"250-SIZE\r\n", " SIZE=4", ""},
		{"250-8BITMIME\r\n", " BODY=8BITMIME", ""},
		{"250-SMTPUTF8\r\n", " SMTPUTF8", ""},
		{"250-REQUIRETLS\r\n", " REQUIRETLS", ""},
		{"250-DSN\r\n", " RET=HDRS ENVID=id+3D1",
			" NOTIFY=FAILURE,DELAY ORCPT=rfc822;ben+2Bx@y.example"},
		{"250-MT-PRIORITY\r\n", " MT-PRIORITY=-3", ""},
		{"250-MT-PRIORITY MIXER\r\n", " MT-PRIORITY=-3", ""},
		{"250-AUTH PLAIN\r\n", " AUTH=<>", ""},
	};
	struct smtp_mail mail = some_mail();
	char want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(want, sizeof(want),
			"MAIL FROM:<ann@x.example>%s\r\n"
			"RCPT TO:<ben@y.example>%s\r\nDATA\r\n",
			cases[i].mail, cases[i].rcpt);
		check_envelope(cases[i].offered, &mail, want);
	}
	/* RFC 6710 4.2: the priority goes along where nobody gave one */
	mail.params = (struct mail_params){.priority = 0};
	check_envelope("250-MT-PRIORITY\r\n", &mail,
		"MAIL FROM:<ann@x.example> MT-PRIORITY=0\r\n"
		"RCPT TO:<ben@y.example>\r\nDATA\r\n");
}

static void
test_limits(void **state)
{
	static const struct {
		const char *lines;
		size_t rcpt, mail;
	} cases[] = {
		{"", 0, 0},
		{"250-LIMITS RCPTMAX=20 MAILMAX=5\r\n", 20, 5},
		{"250-limits rcptmax=20\r\n", 20, 0},
		{"250-LIMITS MAILMAX=999999 RCPTDOMAINMAX=1 X Y=z\r\n", 0,
			999999},
		/* one that is malformed leaves the others */
		{"250-LIMITS RCPTMAX=0 MAILMAX=7\r\n", 0, 7},
		{"250-LIMITS RCPTMAX=020 MAILMAX=1000000\r\n", 0, 0},
		{"250-LIMITS RCPTMAX=-1 MAILMAX\r\n", 0, 0},
		{"250-LIMITS RCPTMAX= MAILMAX=1x\r\n", 0, 0},
		{"250-LIMITS\r\n", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_client *c = greeted(cases[i].lines);

		assert_int_equal(smtp_client_limit_rcpt(c), cases[i].rcpt);
		assert_int_equal(smtp_client_limit_mail(c), cases[i].mail);
		assert_false(smtp_client_is_spent(c));
		machine_free(smtp_client_machine(c));
	}
}

/* MAILs are counted, whatever became of them. */
static void
test_spent(void **state)
{
	struct smtp_client *c = greeted("250-LIMITS MAILMAX=2\r\n");
	struct machine *m = smtp_client_machine(c);
	struct smtp_mail mail = some_mail();
	struct smtp_event e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_false(smtp_client_is_spent(c));
		assert_int_equal(machine_want(m), WANT_WORK);
		smtp_client_send(c, &mail);
		machine_sent(m, machine_out(m).n);
		machine_feed(m, STR("550 no\r\n"));
		while (machine_next(m, &e))
			;
	}
	assert_true(smtp_client_is_spent(c));
	machine_free(m);
}

/* What STARTTLS brings another EHLO for is forgotten (RFC 3207 4.2). */
static void
test_limits_after_tls(void **state)
{
	struct smtp_client_conf tls = conf;
	struct smtp_client *c;
	struct machine *m;
	struct smtp_event e;

	(void)state;
	tls.tls = CLIENT_TLS_REQUIRED;
	c = smtp_client_new(&tls, 0);
	m = smtp_client_machine(c);
	machine_feed(m, STR("220 a\r\n"));
	machine_feed(m, STR("250-a\r\n250-LIMITS RCPTMAX=9\r\n"
			    "250 STARTTLS\r\n"));
	assert_int_equal(smtp_client_limit_rcpt(c), 9);
	machine_feed(m, STR("220 go\r\n"));
	assert_int_equal(machine_want(m), WANT_TLS);
	machine_tls_done(m, &(struct tls_facts){.verified = true});
	while (machine_next(m, &e))
		;
	assert_int_equal(smtp_client_limit_rcpt(c), 0);
	machine_free(m);
}

/* Octets that are no lines go as they are, counted. */
static void
test_binary(void **state)
{
	static const char body[] = "a\r\0\n.\r\n.";
	struct smtp_client *c =
		greeted("250-CHUNKING\r\n250-BINARYMIME\r\n250-8BITMIME\r\n");
	struct machine *m = smtp_client_machine(c);
	struct smtp_mail mail = some_mail();
	struct smtp_event e;

	(void)state;
	mail.params = (struct mail_params){.body = BODY_BINARYMIME};
	mail.size_bytes = sizeof(body) - 1;
	smtp_client_send(c, &mail);
	assert_true(str_eq(machine_out(m),
		STR("MAIL FROM:<ann@x.example> BODY=BINARYMIME\r\n")));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250 ok\r\n"));
	assert_true(machine_next(m, &e));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250 ok\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(machine_want(m), WANT_BODY);
	assert_int_equal(
		smtp_client_body(c, (struct str){body, sizeof(body) - 1}), 8);
	assert_true(
		str_eq(machine_out(m), STR("BDAT 8 LAST\r\na\r\0\n.\r\n.")));
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_spent),
		cmocka_unit_test(test_limits_after_tls),
		cmocka_unit_test(test_binary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
