#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/carrier.h"
#include "mail/recode.h"

#include <stdlib.h>
#include <string.h>

/* MESSAGE in pieces of STEP octets; what was carried into OUT. */
static bool
carried(struct str message, size_t step, struct buf *out, char *why, char *seal)
{
	struct carrier_reader *r = carrier_reader_new();
	bool found;

	buf_init(out, 0);
	while (message.n) {
		size_t n = message.n < step ? message.n : step;

		carrier_read(r, (struct str){message.p, n}, out);
		message = str_skip(message, n);
	}
	found = carrier_read_end(r, out);
	if (why)
		strcpy(why, carrier_why(r));
	if (seal)
		strcpy(seal, carrier_seal(r));
	carrier_reader_free(r);
	return found;
}

/* In any pieces the same. */
static void
carries(const char *message, const char *expected)
{
	for (size_t step = 1; step < 100; step += step < 5 ? 1 : 23) {
		struct buf out;

		assert_true(carried(str_of(message), step, &out, NULL, NULL));
		assert_string_equal(buf_z(&out), expected);
		buf_free(&out);
	}
}

static void
carries_none(const char *message, const char *expected)
{
	for (size_t step = 1; step < 100; step += 31) {
		char why[CARRIER_WHY_MAX];
		struct buf out;

		assert_false(carried(str_of(message), step, &out, why, NULL));
		assert_string_equal(why, expected);
		buf_free(&out);
	}
}

#define BATCH "EHLO a.example\r\nQUIT\r\n"
#define TYPE "Content-Type: application/batch-SMTP\r\n"

static void
as_the_message_itself(void **state)
{
	(void)state;
	carries("From: x\r\n" TYPE "\r\n" BATCH, BATCH);
	carries("from: x\ncontent-type: APPLICATION/Batch-smtp; a=b\n\n"
		"EHLO a.example\nQUIT\n",
		BATCH);
	carries("From ann Mon Mar  2 06:00:00 2026\n" TYPE "\r\n" BATCH, BATCH);
	carries(TYPE "Content-Transfer-Encoding: base64\r\n\r\n"
		     "RUhMTyBhLmV4\r\nYW1wbGUNClFVSVQNCg==\r\n",
		BATCH);
	carries(TYPE "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n"
		     "EHLO=20a.=\r\nexample\r\nQU=\r\nIT\r\n",
		BATCH);
	/* no line end at the end of the message */
	carries(TYPE "\r\nEHLO a.example\r\nQUIT", "EHLO a.example\r\nQUIT");
	carries(TYPE "\r\n", "");
}

static void
as_a_part(void **state)
{
	(void)state;
	carries("Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n"
		"preamble\r\n--b b\r\n\r\ntext\r\n--b b\r\n" TYPE
		"\r\nEHLO a.example\r\nQUIT\r\n\r\n--b b--\r\nMAIL\r\n",
		BATCH);
	/* in a part of a part, which the outer one ends */
	carries("Content-Type: multipart/mixed; boundary=o\n\n--o\n"
		"Content-Type: multipart/signed; boundary=i\n\n--i\n" TYPE
		"\n--x\nEHLO\n--o\nContent-Type: text/plain\n\nNOOP\n--o--\n",
		"--x\r\nEHLO");
	/* returned */
	carries("Content-Type: multipart/report; boundary=r\r\n\r\n--r\r\n"
		"\r\nsorry\r\n--r\r\nContent-Type: message/rfc822\r\n\r\n"
		"From: x\r\n" TYPE "\r\n" BATCH "\r\n--r--\r\n",
		BATCH);
	/* the first one only */
	carries("Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" TYPE
		"\r\nONE\r\n--o\r\n" TYPE "\r\nTWO\r\n--o--\r\n",
		"ONE");
}

static void
made_smaller(void **state)
{
	(void)state;
	carries("Content-Type: application/gzip; name=\"a.BSMTP.gz\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nRUhMTw==\r\n",
		"EHLO");
	carries("Content-Type: application/zstd\r\nContent-Disposition: "
		"attachment; filename=x.bsmtp.zst\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nRUhMTw==\r\n",
		"EHLO");
	carries_none("Content-Type: application/gzip; name=x.tar.gz\r\n\r\nx",
		"there is no batch in this message");
}

static void
without_one(void **state)
{
	(void)state;
	carries_none("", "there is no batch in this message");
	carries_none("Subject: x\r\n\r\nEHLO\r\n",
		"there is no batch in this message");
	carries_none(TYPE, "there is no batch in this message");
	carries_none("Content-Type: application/batch-smtp; "
		     "required-extensions=\"8bitmime,X-NEW 3,SIZE\"\r\n\r\n",
		"the batch needs the extension X-NEW, which is not known "
		"here");
	carries("Content-Type: application/batch-SMTP; "
		"required-extensions=\"8BITMIME, size 10,dsn,Mt-Priority "
		"MIXER\"\r\n\r\n" BATCH,
		BATCH);
}

static void
with_limits(void **state)
{
	struct buf in, out;
	char why[CARRIER_WHY_MAX];

	(void)state;
	buf_init(&in, 0);
	for (int i = 0; i < 5000; i++)
		buf_addz(&in, "X-Field: and its value\r\n");
	assert_false(carried(buf_view(&in), 999, &out, why, NULL));
	assert_string_equal(why, "a header is too long");
	buf_free(&out);
	buf_clear(&in);
	buf_addz(&in, "Content-Type: application/batch-smtp; "
		      "required-extensions=\"SIZE");
	for (int i = 0; i < 200; i++)
		buf_addz(&in, ",SIZE");
	buf_addz(&in, ",X-NEW\"\r\n\r\nEHLO\r\n");
	assert_false(carried(buf_view(&in), 999, &out, why, NULL));
	assert_string_equal(why, "the batch needs too many extensions");
	buf_free(&out);
	buf_free(&in);
}

/* Each length around that at which a line is taken in pieces. */
static void
long_lines_stay_whole(void **state)
{
	(void)state;
	for (size_t n = 8185; n < 8200; n++) {
		struct buf in, out, expected;

		buf_init(&in, 0);
		buf_init(&expected, 0);
		for (size_t i = 0; i < n; i++)
			buf_addz(&expected, i % 100 ? "x" : "\r");
		buf_addz(&expected, "\r\nQUIT\r\n");
		buf_addz(&in, TYPE "\r\n");
		buf_adds(&in, buf_view(&expected));
		for (size_t step = 1; step < 20000; step = step * 3 + 1) {
			assert_true(
				carried(buf_view(&in), step, &out, NULL, NULL));
			assert_int_equal(out.len, expected.len);
			assert_memory_equal(buf_view(&out).p,
				buf_view(&expected).p, out.len);
			buf_free(&out);
		}
		buf_free(&in);
		buf_free(&expected);
	}
}

static void
written_and_read(void **state)
{
	struct carrier c = {.hostname = "a.example",
		.from = "postmaster@a.example",
		.to = "batch@b.example",
		.date = "Tue, 1 Dec 2026 06:00:00 +0000",
		.name = "batch.17",
		.seal = "0123456789abcdef",
		.extensions = EXT_SIZE | EXT_DSN | EXT_SMTPUTF8,
		.messages_n = 2};
	char seal[CARRIER_SEAL_MAX + 1];
	struct buf m, out;

	(void)state;
	for (int i = 0; i < 4; i++) {
		c.squeeze = i == 2   ? SQUEEZE_GZIP
			    : i == 3 ? SQUEEZE_ZSTD
				     : SQUEEZE_NONE;
		c.how = i ? TRANSFER_BASE64 : TRANSFER_NONE;
		buf_init(&m, 0);
		carrier_write_header(&c, &m);
		transfer_add(&m, STR(BATCH), c.how);
		assert_true(carrier_is_message(buf_view(&m)));
		assert_true(carried(buf_view(&m), 7, &out, NULL, seal));
		assert_string_equal(buf_z(&out), BATCH);
		assert_string_equal(seal, c.seal);
		buf_free(&out);
		buf_free(&m);
	}
	c.extensions = EXT_SIZE;
	buf_init(&m, 0);
	carrier_write_header(&c, &m);
	assert_null(strstr(buf_z(&m), "required-extensions"));
	buf_free(&m);
}

/* A next hop without 8BITMIME: the batch in it stays what it was. */
static void
on_its_way_in_7_bit(void **state)
{
	static const char batch[] = "EHLO a\r\nMAIL FROM:<\xc3\xa5@b>\r\n"
				    "..  \t\r\n.\r\n\r\nQUIT\r\n";
	const struct recode_to to = {.seven_bit = true};
	struct carrier c = {.hostname = "a.example",
		.from = "p@a.example",
		.to = "b@b.example",
		.date = "",
		.name = "n",
		.seal = "0123",
		.has_8bit = true};
	struct recode *r = recode_new(&to);
	struct buf m, sent, out;

	(void)state;
	buf_init(&m, 0);
	buf_init(&sent, 0);
	carrier_write_header(&c, &m);
	buf_addz(&m, batch);
	recode_look(r, buf_view(&m));
	assert_true(recode_look_end(r));
	recode_write(r, buf_view(&m), &sent);
	recode_write_end(r, &sent);
	for (size_t i = 0; i < sent.len; i++)
		assert_false(buf_view(&sent).p[i] & 0x80);
	assert_true(carried(buf_view(&sent), 5, &out, NULL, NULL));
	assert_string_equal(buf_z(&out), batch);
	recode_free(r);
	buf_free(&out);
	buf_free(&sent);
	buf_free(&m);
}

static void
what_begins_a_message(void **state)
{
	static const struct {
		const char *begin;
		bool message;
	} rows[] = {
		{"From: x\r\n", true},
		{"From ann Mon\n", true},
		{"Received: by\n", true},
		{"EHLO a\r\n", false},
		{"MAIL FROM:<a@b>\r\n", false},
		{"RCPT TO:<a@b>\r\n", false},
		{"NOOP ID=1:2\r\n", false},
		{"RSET\r\n", false},
		{"#HELO a:b\r\n", false},
		{": x\r\n", false},
		{"\r\nFrom: x", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(carrier_is_message(str_of(rows[i].begin)),
			rows[i].message);
}

static void
what_must_be_encoded(void **state)
{
	struct carrier_look l = {.column = 0};
	char line[1000];

	(void)state;
	memset(line, 'x', sizeof(line));
	carrier_look(&l, (struct str){line, 998});
	carrier_look(&l, STR("\r\nx"));
	assert_false(l.long_line || l.has_8bit);
	carrier_look(&l, STR("\xc3\xa5\r\n"));
	assert_true(l.has_8bit);
	carrier_look(&l, (struct str){line, 999});
	carrier_look(&l, STR("\r\n"));
	assert_true(l.long_line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_message_itself),
		cmocka_unit_test(as_a_part),
		cmocka_unit_test(made_smaller),
		cmocka_unit_test(without_one),
		cmocka_unit_test(with_limits),
		cmocka_unit_test(long_lines_stay_whole),
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(on_its_way_in_7_bit),
		cmocka_unit_test(what_begins_a_message),
		cmocka_unit_test(what_must_be_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
