/* LMTP (RFC 2033): another greeting, and a reply for each recipient. */
#include "tests/lib/server_script.h"

#include "smtp/server_state.h"

static struct smtp_server_conf
conf_lmtp(void)
{
	struct smtp_server_conf conf = script_conf();

	conf.lmtp = true;
	conf.extensions = EXT_PIPELINING | EXT_CHUNKING;
	return conf;
}

#define LHELLO                                                                 \
	"S: 220 *\nC: LHLO a\nE: ehlo a\nS: 250-shore.example\n"               \
	"S: 250-PIPELINING\nS: 250 CHUNKING\n"
#define FROM "C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n"
#define TO "C: RCPT TO:<c@d.example>\nE: rcpt <c@d.example>\nS: 250 *\n"
#define YES "A: 250 2.0.0 Ok\n"
#define THREE_YES YES YES YES

static void
test_greeting(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, "S: 220 shore.example LMTP tidepost\n"
			    "C: MAIL FROM:<>\nS: 503 5.5.1 *LHLO first\n"
			    "E: refused 503\n"
			    "C: EHLO a\nS: 500 EHLO *LHLO\n"
			    "E: refused 500\n"
			    "C: HELO a\nS: 500 HELO *LHLO\n"
			    "E: refused 500\n"
			    "C: LHLO\nS: 501 LHLO needs *\n"
			    "E: refused 501\n"
			    "C: LHLO a\nS: 250-*\nS: 250-*\nS: 250 *\n"
			    "E: ehlo a\n"
			    "C: EHLO a\nS: 500 *\nE: refused 500\n"
			    "C: HELP\nS: 214 2.0.0 Verbs: LHLO MAIL *\n");
	conf.lmtp = false;
	script_check(&conf, "S: 220 *\nC: LHLO a\n"
			    "S: 500 LHLO is not known here; say EHLO\n"
			    "E: refused 500\n");
}

static void
test_data(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, LHELLO FROM TO TO TO THREE_YES YES
		"A: 354 go on\n"
		"A: 250 2.1.5 one\n"
		"A: 452 4.2.2 two is full\n"
		"A: 550 5.2.1 three\n"
		"C: DATA\nE: data\nS: 354 *\n"
		"C: x\nC: .\nE: body x\\r\\n\n"
		"E: end\nE: end 1\nE: end 2\n"
		"S: 250 2.1.5 one\n"
		"S: 452 4.2.2 two is full\n"
		"S: 550 5.2.1 three\n"
		/* and the next message counts anew */
		FROM TO "C: DATA\nE: data\nS: 354 *\n"
		"C: .\nE: end\nS: 250 2.0.0 Ok\n");
}

/* A recipient that was refused gets no second reply. */
static void
test_refused_recipient(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, LHELLO FROM YES YES
		"A: 550 5.1.1 nobody\n"
		"C: RCPT TO:<c@d.example>\nE: rcpt *\nS: 250 *\n"
		"C: RCPT TO:<e@d.example>\nE: rcpt *\nS: 550 5.1.1 nobody\n"
		"C: RCPT TO:<c@d.example>\nE: rcpt *\nS: 250 *\n"
		"C: DATA\nE: data\nS: 354 *\n"
		"C: .\nE: end\nE: end 1\nS: 250 *\nS: 250 *\n");
	/* RFC 2033 4.2: without any, DATA fails */
	script_check(&conf, LHELLO FROM "C: DATA\nS: 503 5.5.1 *\n"
					"E: refused 503\n");
}

static void
test_bdat(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf,
		LHELLO FROM TO TO "C: BDAT 2\nc: abBDAT 1 LAST\\r\\nc\n"
				  "E: bdat\nS: 250 2.0.0 Ok: 2 octets so far\n"
				  "E: body abc\nE: end\nE: end 1\n"
				  "S: 250 2.0.0 Ok\nS: 250 2.0.0 Ok\n");
	/* nobody was taken: no reply to LAST (RFC 2033 4.3), one to others */
	script_check(&conf, LHELLO FROM "C: BDAT 2 LAST\nc: ab\n"
					"C: NOOP\nE: reset\nS: 250 2.0.0 Ok\n");
	script_check(&conf, LHELLO FROM "C: BDAT 2\nc: ab\nE: reset\n"
					"E: refused 503\nS: 503 5.5.1 *\n");
}

/* What the machine refuses by itself is said for each recipient. */
static void
test_faults(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, LHELLO FROM TO TO
		"C: DATA\nE: data\nS: 354 *\nc: a\\nb\\r\\n.\\r\\n\n"
		"E: fault bare LF 1\nS: 554 5.6.0 *\nS: 554 5.6.0 *\n"
		"C: NOOP\nS: 250 *\n");
	script_check(&conf, LHELLO FROM TO TO
		"C: BDAT 3 LAST\nc: a\\nb\nE: bdat\n"
		"E: fault bare LF 1\nS: 554 5.6.0 *\nS: 554 5.6.0 *\n"
		"C: NOOP\nS: 250 *\n");
	/* a chunk that is not the last has one reply */
	script_check(&conf, LHELLO FROM TO TO
		"C: BDAT 3\nc: a\\nb\nE: bdat\n"
		"E: fault bare LF 1\nS: 554 5.6.0 *\nC: NOOP\nS: 250 *\n");
	conf.message_size_max = 3;
	script_check(&conf, LHELLO FROM TO TO
		"C: BDAT 4 LAST\nc: abcd\nE: reset\nE: refused 552\n"
		"S: 552 5.3.4 *\nS: 552 5.3.4 *\nC: NOOP\nS: 250 *\n");
	script_check(&conf, LHELLO FROM TO TO
		"C: BDAT 4\nc: abcd\nE: reset\nE: refused 552\n"
		"S: 552 5.3.4 *\nC: NOOP\nS: 250 *\n");
	/* the host says no before the body */
	script_check(&conf, LHELLO FROM TO TO THREE_YES
		"A: 452 4.3.1 full\n"
		"C: BDAT 2 LAST\nc: ab\nE: bdat\nE: reset\n"
		"S: 452 4.3.1 full\nS: 452 4.3.1 full\n"
		"C: NOOP\nS: 250 *\n");
}

static void
test_421_ends_it(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, LHELLO FROM TO TO THREE_YES
		"A: 354 go on\nA: 250 2.0.0 Ok\nA: 421 4.3.2 stop\n"
		"C: DATA\nE: data\nS: 354 *\nC: .\nE: end\nE: end 1\n"
		"S: 250 2.0.0 Ok\nS: 421 4.3.2 stop\nC: NOOP\n");
}

/* Pipelined input waits until the last recipient was answered. */
static void
test_pipelined(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();

	(void)state;
	script_check(&conf, LHELLO
		"c: MAIL FROM:<>\\r\\nRCPT TO:<c@d.example>\\r\\n"
		"RCPT TO:<e@d.example>\\r\\nBDAT 0 LAST\\r\\nNOOP\\r\\n\n"
		"E: mail <>\nE: rcpt *\nE: rcpt *\nE: bdat\n"
		"E: end\nE: end 1\n"
		"S: 250 *\nS: 250 *\nS: 250 *\nS: 250 *\nS: 250 *\n"
		"S: 250 2.0.0 Ok\n");
}

/* All replies fit, however long the host's are, and none is cut. */
static void
test_many_long_replies(void **state)
{
	struct smtp_server_conf conf = conf_lmtp();
	struct smtp_server *s;
	struct machine *m;
	struct smtp_event e;
	struct reply r = {.code = 250};
	size_t ends = 0, one = 0;
	struct buf in;

	(void)state;
	conf.recipients_max = 0;
	buf_init(&in, 0);
	buf_addz(&in, "LHLO a\r\nMAIL FROM:<>\r\n");
	for (size_t i = 0; i <= SERVER_LMTP_RCPT_MAX; i++)
		buf_addz(&in, "RCPT TO:<c@d.example>\r\n");
	buf_addz(&in, "DATA\r\n.\r\n");
	s = smtp_server_new(&conf, 0);
	m = smtp_server_machine(s);
	while (in.len > 0 || machine_want(m) == WANT_ANSWER) {
		buf_consume(&in, machine_feed(m, buf_view(&in)));
		while (machine_next(m, &e)) {
			if (!script_asks(e.kind))
				continue;
			if (e.kind == EV_BODY_END) {
				assert_int_equal(e.index, ends);
				ends++;
				memset(r.text, '\n', REPLY_TEXT_MAX);
			}
			one = machine_out(m).n;
			machine_answer(m, &r);
			one = machine_out(m).n - one;
			assert_true(one < SERVER_REPLY_MAX);
		}
		if (ends == 0)
			machine_sent(m, machine_out(m).n);
	}
	assert_int_equal(ends, SERVER_LMTP_RCPT_MAX);
	assert_int_equal(machine_out(m).n, ends * one);
	buf_free(&in);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_refused_recipient),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_421_ends_it),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_many_long_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
