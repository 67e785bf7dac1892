#include "tests/lib/server_script.h"

#include "smtp/server_state.h"

/* --- greeting, EHLO, simple verbs ----------------------------------------- */

static void
test_greeting_and_ehlo(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, "S: 220 shore.example ESMTP tidepost\n"
			    "C: EHLO aurora.example\n"
			    "S: 250-shore.example\n"
			    "S: 250-PIPELINING\n"
			    "S: 250-SIZE 1000\n"
			    "S: 250-8BITMIME\n"
			    "S: 250-CHUNKING\n"
			    "S: 250-ENHANCEDSTATUSCODES\n"
			    "S: 250 DSN\n"
			    "E: ehlo aurora.example\n"
			    "C: QUIT\n"
			    "S: 221 2.0.0 shore.example closing\n"
			    "E: quit\n");
	conf.greeting = "hello";
	script_check(&conf, "S: 220 shore.example hello\n"
			    "C: helo [192.0.2.1]\n"
			    "S: 250 shore.example\n"
			    "E: helo [192.0.2.1]\n");
}

static void
test_ehlo_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {{"a", true}, {"a.example", true}, {"my_pc", true},
		{"[IPv6:::1]", true}, {"[192.0.2.1]", true}, {"x-1.b.", true},
		{"", false}, {"a b", false}, {"(a)", false}, {"a\\x80", false},
		/* RFC 6531 3.7.1: A-labels alone */
		{"xn--bcher-kva.example", true},
		{"b\\xc3\\xbccher.example", false}, {"<a>", false},
		{"a;b", false}, {"[bad", false}};
	struct smtp_server_conf conf = script_conf();
	char script[512];

	(void)state;
	conf.extensions = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			cases[i].good ? "S: 220 *\nc: EHLO %s\\r\\n\n"
					"S: 250 shore.example\nE: ehlo *\n"
				      : "S: 220 *\nc: EHLO %s\\r\\n\n"
					"S: 501 EHLO needs *\nE: refused 501\n",
			cases[i].name);
		script_check(&conf, script);
	}
}

static void
test_simple_verbs(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, "S: 220 *\n"
			    "C: NOOP\n"
			    "S: 250 2.0.0 Ok\n"
			    "C: noop with words\n"
			    "S: 250 2.0.0 Ok\n"
			    "C: RSET  \n"
			    "S: 250 2.0.0 Ok: reset\n"
			    "C: RSET now\n"
			    "S: 501 5.5.4 RSET takes no argument\n"
			    "E: refused 501\n"
			    "C: VRFY somebody\n"
			    "S: 252 2.5.0 *\n"
			    "C: VRFY\n"
			    "S: 501 5.5.4 *\n"
			    "E: refused 501\n"
			    "C: HELP\n"
			    "S: 214 2.0.0 Verbs: EHLO HELO MAIL RCPT DATA BDAT "
			    "RSET NOOP QUIT VRFY HELP STARTTLS AUTH ATRN ETRN "
			    "EXPN\n"
			    "C: EXPN list\n"
			    "S: 502 5.5.1 EXPN *\n"
			    "E: refused 502\n"
			    "C: TURN\n"
			    "S: 502 5.5.1 TURN *ATRN*\n"
			    "E: refused 502\n"
			    "C: SEND FROM:<a@b.example>\n"
			    "S: 502 5.5.1 SEND *\n"
			    "E: refused 502\n"
			    "C: SOML FROM:<a@b.example>\n"
			    "S: 502 5.5.1 SOML *\n"
			    "E: refused 502\n"
			    "C: SAML FROM:<a@b.example>\n"
			    "S: 502 5.5.1 SAML *\n"
			    "E: refused 502\n"
			    "C: XYZZY\n"
			    "S: 500 5.5.2 command not known: XYZZY\n"
			    "E: refused 500\n"
			    "c: \\r\\n\n"
			    "S: 500 5.5.2 command not known\n"
			    "E: refused 500\n"
			    "c:  NOOP\\r\\n\n"
			    "S: 500 5.5.2 *\n"
			    "E: refused 500\n"
			    "C: QUIT now\n"
			    "S: 501 5.5.4 *\n"
			    "E: refused 501\n"
			    "C: ETRN b.example\n"
			    "S: 502 5.5.1 ETRN is not served here\n"
			    "E: refused 502\n"
			    "C: ATRN\n"
			    "S: 502 5.5.1 *\n"
			    "E: refused 502\n"
			    "C: STARTTLS\n"
			    "S: 502 5.5.1 *\n"
			    "E: refused 502\n"
			    "C: AUTH PLAIN\n"
			    "S: 502 5.5.1 *\n"
			    "E: refused 502\n");
}

static void
test_bad_lines(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct buf script;

	(void)state;
	script_check(&conf, "S: 220 *\n"
			    "c: NOOP\\nQUIT\\r\\n\n"
			    "S: 500 5.5.2 *bare*\n"
			    "E: refused 500\n"
			    "c: NO\\rOP\\r\\n\n"
			    "S: 500 5.5.2 *bare*\n"
			    "E: refused 500\n"
			    "c: NOOP\\r\\r\\n\n"
			    "S: 500 5.5.2 *bare*\n"
			    "E: refused 500\n"
			    "c: NOOP\\0\\r\\n\n"
			    "S: 500 5.5.2 *bare*\n"
			    "E: refused 500\n"
			    "c: \\x16\\x03\\x01\\xff\\r\\n\n"
			    "S: 500 5.5.2 command not known: ????\n"
			    "E: refused 500\n"
			    "C: NOOP\n"
			    "S: 250 2.0.0 Ok\n");
	buf_init(&script, 0);
	buf_addz(&script, "S: 220 *\nC: NOOP ");
	for (size_t i = 0; i < WIRE_COMMAND_MAX - 5; i++)
		buf_addz(&script, "x");
	buf_addz(&script, "\nS: 250 2.0.0 Ok\nC: NOOP ");
	for (size_t i = 0; i < WIRE_COMMAND_MAX - 4; i++)
		buf_addz(&script, "x");
	buf_addz(&script, "\nS: 500 5.5.2 the command line is too long\n"
			  "E: refused 500\n");
	script_check(&conf, buf_z(&script));
	buf_free(&script);
}

/* --- MAIL and RCPT -------------------------------------------------------- */

#define HELLO                                                                  \
	"S: 220 *\n"                                                           \
	"C: HELO a\n"                                                          \
	"S: 250 *\n"                                                           \
	"E: helo a\n"
#define EHELLO                                                                 \
	"S: 220 *\n"                                                           \
	"C: EHLO a\n"                                                          \
	"S: 250-shore.example\n"                                               \
	"S: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 DSN\n"       \
	"E: ehlo a\n"
#define RCPT_GIVEN                                                             \
	"C: MAIL FROM:<a@b.example>\n"                                         \
	"E: mail <a@b.example>\n"                                              \
	"S: 250 *\n"                                                           \
	"C: RCPT TO:<c@d.example>\n"                                           \
	"E: rcpt <c@d.example>\n"                                              \
	"S: 250 *\n"

static void
test_mail_syntax(void **state)
{
	static const struct {
		const char *args, *reply; /* reply NULL: taken */
	} cases[] = {
		{"FROM:<a@b.example>", NULL},
		{"from:<>", NULL},
		{"FROM: <a@b.example>", NULL},
		{"FROM:<a@b.example> SIZE=1000", NULL},
		{"FROM:<a@b.example> BODY=8BITMIME RET=HDRS ENVID=x", NULL},
		{"FROM:<@x.example,@y.example:a@b.example>", NULL},
		{"", "501 5.5.4 *"},
		{"FROM", "501 5.5.4 *"},
		{"TO:<a@b.example>", "501 5.5.4 *"},
		{"FROM:a@b.example", "501 5.1.7 *"},
		{"FROM:<a@b.example", "501 5.1.7 *"},
		{"FROM:<a>", "501 5.1.7 *"},
		{"FROM:<a@>", "501 5.1.7 *"},
		{"FROM:<a@b.example>x", "5?? 5.?.? *"},
		{"FROM:<a@b.example> X=1", "555 5.5.4 *X*"},
		{"FROM:<a@b.example> SIZE", "501 5.5.4 *SIZE*"},
		{"FROM:<a@b.example> SIZE=x", "501 5.5.4 *SIZE*"},
		{"FROM:<a@b.example> SIZE=1 SIZE=1", "501 5.5.4 *twice*"},
		{"FROM:<a@b.example> SIZE=1001", "552 5.3.4 *1000*"},
		{"FROM:<a@b.example> SMTPUTF8", "555 5.5.4 *"},
		{"FROM:<a@b.example> BODY=BINARYMIME", "5?? 5.5.4 *"},
		{"FROM:<a@b.example> AUTH=<>", "555 5.5.4 *"},
		{"FROM:<\\xc3\\xa9@b.example>", "501 5.1.7 *"},
	};
	struct smtp_server_conf conf = script_conf();
	char script[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].reply)
			snprintf(script, sizeof(script),
				EHELLO "c: MAIL %s\\r\\n\nS: %s\n"
				       "E: refused %.3s\n"
				       "C: NOOP\nS: 250 2.0.0 Ok\n",
				cases[i].args, cases[i].reply, cases[i].reply);
		else
			snprintf(script, sizeof(script),
				EHELLO "c: MAIL %s\\r\\n\nS: 250 *\n"
				       "E: mail *\n"
				       "C: NOOP\nS: 250 2.0.0 Ok\n",
				cases[i].args);
		for (char *p = strstr(script, "E: refused 5??"); p; p = NULL)
			memcpy(p, "E: refused *\n\n", 14);
		script_check(&conf, script);
	}
	/* without EHLO there are no parameters */
	script_check(&conf, HELLO "C: MAIL FROM:<a@b.example> SIZE=1\n"
				  "S: 555 5.5.4 *\nE: refused 555\n");
}

static void
test_rcpt_syntax(void **state)
{
	static const struct {
		const char *args, *reply;
	} cases[] = {
		{"TO:<a@b.example>", NULL},
		{"to:<Postmaster>", NULL},
		{"TO:<a@b.example> NOTIFY=NEVER ORCPT=rfc822;a@b", NULL},
		{"TO:<>", "501 5.1.3 *"},
		{"TO:<a>", "501 5.1.3 *"},
		{"FROM:<a@b.example>", "501 5.5.4 *"},
		{"", "501 5.5.4 *"},
		{"TO:<a@b.example> X", "555 5.5.4 *"},
		{"TO:<a@b.example> NOTIFY=SOON", "501 5.5.4 *"},
	};
	struct smtp_server_conf conf = script_conf();
	char script[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			cases[i].reply ? EHELLO "C: MAIL FROM:<>\nS: 250 *\n"
						"E: mail <>\n"
						"C: RCPT %s\nS: %s\n"
						"E: refused %.3s\n"
				       : EHELLO "C: MAIL FROM:<>\nS: 250 *\n"
						"E: mail <>\n"
						"C: RCPT %s\nS: 250 *\n"
						"E: rcpt *\n",
			cases[i].args, cases[i].reply ? cases[i].reply : "",
			cases[i].reply ? cases[i].reply : "");
		script_check(&conf, script);
	}
}

static void
test_utf8_addresses(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.extensions = EXT_SMTPUTF8 | EXT_8BITMIME;
	script_check(&conf,
		"S: 220 *\nC: EHLO a\nS: 250-*\nS: 250-8BITMIME\n"
		"S: 250 SMTPUTF8\nE: ehlo a\n"
		"c: MAIL FROM:<\\xc3\\xa9@b.example>\\r\\n\n"
		"S: 553 5.6.7 *SMTPUTF8*\nE: refused 553\n"
		"c: MAIL FROM:<a@b.example>\\r\\n\n"
		"S: 250 *\nE: mail *\n"
		"c: RCPT TO:<\\xc3\\xa9@b.example>\\r\\n\n"
		"S: 553 5.6.7 *SMTPUTF8*\nE: refused 553\n"
		"C: RSET\nS: 250 *\nE: reset\n"
		"c: MAIL FROM:<\\xc3\\xa9@b.example> SMTPUTF8\\r\\n\n"
		"S: 250 *\nE: mail *\n"
		"c: RCPT TO:<\\xc3\\xa9@b.example>\\r\\n\n"
		"S: 250 *\nE: rcpt *\n");
}

static void
test_host_refuses(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, EHELLO "C: MAIL FROM:<a@b.example>\n"
				   "A: 451 4.3.0 not now\n"
				   "E: mail <a@b.example>\n"
				   "S: 451 4.3.0 not now\n"
				   "C: RCPT TO:<c@d.example>\n"
				   "S: 503 5.5.1 RCPT: *MAIL first\n"
				   "E: refused 503\n"
				   "C: DATA\n"
				   "S: 503 5.5.1 DATA: *\n"
				   "E: refused 503\n"
				   "C: MAIL FROM:<a@b.example>\n"
				   "A: 250 2.1.0 sender ok\n"
				   "E: mail <a@b.example>\n"
				   "S: 250 2.1.0 sender ok\n"
				   "C: RCPT TO:<c@d.example>\n"
				   "A: 550 5.7.1 no\n"
				   "E: rcpt <c@d.example>\n"
				   "S: 550 5.7.1 no\n"
				   "C: DATA\n"
				   "S: 503 5.5.1 DATA: *no valid recipient\n"
				   "E: refused 503\n"
				   "C: RCPT TO:<e@d.example>\n"
				   "A: 251 is elsewhere\n"
				   "E: rcpt <e@d.example>\n"
				   "S: 251 2.0.0 is elsewhere\n"
				   "C: DATA\n"
				   "A: 452 4.3.1 full\n"
				   "E: data\n"
				   "S: 452 4.3.1 full\n"
				   "C: RSET\n"
				   "E: reset\n"
				   "S: 250 *\n");
}

static void
test_host_closes(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, EHELLO "C: MAIL FROM:<a@b.example>\n"
				   "A: 421 4.7.0 go away\n"
				   "E: mail <a@b.example>\n"
				   "S: 421 4.7.0 go away\n"
				   "C: NOOP\n");
	script_check(&conf,
		EHELLO RCPT_GIVEN "A: 250 2.0.0 Ok\nA: 250 2.0.0 Ok\n"
				  "C: BDAT 3\n"
				  "A: 421 4.3.0 going down\n"
				  "E: bdat\n"
				  "S: 421 4.3.0 going down\n"
				  "E: reset\n"
				  "C: abNOOP\n");
}

static void
test_recipient_limit(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.errors_max = 2;
	script_check(&conf, EHELLO RCPT_GIVEN "C: RCPT TO:<e@d.example>\n"
					      "C: RCPT TO:<f@d.example>\n"
					      "C: RCPT TO:<g@d.example>\n"
					      "C: RCPT TO:<h@d.example>\n"
					      "C: RCPT TO:<i@d.example>\n"
					      "E: rcpt *\nE: rcpt *\n"
					      "S: 250 *\nS: 250 *\n"
					      "S: 452 4.5.3 *\nE: refused 452\n"
					      "S: 452 4.5.3 *\nE: refused 452\n"
					      "S: 452 4.5.3 *\nE: refused 452\n"
					      "C: RSET\nS: 250 *\nE: reset\n");
}

/* --- every verb in every state -------------------------------------------- */

static const struct {
	const char *name, *lines;
} places[] = {
	{"init", "S: 220 *\n"},
	{"ready", EHELLO},
	{"mail", EHELLO "C: MAIL FROM:<a@b.example>\n"
			"E: mail <a@b.example>\nS: 250 *\n"},
	{"rcpt", EHELLO RCPT_GIVEN},
	{"chunks", EHELLO RCPT_GIVEN
		"C: BDAT 2\nc: ab\nE: bdat\nE: body ab\nS: 250 2.0.0 *\n"},
};

static void
test_every_verb_in_every_state(void **state)
{
	/* what is said in init, ready, mail, rcpt, chunks */
	static const struct {
		const char *command, *want[5];
	} cases[] = {
		{"MAIL FROM:<x@y.example>",
			{"503", "250", "503", "503", "503"}},
		{"RCPT TO:<x@y.example>", {"503", "503", "250", "250", "503"}},
		{"DATA", {"503", "503", "503", "354", "503"}},
		{"BDAT 0", {"503", "503", "503", "250", "250"}},
		{"BDAT 0 LAST", {"503", "503", "503", "250", "250"}},
		{"RSET", {"250", "250", "250", "250", "250"}},
		{"NOOP", {"250", "250", "250", "250", "250"}},
		{"HELO a", {"250", "250", "250", "250", "250"}},
		{"EHLO", {"501", "501", "501", "501", "501"}},
		{"VRFY x", {"252", "252", "252", "252", "252"}},
		{"EXPN x", {"502", "502", "502", "502", "502"}},
		{"HELP", {"214", "214", "214", "214", "214"}},
		{"QUIT", {"221", "221", "221", "221", "221"}},
		{"STARTTLS", {"220", "220", "503", "503", "503"}},
		{"AUTH X", {"503", "504", "503", "503", "503"}},
		{"ETRN d.example", {"503", "250", "503", "503", "503"}},
		{"ATRN", {"530", "530", "530", "530", "530"}},
		{"WHAT", {"500", "500", "500", "500", "500"}},
	};
	struct smtp_server_conf conf = script_conf();
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t k = 0; k < 5; k++) {
			size_t fed;
			char *got, *last;

			conf.extensions = EXT_PIPELINING | EXT_SIZE |
					  EXT_8BITMIME | EXT_CHUNKING |
					  EXT_DSN | EXT_ETRN | EXT_STARTTLS |
					  EXT_AUTH | EXT_ATRN;
			snprintf(script, sizeof(script), "%sC: %s\n",
				places[k].lines, cases[i].command);
			got = script_run(&conf, script, 0, 0, &fed);
			*strstr(got, "\n--\n") = '\0';
			last = strrchr(got, '\n');
			last = last ? last + 1 : got;
			if (strncmp(last, cases[i].want[k], 3) != 0)
				fail_msg("%s in %s: %s", cases[i].command,
					places[k].name, last);
			free(got);
		}
}

/* The table itself: names are unique, a row without function has a reason. */
static void
test_verb_table(void **state)
{
	(void)state;
	for (const struct verb *v = verb_table(); v->name; v++) {
		assert_ptr_equal(verb_find(str_of(v->name)), v);
		assert_true(v->run ? v->states != 0 : v->text != NULL);
	}
	assert_null(verb_find(STR("")));
	assert_null(verb_find(STR("MAI")));
	assert_null(verb_find(STR("MAILS")));
	assert_non_null(verb_find(STR("maiL")));
}

/* --- transactions end ----------------------------------------------------- */

static void
test_what_resets(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf,
		EHELLO RCPT_GIVEN "C: HELO b\nS: 250 *\nE: reset\nE: helo b\n"
				  "C: DATA\nS: 503 *\nE: refused 503\n");
	script_check(&conf, EHELLO RCPT_GIVEN
		"C: HELO b c\nS: 501 *\nE: refused 501\n"
		"C: RCPT TO:<x@d.example>\nS: 250 *\nE: rcpt *\n");
	script_check(&conf,
		EHELLO RCPT_GIVEN "C: QUIT\nS: 221 *\nE: reset\nE: quit\n");
	script_check(&conf, EHELLO RCPT_GIVEN "Z:\nE: reset\nE: closed\n");
	script_check(&conf, EHELLO "C: RSET\nS: 250 *\n"
				   "Z:\nE: closed\n");
}

static void
test_pipelined_messages(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, EHELLO RCPT_GIVEN
		"C: DATA\n"
		"E: data\n"
		"S: 354 *\n"
		"C: Subject: x\n"
		"C: \n"
		"C: ..dot\n"
		"C: .\n"
		"E: body Subject: x\\r\\n\\r\\n.dot\\r\\n\n"
		"E: end\n"
		"S: 250 2.0.0 Ok\n" RCPT_GIVEN "C: BDAT 4 LAST\n"
		"c: x\\r\\ny\n"
		"E: bdat\n"
		"E: body x*y\n"
		"E: end\n"
		"S: 250 2.0.0 Ok\n"
		"C: QUIT\n"
		"S: 221 *\n"
		"E: quit\n");
}

/* --- limits, time, shutdown ----------------------------------------------- */

static void
test_errors_max(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.errors_max = 3;
	script_check(&conf, EHELLO "C: X\nC: Y\nC: Z\nC: NOOP\n"
				   "S: 500 *\nS: 500 *\nS: 500 *\n"
				   "S: 421 4.7.0 *too many errors*\n"
				   "E: refused 500\nE: refused 500\n"
				   "E: refused 500\nE: refused 421\n");
	/* what follows a refused MAIL in its group is no further error */
	script_check(&conf, EHELLO "C: MAIL FROM:<a>\n"
				   "C: RCPT TO:<a@b.example>\n"
				   "C: RCPT TO:<b@b.example>\n"
				   "C: RCPT TO:<c@b.example>\n"
				   "C: DATA\n"
				   "S: 501 *\nS: 503 *\nS: 503 *\nS: 503 *\n"
				   "S: 503 *\n"
				   "E: refused 501\nE: refused 503\n"
				   "E: refused 503\nE: refused 503\n"
				   "E: refused 503\n"
				   "C: NOOP\nS: 250 *\n");
	/* an accepted message clears the account */
	script_check(&conf, EHELLO "C: X\nC: Y\nS: 500 *\nS: 500 *\n"
				   "E: refused 500\nE: refused 500\n" RCPT_GIVEN
				   "C: DATA\nC: .\nS: 354 *\nE: data\n"
				   "E: end\nS: 250 *\n"
				   "C: X\nC: Y\nS: 500 *\nS: 500 *\n"
				   "E: refused 500\nE: refused 500\n"
				   "C: NOOP\nS: 250 *\n");
	conf.errors_max = 0;
	script_check(&conf, EHELLO "C: X\nS: 500 *\nE: refused 500\n");
}

static void
test_commands_max(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.commands_max = 3;
	script_check(&conf, EHELLO "C: NOOP\nC: RSET\nC: NOOP\nC: NOOP\n"
				   "S: 250 *\nS: 250 *\n"
				   "S: 421 4.7.0 *without mail*\n"
				   "E: refused 421\n");
	/* mail begins the count anew */
	script_check(&conf, EHELLO "C: NOOP\nC: NOOP\nS: 250 *\nS: 250 *\n"
				   "C: MAIL FROM:<>\nS: 250 *\nE: mail <>\n"
				   "C: RSET\nE: reset\nC: NOOP\nC: NOOP\n"
				   "S: 250 *\nS: 250 *\nS: 250 *\n"
				   "C: NOOP\nS: 421 *\nE: refused 421\n");
}

static void
test_timeouts(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, EHELLO RCPT_GIVEN "W: 299999\nC: NOOP\nS: 250 *\n"
					      "W: 299999\n"
					      "C: NOOP\nS: 250 *\n"
					      "W: 300000\n"
					      "S: 421 4.4.2 *waited too long*\n"
					      "E: reset\nE: refused 421\n"
					      "C: NOOP\n");
	/* half a command is no progress */
	script_check(&conf, EHELLO "W: 200000\nc: NO\nW: 100000\n"
				   "S: 421 4.4.2 *\nE: refused 421\n");
	/* in a body any octet is */
	script_check(&conf, EHELLO RCPT_GIVEN
		"C: DATA\nE: data\nS: 354 *\n"
		"W: 179999\nc: x\nW: 179999\nc: y\nW: 180000\n"
		"S: 421 4.4.2 *\nE: reset\nE: refused 421\n");
	script_check(&conf, EHELLO RCPT_GIVEN
		"C: DATA\nE: data\nS: 354 *\n"
		"W: 179999\nc: x\nW: 179999\nc: y\nW: 179999\n"
		"C: \nC: .\nE: body xy\\r\\n\nE: end\nS: 250 *\n");
	script_check(&conf, EHELLO "C: BDAT 10\nc: abc\nW: 180000\n"
				   "S: 421 4.4.2 *\nE: refused 421\n");
	conf.command_timeout_ms = 0;
	script_check(&conf, EHELLO "W: 999999999\nC: NOOP\nS: 250 *\n");
}

static void
test_shutdown(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, EHELLO RCPT_GIVEN "X: service stops\n"
					      "S: 421 4.3.2 *service stops*\n"
					      "E: reset\nE: refused 421\n"
					      "C: NOOP\n");
	/* never inside a body */
	script_check(&conf,
		EHELLO RCPT_GIVEN "C: DATA\nE: data\nS: 354 *\n"
				  "c: x\nX: stop\nc: y\\r\\n.\\r\\n\n"
				  "E: body *\nE: end\n"
				  "S: 250 2.0.0 Ok\n"
				  "S: 421 4.3.2 *\nE: refused 421\n");
	script_check(&conf, EHELLO "C: BDAT 3\nc: x\nX: stop\nc: yz\n"
				   "S: 503 *\nE: refused 503\n"
				   "S: 421 4.3.2 *\nE: refused 421\n");
}

static void
test_shutdown_waits_for_answer(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct smtp_event e;
	struct reply r;

	(void)state;
	machine_feed(m, STR("EHLO a\r\n"));
	assert_true(machine_next(m, &e));
	machine_feed(m, STR("MAIL FROM:<a@b.example>\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_MAIL);
	machine_sent(m, machine_out(m).n);
	smtp_server_shutdown(s, "stop");
	assert_int_equal(machine_out(m).n, 0);
	assert_int_equal(machine_want(m), WANT_ANSWER);
	reply_set(&r, 250, "2.1.0", "Ok");
	machine_answer(m, &r);
	assert_true(str_starts_nocase(
		machine_out(m), STR("250 2.1.0 Ok\r\n421 4.3.2 ")));
	assert_int_equal(machine_want(m), WANT_CLOSE);
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_RESET);
	machine_free(m);
}

static void
test_answer_after_eof(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct smtp_event e;
	struct reply r;

	(void)state;
	machine_feed(m, STR("EHLO a\r\n"));
	assert_true(machine_next(m, &e));
	machine_feed(m, STR("MAIL FROM:<a@b.example>\r\n"));
	machine_eof(m);
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_MAIL);
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_RESET);
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_CLOSED);
	assert_false(machine_next(m, &e));
	machine_sent(m, machine_out(m).n);
	reply_set(&r, 250, "2.1.0", "Ok");
	machine_answer(m, &r);
	assert_int_equal(machine_out(m).n, 0);
	assert_int_equal(machine_want(m), WANT_CLOSE);
	machine_free(m);
}

static void
test_out_is_bounded(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct smtp_server *s;
	struct machine *m;
	struct buf in;
	size_t taken;

	(void)state;
	conf.commands_max = 0;
	s = smtp_server_new(&conf, 0);
	m = smtp_server_machine(s);
	buf_init(&in, 0);
	for (int i = 0; i < 20000; i++)
		buf_addz(&in, "NOOP\r\n");
	taken = machine_feed(m, buf_view(&in));
	assert_true(taken < in.len);
	assert_true(machine_out(m).n < SERVER_OUT_STOP + 1000);
	assert_int_equal(machine_feed(m, buf_view(&in)), 0);
	machine_sent(m, machine_out(m).n);
	assert_true(machine_feed(m, buf_view(&in)) > 0);
	buf_free(&in);
	machine_free(m);
}

static void
test_facts_for_the_host(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct smtp_event e;

	(void)state;
	assert_string_equal(smtp_server_helo(s), "");
	assert_false(smtp_server_is_extended(s));
	assert_false(smtp_server_is_authenticated(s));
	machine_feed(m, STR("EHLO a.example\r\n"));
	assert_true(machine_next(m, &e));
	assert_string_equal(smtp_server_helo(s), "a.example");
	assert_true(smtp_server_is_extended(s));
	assert_false(smtp_server_in_body(s));
	machine_feed(m, STR("BDAT 5\r\n"));
	assert_true(smtp_server_in_body(s));
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting_and_ehlo),
		cmocka_unit_test(test_ehlo_names),
		cmocka_unit_test(test_simple_verbs),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_mail_syntax),
		cmocka_unit_test(test_rcpt_syntax),
		cmocka_unit_test(test_utf8_addresses),
		cmocka_unit_test(test_host_refuses),
		cmocka_unit_test(test_host_closes),
		cmocka_unit_test(test_recipient_limit),
		cmocka_unit_test(test_every_verb_in_every_state),
		cmocka_unit_test(test_verb_table),
		cmocka_unit_test(test_what_resets),
		cmocka_unit_test(test_pipelined_messages),
		cmocka_unit_test(test_errors_max),
		cmocka_unit_test(test_commands_max),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_shutdown_waits_for_answer),
		cmocka_unit_test(test_answer_after_eof),
		cmocka_unit_test(test_out_is_bounded),
		cmocka_unit_test(test_facts_for_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
