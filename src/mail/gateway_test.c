/* What batches, UUCP and programs of this host bring, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mail/bang.h"
#include "mail/bsmtp.h"
#include "mail/hashed.h"
#include "mail/compose.h"
#include "mail/squeeze.h"
#include "mail/tidy.h"

#define N_OF(a) (sizeof(a) / sizeof(*(a)))

/* --- bang paths ----------------------------------------------------------- */

static void
test_bang_to_address(void **state)
{
	static const struct {
		const char *path;
		bool sender;
		const char *address; /* NULL: refused */
	} rows[] = {
		{"ann", false, "ann"},
		{"ann@b.example", false, "ann@b.example"},
		{"b.example!ann", false, "ann@b.example"},
		{"a!c!b.example!ann", false, "ann@b.example"},
		{"a!ann", false, "ann@a.uucp"},
		{"a.example!b!ann", true, "ann@b.uucp"},
		{"(ann@b.example)", false, "ann@b.example"},
		{"<ann@b.example>", false, "ann@b.example"},
		{"\"a b\"@c.example", false, "\"a b\"@c.example"},
		{"\"a!b\"@c.example", false, "\"a!b\"@c.example"},
		{"a!ann@b.example", true, "ann@b.example"},
		{"a!ann@b.example", false, NULL},
		{"", false, NULL},
		{"!", false, NULL},
		{"a!", false, NULL},
		{"!ann", false, NULL},
		{"a b!ann", false, NULL},
		{"-oX!ann", false, NULL},
		{".b!ann", false, NULL},
		{"ann smith", false, NULL},
		{"ann@", false, NULL},
		{"@b.example", false, NULL},
		{"a!ann smith", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		char address[WIRE_MAILBOX_MAX + 1];
		const char *why = NULL;
		bool good = bang_to_address(
			str_of(rows[i].path), rows[i].sender, address, &why);

		if (good != (rows[i].address != NULL))
			print_error("%s\n", rows[i].path);
		assert_int_equal(good, rows[i].address != NULL);
		if (good)
			assert_string_equal(address, rows[i].address);
		else
			assert_non_null(why);
	}
}

static void
test_bang_long(void **state)
{
	char path[400], address[WIRE_MAILBOX_MAX + 1];
	const char *why;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_false(bang_to_address(str_of(path), false, address, &why));
	path[300] = '!';
	assert_false(bang_to_address(str_of(path), false, address, &why));
	memset(path, 'b', 64);
	strcpy(path + 64, "@c.example");
	assert_true(bang_to_address(str_of(path), false, address, &why));
}

static void
test_bang_lines(void **state)
{
	static const struct {
		const char *lines[4];
		const char *path;
	} rows[] = {
		{{"From foo!bar Sun Jan 12 23:59:00 1986 remote from seismo"},
			"seismo!foo!bar"},
		{{"From nuucp Wed Jan  9 12:43:35 1985 remote from bname",
			 ">From A.D.COM!user Wed Jan  9 11:21:48 1985 remote "
			 "from aname"},
			"bname!aname!A.D.COM!user"},
		{{"From ann@b.example Wed Jan  9 12:43:35 1985"},
			"ann@b.example"},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct bang_lines l = {.n = 0};
		bool cut = false;

		for (size_t k = 0; rows[i].lines[k]; k++)
			assert_true(bang_take_line(
				&l, str_of(rows[i].lines[k]), &cut));
		assert_false(cut);
		assert_string_equal(l.path, rows[i].path);
		assert_false(bang_take_line(&l, STR("Subject: From x"), &cut));
	}
}

static void
test_bang_too_many_lines(void **state)
{
	struct bang_lines l = {.n = 0};
	unsigned taken = 0;
	bool cut = false;

	(void)state;
	while (!cut && taken < 1000) {
		assert_true(bang_take_line(
			&l, STR("From a d remote from host"), &cut));
		taken++;
	}
	assert_true(cut);
	assert_int_equal(taken, BANG_LINES_MAX + 1);
}

static void
test_bang_back(void **state)
{
	static const char *const names[] = {
		"x\r\nQUIT", "\r ", "a\tb", "x\x7f", "a>b", "(a;b)"};
	char address[WIRE_MAILBOX_MAX + 1];
	const char *why;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	bang_from_line("ann@b.example", "Sun Mar  1 06:00:00 2026", "us", &out);
	assert_string_equal(buf_z(&out),
		"From b.example!ann Sun Mar  1 06:00:00 2026 remote from us"
		"\r\n");
	buf_clear(&out);
	bang_from_line("", "D", "us", &out);
	assert_string_equal(
		buf_z(&out), "From MAILER-DAEMON D remote from us\r\n");
	buf_clear(&out);
	assert_true(bang_from_address("ann@a.uucp", &out));
	assert_string_equal(buf_z(&out), "a!ann");
	assert_false(bang_from_address("\"a b\"@c.example", &out));
	for (size_t i = 0; i < N_OF(names); i++)
		assert_false(bang_to_address(
			str_of(names[i]), false, address, &why));
	/* a!ann would be ann@a.uucp */
	assert_false(bang_from_address("ann@a", &out));
	buf_clear(&out);
	assert_true(bang_from_address("ann@a.b.uucp", &out));
	assert_string_equal(buf_z(&out), "a.b.uucp!ann");
	buf_free(&out);
}

/* --- lines ---------------------------------------------------------------- */

static void
tidied(struct tidy t, const char *in, size_t n, size_t step, struct buf *out)
{
	for (size_t i = 0; i < n; i += step)
		tidy_feed(&t, (struct str){in + i, n - i < step ? n - i : step},
			out);
	tidy_end(&t, out);
}

static void
test_tidy(void **state)
{
	static const struct {
		struct tidy t;
		const char *in;
		size_t n;
		const char *out;
	} rows[] = {
#define IN(text) text, sizeof(text) - 1
		{{0}, IN("a\nb\r\nc\rd"), "a\r\nb\r\nc\r\nd\r\n"},
		{{0}, IN("\n\r\r\n\n"), "\r\n\r\n\r\n\r\n"},
		{{0}, IN(""), ""},
		{{.limit = 8}, IN("a\0b\n"), "ab\r\n"},
		{{.limit = 8}, IN("123456789"), "12345\r\n 6789\r\n"},
		{{.limit = 8}, IN("1234\xc3\xbc\xc3\xbc"),
			"1234\xc3\xbc\r\n \xc3\xbc\r\n"},
		{{.dot_ends = true}, IN("a\n.\nb"), "a\r\n"},
		{{.dot_ends = true}, IN("a\n.b\n..\n."), "a\r\n.b\r\n..\r\n"},
		{{.dot_ends = false}, IN(".\nb"), ".\r\nb\r\n"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < N_OF(rows); i++)
		for (size_t step = 1; step < 12; step++) {
			buf_clear(&out);
			tidied(rows[i].t, rows[i].in, rows[i].n, step, &out);
			assert_string_equal(buf_z(&out), rows[i].out);
		}
	buf_free(&out);
}

/* --- messages of programs ------------------------------------------------- */

static void
add_to_list(void *arg, struct str address)
{
	buf_addf(arg, "%.*s;", STR_FMT(address));
}

static void
test_compose(void **state)
{
	static const struct {
		const char *in, *rcpts, *header, *body;
	} rows[] = {
		{"To: ann, Ben <ben@b.example>\r\nBcc: cat\r\n\r\nhi\r\n",
			"ann;ben@b.example;cat;",
			"From: \"R\" <root@h.example>\r\n"
			"To: ann@h.example, Ben <ben@b.example>\r\n\r\n",
			"hi\r\n"},
		{"From: root (Cron Daemon)\r\nTo: \"a b\"\r\n\r\n", "\"a b\";",
			"From: root@h.example (Cron Daemon)\r\n"
			"To: \"a b\"@h.example\r\n\r\n",
			""},
		{"From: x@y.example\r\nSubject: a\r\n b\r\ntext\r\n", "",
			"From: x@y.example\r\nSubject: a\r\n b\r\n\r\n",
			"text\r\n"},
		{"just text\r\n", "", "From: \"R\" <root@h.example>\r\n\r\n",
			"just text\r\n"},
		{"From ann Mon\r\nFrom: <ann>\r\nTo: g: a, b;, c\r\n\r\n",
			"a;b;c;",
			"From: <ann@h.example>\r\n"
			"To: g: a@h.example, b@h.example;, c@h.example\r\n\r\n",
			""},
		{"Resent-To: r\r\nTo: t\r\nFrom: f@x.example\r\n"
		 "Resent-Bcc: s\r\n\r\n",
			"r;s;",
			"Resent-To: r@h.example\r\nTo: t@h.example\r\n"
			"From: f@x.example\r\n\r\n",
			""},
	};
	static const struct compose_facts facts = {
		.home = {"h.example", 9},
		.sender = "root",
		.name = "R",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct buf rcpts, header;
		enum err_code rc = OK;
		struct compose c;

		buf_init(&rcpts, 0);
		buf_init(&header, 0);
		compose_init(&c);
		for (const char *p = rows[i].in; *p; p++)
			compose_feed(&c, (struct str){p, 1}, &rc);
		assert_int_equal(rc, OK);
		compose_end(&c);
		assert_int_equal(
			compose_recipients(&c, add_to_list, &rcpts, NULL), OK);
		assert_string_equal(buf_z(&rcpts), rows[i].rcpts);
		compose_header(&c, &facts, &header);
		assert_string_equal(buf_z(&header), rows[i].header);
		assert_true(str_eq(compose_body(&c), str_of(rows[i].body)));
		compose_free(&c);
		buf_free(&rcpts);
		buf_free(&header);
	}
}

static void
test_compose_bad_list(void **state)
{
	enum err_code rc;
	struct compose c;
	struct buf rcpts;
	struct err e;

	(void)state;
	buf_init(&rcpts, 0);
	compose_init(&c);
	compose_feed(&c, STR("To: ann <ann@\r\n\r\n"), &rc);
	assert_int_equal(
		compose_recipients(&c, add_to_list, &rcpts, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "To"));
	compose_free(&c);
	buf_free(&rcpts);
}

/* --- batches -------------------------------------------------------------- */

static void
events_of(const char *batch, size_t step, struct buf *out)
{
	static const char *const names[] = {
		"more", "mail", "rcpt", "data", "body", "end", "quit", "bad"};
	enum bsmtp_event event = BSMTP_MORE;
	struct bsmtp_reader r;
	size_t n = strlen(batch);
	bool finished = false;

	bsmtp_init(&r);
	while (event != BSMTP_QUIT && event != BSMTP_BAD) {
		event = bsmtp_next(&r);
		if (event == BSMTP_BODY) {
			buf_addf(out, "[%.*s]", STR_FMT(r.text));
		} else if (event != BSMTP_MORE) {
			buf_addf(out, "%s", names[event]);
			if (event == BSMTP_MAIL || event == BSMTP_RCPT)
				buf_addf(out, "(%.*s)", STR_FMT(r.text));
			if (event == BSMTP_RCPT && r.id[0])
				buf_addf(out, "{%s}", r.id);
			if (event == BSMTP_BAD)
				buf_addf(out, "@%llu",
					(unsigned long long)r.line);
			buf_addz(out, " ");
		} else if (n) {
			size_t take = n < step ? n : step;

			bsmtp_feed(&r, (struct str){batch, take});
			batch += take;
			n -= take;
		} else if (!finished) {
			bsmtp_finish(&r);
			finished = true;
		} else {
			break;
		}
	}
	buf_addz(out, bsmtp_is_cut(&r) ? "cut" : "");
	bsmtp_free(&r);
}

#define ONE "MAIL FROM:<a@b>\nNOOP ID=x.1\nRCPT TO:<c@d>\nDATA\n"

static void
test_bsmtp_read(void **state)
{
	static const struct {
		const char *batch, *events;
	} rows[] = {
		{"EHLO x\n" ONE "h\n..\n.\nQUIT\njunk\n",
			"mail(FROM:<a@b>) rcpt(TO:<c@d>){x.1} data [h\r\n.\r\n]"
			"end quit "},
		{ONE ".\n" ONE ".\n",
			"mail(FROM:<a@b>) rcpt(TO:<c@d>){x.1} data end "
			"mail(FROM:<a@b>) rcpt(TO:<c@d>){x.1} data end "},
		{"MAIL FROM:<>\nRSET\nRCPT TO:<a>\n", "mail(FROM:<>) bad @3"},
		{ONE "x\n", "mail(FROM:<a@b>) rcpt(TO:<c@d>){x.1} data [x\r\n]"
			    "cut"},
		{"MAIL FROM:<>\n", "mail(FROM:<>) cut"},
		{"NOOP ID=x\nRSET\nMAIL FROM:<>\nRCPT TO:<a>\nRSET\n",
			"mail(FROM:<>) rcpt(TO:<a>) "},
		{"VRFY x\nHELP\n\nEXPN y\nSTARTTLS\n", "bad @5"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < N_OF(rows); i++)
		for (size_t step = 1; step < 70; step += 3) {
			struct buf joined;

			buf_init(&joined, 0);
			buf_clear(&out);
			events_of(rows[i].batch, step, &out);
			/* pieces of a body are one; "bad@3" has no blank */
			for (const char *p = buf_z(&out); *p; p++) {
				if (p[0] == ']' && p[1] == '[')
					p++;
				else if (p[0] == '@' && p > buf_z(&out) &&
					 p[-1] == 'd' && p[1] >= '0' &&
					 p[1] <= '9')
					buf_addf(&joined, " %c", *p);
				else
					buf_add(&joined, p, 1);
			}
			assert_true(str_eq(str_trim(buf_view(&joined)),
				str_trim(str_of(rows[i].events))));
			buf_free(&joined);
		}
	buf_free(&out);
}

static void
test_bsmtp_write(void **state)
{
	static const struct mail_params plain;
	static const struct rcpt_params rcpt = {.notify = NOTIFY_NEVER};
	struct bsmtp_mail m = {
		.sender = "a@b.example",
		.params = &plain,
		.size = 7,
		.has_8bit = true,
	};
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	bsmtp_write_hello("h.example", &out);
	bsmtp_write_mail(&m, &out);
	bsmtp_write_rcpt("c@d.example", &rcpt, "n.1.2.3", &out);
	bsmtp_write_data(&out);
	assert_string_equal(buf_z(&out),
		"EHLO h.example\r\n"
		"MAIL FROM:<a@b.example> SIZE=7 BODY=8BITMIME\r\n"
		"NOOP ID=n.1.2.3\r\n"
		"RCPT TO:<c@d.example> NOTIFY=NEVER\r\nDATA\r\n");
	buf_free(&out);
}

/* --- compression ---------------------------------------------------------- */

static enum err_code
squeezed(enum squeeze_kind kind, bool expand, struct str in, size_t step,
	struct buf *out)
{
	struct squeeze *s = squeeze_new(kind, expand);
	enum err_code rc = OK;
	bool done = false;
	struct buf some;

	buf_init(&some, 1000);
	while (rc == OK && !done) {
		struct str piece = {in.p, in.n < step ? in.n : step};
		bool last = in.n == piece.n;

		in = str_skip(in, piece.n);
		do {
			rc = squeeze_run(s, &piece, last, &some, &done, NULL);
			buf_adds(out, buf_view(&some));
			if (some.len == 0 && !done && piece.n)
				rc = ERR_INVALID; /* it stands still */
			buf_clear(&some);
		} while (rc == OK && !done && (piece.n || last));
	}
	buf_free(&some);
	squeeze_free(s);
	return rc;
}

static void
test_squeeze(void **state)
{
	char text[20000];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * i >> 5);
	for (int kind = SQUEEZE_NONE; kind <= SQUEEZE_ZSTD; kind++) {
		struct buf small, again;
		struct str in = {text, sizeof(text)};

		buf_init(&small, 0);
		buf_init(&again, 0);
		assert_int_equal(squeezed((enum squeeze_kind)kind, false, in,
					 777, &small),
			OK);
		assert_int_equal(squeeze_guess(buf_view(&small)), kind);
		for (size_t step = 1; step < 3000; step += 1111) {
			buf_clear(&again);
			assert_int_equal(
				squeezed((enum squeeze_kind)kind, true,
					buf_view(&small), step, &again),
				OK);
			assert_true(str_eq(buf_view(&again), in));
		}
		for (size_t n = 0; kind != SQUEEZE_NONE && n < small.len;
			n += 97) {
			buf_clear(&again);
			assert_int_equal(
				squeezed((enum squeeze_kind)kind, true,
					(struct str){buf_view(&small).p, n},
					500, &again),
				ERR_INVALID);
		}
		buf_free(&small);
		buf_free(&again);
	}
}

/* In any pieces: what counts of the example of RFC 976 2.3. */
static void
lines_with_a_hash(void **state)
{
	static const char in[] = "From foo!bar Sun Jan 12 23:59:00 1986 remote "
				 "from seismo\nTo: b-smtp@cbosgd\n\n"
				 "#HELO seismo\n # no\n##x\r\n#\n\n#QUIT";

	(void)state;
	for (size_t step = 1; step < sizeof(in); step++) {
		struct str rest = str_of(in);
		struct hashed h = {.any = false};
		struct buf out;

		buf_init(&out, 0);
		while (rest.n) {
			size_t n = rest.n < step ? rest.n : step;

			hashed_read(&h, (struct str){rest.p, n}, &out);
			rest = str_skip(rest, n);
		}
		assert_true(h.any);
		assert_string_equal(buf_z(&out), "HELO seismo\n#x\r\n\nQUIT");
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_with_a_hash),
		cmocka_unit_test(test_bang_to_address),
		cmocka_unit_test(test_bang_long),
		cmocka_unit_test(test_bang_lines),
		cmocka_unit_test(test_bang_too_many_lines),
		cmocka_unit_test(test_bang_back),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_compose_bad_list),
		cmocka_unit_test(test_bsmtp_read),
		cmocka_unit_test(test_bsmtp_write),
		cmocka_unit_test(test_squeeze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
