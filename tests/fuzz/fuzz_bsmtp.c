/*
 * Batches: whole against cut in pieces, and what is read of a batch, written
 * and read again. The first octet chooses how to cut.
 */
#include <string.h>

#include "mail/bsmtp.h"
#include "tests/fuzz/fuzz.h"

/* What was read, as text: two readings of the same batch are the same. */
static void
note(struct buf *out, enum bsmtp_event event, const struct bsmtp_reader *r)
{
	if (event == BSMTP_BODY) {
		buf_adds(out, r->text);
		return;
	}
	buf_addf(out, "\n%d %llu %s ", (int)event, (unsigned long long)r->line,
		event == BSMTP_RCPT ? r->id : "");
	if (event == BSMTP_MAIL || event == BSMTP_RCPT || event == BSMTP_BAD)
		buf_adds(out, r->text);
}

static bool
drain(struct bsmtp_reader *r, struct buf *out)
{
	for (;;) {
		enum bsmtp_event event = bsmtp_next(r);

		if (event == BSMTP_MORE)
			return true;
		FUZZ_CHECK(event != BSMTP_BODY || r->text.n <= BSMTP_BLOCK);
		note(out, event, r);
		if (event == BSMTP_QUIT || event == BSMTP_BAD)
			return false;
	}
}

static void
read_batch(struct str batch, size_t step, struct buf *out)
{
	struct bsmtp_reader r;
	bool more = true;

	bsmtp_init(&r);
	while (batch.n && more) {
		size_t n = batch.n < step ? batch.n : step;

		bsmtp_feed(&r, (struct str){batch.p, n});
		batch = str_skip(batch, n);
		more = drain(&r, out);
	}
	if (more) {
		bsmtp_finish(&r);
		drain(&r, out);
	}
	buf_addf(out, "\n%s", bsmtp_is_cut(&r) ? "cut" : "whole");
	bsmtp_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str batch = {(const char *)data, size};
	struct buf whole, pieces;

	if (size == 0)
		return 0;
	batch = str_skip(batch, 1);
	buf_init(&whole, 0);
	buf_init(&pieces, 0);
	read_batch(batch, BSMTP_BLOCK, &whole);
	read_batch(batch, 1 + data[0] % 16, &pieces);
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
