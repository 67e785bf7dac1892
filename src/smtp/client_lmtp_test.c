/* The client machine with a server of local mail (RFC 2033). */
#include "tests/lib/client_script.h"

#define HELLO "S 220 a\nC LHLO me.example\nS 250-peer\nS 250-CHUNKING\n"
#define PLAIN HELLO "S 250 SIZE\nE ready\n"
#define PIPED HELLO "S 250 PIPELINING\nE ready\n"
#define MAIL "C MAIL FROM:<a@x.example>\n"
#define RCPT(n) "C RCPT TO:<r" #n "@y.example>\n"
#define BODY "H body\nC hi\nC ..dot\nC .\n"
#define ENVELOPE "H send 3\n" MAIL RCPT(0) RCPT(1) RCPT(2) "C DATA\n"

static void
play(const char *text)
{
	struct smtp_client_conf conf = script_plain;

	conf.lmtp = true;
	script_play(&(struct script){&conf, "hi\r\n.dot\r\n", text});
}

/* 4.2: one for each that was taken, in their order. */
static void
test_finals(void **state)
{
	(void)state;
	play(PIPED ENVELOPE "S 250 ok\nE mail 250\nS 250 ok\nE rcpt 0 250\n"
			    "S 550 no\nE rcpt 1 550\nS 250 ok\nE rcpt 2 250\n"
			    "S 354 go\nW body\n" BODY "W input\n"
			    "S 250 here\nE final 0 250\nW input\n"
			    "S 452 full\nE final 2 452\nE done 452\nW work\n"
			    "H send 1\n" MAIL RCPT(0) "C DATA\n");
	play(PLAIN "H send 1\nC MAIL FROM:<a@x.example> SIZE=10\n"
		   "S 250 ok\nE mail 250\n" RCPT(
			   0) "S 250 ok\nE rcpt 0 250\nC DATA\n"
			      "S 354 go\n" BODY "S 250 here\nE final 0 250\n"
			      "E done 250\nW work\nH quit\nC QUIT\n");
}

static void
test_refused(void **state)
{
	(void)state;
	/* 503 is what DATA gets without a recipient; no dot follows. */
	play(PIPED ENVELOPE "S 250 ok\nE mail 250\nS 550 no\nE rcpt 0 550\n"
			    "S 550 no\nE rcpt 1 550\nS 550 no\nE rcpt 2 550\n"
			    "S 503 no\nE done 550 early\nW work\n");
	play(PIPED ENVELOPE
		"S 250 ok\nE mail 250\nS 550 no\nE rcpt 0 550\n"
		"S 550 no\nE rcpt 1 550\nS 550 no\nE rcpt 2 550\n"
		"S 354 go\nE failed protocol 354 mismatch\nW close\n");
	/* It is no LMTP server: HELO would not help. */
	play("S 220 a\nC LHLO me.example\nS 500 what\n"
	     "E failed refused 500\nC QUIT\nW close\n");
}

/* The connection ends between the replies: those told stand. */
static void
test_broken(void **state)
{
	(void)state;
	play(PIPED ENVELOPE "S 250 ok\nE mail 250\nS 250 ok\nE rcpt 0 250\n"
			    "S 250 ok\nE rcpt 1 250\nS 250 ok\nE rcpt 2 250\n"
			    "S 354 go\n" BODY "S 250 here\nE final 0 250\n"
			    "X\nE failed closed 0 doubt\n");
	play(PIPED ENVELOPE "S 250 ok\nE mail 250\nS 250 ok\nE rcpt 0 250\n"
			    "S 250 ok\nE rcpt 1 250\nS 250 ok\nE rcpt 2 250\n"
			    "S 354 go\n" BODY "S 250 here\nE final 0 250\n"
			    "S 421 bye\nE done 421\nE failed refused 421\n");
	play(PIPED ENVELOPE "S 250 ok\nE mail 250\nS 250 ok\nE rcpt 0 250\n"
			    "S 250 ok\nE rcpt 1 250\nS 250 ok\nE rcpt 2 250\n"
			    "S 354 go\n" BODY
			    "T 600000\nE failed timeout 0 doubt\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finals),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
