/*
 * Paths, parameters and the grammar below them. The first octet chooses
 * SMTPUTF8 and the kind of path; the rest is an argument of MAIL or RCPT.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "wire/address.h"
#include "wire/grammar.h"
#include "wire/params.h"
#include "wire/xtext.h"

enum { EXT_ALL = (EXT_LIMITS << 1) - 1, SAME_MAX = 65536 };

/* What was taken is taken again, and means the same. */
static void
check_mailbox(const struct mailbox *m, enum path_kind kind, bool utf8)
{
	char again[WIRE_MAILBOX_MAX + 3], plain[WIRE_LOCAL_PART_MAX + 1];
	const char *why;
	struct mailbox m2;
	struct str s;

	FUZZ_CHECK(utf8 ? grammar_is_utf8(str_of(m->text))
			: grammar_is_ascii(str_of(m->text)));
	FUZZ_CHECK(mailbox_local_plain(m, plain, sizeof(plain)));
	snprintf(again, sizeof(again), "<%s>", m->text);
	s = str_of(again);
	FUZZ_CHECK(address_path(&s, kind, utf8, &m2, &why));
	FUZZ_CHECK(s.n == 0 && strcmp(m->text, m2.text) == 0);
	FUZZ_CHECK(mailbox_eq(m, &m2));
	FUZZ_CHECK(address_match(STR("*"), m));
	if (mailbox_domain(m).n > 0)
		FUZZ_CHECK(address_match(str_of(m->text), m));
}

static void
check_mail_params(struct str rest, unsigned offered)
{
	struct mail_params p, again;
	struct buf first, second;
	struct str bad;

	if (params_mail(rest, offered, &p, &bad) != PARAMS_OK) {
		FUZZ_CHECK(bad.p >= rest.p && bad.p + bad.n <= rest.p + rest.n);
		return;
	}
	buf_init(&first, SAME_MAX);
	buf_init(&second, SAME_MAX);
	params_mail_write(&p, offered, &first);
	FUZZ_CHECK(params_mail(buf_view(&first), offered, &again, &bad) ==
		   PARAMS_OK);
	params_mail_write(&again, offered, &second);
	FUZZ_CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void
check_rcpt_params(struct str rest, unsigned offered)
{
	struct rcpt_params p, again;
	struct buf first, second;
	struct str bad;

	if (params_rcpt(rest, offered, &p, &bad) != PARAMS_OK) {
		FUZZ_CHECK(bad.p >= rest.p && bad.p + bad.n <= rest.p + rest.n);
		return;
	}
	buf_init(&first, SAME_MAX);
	buf_init(&second, SAME_MAX);
	params_rcpt_write(&p, offered, &first);
	FUZZ_CHECK(params_rcpt(buf_view(&first), offered, &again, &bad) ==
		   PARAMS_OK);
	params_rcpt_write(&again, offered, &second);
	FUZZ_CHECK(str_eq(buf_view(&first), buf_view(&second)));
	buf_clear(&first);
	params_rcpt_write(&p, EXT_DSN, &first); /* a peer without SMTPUTF8 */
	FUZZ_CHECK(grammar_is_ascii(buf_view(&first)));
	FUZZ_CHECK(params_rcpt(buf_view(&first), EXT_DSN, &again, &bad) ==
		   PARAMS_OK);
	buf_free(&first);
	buf_free(&second);
}

static void
check_xtext(struct str s)
{
	struct buf coded, plain;

	buf_init(&coded, 0);
	buf_init(&plain, 0);
	FUZZ_CHECK(xtext_encode(s, &coded));
	FUZZ_CHECK(xtext_decode(buf_view(&coded), &plain));
	FUZZ_CHECK(str_eq(s, buf_view(&plain)));
	buf_clear(&plain);
	FUZZ_CHECK(xtext_decode(s, &plain) == xtext_valid(s));
	buf_free(&coded);
	buf_free(&plain);
}

static void
check_words(struct str s, bool utf8)
{
	struct str in = s, part;

	if (grammar_domain(&in, utf8, &part))
		FUZZ_CHECK(grammar_is_domain(part, utf8));
	in = s;
	if (grammar_address_literal(&in, &part))
		FUZZ_CHECK(grammar_is_address_literal(part));
	in = s;
	if (grammar_local_part(&in, utf8, &part))
		FUZZ_CHECK(part.n <= WIRE_LOCAL_PART_MAX);
	FUZZ_CHECK(!grammar_is_ascii(s) || grammar_is_utf8(s));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum path_kind kind;
	struct mailbox m;
	const char *why;
	unsigned offered;
	struct str s;
	bool utf8;

	if (size == 0)
		return 0;
	s = (struct str){(const char *)data + 1, size - 1};
	utf8 = data[0] & 1;
	kind = data[0] & 2 ? PATH_FORWARD : PATH_REVERSE;
	offered = utf8 ? EXT_ALL : EXT_ALL & ~(unsigned)EXT_SMTPUTF8;
	check_words(s, utf8);
	check_xtext(s);
	if (address_path(&s, kind, utf8, &m, &why))
		check_mailbox(&m, kind, utf8);
	if (kind == PATH_REVERSE)
		check_mail_params(s, offered);
	else
		check_rcpt_params(s, offered);
	return 0;
}
