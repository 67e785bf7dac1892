#include "tests/lib/server_script.h"

#include "smtp/server_state.h"

#define BEGIN                                                                  \
	"S: 220 *\n"                                                           \
	"C: EHLO a\n"                                                          \
	"S: 250-*\n"                                                           \
	"S: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250-*\nS: 250 DSN\n"       \
	"E: ehlo a\n" TO_RCPT
#define TO_RCPT                                                                \
	"C: MAIL FROM:<a@b.example>\n"                                         \
	"E: mail <a@b.example>\n"                                              \
	"S: 250 *\n"                                                           \
	"C: RCPT TO:<c@d.example>\n"                                           \
	"E: rcpt <c@d.example>\n"                                              \
	"S: 250 *\n"
#define DATA                                                                   \
	BEGIN "C: DATA\n"                                                      \
	      "E: data\n"                                                      \
	      "S: 354 *\n"
#define STILL_HERE "C: NOOP\nS: 250 2.0.0 Ok\n"

/* --- DATA ----------------------------------------------------------------- */

static void
test_data(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, DATA "C: From: x\n"
				 "C: \n"
				 "C: ..\n"
				 "C: .a\n"
				 "C: .\n"
				 "A: 250 2.0.0 Ok\nA: 250 2.0.0 Ok\n"
				 "A: 354 go\n"
				 "A: 250 2.0.0 Ok: queued as 7\n"
				 "E: body From: x\\r\\n\\r\\n.\\r\\na\\r\\n\n"
				 "E: end\n"
				 "S: 250 2.0.0 Ok: queued as 7\n" STILL_HERE);
	/* an empty message */
	script_check(&conf, DATA "C: .\nE: end\nS: 250 *\n" STILL_HERE);
	/* refused at the end: the transaction is over all the same */
	script_check(&conf, DATA "C: x\nC: .\n"
				 "A: 250 ok\nA: 250 ok\nA: 354 go\n"
				 "A: 452 4.3.1 full\n"
				 "E: body x\\r\\n\nE: end\n"
				 "S: 452 4.3.1 full\n" TO_RCPT);
	/* the stream ends within: nothing was sent */
	script_check(&conf, DATA "c: x\\r\\n.\nZ:\nE: reset\nE: closed\n");
	script_check(&conf, DATA "C: x\nC: .\nE: body x\\r\\n\nE: end\n"
				 "S: 250 *\nZ:\nE: closed\n");
}

/*
 * What lax hosts take for the end of data is no end here, and the message
 * that holds it is refused.
 */
static void
test_smuggling(void **state)
{
	static const struct {
		const char *ending, *fault;
	} cases[] = {
		{"\\n.\\n", "bare LF"},
		{"\\n.\\r\\n", "bare LF"},
		{"\\r\\n.\\n", "bare LF"},
		{"\\r.\\r", "bare CR"},
		{"\\r\\n.\\r", "bare CR"},
		{"\\r.\\r\\n", "bare CR"},
		{"\\r\\n.\\r\\r\\n", "bare CR"},
		{"\\n\\n.\\r\\n", "bare LF"},
		{"\\0\\r\\n", "NUL"},
		{"\\r\\n\\0.\\r\\n", "NUL"},
	};
	struct smtp_server_conf conf = script_conf();
	char script[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(script, sizeof(script),
			DATA "c: one%sRSET\\r\\nX two\\r\\n.\\r\\n\n"
			     "E: fault %s*\n"
			     "S: 554 5.6.0 message refused: %s* in line *\n%s",
			cases[i].ending, cases[i].fault, cases[i].fault,
			STILL_HERE);
		script_check(&conf, script);
	}
}

/* A true CRLF "." CRLF behind a bare CR or LF ends the refused message. */
static void
test_true_end_behind_fault(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, DATA "c: one\\r\\r\\n.\\r\\nRSET\\r\\n\n"
				 "E: fault bare CR* 1\n"
				 "S: 554 5.6.0 *bare CR* in line 1\n"
				 "S: 250 2.0.0 Ok: reset\n");
}

static void
test_faults_name_the_line(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, DATA "C: one\nC: two\nc: thr\\nee\\r\\n.\\r\\n\n"
				 "E: fault bare LF* 3\n"
				 "S: 554 5.6.0 *bare LF* in line 3\n" TO_RCPT);
	/* exactly the limit, and one octet more */
	script_check(&conf,
		DATA "C: 0123456789012345678901234567890123456789\nC: .\n"
		     "E: body 0*9\\r\\n\nE: end\nS: 250 *\n" STILL_HERE);
	script_check(&conf,
		DATA "C: 01234567890123456789012345678901234567890\nC: .\n"
		     "E: fault * 1\nS: 554 5.6.0 *line* in line 1\n" TO_RCPT);
	/* the stream ends within a refused message: it was forgotten before */
	script_check(&conf, DATA "c: a\\nb\nZ:\nE: fault *\nE: closed\n");
}

static void
test_data_size(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.message_size_max = 10;
	script_check(&conf, DATA "C: 12345678\nC: .\n"
				 "E: body 12345678\\r\\n\nE: end\n"
				 "S: 250 *\n" STILL_HERE);
	/* dots that were doubled do not count */
	script_check(&conf, DATA "C: ..234567\nC: ..\nC: .\n"
				 "E: too big\nS: 552 5.3.4 *10*\n" TO_RCPT);
	script_check(&conf, DATA "C: ..2345678\nC: .\n"
				 "E: body .2345678\\r\\n\nE: end\n"
				 "S: 250 *\n" STILL_HERE);
	/* what comes first is told, wherever the input was cut */
	script_check(&conf, DATA "c: 1234567\\n90123\\r\\n.\\r\\n\n"
				 "E: fault *\nS: 554 *\n");
	script_check(&conf, DATA "c: 1234567890\\n23\\r\\n.\\r\\n\n"
				 "E: too big\nS: 552 *\n");
	script_check(&conf, DATA "c: 123456789\\r1234\\r\\n.\\r\\n\n"
				 "E: too big\nS: 552 *\n");
	conf.message_size_max = 0;
	script_check(&conf, DATA "C: 12345678901234567890\nC: .\n"
				 "E: body *\nE: end\nS: 250 *\n");
}

/* Many blocks: the octets arrive in order and none is lost. */
static void
test_long_body(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct buf script;

	(void)state;
	conf.message_size_max = 0;
	buf_init(&script, 0);
	buf_addz(&script, DATA);
	for (int i = 0; i < 5000; i++)
		buf_addf(&script, "C: line %04d\n", i);
	buf_addz(&script, "C: .\nE: body of 55000\nE: end\nS: 250 *\n");
	size_t fed;
	char *whole = script_run(&conf, buf_z(&script), 0, 0, &fed);
	char *parts = script_run(&conf, buf_z(&script), 1000, 0, &fed);

	assert_non_null(strstr(whole, "body of 55000\nend\n"));
	assert_string_equal(whole, parts);
	free(whole);
	free(parts);
	buf_free(&script);
}

/* --- BDAT ----------------------------------------------------------------- */

static void
test_bdat(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	script_check(&conf, BEGIN "C: BDAT 5 LAST\nc: x\\r\\n.\\r\n"
				  "E: bdat\nE: fault bare CR* 2\n"
				  "S: 554 5.6.0 *\n" STILL_HERE);
	/* a chunk may end between CR and LF; dots are data */
	script_check(&conf, BEGIN "C: BDAT 3\nc: .x\\r\n"
				  "C: bdat 5\nc: \\n.\\r\\n.\n"
				  "C: BDAT 2 last\nc: \\r\\n\n"
				  "E: bdat\n"
				  "S: 250 2.0.0 *3 octets*\n"
				  "S: 250 2.0.0 *8 octets*\n"
				  "E: body .x\\r\\n.\\r\\n.\\r\\n\nE: end\n"
				  "S: 250 2.0.0 Ok\n" STILL_HERE);
	/* zero chunks */
	script_check(&conf, BEGIN "C: BDAT 0\nS: 250 2.0.0 *\nE: bdat\n"
				  "C: BDAT 2\nc: ab\nS: 250 2.0.0 *\n"
				  "C: BDAT 0 LAST\nE: body ab\nE: end\n"
				  "S: 250 2.0.0 Ok\n" STILL_HERE);
	script_check(&conf, BEGIN "C: BDAT 0 LAST\nE: bdat\nE: end\n"
				  "S: 250 2.0.0 Ok\n" TO_RCPT);
	/* the octets may look like commands */
	script_check(&conf, BEGIN "C: BDAT 12 LAST\nc: RSET\\r\\nQUIT\\r\\n\n"
				  "E: bdat\nE: body RSET\\r\\nQUIT\\r\\n\n"
				  "E: end\nS: 250 *\n" STILL_HERE);
	script_check(&conf, BEGIN "C: BDAT 12\nc: abc\nZ:\nE: bdat\n"
				  "E: reset\nE: closed\n");
}

static void
test_bdat_order(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	/* after LAST (RFC 3030 2): 503, and its octets are no commands */
	script_check(&conf, BEGIN "C: BDAT 1 LAST\nc: a\n"
				  "E: bdat\nE: body a\nE: end\nS: 250 *\n"
				  "C: BDAT 6 LAST\nc: QUIT\\r\\n\n"
				  "S: 503 5.5.1 *\nE: refused 503\n" TO_RCPT);
	/* DATA after BDAT; RSET drops the chunks */
	script_check(&conf, BEGIN "C: BDAT 1\nc: a\n"
				  "E: bdat\nE: body a\nS: 250 *\n"
				  "C: DATA\nS: 503 5.5.1 *BDAT*\n"
				  "E: refused 503\n"
				  "C: RSET\nE: reset\nS: 250 *\n" TO_RCPT);
	/* before EHLO, before MAIL, before RCPT */
	script_check(&conf, "S: 220 *\nC: BDAT 6\nc: QUIT\\r\\n\n"
			    "S: 503 5.5.1 *EHLO first\nE: refused 503\n"
			    "C: BDAT 0\nS: 503 5.5.1 *\nE: refused 503\n"
			    "C: HELO x\nE: helo x\nS: 250 *\n"
			    "C: BDAT 6\nc: QUIT\\r\\n\n"
			    "S: 503 5.5.1 *MAIL first\nE: refused 503\n"
			    "C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n"
			    "C: BDAT 6\nc: QUIT\\r\\n\n"
			    "E: reset\n"
			    "S: 503 5.5.1 *RCPT first\nE: refused 503\n"
			    "C: MAIL FROM:<>\nE: mail <>\nS: 250 *\n");
}

static void
test_bdat_refused(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	/* by the host, before the first chunk */
	script_check(&conf, BEGIN "A: 250 ok\nA: 250 ok\nA: 452 4.3.1 full\n"
				  "C: BDAT 6\nc: QUIT\\r\\n\n"
				  "E: bdat\nE: reset\nS: 452 4.3.1 full\n"
				  "C: BDAT 6 LAST\nc: QUIT\\r\\n\n"
				  "S: 503 *\nE: refused 503\n" TO_RCPT);
	/* a fault in one chunk; those in the pipeline are swallowed */
	script_check(&conf, BEGIN "C: BDAT 3\nc: a\\nb\n"
				  "C: BDAT 6 LAST\nc: QUIT\\r\\n\n"
				  "E: bdat\nE: fault bare LF* 1\n"
				  "S: 554 5.6.0 *\n"
				  "S: 503 *\nE: refused 503\n" TO_RCPT);
	/* where CHUNKING is not offered, the octets are swallowed too */
	conf.extensions = 0;
	script_check(&conf, "S: 220 *\nC: EHLO x\nE: ehlo x\nS: 250 *\n"
			    "C: BDAT 6\nc: QUIT\\r\\n\n"
			    "S: 502 5.5.1 *\nE: refused 502\n" STILL_HERE);
}

static void
test_bdat_arguments(void **state)
{
	/* octets behind it are commands: NOOP */
	static const char *const unknown[] = {"BDAT", "BDAT -5", "BDAT +5",
		"BDAT x", "BDAT 5x", "BDAT 0x5", "BDAT LAST", "BDAT 1.0",
		"BDAT 18446744073709551616", "BDAT 99999999999999999999999"};
	/* five octets follow and are swallowed */
	static const char *const marker[] = {"BDAT 5 FIRST", "BDAT 5 LAST LAST",
		"BDAT 5 LAS", "BDAT 5 LASTT"};
	struct smtp_server_conf conf = script_conf();
	char script[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(script, sizeof(script),
			BEGIN "C: %s\nE: reset\nS: 501 5.5.4 *\n"
			      "E: refused 501\n" STILL_HERE TO_RCPT,
			unknown[i]);
		script_check(&conf, script);
	}
	for (size_t i = 0; i < sizeof(marker) / sizeof(marker[0]); i++) {
		snprintf(script, sizeof(script),
			BEGIN "C: %s\nE: reset\nc: 12345\nS: 501 5.5.4 *\n"
			      "E: refused 501\n" STILL_HERE TO_RCPT,
			marker[i]);
		script_check(&conf, script);
	}
}

static void
test_bdat_size(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.message_size_max = 10;
	script_check(&conf, BEGIN "C: BDAT 11\nE: reset\nc: 12345678901\n"
				  "S: 552 5.3.4 *\nE: refused 552\n" TO_RCPT);
	script_check(&conf, BEGIN "C: BDAT 10\nc: 1234567890\n"
				  "E: bdat\nS: 250 *\n"
				  "C: BDAT 1 LAST\nc: x\nE: too big\n"
				  "S: 552 5.3.4 *\nE: refused 552\n" TO_RCPT);
	script_check(&conf, BEGIN "C: BDAT 10 LAST\nc: 1234567890\n"
				  "E: bdat\nE: body 1234567890\nE: end\n"
				  "S: 250 *\n" TO_RCPT);
	/* sums above 64 bits */
	conf.message_size_max = 0;
	script_check(&conf, BEGIN "C: BDAT 1\nc: a\nE: bdat\nS: 250 *\n"
				  "C: BDAT 18446744073709551615\nc: abc\n"
				  "E: too big\n");
}

static void
test_chunk_arithmetic(void **state)
{
	struct chunk c;
	uint64_t size;
	bool last;

	(void)state;
	assert_int_equal(
		chunk_parse(STR("18446744073709551615 LAST"), &size, &last),
		CHUNK_OK);
	assert_true(size == UINT64_MAX && last);
	assert_int_equal(chunk_parse(STR("18446744073709551616"), &size, &last),
		CHUNK_HUGE);
	assert_int_equal(chunk_parse(STR(""), &size, &last), CHUNK_NO_SIZE);
	assert_int_equal(chunk_parse(STR("007"), &size, &last), CHUNK_OK);
	assert_true(size == 7 && !last);

	chunk_reset(&c);
	assert_true(chunk_begin(&c, UINT64_MAX, false, 0));
	assert_int_equal(chunk_take(&c, 10), 10);
	assert_true(c.left == UINT64_MAX - 10);
	assert_false(chunk_begin(&c, 1, true, 0));
	assert_int_equal(c.left, 1);
	assert_int_equal(chunk_take(&c, 10), 1);
	assert_true(chunk_begin(&c, 0, true, 0));

	chunk_reset(&c);
	assert_true(chunk_begin(&c, 60, false, 100));
	assert_false(chunk_begin(&c, 41, false, 100));
	assert_false(chunk_begin(&c, UINT64_MAX, false, 100));
	assert_true(chunk_begin(&c, 40, true, 100));
}

/* --- BINARYMIME ----------------------------------------------------------- */

static void
test_binarymime(void **state)
{
	struct smtp_server_conf conf = script_conf();

	(void)state;
	conf.extensions = EXT_CHUNKING | EXT_BINARYMIME | EXT_8BITMIME;
	script_check(&conf,
		"S: 220 *\nC: EHLO x\nE: ehlo x\n"
		"S: 250-*\nS: 250-8BITMIME\nS: 250-CHUNKING\n"
		"S: 250 BINARYMIME\n"
		"C: MAIL FROM:<> BODY=BINARYMIME\nE: mail <>\nS: 250 *\n"
		"C: RCPT TO:<c@d.example>\nE: rcpt *\nS: 250 *\n"
		"C: DATA\nS: 503 5.5.1 *BINARYMIME*\nE: refused 503\n"
		"C: BDAT 6 LAST\nc: \\0\\r\\r\\n\\n\\xff\n"
		"E: bdat\nE: body \\x00\\r\\r\\n\\n\\xff\nE: end\nS: 250 *\n"
		/* the next message is text again */
		TO_RCPT "C: BDAT 2 LAST\nc: \\0x\nE: bdat\nE: fault NUL* 1\n"
		"S: 554 5.6.0 *\n");
}

/* --- what the host learns of the content ---------------------------------- */

static void
test_content_facts(void **state)
{
	struct smtp_server_conf conf = script_conf();
	struct smtp_server *s = smtp_server_new(&conf, 0);
	struct machine *m = smtp_server_machine(s);
	struct str in = STR("EHLO a\r\nMAIL FROM:<a@b.example>\r\n"
			    "RCPT TO:<c@d.example>\r\nDATA\r\n"
			    "S: x\r\n\r\n\xc3\xa9\r\n.\r\n");
	struct smtp_event e;
	struct reply r;
	bool seen = false;

	(void)state;
	reply_set(&r, 250, "2.0.0", "Ok");
	while (in.n > 0) {
		in = str_skip(in, machine_feed(m, in));
		while (machine_next(m, &e)) {
			if (e.kind == EV_BODY_END) {
				seen = true;
				assert_true(smtp_server_content(s)->has_8bit);
				assert_false(smtp_server_content(s)
						     ->has_8bit_header);
				assert_int_equal(
					smtp_server_content(s)->size_bytes, 12);
			}
			if (script_asks(e.kind))
				machine_answer(m, &r);
		}
	}
	assert_true(seen);
	machine_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_smuggling),
		cmocka_unit_test(test_true_end_behind_fault),
		cmocka_unit_test(test_faults_name_the_line),
		cmocka_unit_test(test_data_size),
		cmocka_unit_test(test_long_body),
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_bdat_order),
		cmocka_unit_test(test_bdat_refused),
		cmocka_unit_test(test_bdat_arguments),
		cmocka_unit_test(test_bdat_size),
		cmocka_unit_test(test_chunk_arithmetic),
		cmocka_unit_test(test_binarymime),
		cmocka_unit_test(test_content_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
