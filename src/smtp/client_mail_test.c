/* Messages through the client machine: envelope, DATA, BDAT, doubt. */
#include "tests/lib/client_script.h"

#define HELLO "S 220 a\nC EHLO me.example\nS 250-peer\n"
#define PLAIN HELLO "S 250 SIZE\nE ready\n"
#define PIPED HELLO "S 250 PIPELINING\nE ready\n"
#define CHUNKED HELLO "S 250 CHUNKING\nE ready\n"
#define PIPED_CHUNKED HELLO "S 250-CHUNKING\nS 250 PIPELINING\nE ready\n"

/* The body of script_play_plain: "hi" and ".dot", 10 octets. */
#define BODY "H body\nC hi\nC ..dot\nC .\n"
#define MAIL "C MAIL FROM:<a@x.example>\n"
#define MAIL_SIZE "C MAIL FROM:<a@x.example> SIZE=10\n"
#define RCPT(n) "C RCPT TO:<r" #n "@y.example>\n"

static void
play_with(struct smtp_client_conf conf, const char *body, const char *text)
{
	script_play(&(struct script){&conf, body, text});
}

/* --- one command at a time ------------------------------------------------ */

static void
test_plain(void **state)
{
	(void)state;
	script_play_plain(PLAIN
		"H send 2\n" MAIL_SIZE
		"W input\nS 250 ok\nE mail 250\n" RCPT(0) "S 250 ok\nE rcpt 0 250\n" RCPT(
			1) "S 550 no\nE rcpt 1 550\nC DATA\nW input\nS 354 go\n"
			   "W body\n" BODY
			   "W input\nS 250 done\nE done 250\nW work\n"
			   /* again, nothing of the first is left */
			   "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
				   0) "S 251 ok\nE rcpt 0 251\nC DATA\nS 354 go\n" BODY
				      "S 451 no\nE done 451\nW work\n"
				      "H send 1\n" MAIL_SIZE);
}

static void
test_plain_refusals(void **state)
{
	(void)state;
	/* MAIL: nothing is open, so no RSET. */
	script_play_plain(
		PLAIN "H send 2\n" MAIL_SIZE "S 550 no\nE mail 550\n"
		      "E done 550 early\nW work\nH send 1\n" MAIL_SIZE);
	script_play_plain(PLAIN "H send 2\n" MAIL_SIZE "S 452 no\nE mail 452\n"
				"E done 452 early\nW work\nH quit\nC QUIT\n");
	/* All RCPTs: RSET before the next. */
	script_play_plain(PLAIN
		"H send 2\n" MAIL_SIZE
		"S 250 ok\nE mail 250\n" RCPT(0) "S 550 no\nE rcpt 0 550\n" RCPT(
			1) "S 451 no\nE rcpt 1 451\nE done 451 early\nW work\n"
			   "H send 1\nC RSET\nW input\nS 250 ok\n" MAIL_SIZE);
	/* DATA. */
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 250 ok\nE rcpt 0 250\nC DATA\nS 451 no\n"
			   "E data 451\nE done 451 early\nW work\n"
			   "H send 1\nC RSET\nS 250 ok\n" MAIL_SIZE);
	/* RSET itself. */
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 550 no\nE rcpt 0 550\nE done 550 early\n"
			   "H send 1\nC RSET\nS 500 no\n"
			   "E failed protocol 500 mismatch\nW close\n");
}

static void
test_wrong_classes(void **state)
{
	(void)state;
	script_play_plain(PLAIN "H send 1\n" MAIL_SIZE "S 354 eh\n"
				"E failed protocol 354 mismatch\nW close\n");
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 354 eh\nE failed protocol 354 mismatch\nW close\n");
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 250 ok\nE rcpt 0 250\nC DATA\nS 250 eh\n"
			   "E failed protocol 250 mismatch\nW close\n");
	script_play_plain(PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
		0) "S 250 ok\nE rcpt 0 250\nC DATA\nS 354 go\n" BODY
		   "S 354 eh\nE failed protocol 354 doubt mismatch\nW close\n");
	script_play_plain(PLAIN "H send 1\n" MAIL_SIZE "S rubbish\n"
				"E failed protocol 0\nW close\n");
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 250 ok\nE rcpt 0 250\nC DATA\nS 354 go\n" BODY
			   "S rubbish\nE failed protocol 0 doubt\nW close\n");
}

/* --- one flight ----------------------------------------------------------- */

#define FLIGHT2 "H send 2\n" MAIL RCPT(0) RCPT(1) "C DATA\n"

static void
test_piped(void **state)
{
	(void)state;
	script_play_plain(PIPED FLIGHT2
		"W input\nS 250 ok\nS 250 ok\nS 550 no\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 550\nW body\n" BODY
		"S 250 done\nE done 250\nW work\n" FLIGHT2);
	/* MAIL refused: the others are counted and not told. */
	script_play_plain(PIPED FLIGHT2
		"S 550 no\nE mail 550\nW input\nS 503 no\nS 503 no\nS 503 no\n"
		"E done 550 early\nW work\n" FLIGHT2);
	/* ... and by a peer that says 354 nevertheless. */
	script_play_plain(PIPED FLIGHT2
		"S 550 no\nE mail 550\nS 250 eh\nS 250 eh\nS 354 go\nC .\n"
		"W input\nS 250 eh\nE done 550 early\nW work\n" FLIGHT2);
	/* DATA refused. */
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 451 no\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		"E data 451\nE done 451 early\nW work\n"
		"H send 1\nC RSET\n" MAIL RCPT(
			0) "C DATA\n"
			   "S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
			   "E mail 250\nE rcpt 0 250\nW body\n");
}

static void
test_piped_none_taken(void **state)
{
	(void)state;
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 550 no\nS 451 no\nS 554 no\n"
		"E mail 250\nE rcpt 0 550\nE rcpt 1 451\nE done 451 early\n"
		"H send 1\nC RSET\n" MAIL RCPT(0) "C DATA\n");
	/* RFC 2920 3.1: 354 all the same, so a lone dot; then no RSET. */
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 550 no\nS 451 no\nS 354 go\n"
		"E mail 250\nE rcpt 0 550\nE rcpt 1 451\nC .\nW input\n"
		"S 250 eh\nE done 451 early\nW work\n" FLIGHT2);
	script_play_plain(
		PIPED FLIGHT2 "S 250 ok\nS 550 no\nS 451 no\nS 354 go\n"
			      "E mail 250\nE rcpt 0 550\nE rcpt 1 451\nC .\n"
			      "S 554 no\nE done 451 early\nH quit\nC QUIT\n");
	script_play_plain(
		PIPED FLIGHT2 "S 250 ok\nS 550 no\nS 451 no\nS 354 go\n"
			      "E mail 250\nE rcpt 0 550\nE rcpt 1 451\nC .\n"
			      "X\nE failed closed 0\nW close\n");
	script_play_plain(
		PIPED FLIGHT2 "S 250 ok\nS 550 no\nS 550 no\nS 250 eh\n"
			      "E mail 250\nE rcpt 0 550\nE rcpt 1 550\n"
			      "E failed protocol 250 mismatch\nW close\n");
}

static void
test_too_many_replies(void **state)
{
	(void)state;
	script_play_plain(
		PLAIN "H send 1\n" MAIL_SIZE "S 250 ok\nE mail 250\n" RCPT(
			0) "S 250 ok\nE rcpt 0 250\n"
			   "C DATA\nS 354 go\nW body\nS 250 early\n"
			   "E failed protocol 250 mismatch\nW close\n");
	script_play_plain(
		PIPED FLIGHT2 "S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
			      "E mail 250\nE rcpt 0 250\nE rcpt 1 250\n" BODY
			      "S 250 ok\nE done 250\nS 250 more\n"
			      "E failed protocol 250 mismatch\nW close\n");
}

/* A refusal in the middle of the octets is an answer, but the last one. */
static void
test_early_refusal(void **state)
{
	(void)state;
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		"H body 4\nC hi\nS 552 too much\n"
		"E done 552 early\nE failed protocol 552\nW close\n");
	script_play_plain(CHUNKED "H send 1\n" MAIL "S 250 ok\nE mail 250\n" RCPT(
		0) "S 250 ok\nE rcpt 0 250\nW body\n"
		   "H body 4\nC BDAT 10 LAST\nC hi\nS 552 too much\n"
		   "E done 552 early\nE failed protocol 552 mismatch\nW close\n");
}

/* --- 421 ------------------------------------------------------------------ */

static void
test_closing(void **state)
{
	(void)state;
	script_play_plain(PIPED FLIGHT2
		"S 421 bye\nE done 421 early\nE failed refused 421\nW close\n");
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 421 bye\nE mail 250\nE rcpt 0 250\n"
		"E done 421 early\nE failed refused 421\nW close\n");
	script_play_plain(PIPED FLIGHT2
		"S 550 no\nS 421 bye\nE mail 550\n"
		"E done 550 early\nE failed refused 421\nW close\n");
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		"H body 4\nC hi\nS 421 bye\n"
		"E done 421 early\nE failed refused 421\nW close\nX\n");
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n" BODY "S 421 bye\n"
		"E done 421\nE failed refused 421\nW close\nX\n");
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 550 no\nS 451 no\nS 354 go\n"
		"E mail 250\nE rcpt 0 550\nE rcpt 1 451\nC .\nS 421 bye\n"
		"E done 451 early\nE failed refused 421\nW close\n");
}

/* --- BDAT ----------------------------------------------------------------- */

#define TAKEN1                                                                 \
	"H send 1\n" MAIL RCPT(                                                \
		0) "S 250 ok\nS 250 ok\nE mail 250\nE rcpt 0 250\nW body\n"
#define CHUNK_BODY "12345\r\n89012\r\nend\r\n"

static void
test_bdat(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	script_play_plain(PIPED_CHUNKED TAKEN1
		"H body\nC BDAT 10 LAST\nC hi\nC .dot\nW input\n"
		"S 250 ok\nE done 250\nW work\n" TAKEN1);
	script_play_plain(PIPED_CHUNKED TAKEN1
		"H body\nC BDAT 10 LAST\nC hi\nC .dot\nS 554 no\nE done 554\n"
		"H send 1\nC RSET\n" MAIL RCPT(
			0) "S 250 ok\nS 250 ok\nS 250 ok\nE mail 250\nE rcpt 0 250\n");
	script_play_plain(
		CHUNKED "H send 1\n" MAIL "S 250 ok\nE mail 250\n" RCPT(
			0) "S 550 no\nE rcpt 0 550\nE done 550 early\n"
			   "H send 1\nC RSET\nS 250 ok\n" MAIL);
	script_play_plain(PIPED_CHUNKED "H send 1\n" MAIL RCPT(
		0) "S 550 no\nS 503 no\n"
		   "E mail 550\nE done 550 early\nH quit\nC QUIT\n");
	conf.chunk_bytes = 7;
	play_with(conf, "12345\r\n",
		PIPED_CHUNKED TAKEN1
		"H body\nC BDAT 7 LAST\nC 12345\nS 250 ok\nE done 250\n");
	play_with(conf, "",
		PIPED_CHUNKED "H send 1\n" MAIL RCPT(
			0) "S 250 ok\nS 250 ok\nE mail 250\nE rcpt 0 250\n"
			   "C BDAT 0 LAST\nW input\nS 250 ok\nE done 250\nW work\n");
}

/* Without PIPELINING each chunk waits for the reply to the one before. */
static void
test_bdat_in_turn(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	conf.chunk_bytes = 7;
#define IN_TURN                                                                \
	CHUNKED "H send 1\n" MAIL "S 250 ok\nE mail 250\n" RCPT(               \
		0) "S 250 ok\nE rcpt 0 250\nH body\nC BDAT 7\nC 12345\nW input\n"
	play_with(conf, CHUNK_BODY,
		IN_TURN "S 250 ok\nW body\nH body\nC BDAT 7\nC 89012\n"
			"W input\nS 250 ok\nW body\nH body\nC BDAT 5 LAST\n"
			"C end\nW input\nS 250 ok\nE done 250\nW work\n");
	play_with(conf, "12345\r\n89012\r\n",
		IN_TURN "S 250 ok\nW body\nH body\nC BDAT 7 LAST\nC 89012\n"
			"S 250 ok\nE done 250\nW work\n");
	play_with(conf, CHUNK_BODY,
		IN_TURN "S 452 full\nE done 452 early\nW work\n"
			"H send 1\nC RSET\nS 250 ok\n" MAIL);
	play_with(conf, CHUNK_BODY,
		IN_TURN "S 354 eh\nE failed protocol 354 mismatch\nW close\n");
	play_with(conf, CHUNK_BODY,
		IN_TURN
		"S 250 ok\nS 250 eh\nE failed protocol 250 mismatch\nW close\n");
	play_with(conf, CHUNK_BODY,
		IN_TURN "T 300000\n"
			"E failed timeout 0\nW close\n");
}

static void
test_bdat_piped(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	conf.chunk_bytes = 7;
#define THREE                                                                  \
	PIPED_CHUNKED TAKEN1 "H body\nC BDAT 7\nC 12345\nC BDAT 7\nC abcde\n"  \
			     "C BDAT 2 LAST\nC \nW input\n"
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		THREE
		"S 250 ok\nS 250 ok\nW input\nS 250 ok\nE done 250\nW work\n");
	/* A chunk in the middle: the rest only counted; then RSET. */
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		THREE
		"S 250 ok\nS 452 no\nW input\nS 503 no\nE done 452 early\n"
		"W work\nH send 1\nC RSET\n" MAIL RCPT(0));
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		THREE "S 250 ok\nS 452 no\nW input\nX\nE failed closed 0\n");
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		THREE "S 250 ok\nS 250 ok\nX\nE failed closed 0 doubt\n");
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		THREE "S 250 ok\nS 421 no\nE done 421\nE failed refused 421\n");
	/* A refusal while the next chunk is under way: it is completed. */
	play_with(conf, "12345\r\nabcde\r\n\r\n",
		PIPED_CHUNKED TAKEN1
		"H body 10\nC BDAT 7\nC 12345\nC BDAT 7\n"
		"S 452 no\nW body\nH body\nC abcde\nW input\n"
		"S 503 no\nE done 452 early\nW work\n"
		"H send 1\nC RSET\n" MAIL RCPT(0));
}

/* --- doubt ---------------------------------------------------------------- */

static void
test_doubt_by_time(void **state)
{
	(void)state;
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		/* the host reads its disk: no deadline */
		"T 1000000\nW body\n" BODY "T 1599999\nW input\nT 1600000\n"
		"E failed timeout 0 doubt\nW close\n");
	script_play_plain(PIPED FLIGHT2 "T 299999\nW input\nT 300000\n"
					"E failed timeout 0\nW close\n");
	script_play_plain(PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		"H body 9\nC hi\nH abort disk\nE failed aborted 0\nW close\n"
		"H body\n");
}

/* The peer closes behind each octet that it says. */
static void
doubt_at_every_octet(const struct script *s)
{
	struct script_run run;
	bool complete = false;

	for (long cut = 1; !complete; cut++) {
		script_once(&run, s, SCRIPT_WHOLE, cut);
		complete = !run.ended;
		if (run.ended) {
			assert_true(run.has_failed);
			assert_int_equal(run.doubt_n, run.whole_n - run.done_n);
			assert_int_equal(machine_want(run.m), WANT_CLOSE);
		}
		script_finish(&run);
	}
}

static void
test_doubt_at_every_octet(void **state)
{
	struct smtp_client_conf conf = script_plain;

	(void)state;
	doubt_at_every_octet(&(struct script){&conf, "hi\r\n",
		PIPED FLIGHT2
		"S 250 ok\nS 250 ok\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 250\nE rcpt 1 250\n"
		"H body 2\nH body\nC hi\nC .\nS 250-a\nS 250 b\nE done 250\n" FLIGHT2
		"S 250 ok\nS 550 no\nS 250 ok\nS 354 go\n"
		"E mail 250\nE rcpt 0 550\nE rcpt 1 250\n"
		"H body\nC hi\nC .\nS 554 no\nE done 554\n"});
	conf.chunk_bytes = 4;
	doubt_at_every_octet(&(struct script){&conf, "hi\r\nyo\r\n",
		PIPED_CHUNKED TAKEN1
		"H body 2\nC BDAT 4\nH body\nC hi\nC BDAT 4 LAST\nC yo\n"
		"S 250 ok\nS 250-a\nS 250 b\nE done 250\n"});
}

/* --- what the peer offers ------------------------------------------------- */

static void
test_params(void **state)
{
	(void)state;
	script_play_plain(
		HELLO "S 250-SIZE\nS 250 8BITMIME\nE ready\n"
		      "H send8 1\n"
		      "C MAIL FROM:<a@x.example> SIZE=10 BODY=8BITMIME\n");
	script_play_plain(HELLO "S 250 DSN\nE ready\nH send8 1\n" MAIL);
}

static void
test_rcpt_params(void **state)
{
	struct smtp_client *c = smtp_client_new(&script_plain, 0);
	struct machine *m = smtp_client_machine(c);
	struct mailbox to = {.text = "b@y.example"};
	struct rcpt_params params = {
		.notify = NOTIFY_NEVER, .orcpt = "rfc822;b@y.example"};
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &params,
		.recipients_n = 1,
		.size_bytes = 1,
		.params = {.ret = RET_HDRS, .envid = "X1"}};
	struct smtp_event e;

	(void)state;
	machine_feed(m, STR("220 a\r\n"));
	machine_feed(m, STR("250-a\r\n250-PIPELINING\r\n250 DSN\r\n"));
	while (machine_next(m, &e))
		;
	machine_sent(m, machine_out(m).n);
	smtp_client_send(c, &mail);
	assert_true(str_eq(
		machine_out(m), STR("MAIL FROM:<> RET=HDRS ENVID=X1\r\n"
				    "RCPT TO:<b@y.example> NOTIFY=NEVER "
				    "ORCPT=rfc822;b@y.example\r\nDATA\r\n")));
	machine_free(m);
}

/* --- bounds --------------------------------------------------------------- */

/* Reads complete lines out of the machine's out; counts them. */
static size_t
count_lines(struct machine *m)
{
	struct str out;
	size_t n = 0;

	while ((out = machine_out(m)).n > 0) {
		size_t line =
			(size_t)((const char *)memchr(out.p, '\n', out.n) -
				 out.p) +
			1;

		assert_true(out.n <= 24 * 1024);
		machine_sent(m, line);
		n++;
	}
	return n;
}

static void
test_many_recipients(void **state)
{
	enum { N = 1000 };
	static struct mailbox to[N];
	static struct rcpt_params params[N];
	struct smtp_mail mail = {.recipients = to,
		.rcpt_params = params,
		.recipients_n = N,
		.size_bytes = 3};
	struct smtp_client *c = smtp_client_new(&script_plain, 0);
	struct machine *m = smtp_client_machine(c);
	size_t commands = 0, replies = 0, told = 0;
	struct smtp_event e;

	(void)state;
	machine_feed(m, STR("220 a\r\n"));
	machine_sent(m, machine_out(m).n);
	machine_feed(m, STR("250-a\r\n250 PIPELINING\r\n"));
	assert_true(machine_next(m, &e));
	for (size_t i = 0; i < N; i++)
		snprintf(to[i].text, sizeof(to[i].text), "%0*zu@y.example", 60,
			i);
	smtp_client_send(c, &mail);
	while (machine_want(m) != WANT_BODY) {
		size_t more = count_lines(m);

		commands += more;
		assert_true(commands - replies <= 256 + 4);
		assert_true(more > 0 || commands > replies);
		machine_feed(m, replies++ == N + 1 ? STR("354 go\r\n")
						   : STR("250 ok\r\n"));
		while (machine_next(m, &e))
			told += e.kind == EV_RCPT_REPLY && e.index == told;
	}
	assert_int_equal(commands, N + 2);
	assert_int_equal(told, N);
	assert_int_equal(smtp_client_body_left(c), 3);
	assert_int_equal(smtp_client_body(c, STR("a\r\nbeyond")), 3);
	assert_true(str_eq(machine_out(m), STR("a\r\n.\r\n")));
	machine_free(m);
}

/* A body far above the buffer; what comes out is it, dots doubled. */
static void
big_body(const char *hello, size_t chunk_bytes)
{
	enum { SIZE = 300000 };
	struct smtp_client_conf conf = script_plain;
	struct mailbox to = {.text = "b@y.example"};
	struct rcpt_params params = {0};
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &params,
		.recipients_n = 1,
		.size_bytes = SIZE};
	char *body = malloc(SIZE);
	struct smtp_client *c;
	struct machine *m;
	struct smtp_event e;
	size_t at = 0, out = 0;

	for (size_t i = 0; i < SIZE; i += 4)
		memcpy(body + i, ".a\r\n", 4);
	conf.chunk_bytes = chunk_bytes;
	c = smtp_client_new(&conf, 0);
	m = smtp_client_machine(c);
	machine_feed(m, STR("220 a\r\n"));
	machine_feed(m, str_of(hello));
	while (machine_next(m, &e))
		;
	smtp_client_send(c, &mail);
	machine_sent(m, machine_out(m).n);
	for (size_t n = 0; machine_want(m) != WANT_BODY && n < 3; n++) {
		machine_feed(m, n == 2 ? STR("354 go\r\n") : STR("250 ok\r\n"));
		while (machine_next(m, &e))
			;
		machine_sent(m, machine_out(m).n);
	}
	while (machine_want(m) == WANT_BODY) {
		size_t n =
			smtp_client_body(c, (struct str){body + at, SIZE - at});

		at += n;
		assert_int_equal(smtp_client_body_left(c), SIZE - at);
		assert_true(machine_out(m).n <= 24 * 1024 + 5);
		assert_true(n > 0 || machine_out(m).n > 0);
		n = machine_out(m).n > 1000 ? 1000 : machine_out(m).n;
		out += n;
		machine_sent(m, n);
	}
	out += machine_out(m).n;
	assert_int_equal(at, SIZE);
	if (chunk_bytes)
		assert_true(out > SIZE && out < SIZE + 2000);
	else
		assert_int_equal(out, SIZE + SIZE / 4 + 3);
	machine_free(m);
	free(body);
}

static void
test_big_body(void **state)
{
	(void)state;
	big_body("250 a\r\n", 0);
	big_body("250-a\r\n250-PIPELINING\r\n250 CHUNKING\r\n", 10001);
}

/* Replies are read while a body is stuck on its way out. */
static void
test_stuck_body(void **state)
{
	struct mailbox to = {.text = "b@y.example"};
	struct rcpt_params params = {0};
	struct smtp_mail mail = {.recipients = &to,
		.rcpt_params = &params,
		.recipients_n = 1,
		.size_bytes = 100000};
	struct smtp_client *c = smtp_client_new(&script_plain, 0);
	struct machine *m = smtp_client_machine(c);
	static char body[100000];
	struct smtp_event e;

	(void)state;
	memset(body, 'x', sizeof(body));
	machine_feed(m, STR("220 a\r\n"));
	machine_feed(m, STR("250-a\r\n250 PIPELINING\r\n"));
	assert_true(machine_next(m, &e));
	smtp_client_send(c, &mail);
	machine_sent(m, machine_out(m).n);
	for (const char *z = "250 a\r\n250 b\r\n354 c\r\n"; *z;
		machine_next(m, &e))
		z += machine_feed(m, str_of(z));
	while (smtp_client_body(c, (struct str){body, 5000}) > 0)
		;
	machine_tick(m, 299999);
	machine_sent(m, 10); /* it moves, so the peer is not given up */
	machine_tick(m, 500000);
	assert_int_equal(machine_want(m), WANT_BODY);
	machine_feed(m, STR("421 bye\r\n"));
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_DONE);
	assert_true(machine_next(m, &e));
	assert_int_equal(e.kind, EV_FAILED);
	assert_false(e.in_doubt);
	assert_int_equal(machine_out(m).n, 0);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_refusals),
		cmocka_unit_test(test_wrong_classes),
		cmocka_unit_test(test_piped),
		cmocka_unit_test(test_piped_none_taken),
		cmocka_unit_test(test_too_many_replies),
		cmocka_unit_test(test_early_refusal),
		cmocka_unit_test(test_closing),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_bdat_in_turn),
		cmocka_unit_test(test_bdat_piped),
		cmocka_unit_test(test_doubt_by_time),
		cmocka_unit_test(test_doubt_at_every_octet),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_rcpt_params),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_big_body),
		cmocka_unit_test(test_stuck_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
