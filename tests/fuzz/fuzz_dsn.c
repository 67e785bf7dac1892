/*
 * A notice of a hostile message: whatever its header, addresses and the peer's
 * words hold, the notice is 7 bit, of lines, and of three parts. The first line
 * of the input is split at blanks into the texts of the envelope; the rest is
 * the original.
 */
#include <string.h>

#include "mail/dsn.h"
#include "tests/fuzz/fuzz.h"
#include "wire/grammar.h"

enum { TEXTS = 6, TEXT_SIZE = 1024 };

static void
take_text(struct str *line, char *out)
{
	struct str word = str_cut(*line, ' ', line);
	size_t n = word.n < TEXT_SIZE - 1 ? word.n : TEXT_SIZE - 1;
	const char *nul = n ? memchr(word.p, '\0', n) : NULL;

	n = nul ? (size_t)(nul - word.p) : n;
	if (n)
		memcpy(out, word.p, n);
	out[n] = '\0';
}

/* Lines that a part is separated by: each part has one before it. */
static unsigned
count_delimiters(struct str s)
{
	struct str at = {NULL, 0}, line;
	char delimiter[100];
	unsigned n = 0;

	while (s.n) {
		line = str_cut(s, '\n', &s);
		if (!at.p && str_starts_nocase(line, STR("\tboundary=\""))) {
			at = str_skip(line, strlen("\tboundary=\""));
			at = str_cut(at, '"', &line);
			FUZZ_CHECK(at.n > 0 && at.n < sizeof(delimiter) - 2);
			memcpy(delimiter, "--", 2);
			memcpy(delimiter + 2, at.p, at.n);
			at = (struct str){delimiter, at.n + 2};
		} else if (at.p && str_starts_nocase(line, at)) {
			n++;
		}
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest, line = str_cut((struct str){(const char *)data, size},
				 '\n', &rest);
	char texts[TEXTS][TEXT_SIZE];
	struct dsn_recipient r = {.address = texts[0],
		.orcpt = texts[1],
		.status = "5.1.1",
		.reply = texts[2],
		.peer = texts[3],
		.log_id = "1.1"};
	struct dsn d = {.hostname = "x.example",
		.to = "ann@x.example",
		.envid = texts[4],
		.date = "",
		.arrival = "",
		.received_from = texts[5],
		.notice_id = 1,
		.recipients = &r,
		.recipients_n = 1};
	struct str more;
	struct buf out;

	for (size_t i = 0; i < TEXTS; i++)
		take_text(&line, texts[i]);
	r.action = (enum dsn_action)(size % DSN_ACTIONS_N);
	d.utf8 = size & 1;
	d.header = rest;
	if (size & 2) { /* of two messages, which are halves of it */
		d.header.n = rest.n / 2;
		more = str_skip(rest, rest.n / 2);
		d.more = &more;
		d.more_n = r.message = 1;
	}
	buf_init(&out, 0);
	dsn_compose(&d, &out);
	FUZZ_CHECK(grammar_is_ascii(buf_view(&out)));
	fuzz_check_lines(buf_view(&out), 998);
	FUZZ_CHECK(count_delimiters(buf_view(&out)) == 4);
	buf_free(&out);
	return 0;
}
