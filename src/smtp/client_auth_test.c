/* AUTH and ATRN from the client machine's side. */
#include "tests/lib/client_script.h"

#include "smtp/sasl.h"
#include "wire/verifier.h"

#define HELLO "S 220 a\nC EHLO me.example\nS 250-peer\n"

static struct smtp_client_conf
conf_for(const char *user, const char *password)
{
	struct smtp_client_conf conf = script_plain;

	conf.user = user;
	conf.password = password;
	conf.tls_active = conf.tls_verified = true;
	return conf;
}

static void
play_with(struct smtp_client_conf conf, const char *text)
{
	script_play(&(struct script){&conf, "hi\r\n", text});
}

/* --- which mechanism, or none --------------------------------------------- */

static void
test_plain(void **state)
{
	struct smtp_client_conf conf = conf_for("u", "p");

	(void)state;
	play_with(conf, HELLO "S 250 AUTH PLAIN LOGIN\nC AUTH PLAIN AHUAcA==\n"
			      "W input\nS 235 ok\nE ready\nW work\n");
	play_with(conf, HELLO "S 250-AUTH LOGIN\nS 250 AUTH PLAIN\n"
			      "C AUTH PLAIN AHUAcA==\nS 235 ok\nE ready\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "S 535 no\nE failed auth 535\nC QUIT\nW close\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "S 454 no\nE failed auth 454\nC QUIT\nW close\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "S 421 no\nE failed refused 421\nW close\n");
	/* After a cancel nothing is a success. */
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "S 334 \nC *\nS 235 eh\n"
			      "E failed auth 235\nC QUIT\nW close\n");
	/* It has nothing more to say. */
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "S 334 \nC *\nS 501 no\n"
			      "E failed auth 501\nC QUIT\nW close\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN AHUAcA==\n"
			      "X\nE failed closed 0\nW close\n");
}

static void
test_login(void **state)
{
	(void)state;
	play_with(conf_for("u", "p"),
		HELLO "S 250 AUTH LOGIN\nC AUTH LOGIN\nS 334 VXNlcm5hbWU6\n"
		      "C dQ==\nS 334 UGFzc3dvcmQ6\nC cA==\n"
		      "S 235 ok\nE ready\nW work\n");
	/* 235 before the password was given proves nothing. */
	play_with(conf_for("u", "p"),
		HELLO "S 250 AUTH LOGIN\nC AUTH LOGIN\nS 235 ok\n"
		      "E failed auth 235\nC QUIT\nW close\n");
}

/* The example of RFC 2195 2. */
static void
test_cram(void **state)
{
	struct smtp_client_conf conf = conf_for("tim", "tanstaaftanstaaf");

	(void)state;
	conf.tls_active = false;
	conf.auth_clear = true;
	play_with(conf, HELLO
		"S 250 AUTH PLAIN CRAM-MD5\nC AUTH CRAM-MD5\nW input\n"
		"S 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ"
		"+\nC dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\n"
		"S 235 ok\nE ready\nW work\n");
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5\nC AUTH CRAM-MD5\n"
			      "S 334 !!!\nC *\nW input\nS 501 ok\n"
			      "E failed auth 501\nC QUIT\nW close\n");
	/* A peer that does not take the "*" as the end. */
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5\nC AUTH CRAM-MD5\n"
			      "S 334 !!!\nC *\nS 334 again\n"
			      "E failed auth 334\nC QUIT\nW close\n");
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5\nC AUTH CRAM-MD5\n"
			      "S 334 !!!\nC *\nS 235 ok\n"
			      "E failed auth 235\nC QUIT\nW close\n");
}

static void
test_none(void **state)
{
	struct smtp_client_conf conf = conf_for("u", "p");

	(void)state;
	/* Not offered, not in common, not in clear: on without, or not. */
	play_with(conf, HELLO "S 250 SIZE\nE ready\nW work\n");
	play_with(conf, HELLO "S 250 AUTH GSSAPI\nE ready\nW work\n");
	conf.tls_active = false;
	play_with(conf, HELLO "S 250 AUTH PLAIN CRAM-MD5\nE ready\nW work\n");
	conf.auth_clear = true;
	play_with(conf, HELLO "S 250 AUTH PLAIN LOGIN\nE ready\nW work\n");
	conf.auth_required = true;
	play_with(conf, HELLO "S 250 AUTH PLAIN LOGIN\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	conf.auth_clear = false;
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	conf.tls_active = conf.tls_verified = true;
	play_with(conf, HELLO "S 250 SIZE\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	conf.user = NULL;
	play_with(conf, HELLO "S 250 AUTH PLAIN\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	conf.turned = true;
	play_with(conf, HELLO "S 250 AUTH PLAIN\nE ready\nW work\n");
}

/* What was offered in clear does not count under TLS. */
static void
test_after_starttls(void **state)
{
	struct smtp_client_conf conf = conf_for("u", "p");

	(void)state;
	conf.tls_active = false;
	conf.tls = CLIENT_TLS_OFFERED;
	play_with(conf, HELLO "S 250-AUTH CRAM-MD5\nS 250 STARTTLS\n"
			      "C STARTTLS\nS 220 go\nH tls\nE tls\n"
			      "C EHLO me.example\nS 250-p\nS 250 AUTH PLAIN\n"
			      "C AUTH PLAIN AHUAcA==\nS 235 ok\nE ready\n");
	play_with(conf, HELLO "S 250-AUTH PLAIN\nS 250 STARTTLS\n"
			      "C STARTTLS\nS 454 no\nE ready\nW work\n");
}

/* A line above 512 octets waits for the 334 (RFC 4954 4). */
static void
test_long_initial(void **state)
{
	static char password[401];
	struct smtp_client_conf conf = conf_for("u", password);
	struct smtp_client *c;
	struct machine *m;
	struct smtp_event e;

	(void)state;
	memset(password, 'p', 400);
	c = smtp_client_new(&conf, 0);
	m = smtp_client_machine(c);
	machine_feed(m, STR("220 a\r\n"));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250-a\r\n250 AUTH PLAIN\r\n"));
	assert_true(str_eq(machine_out(m), STR("AUTH PLAIN\r\n")));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("334 \r\n"));
	assert_int_equal(machine_out(m).n, 4 * ((1 + 1 + 1 + 400 + 2) / 3) + 2);
	assert_memory_equal(machine_out(m).p, "AHUAcHBw", 8);
	machine_sent(m, machine_out(m).n);
	assert_null(m->out.data); /* nothing of it stays */
	machine_feed(m, STR("235 ok\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_READY);
	machine_free(m);
	play_with(conf, HELLO "S 250 AUTH PLAIN\nC AUTH PLAIN\nS 235 ok\n"
			      "E failed auth 235\nC QUIT\nW close\n");
}

/* PLAIN for its one turn, but only to a peer that showed who it is. */
static void
test_few_turns(void **state)
{
	const struct tls_facts facts = {.verified = true, .shown = true};
	struct smtp_client_conf conf = conf_for("u", "p");

	(void)state;
	conf.few_turns = true;
	play_with(conf, HELLO "S 250 AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN\n"
			      "C AUTH PLAIN AHUAcA==\nS 235 ok\nE ready\n");
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5\nC AUTH CRAM-MD5\n");
	conf.external = true;
	conf.tls_facts = &facts;
	play_with(conf, HELLO "S 250 AUTH PLAIN EXTERNAL\n"
			      "C AUTH EXTERNAL =\nS 235 ok\nE ready\n");
	conf.external = conf.tls_verified = false;
	conf.auth_clear = true;
	play_with(conf, HELLO "S 250 AUTH CRAM-MD5 PLAIN\nC AUTH CRAM-MD5\n");
}

/* --- SCRAM with a real server --------------------------------------------- */

static bool
look_up(void *arg, const char *name, struct verifier_pair *pair_r)
{
	pair_r->present = *(const struct verifier *)arg;
	return strcmp(name, "ann") == 0;
}

/* The client's last line, without "AUTH MECH " and CRLF. */
static struct str
take_response(struct machine *m)
{
	struct str out = machine_out(m);

	assert_true(out.n >= 2);
	out.n -= 2;
	if (str_starts_nocase(out, STR("AUTH SCRAM-SHA-256 ")))
		out = str_skip(out, sizeof("AUTH SCRAM-SHA-256"));
	return out;
}

static void
test_external(void **state)
{
	struct smtp_client_conf conf = conf_for(NULL, NULL);

	(void)state;
	conf.external = conf.auth_required = true;
	conf.tls_facts = &(struct tls_facts){.shown = true};
	play_with(conf, HELLO "S 250 AUTH PLAIN EXTERNAL\n"
			      "C AUTH EXTERNAL =\nW input\n"
			      "S 235 ok\nE ready\nW work\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN EXTERNAL\n"
			      "C AUTH EXTERNAL =\n"
			      "S 535 no\nE failed auth 535\nC QUIT\nW close\n");
	play_with(conf, HELLO "S 250 AUTH PLAIN\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	/* a peer that did not ask for a certificate has seen none */
	conf.tls_facts = &(struct tls_facts){.shown = false};
	play_with(conf, HELLO "S 250 AUTH EXTERNAL\n"
			      "E failed auth 0\nC QUIT\nW close\n");
	/* in the clear no certificate was shown */
	conf.tls_facts = NULL;
	conf.tls_active = false;
	play_with(conf, HELLO "S 250 AUTH EXTERNAL\n"
			      "E failed auth 0\nC QUIT\nW close\n");
}

/* Plays AUTH; STEPS: how many challenges before the peer jumps to 235. */
static void
scram(const char *password, unsigned steps, struct smtp_event *event_r)
{
	struct smtp_client_conf conf = conf_for("ann", "secret");
	struct smtp_client *c = smtp_client_new(&conf, 0);
	struct machine *m = smtp_client_machine(c);
	struct verifier verifier;
	struct sasl_server *server;
	enum sasl_step step;
	struct buf line;

	assert_int_equal(verifier_make(password, false, &verifier, NULL), OK);
	server =
		sasl_server_new("SCRAM-SHA-256", "h", NULL, look_up, &verifier);
	assert_non_null(server);
	buf_init(&line, 0);
	machine_feed(m, STR("220 a\r\n"));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250-a\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"));
	do {
		buf_clear(&line);
		buf_addz(&line, "334 ");
		step = sasl_server_step(server, take_response(m), &line);
		buf_addz(&line, "\r\n");
		machine_sent(m, machine_out(m).n);
		if (step == SASL_OK || steps-- == 0)
			machine_feed(m, STR("235 ok\r\n"));
		else if (step == SASL_MORE)
			machine_feed(m, buf_view(&line));
		else
			machine_feed(m, STR("535 no\r\n"));
	} while (!machine_next(m, event_r));
	event_r->reply = NULL;
	event_r->text = STR("");
	buf_free(&line);
	sasl_server_free(server);
	machine_free(m);
}

static void
test_scram(void **state)
{
	struct smtp_event e;

	(void)state;
	scram("secret", 9, &e);
	assert_int_equal(e.kind, EV_READY);
	scram("other", 9, &e);
	assert_int_equal(e.kind, EV_FAILED);
	assert_int_equal(e.fail, FAIL_AUTH);
	/* 235 without the proof, at once or later. */
	for (unsigned steps = 0; steps < 2; steps++) {
		scram("secret", steps, &e);
		assert_int_equal(e.kind, EV_FAILED);
		assert_int_equal(e.fail, FAIL_AUTH);
	}
}

/* --- ATRN ----------------------------------------------------------------- */

#define ATRN_HELLO HELLO "S 250 ATRN\nE ready\n"

static void
test_atrn(void **state)
{
	static const int codes[] = {
		250, 251, 354, 450, 451, 453, 500, 502, 530, 554};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		bool turned = codes[i] == 250;

		snprintf(text, sizeof(text),
			ATRN_HELLO "H atrn a.example,b.example\n"
				   "C ATRN a.example,b.example\nW input\n"
				   "S %d-one\nS %d two\nE turn%s %d\nW %s\n",
			codes[i], codes[i], turned ? "ed" : "", codes[i],
			turned ? "turn" : "work");
		script_play_plain(text);
	}
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nS 421 bye\n"
				     "E failed refused 421\nW close\n");
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nS 250-on\nX\n"
				     "E failed closed 0\nW close\n");
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nS 453 no mail\n"
				     "E turn 453\nH quit\nC QUIT\nS 221 bye\n"
				     "W close\n");
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nS 250 go\n"
				     "E turned 250\nW turn\nX\n"
				     "E failed closed 0\nW close\n");
}

static void
test_atrn_early_octets(void **state)
{
	(void)state;
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nS 250 go\ns E\n"
				     "E turned 250\n"
				     "E failed early-octets 0\nW close\n");
}

static void
test_atrn_own_replies(void **state)
{
	static char many[8000];
	char *at = many;

	(void)state;
	script_play_plain(HELLO "S 250 SIZE\nE ready\nH atrn a.example\n"
				"E turn 502\nW work\nH quit\nC QUIT\n");
	script_play_plain(ATRN_HELLO "H atrn a.example b\nE turn 501\nW work\n"
				     "H atrn ok.example\nC ATRN ok.example\n");
	at += sprintf(at, ATRN_HELLO "H atrn a.example");
	while (at < many + 5000)
		at += sprintf(at, ",a.example");
	sprintf(at, "\nE turn 501\nW work\n");
	script_play_plain(many);
}

/* The reply may take ten minutes and more (RFC 2645 5.2.1). */
static void
test_atrn_time(void **state)
{
	(void)state;
	script_play_plain(ATRN_HELLO "H atrn\nC ATRN\nT 899999\nW input\n"
				     "T 900000\nE failed timeout 0\nW close\n");
}

/* A transaction left open is cleared before. */
static void
test_atrn_after_mail(void **state)
{
#define REFUSED                                                                \
	"S 250 ok\nE mail 250\nC RCPT TO:<r0@y.example>\n"                     \
	"S 550 no\nE rcpt 0 550\nE done 550 early\n"
	(void)state;
	script_play_plain(ATRN_HELLO
		"H send 1\nC MAIL FROM:<a@x.example>\n" REFUSED
		"H atrn\nC RSET\nW input\nS 250 ok\nC ATRN\nS 453 no\n"
		"E turn 453\nW work\n");
	script_play_plain(ATRN_HELLO
		"H send 1\nC MAIL FROM:<a@x.example>\n" REFUSED
		"H atrn\nC RSET\nS 451 eh\nE failed protocol 451 mismatch\nW close\n");
	script_play_plain(
		HELLO "S 250-ATRN\nS 250 PIPELINING\nE ready\n"
		      "H send 1\nC MAIL FROM:<a@x.example>\n"
		      "C RCPT TO:<r0@y.example>\nC DATA\n"
		      "S 250 ok\nS 550 no\nS 554 no\nE mail 250\nE rcpt 0 550\n"
		      "E done 550 early\nH atrn\nC RSET\nC ATRN\n"
		      "S 250 ok\nS 250 go\nE turned 250\nW turn\n");
}

/* --- ETRN ----------------------------------------------------------------- */

#define ETRN_HELLO HELLO "S 250-PIPELINING\nS 250 ETRN\nE ready\n"

static void
test_etrn(void **state)
{
	static const int codes[] = {
		250, 251, 252, 253, 354, 458, 459, 500, 501, 502, 530, 550};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		snprintf(text, sizeof(text),
			ETRN_HELLO "H etrn a.example\nC ETRN a.example\n"
				   "W input\nS %d-one\nS %d two\nE turn %d\n"
				   "W work\nH etrn b.example\n"
				   "C ETRN b.example\n",
			codes[i], codes[i], codes[i]);
		script_play_plain(text);
	}
	/* Nobody offers it; no domain. */
	script_play_plain(HELLO "S 250 ATRN\nE ready\nH etrn a.example\n"
				"E turn 502\nW work\nH quit\nC QUIT\n");
	script_play_plain(ETRN_HELLO "H etrn a b\nE turn 501\nW work\n");
	script_play_plain(
		ETRN_HELLO "H etrn a.example\nC ETRN a.example\n"
			   "S 421 bye\nE failed refused 421\nW close\n");
	script_play_plain(ETRN_HELLO "H etrn a.example\nC ETRN a.example\nX\n"
				     "E failed closed 0\nW close\n");
	/* Behind a message that nobody took, in one group with RSET. */
	script_play_plain(
		ETRN_HELLO "H send 1\nC MAIL FROM:<a@x.example>\n"
			   "C RCPT TO:<r0@y.example>\nC DATA\n"
			   "S 250 ok\nS 550 no\nS 554 no\nE mail 250\n"
			   "E rcpt 0 550\nE done 550 early\nH etrn a.example\n"
			   "C RSET\nC ETRN a.example\nS 250 ok\nS 251 none\n"
			   "E turn 251\nW work\n");
	/* At once (RFC 1985 5.1), not in the ten minutes of ATRN. */
	script_play_plain(ETRN_HELLO "H etrn a.example\nC ETRN a.example\n"
				     "T 299999\nW input\nT 300000\n"
				     "E failed timeout 0\nW close\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_few_turns),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_cram),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_after_starttls),
		cmocka_unit_test(test_long_initial),
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_atrn),
		cmocka_unit_test(test_atrn_early_octets),
		cmocka_unit_test(test_atrn_own_replies),
		cmocka_unit_test(test_atrn_time),
		cmocka_unit_test(test_atrn_after_mail),
		cmocka_unit_test(test_etrn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
