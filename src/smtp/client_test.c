/* The client machine up to EV_READY, its ends and its clock. */
#include "tests/lib/client_script.h"

/* --- greeting and EHLO ---------------------------------------------------- */

static void
test_ready(void **state)
{
	(void)state;
	script_play_plain("S 220-hello\nS 220 there\n"
			  "C EHLO me.example\n"
			  "S 250-peer.example\nS 250-SIZE 1000\nS 250 HELP\n"
			  "E ready\nW work\n"
			  "H quit\nC QUIT\nW input\nS 221 bye\nW close\n");
}

static void
test_greeting_classes(void **state)
{
	(void)state;
	script_play_plain("S 554 no\nE failed refused 554\nC QUIT\nW close\n");
	script_play_plain("S 450 no\nE failed refused 450\nC QUIT\nW close\n");
	script_play_plain("S 421 no\nE failed refused 421\nW close\n");
	script_play_plain("S 354 what\nE failed protocol 354\nW close\n");
	script_play_plain("S hello\nE failed protocol 0\nW close\n");
	script_play_plain("S 220-a\nS 250 b\nE failed protocol 0\nW close\n");
	script_play_plain("s 22\nX\nE failed closed 0\nW close\n");
	script_play_plain("s SSH-2.0\nE failed protocol 0\nW close\n");
}

static void
test_hello_classes(void **state)
{
	(void)state;
	script_play_plain("S 220 a\nC EHLO me.example\nS 550 no\n"
			  "E failed refused 550\nC QUIT\nW close\n");
	script_play_plain("S 220 a\nC EHLO me.example\nS 451 no\n"
			  "E failed refused 451\nC QUIT\nW close\n");
	script_play_plain("S 220 a\nC EHLO me.example\nS 421 no\n"
			  "E failed refused 421\nW close\n");
	script_play_plain("S 220 a\nC EHLO me.example\nS 354 no\n"
			  "E failed protocol 354\nW close\n");
}

static void
test_helo(void **state)
{
	static const char *const codes[] = {"500", "502", "504"};
	char text[300];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			"S 220 a\nC EHLO me.example\nS %s what\n"
			"C HELO me.example\nS 250 PIPELINING\nE ready\n"
			"W work\nH send 1\nC MAIL FROM:<a@x.example>\n",
			codes[i]);
		script_play_plain(text);
	}
	script_play_plain("S 220 a\nC EHLO me.example\nS 500 what\n"
			  "C HELO me.example\nS 500 no\n"
			  "E failed refused 500\nC QUIT\nW close\n");
}

static void
play_with(struct smtp_client_conf conf, const char *text)
{
	script_play(&(struct script){&conf, "hi\r\n", text});
}

static void
test_helo_not_enough(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	conf.tls = CLIENT_TLS_REQUIRED;
	play_with(conf, "S 220 a\nC EHLO me.example\nS 500 what\n"
			"E failed tls 500\nC QUIT\nW close\n");
	conf.tls = CLIENT_TLS_OFFERED;
	conf.auth_required = true;
	play_with(conf, "S 220 a\nC EHLO me.example\nS 500 what\n"
			"E failed auth 500\nC QUIT\nW close\n");
	conf.turned = true;
	play_with(conf, "S 220 a\nC EHLO me.example\nS 500 what\n"
			"C HELO me.example\nS 250 ok\nE ready\nW work\n");
}

static void
say(struct smtp_client *c, const char *z)
{
	struct machine *m = smtp_client_machine(c);
	struct str in = str_of(z);
	struct smtp_event e;

	while (in.n > 0) {
		size_t n = machine_feed(m, in);

		machine_sent(m, machine_out(m).n);
		if (n == 0 && !machine_next(m, &e))
			break;
		in = str_skip(in, n);
	}
}

static void
test_keywords(void **state)
{
	static const struct {
		const char *lines, *kept;
		unsigned extensions;
		uint64_t size_max;
	} rows[] = {
		{"250 peer\r\n", "", 0, 0},
		{"250-peer\r\n250 size\r\n", "size", EXT_SIZE, 0},
		{"250-peer\r\n250 SIZE 0\r\n", "SIZE 0", EXT_SIZE, 0},
		{"250-peer\r\n250-SIZE 12345\r\n250 X-NEW a b\r\n",
			"SIZE 12345\nX-NEW a b", EXT_SIZE, 12345},
		{"250-peer\r\n250 SIZE 99999999999999999999\r\n",
			"SIZE 99999999999999999999", EXT_SIZE, 0},
		{"250-peer\r\n250-Pipelining \r\n250-\r\n250\r\n", "Pipelining",
			EXT_PIPELINING, 0},
		{"250-peer\r\n250-CHUNKING\r\n250-8BITMIME\r\n250-DSN\r\n"
		 "250-SMTPUTF8\r\n250-STARTTLS\r\n250-ATRN\r\n"
		 "250 ENHANCEDSTATUSCODES\r\n",
			"CHUNKING\n8BITMIME\nDSN\nSMTPUTF8\nSTARTTLS\nATRN\n"
			"ENHANCEDSTATUSCODES",
			EXT_CHUNKING | EXT_8BITMIME | EXT_DSN | EXT_SMTPUTF8 |
				EXT_STARTTLS | EXT_ATRN |
				EXT_ENHANCEDSTATUSCODES,
			0},
		{"250-PIPELINING\r\n250 AUTH=LOGIN PLAIN\r\n",
			"AUTH=LOGIN PLAIN", EXT_AUTH, 0},
		{"250-peer\r\n250 PIPE\tLIN\x01\xc3\xa4\r\n", "PIPE?LIN???", 0,
			0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct smtp_client *c = smtp_client_new(&script_plain, 0);

		say(c, "220 hi\r\n");
		say(c, rows[i].lines);
		assert_string_equal(smtp_client_keywords(c), rows[i].kept);
		assert_int_equal(smtp_client_extensions(c), rows[i].extensions);
		assert_int_equal(smtp_client_size_max(c), rows[i].size_max);
		machine_free(smtp_client_machine(c));
	}
}

/* A reply longer than struct reply holds: the last keyword counts too. */
static void
test_keywords_many(void **state)
{
	struct smtp_client *c = smtp_client_new(&script_plain, 0);
	char line[1100];

	(void)state;
	say(c, "220 hi\r\n250-peer\r\n");
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "250-X%d %0*d\r\n", i, 1000, i);
		say(c, line);
	}
	say(c, "250 PIPELINING\r\n");
	assert_int_equal(smtp_client_extensions(c), EXT_PIPELINING);
	assert_true(strlen(smtp_client_keywords(c)) < 4096);
	assert_non_null(strstr(smtp_client_keywords(c), "\nPIPELINING"));
	machine_free(smtp_client_machine(c));
}

static void
test_endless_reply(void **state)
{
	struct smtp_client *c = smtp_client_new(&script_plain, 0);
	struct machine *m = smtp_client_machine(c);
	struct smtp_event e;
	char block[4096];
	size_t fed = 0;

	(void)state;
	memset(block, 'x', sizeof(block));
	machine_feed(m, STR("220-"));
	while (!machine_next(m, &e) && fed < (size_t)1 << 26)
		fed += machine_feed(m, (struct str){block, sizeof(block)});
	assert_true(fed <= 65536 + sizeof(block));
	assert_int_equal(e.kind, EV_FAILED);
	assert_int_equal(e.fail, FAIL_PROTOCOL);
	assert_int_equal(machine_want(m), WANT_CLOSE);
	machine_free(m);
	c = smtp_client_new(&script_plain, 0);
	m = smtp_client_machine(c);
	for (fed = 0; !machine_next(m, &e) && fed < (size_t)1 << 26;)
		fed += machine_feed(m, STR("220-again and again\r\n"));
	assert_true(fed < 70000);
	assert_int_equal(e.fail, FAIL_PROTOCOL);
	machine_free(m);
}

/* --- STARTTLS ------------------------------------------------------------- */

#define TLS_HELLO                                                              \
	"S 220 a\nC EHLO me.example\nS 250-peer\nS 250-SIZE 77\n"              \
	"S 250 STARTTLS\n"
#define NO_TLS_HELLO "S 220 a\nC EHLO me.example\nS 250-peer\nS 250 SIZE\n"

static void
test_starttls(void **state)
{
	static const enum client_tls policies[] = {
		CLIENT_TLS_OFFERED, CLIENT_TLS_REQUIRED};
	struct smtp_client_conf conf = script_plain;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		conf.tls = policies[i];
		/* Offered again under TLS: never twice. */
		play_with(conf, TLS_HELLO
			"C STARTTLS\nS 220 go\nW tls\nH tls\n"
			"E tls\nC EHLO me.example\n"
			"S 250-peer\nS 250 STARTTLS\nE ready\nW work\n");
	}
	conf.tls = CLIENT_TLS_NONE;
	play_with(conf, TLS_HELLO "E ready\nW work\n");
	conf.tls = CLIENT_TLS_REQUIRED;
	conf.tls_active = conf.tls_verified = true;
	play_with(conf, TLS_HELLO "E ready\nW work\n");
	conf.tls_active = false;
	conf.turned = true;
	play_with(conf, TLS_HELLO "E ready\nW work\n");
}

/* The time is asked of nobody who is not known: 0. */
static int64_t
time_heard(const struct smtp_client_conf *conf, const char *hello)
{
	struct smtp_client *c = smtp_client_new(conf, 0);
	struct machine *m = smtp_client_machine(c);
	struct str in[] = {STR("220 hi\r\n"), str_of(hello)};
	struct smtp_event e;
	int64_t heard = 0;

	for (size_t i = 0; i < 2; i++) {
		while (in[i].n) {
			size_t n = machine_feed(m, in[i]);

			machine_sent(m, machine_out(m).n);
			in[i] = str_skip(in[i], n);
			while (machine_next(m, &e))
				if (e.kind == EV_PEER_TIME)
					heard = e.wall_s;
		}
	}
	machine_free(m);
	return heard;
}

static void
test_peer_time(void **state)
{
	static const char hello[] =
		"250-peer tidepost 1796087100\r\n250 SIZE\r\n";
	struct smtp_client_conf conf = script_plain;

	(void)state;
	assert_int_equal(time_heard(&conf, hello), 0);
	conf.tls_active = true;
	assert_int_equal(time_heard(&conf, hello), 0);
	conf.tls_verified = true;
	assert_int_equal(time_heard(&conf, hello), 1796087100);
	assert_int_equal(time_heard(&conf, "250 peer tidepost 1796087100\r\n"),
		1796087100);
	assert_int_equal(
		time_heard(&conf, "250-peer\r\n250 tidepost 1796087100\r\n"),
		0);
	conf.turned = true;
	assert_int_equal(time_heard(&conf, hello), 0);
}

static void
test_starttls_missing(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	conf.tls = CLIENT_TLS_REQUIRED;
	play_with(conf, NO_TLS_HELLO "E failed tls 0\nC QUIT\nW close\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 454 no\n"
				  "E failed tls 454\nC QUIT\nW close\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 354 no\n"
				  "E failed protocol 354\nW close\n");
	conf.tls = CLIENT_TLS_OFFERED;
	play_with(conf, NO_TLS_HELLO "E ready\nW work\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 501 no\nE ready\nW work\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 421 no\n"
				  "E failed refused 421\nW close\n");
}

static void
test_starttls_early_octets(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	conf.tls = CLIENT_TLS_REQUIRED;
	play_with(conf, TLS_HELLO "C STARTTLS\nS 220 go\ns 2\n"
				  "E failed early-octets 0\nW close\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 220 go\nS 250 evil\n"
				  "E failed early-octets 0\nW close\n");
	play_with(conf, TLS_HELLO "C STARTTLS\nS 220 go\nW tls\nX\n"
				  "E failed closed 0\nW close\n");
}

/* What was told in clear is not believed under TLS (RFC 3207 4.2). */
static void
test_starttls_forgets(void **state)
{
	struct smtp_client_conf conf = script_plain;
	struct smtp_client *c;

	(void)state;
	conf.tls = CLIENT_TLS_REQUIRED;
	c = smtp_client_new(&conf, 0);
	say(c, "220 a\r\n");
	say(c, "250-peer\r\n250-SIZE 77\r\n250-ATRN\r\n250 STARTTLS\r\n");
	say(c, "220 go\r\n");
	machine_tls_done(smtp_client_machine(c), &(struct tls_facts){0});
	assert_int_equal(smtp_client_extensions(c), 0);
	say(c, "250-peer\r\n250 DSN\r\n");
	assert_int_equal(smtp_client_extensions(c), EXT_DSN);
	assert_int_equal(smtp_client_size_max(c), 0);
	assert_string_equal(smtp_client_keywords(c), "DSN");
	machine_free(smtp_client_machine(c));
}

/* --- ends ----------------------------------------------------------------- */

#define READY "S 220 a\nC EHLO me.example\nS 250 peer\nE ready\n"

static void
test_idle_ends(void **state)
{
	(void)state;
	script_play_plain(READY "X\nE failed closed 0\nW close\nX\n");
	script_play_plain(READY "S 421 bye\nE failed refused 421\nW close\n");
	script_play_plain(
		READY "S 250 more\nE failed protocol 250 mismatch\nW close\n");
	script_play_plain(READY "H abort enough\nE failed aborted 0\nW close\n"
				"H abort again\nX\nT 9999999\n");
}

static void
test_quit(void **state)
{
	(void)state;
	script_play_plain(READY "H quit\nC QUIT\nS 421 bye\nW close\n");
	script_play_plain(READY "H quit\nC QUIT\nS 500 what\nW close\nX\n");
	script_play_plain(READY "H quit\nC QUIT\nX\nW close\n");
	script_play_plain(READY "H quit\nC QUIT\nT 9999\nW input\n"
				"T 10000\nW close\n");
}

/* --- time ----------------------------------------------------------------- */

static void
test_deadlines(void **state)
{
	(void)state;
	script_play_plain("T 299999\nW input\nT 300000\n"
			  "E failed timeout 0\nW close\n");
	script_play_plain("T 200000\nS 220 a\nC EHLO me.example\n"
			  "T 499999\nW input\nT 500000\n"
			  "E failed timeout 0\nW close\n");
	script_play_plain(READY "T 99999999\nW work\n");
}

static void
test_deadline_values(void **state)
{
	struct smtp_client *c = smtp_client_new(&script_plain, 1000);
	struct machine *m = smtp_client_machine(c);
	struct smtp_event e;

	(void)state;
	assert_int_equal(machine_deadline(m), 301000);
	machine_tick(m, 2000);
	assert_int_equal(machine_deadline(m), 301000);
	machine_feed(m, STR("220 a\r\n"));
	assert_int_equal(machine_deadline(m), 302000);
	machine_tick(m, 3000);
	machine_sent(m, 4); /* octets that move put it off */
	assert_int_equal(machine_deadline(m), 303000);
	machine_tick(m, 4000);
	machine_sent(m, 0);
	machine_feed(m, STR("25"));
	assert_int_equal(machine_deadline(m), 303000);
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("0 b\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_READY);
	assert_true(machine_deadline(m) == UINT64_MAX);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_greeting_classes),
		cmocka_unit_test(test_hello_classes),
		cmocka_unit_test(test_helo),
		cmocka_unit_test(test_helo_not_enough),
		cmocka_unit_test(test_peer_time),
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_keywords_many),
		cmocka_unit_test(test_endless_reply),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_starttls_missing),
		cmocka_unit_test(test_starttls_early_octets),
		cmocka_unit_test(test_starttls_forgets),
		cmocka_unit_test(test_idle_ends),
		cmocka_unit_test(test_quit),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_deadline_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
