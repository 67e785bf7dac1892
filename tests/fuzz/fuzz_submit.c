/*
 * The header of a user's message: whole against cut in pieces, and what is
 * added, read again. The first octet chooses how to cut; the rest is the
 * message.
 */
#include <string.h>

#include "mail/addrlist.h"
#include "mail/submit.h"
#include "tests/fuzz/fuzz.h"

static const struct submit_facts facts = {
	.sender = "ann@x.example",
	.hostname = "x.example",
	.id = 1,
	.now_s = 1,
	.date = "Mon, 2 Mar 2026 06:00:00 +0000",
};

static bool
is_example(void *arg, const struct mailbox *address)
{
	struct mailbox same;
	unsigned *n = arg;

	/* An address is one for the envelope too. */
	FUZZ_CHECK(address_parse(str_of(address->text), true, &same));
	FUZZ_CHECK(mailbox_eq(address, &same));
	FUZZ_CHECK(++*n <= 2 * SUBMIT_ADDRESSES_MAX);
	return str_eq_nocase(mailbox_domain(address), STR("x.example"));
}

/* The next piece of a cut is between 1 and 8 octets, by a fixed sequence. */
static size_t
piece(unsigned *cut, size_t left)
{
	size_t n;

	*cut = *cut * 1103515245U + 12345U;
	n = 1 + (*cut >> 16) % 8;
	return n < left ? n : left;
}

/* The message as it goes on, in pieces unless CUT is 0; false: refused. */
static bool
pass(struct str message, unsigned cut, struct buf *out)
{
	unsigned addresses = 0;
	struct submit s;
	struct reply r;
	bool may;

	submit_init(&s);
	while (message.n > 0 && s.state != SUBMIT_DONE) {
		size_t step = cut ? piece(&cut, message.n) : message.n;
		size_t n = submit_feed(&s, (struct str){message.p, step});

		FUZZ_CHECK(n == step || s.state == SUBMIT_DONE);
		message = str_skip(message, n);
	}
	submit_end(&s);
	FUZZ_CHECK(s.state == SUBMIT_DONE);
	may = submit_judge(&s, "ann", is_example, &addresses, &r);
	if (may) {
		submit_added(&s, &facts, out);
		buf_adds(out, buf_view(&s.header));
		buf_adds(out, message);
	} else {
		FUZZ_CHECK(r.code == 550 || r.code == 552);
		buf_addf(out, "%d %s %s", r.code, r.enhanced, r.text);
	}
	submit_free(&s);
	return may;
}

/* What passed lacks nothing any more, and nothing of it was changed. */
static void
check_complete(struct str message, struct str passed)
{
	struct buf again;

	FUZZ_CHECK(passed.n >= message.n);
	FUZZ_CHECK(str_eq(str_skip(passed, passed.n - message.n), message));
	buf_init(&again, 0);
	if (pass(passed, 0, &again))
		FUZZ_CHECK(str_eq(buf_view(&again), passed));
	else /* the added fields were too much for it */
		FUZZ_CHECK(str_starts_nocase(buf_view(&again), STR("552 ")));
	buf_free(&again);
}

/* As a field's body, where a header would seldom let it get to. */
static void
check_list(struct str body)
{
	struct mailbox address;
	struct addrlist l;
	unsigned n = 0;

	addrlist_init(&l, body);
	while (n < 2 * SUBMIT_ADDRESSES_MAX &&
		addrlist_next(&l, &address) == ADDRLIST_ONE)
		is_example(&n, &address);
	FUZZ_CHECK(l.rest.n <= body.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, parts;
	struct str message;
	bool passed;

	if (size == 0)
		return 0;
	message = (struct str){(const char *)data + 1, size - 1};
	buf_init(&whole, 0);
	buf_init(&parts, 0);
	passed = pass(message, 0, &whole);
	FUZZ_CHECK(passed == pass(message, 1U + data[0], &parts));
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&parts)));
	if (passed)
		check_complete(message, buf_view(&whole));
	check_list(message);
	buf_free(&whole);
	buf_free(&parts);
	return 0;
}
