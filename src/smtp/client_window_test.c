/* Many messages in flight: order, refusals, bounds, ends (client.h). */
#include "tests/lib/client_script.h"

#define HELLO "S 220 a\nC EHLO me.example\nS 250-peer\n"
#define BOTH HELLO "S 250-CHUNKING\nS 250 PIPELINING\nE ready\nW work\n"
#define PIPED HELLO "S 250 PIPELINING\nE ready\nW work\n"
#define CHUNKED HELLO "S 250 CHUNKING\nE ready\nW work\n"

/* The body is "hi", 4 octets. */
#define MAIL "C MAIL FROM:<a@x.example>\n"
#define RCPT(n) "C RCPT TO:<r" #n "@y.example>\n"
#define BDAT "H body\nC BDAT 4 LAST\nC hi\n"
#define FIRST "H send 1\n" MAIL RCPT(0) "W body\n" BDAT
#define NEXT "H send 1\nC RSET\n" MAIL RCPT(0) "W body\n" BDAT
#define OK1(k) "S 250 ok\nS 250 ok\nE #" #k " mail 250\nE #" #k " rcpt 0 250\n"

static struct smtp_client_conf
window(void)
{
	struct smtp_client_conf conf = script_plain;

	conf.window_messages = 8;
	conf.window_bytes = 1000;
	return conf;
}

static void
play_conf(struct smtp_client_conf conf, const char *body, const char *text)
{
	script_play(&(struct script){&conf, body, text});
}

static void
play(const char *text)
{
	play_conf(window(), "hi\r\n", text);
}

/* --- BDAT ----------------------------------------------------------------- */

static void
test_flight(void **state)
{
	(void)state;
	play(BOTH FIRST "W more\nH send 2\nC RSET\n" MAIL RCPT(0) RCPT(1) BDAT
		"W more\n" NEXT "W more\n" OK1(
			1) "S 250 taken\nE #1 done 250\nW more\n"
			   "S 250 reset\nS 250 ok\nE #2 mail 250\n"
			   "S 550 no\nE #2 rcpt 0 550\n"
			   "S 250 ok\nE #2 rcpt 1 250\n"
			   "S 451 no\nE #2 done 451\n"
			   "S 250 reset\n" OK1(3) "S 250 taken\nE #3 done 250\n"
						  /* all went well: no RSET */
						  "W work\n" FIRST);
	/* The last one did not: RSET. */
	play(BOTH FIRST OK1(1) "S 554 no\nE #1 done 554\nW work\n" NEXT);
	play(BOTH FIRST OK1(1) "S 554 no\nE #1 done 554\nH quit\nC QUIT\n");
}

/* A refused message touches only itself; its octets were wasted. */
static void
test_refused(void **state)
{
	(void)state;
	play(BOTH FIRST NEXT NEXT OK1(
		1) "S 250 taken\nE #1 done 250\n"
		   "S 250 reset\nS 550 no\nE #2 mail 550\nS 503 no\nS 503 no\n"
		   "E #2 done 550 early\n"
		   "S 250 reset\n" OK1(
			   3) "S 250 taken\nE #3 done 250\nW work\n");
	play(BOTH FIRST NEXT
		"S 250 ok\nS 550 no\nE #1 mail 250\nE #1 rcpt 0 550\n"
		"W more\nS 554 nobody\nE #1 done 550 early\n"
		"S 250 reset\n" OK1(2) "S 250 taken\nE #2 done 250\nW work\n");
	/* The verdict is RCPT's also where BDAT's is another. */
	play(BOTH FIRST
		"S 250 ok\nS 451 later\nE #1 mail 250\nE #1 rcpt 0 451\n"
		"S 554 nobody\nE #1 done 451 early\nW work\n" NEXT);
	/* Refused before its body was given: it is never sent. */
	play(BOTH "H send 1\n" MAIL RCPT(
		0) "W body\n"
		   "S 250 ok\nS 550 no\nE #1 mail 250\nE #1 rcpt 0 550\n"
		   "E #1 done 550 early\nW work\n" NEXT);
	/* ... in the middle of it: to the chunk's end, whenever BDAT's
	   reply comes. */
	play(BOTH "H send 1\n" MAIL RCPT(
		0) "H body 2\nC BDAT 4 LAST\n"
		   "S 250 ok\nS 550 no\nE #1 mail 250\nE #1 rcpt 0 550\n"
		   "W body\nS 503 no\nW body\nH body\nE #1 done 550 early\nC hi\n"
		   "W work\n" NEXT);
}

/* "hi", "yo", "he" in chunks of four. */
#define SIX "hi\r\nyo\r\nhe\r\n"
#define CHUNKS                                                                 \
	BOTH "H send 1\n" MAIL RCPT(0) "H body 8\n"                            \
				       "C BDAT 4\nC hi\nC BDAT 4\nC yo\n"

static void
test_chunks(void **state)
{
	struct smtp_client_conf conf = window();

	(void)state;
	conf.chunk_bytes = 4;
	play_conf(conf, SIX,
		CHUNKS
		"W body\nH body\nC BDAT 4 LAST\nC he\n"
		"W more\nH send 1\nC RSET\n" MAIL RCPT(0) OK1(
			1) "S 250 ok\nS 250 ok\nS 250 taken\nE #1 done 250\n"
			   "H body\nC BDAT 4\nC hi\nC BDAT 4\nC yo\nC BDAT 4 LAST\nC he\n");
	/* A refused chunk: none goes any more, the replies are counted. */
	play_conf(conf, SIX,
		CHUNKS OK1(
			1) "S 452 full\nW more\n"
			   "H send 1\nC RSET\n" MAIL RCPT(
				   0) "S 503 no\n"
				      "E #1 done 452 early\nS 250 reset\nW body\n");
	/* Some peers say 250 to what they drop in the middle. */
	play_conf(conf, SIX,
		CHUNKS OK1(1) "S 452 full\nS 250 eh\n"
			      "E #1 done 452 early\nW work\n");
	/* The whole of it was not taken by a peer that refused a part. */
	play_conf(conf, SIX,
		CHUNKS "H body\nC BDAT 4 LAST\nC he\n" OK1(
			1) "S 452 full\nS 503 no\nS 250 eh\n"
			   "E failed protocol 250 doubt #1 mismatch\nW close\n");
}

/* The host stops between chunks: something else goes first. */
static void
test_withdraw(void **state)
{
	struct smtp_client_conf conf = window();

	(void)state;
	conf.chunk_bytes = 4;
	play_conf(conf, SIX,
		CHUNKS "H withdraw\nW more\nH send 1\nC RSET\n" MAIL RCPT(0)
			OK1(1) "S 250 ok\nS 250 ok\n"
			       "E #1 done 451 early\nS 250 reset\nW body\n");
	play_conf(conf, SIX,
		CHUNKS OK1(1) "S 250 ok\nS 250 ok\nW body\n"
			      "H withdraw\nE #1 done 451 early\nW work\n"
			      "H send 1\nC RSET\n" MAIL RCPT(0));
	/* The peer's refusal is the better reason. */
	play_conf(conf, SIX,
		CHUNKS "H withdraw\nW more\n" OK1(
			1) "S 452 full\nS 503 no\nE #1 done 452 early\nW work\n");
	play_conf(conf, SIX, CHUNKS "H withdraw\nX\nE failed closed 0\n");
}

/* --- replies that cannot be ----------------------------------------------- */

static void
test_mismatch(void **state)
{
	(void)state;
	/* Nobody was to get it. */
	play(BOTH FIRST NEXT
		"S 250 ok\nS 550 no\nE #1 mail 250\n"
		"E #1 rcpt 0 550\nS 250 taken\n"
		"E failed protocol 250 doubt #1 #2 mismatch\nW close\n");
	play(BOTH FIRST NEXT
		"S 250 ok\nS 550 no\nE #1 mail 250\n"
		"E #1 rcpt 0 550\nS 503 no\nE #1 done 550 early\n"
		"S 503 eh\nE failed protocol 503 doubt #2 mismatch\nW close\n");
	play(BOTH FIRST NEXT OK1(
		1) "S 354 go\n"
		   "E failed protocol 354 doubt #1 #2 mismatch\nW close\n");
	play(BOTH FIRST NEXT
		"S 354 go\n"
		"E failed protocol 354 doubt #1 #2 mismatch\nW close\n");
	/* One too many. */
	play(BOTH FIRST OK1(1) "S 250 taken\nE #1 done 250\nS 250 more\n"
			       "E failed protocol 250 mismatch\nW close\n");
	play(BOTH FIRST "H send 1\nC RSET\n" MAIL RCPT(0) OK1(
		1) "S 250 taken\nE #1 done 250\nS 250 reset\n"
		   "S 250 ok\nS 250 ok\nE #2 mail 250\nE #2 rcpt 0 250\n"
		   "H body 2\nC BDAT 4 LAST\nS 500 what\n"
		   "E #2 done 500 early\nE failed protocol 500 mismatch\n");
}

/* CHUNKING was promised, BDAT is not known: its octets are commands there. */
static void
test_no_bdat(void **state)
{
	(void)state;
	play(BOTH FIRST NEXT OK1(
		1) "S 500 what\nE failed protocol 500 no-bdat\nW close\n");
	play(BOTH FIRST NEXT OK1(
		1) "S 502 no\nE failed protocol 502 no-bdat\nW close\n");
	/* before its octets are all there */
	play(BOTH "H send 1\n" MAIL RCPT(0) "H body 2\nC BDAT 4 LAST\n" OK1(
		1) "S 500 what\nE failed protocol 500 no-bdat\nW close\n");
	/* After one was taken it is the message that is not liked. */
	play(BOTH FIRST NEXT
			OK1(1) "S 250 taken\nE #1 done 250\nS 250 reset\n" OK1(
				2) "S 500 eh\nE #2 done 500\nW work\n");
}

/* RFC 5321 3.8: nothing in flight was taken, nothing is in doubt. */
static void
test_closing(void **state)
{
	(void)state;
	play(BOTH FIRST NEXT NEXT OK1(1) "S 421 bye\nE #1 done 421\n"
					 "E failed refused 421\nW close\nX\n");
	play(BOTH FIRST NEXT NEXT OK1(
		1) "S 250 taken\nE #1 done 250\n"
		   "S 421 bye\nE #2 done 421 early\nE failed refused 421\n"
		   "W close\n");
	play(BOTH FIRST NEXT
		"S 250 ok\nS 550 no\nE #1 mail 250\nE #1 rcpt 0 550\n"
		"S 421 bye\nE #1 done 550 early\nE failed refused 421\n");
	/* Without a word it may have been any of them. */
	play(BOTH FIRST NEXT "H send 1\nC RSET\n" MAIL RCPT(
		0) "H body 2\n"
		   "C BDAT 4 LAST\n" OK1(
			   1) "X\nE failed closed 0 doubt #1 #2\nW close\n");
}

/* --- DATA ----------------------------------------------------------------- */

#define DATA1 "H send 1\n" MAIL RCPT(0) "C DATA\n"
#define DOT "H body\nC hi\nC .\n"

static void
test_data(void **state)
{
	(void)state;
	/* The next envelope rides behind the dot; its body waits for 354. */
	play(PIPED DATA1 OK1(
		1) "S 354 go\nW body\n" DOT "W more\n" DATA1
		   "W input\nS 250 taken\nE #1 done 250\nW input\n" OK1(
			   2) "S 354 go\nW body\n" DOT
			      "W more\nS 554 no\nE #2 done 554\n"
			      "W work\n" DATA1);
	/* Refused: the lone dot, and RSET, as ever. */
	play(PIPED DATA1 OK1(
		1) "S 354 go\n" DOT DATA1 "S 451 no\nE #1 done 451\n"
		   "S 250 ok\nS 550 no\nE #2 mail 250\nE #2 rcpt 0 550\n"
		   "S 354 go\nC .\nW more\nH send 1\nC RSET\n" MAIL
			   RCPT(0) "C DATA\nS 250 eh\nE #2 done 550 early\nS 250 reset\n" OK1(
				   3));
	play(PIPED DATA1 OK1(
		1) "S 354 go\n" DOT DATA1
		   "S 250 taken\nE #1 done 250\nS 550 no\nE #2 mail 550\n"
		   "S 503 no\nS 503 no\nE #2 done 550 early\nW work\n" DATA1);
	play(PIPED DATA1 OK1(1) "S 354 go\n" DOT DATA1
				"X\nE failed closed 0 doubt #1\nW close\n");
	play(PIPED DATA1 OK1(
		1) "S 354 go\n" DOT DATA1
		   "S 421 bye\nE #1 done 421\nE failed refused 421\nW close\n");
	/* The dot's reply is no 354. */
	play(PIPED DATA1 OK1(
		1) "S 354 go\n" DOT DATA1
		   "S 354 eh\nE failed protocol 354 doubt #1 mismatch\n");
}

/* --- bounds --------------------------------------------------------------- */

static void
test_bounds(void **state)
{
	struct smtp_client_conf conf = window();

	(void)state;
	/* messages */
	conf.window_messages = 2;
	play_conf(conf, "hi\r\n",
		BOTH FIRST NEXT
		"W input\n" OK1(1) "S 250 taken\nE #1 done 250\nW more\n");
	/* octets: a message begins while there is less than the window */
	conf = window();
	conf.window_bytes = 5;
	play_conf(conf, "hi\r\n",
		BOTH FIRST "W more\n" NEXT "W input\n" OK1(
			1) "S 250 taken\nE #1 done 250\nW more\n");
	/* chunks likewise */
	conf.chunk_bytes = 4;
	conf.window_bytes = 4;
	play_conf(conf, "hi\r\nyo\r\n",
		BOTH
		"H send 1\n" MAIL RCPT(0) "H body\nC BDAT 4\nC hi\nW input\n" OK1(
			1) "W input\nS 250 ok\nW body\nH body\nC BDAT 4 LAST\nC yo\n");
	/* an empty message waits for its turn, too */
	play_conf(conf, "",
		BOTH "H send 1\n" MAIL RCPT(0) "C BDAT 0 LAST\nW more\n" OK1(
			1) "S 250 ok\nE #1 done 250\n");
	/* no window, no PIPELINING: one by one */
	conf = window();
	play_conf(conf, "hi\r\n",
		CHUNKED "H send 1\n" MAIL "W input\n"
			"S 250 ok\nE #1 mail 250\n" RCPT(
				0) "S 250 ok\nE #1 rcpt 0 250\n" BDAT
				   "W input\n"
				   "S 250 taken\nE #1 done 250\nW work\n");
	conf.window_bytes = 0;
	play_conf(conf, "hi\r\n",
		BOTH "H send 1\n" MAIL RCPT(
			0) "W input\n"
			   "S 250 ok\nS 250 ok\nE mail 250\nE rcpt 0 250\n" BDAT
			   "W input\nS 250 taken\nE done 250\nW work\n");
}

static void
test_patient(void **state)
{
	(void)state;
	play(BOTH FIRST "H patient 1\nC RSET\n" MAIL
			RCPT(0) "W input\n" OK1(1) "S 250 taken\nE #1 done 250\nS 250 reset\nW input\n" OK1(
				2) "W body\n" BDAT "W more\n" NEXT
				   "S 250 taken\nE #2 done 250\n");
	play(BOTH FIRST "H patient 1\nC RSET\n" MAIL RCPT(0) OK1(
		1) "S 250 taken\nE #1 done 250\nS 250 reset\nS 552 too big\n"
		   "E #2 mail 552\nW more\n" NEXT
		   "S 503 no\nE #2 done 552 early\n");
}

/* RFC 9422: MAILs count when they are issued. */
static void
test_spent(void **state)
{
	(void)state;
	play(HELLO
		"S 250-LIMITS MAILMAX=2\nS 250-CHUNKING\nS 250 PIPELINING\n"
		"E ready\n" FIRST "W more\n" NEXT
		"W input\n" OK1(1) "S 250 taken\nE #1 done 250\nW input\nS 250 reset\n" OK1(
			2) "S 250 taken\nE #2 done 250\nW work\nH quit\nC QUIT\n");
}

static void
test_quit_no_wait(void **state)
{
	struct smtp_client_conf conf = window();

	(void)state;
	conf.quit_no_wait = true;
	play_conf(conf, "hi\r\n",
		BOTH FIRST OK1(
			1) "S 250 taken\n"
			   "E #1 done 250\nH quit\nC QUIT\nW close\nX\n");
	/* Not with a message in flight. */
	play_conf(conf, "hi\r\n", BOTH FIRST "H quit\nH atrn\nW more\n");
}

/* --- time ----------------------------------------------------------------- */

static void
test_time(void **state)
{
	(void)state;
	/* A reply is owed: to MAIL, then to the end of the first. */
	play(BOTH FIRST NEXT "T 299999\nW more\nT 300000\n"
			     "E failed timeout 0 doubt #1 #2\nW close\n");
	play(BOTH FIRST "T 200000\n" NEXT OK1(
		1) "T 799999\nW more\nT 800000\n"
		   "E failed timeout 0 doubt #1 #2\nW close\n");
	/* ... also while the host reads its disk for the next. */
	play(BOTH FIRST "H send 1\nC RSET\n" MAIL RCPT(0)
			OK1(1) "T 599999\nW body\nT 600000\n"
			       "E failed timeout 0 doubt #1\nW close\n");
	/* Nothing is: the host may take its time. */
	play(BOTH FIRST "H send 1\nC RSET\n" MAIL RCPT(0)
			OK1(1) "S 250 taken\nE #1 done 250\nS 250 reset\n" OK1(
				2) "H body 2\nC BDAT 4 LAST\nT 9999999\nW body\n");
}

/* --- the end at every octet ----------------------------------------------- */

static void
cut_everywhere(struct smtp_client_conf conf, const char *body, const char *text)
{
	struct script s = {&conf, body, text};
	struct script_run run;
	bool complete = false;

	for (long cut = 1; !complete; cut++) {
		script_once(&run, &s, SCRIPT_WHOLE, cut);
		complete = !run.ended;
		if (run.ended) {
			assert_true(run.has_failed);
			assert_true(run.done_n + run.doubt_n <= run.sent_n);
			assert_true(run.doubt_n <= run.whole_n);
			assert_int_equal(machine_want(run.m), WANT_CLOSE);
		}
		script_finish(&run);
	}
}

/* All are taken: each is done or in doubt from its last octet on. */
static void
cut_taken(struct smtp_client_conf conf, const char *body, const char *text)
{
	struct script s = {&conf, body, text};
	struct script_run run;
	bool complete = false;

	for (long cut = 1; !complete; cut++) {
		script_once(&run, &s, SCRIPT_WHOLE, cut);
		complete = !run.ended;
		if (run.ended)
			assert_int_equal(run.done_n + run.doubt_n, run.whole_n);
		script_finish(&run);
	}
}

#define TAKEN(k) OK1(k) "S 250-it is\nS 250 taken\nE #" #k " done 250\n"

static void
test_cut(void **state)
{
	struct smtp_client_conf conf = window();

	(void)state;
	cut_taken(conf, "hi\r\n",
		BOTH FIRST NEXT NEXT TAKEN(1) "S 250 reset\n" TAKEN(2) NEXT
		"S 250 reset\n" TAKEN(3) "S 250 reset\n" TAKEN(4));
	cut_taken(conf, "hi\r\n",
		PIPED DATA1 OK1(
			1) "S 354 go\n" DOT DATA1
			   "S 250 taken\nE #1 done 250\n" OK1(
				   2) "S 354 go\n" DOT DATA1
				      "S 250 taken\nE #2 done 250\n" OK1(3));
	cut_everywhere(conf, "hi\r\n",
		BOTH FIRST NEXT NEXT TAKEN(
			1) "S 250 reset\nS 250 ok\nS 550 no\nE #2 mail 250\n"
			   "E #2 rcpt 0 550\nS 554 no\nE #2 done 550 early\n"
			   "S 250 reset\nS 552 no\nE #3 mail 552\nS 503 no\nS 503 no\n"
			   "E #3 done 552 early\n");
	conf.chunk_bytes = 4;
	cut_taken(conf, SIX,
		CHUNKS "H body\nC BDAT 4 LAST\nC he\n"
		       "H send 1\nC RSET\n" MAIL RCPT(0) OK1(
			       1) "S 250 ok\nS 250 ok\n"
				  "S 250 taken\nE #1 done 250\nS 250 reset\n");
}

/* Two messages, of which KEPT octets stand in out. */
static struct smtp_client *
two_messages(size_t kept)
{
	struct smtp_client_conf conf = window();
	struct smtp_client *c = smtp_client_new(&conf, 0);
	struct machine *m = smtp_client_machine(c);
	struct mailbox to = {.text = "b@y.example"};
	struct rcpt_params params = {0};
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &params,
		.recipients_n = 1,
		.size_bytes = 4};
	struct smtp_event e;

	machine_feed(m, STR("220 a\r\n"));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250-a\r\n250-CHUNKING\r\n250 PIPELINING\r\n"));
	assert_true(machine_next(m, &e));
	for (mail.tag = 1; mail.tag <= 2; mail.tag++) {
		smtp_client_send(c, &mail);
		assert_int_equal(smtp_client_body(c, STR("hi\r\n")), 4);
	}
	machine_sent(m, machine_out(m).n - kept);
	return c;
}

/* What stands in out when the peer goes has not left. */
static void
test_unsent(void **state)
{
	(void)state;
	for (size_t kept = 0; kept < 5; kept++) {
		struct smtp_client *c = two_messages(kept);
		struct machine *m = smtp_client_machine(c);
		struct smtp_event e;

		machine_eof(m);
		assert_true(machine_next(m, &e));
		assert_int_equal(e.kind, EV_FAILED);
		assert_true(e.in_doubt);
		assert_int_equal(e.tag, 1);
		assert_true(smtp_client_in_doubt(c, 1));
		assert_int_equal(smtp_client_in_doubt(c, 2), kept == 0);
		machine_free(m);
	}
}

/* Nobody takes what did not come: there was a reply too many before. */
static void
test_too_soon(void **state)
{
	struct smtp_client *c = two_messages(1);
	struct machine *m = smtp_client_machine(c);
	struct smtp_event e = {0};
	size_t done = 0;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		assert_int_not_equal(e.kind, EV_FAILED);
		machine_feed(m, STR("250 ok\r\n"));
		while (machine_next(m, &e))
			done += e.kind == EV_DONE;
	}
	assert_int_equal(e.kind, EV_FAILED);
	assert_true(e.mismatch);
	assert_false(e.in_doubt);
	assert_int_equal(e.tag, 2);
	assert_int_equal(done, 1);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flight),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_withdraw),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_no_bdat),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_patient),
		cmocka_unit_test(test_spent),
		cmocka_unit_test(test_quit_no_wait),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_unsent),
		cmocka_unit_test(test_too_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
