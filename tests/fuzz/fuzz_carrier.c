/*
 * Messages that carry batches: whole against cut in pieces, and a batch that is
 * written as a message and read again. The first octet chooses how to cut.
 */
#include "mail/carrier.h"
#include "tests/fuzz/fuzz.h"

static void
read_message(struct str message, size_t step, struct buf *out)
{
	struct carrier_reader *r = carrier_reader_new();
	bool found;

	while (message.n) {
		size_t n = message.n < step ? message.n : step;

		carrier_read(r, (struct str){message.p, n}, out);
		message = str_skip(message, n);
	}
	found = carrier_read_end(r, out);
	FUZZ_CHECK(found == (carrier_why(r)[0] == '\0'));
	buf_addf(out, "\n%d %s %s", found, carrier_why(r), carrier_seal(r));
	carrier_reader_free(r);
}

/* BATCH as a message and back; in base64 no octet is another. */
static void
there_and_back(struct str batch)
{
	struct carrier c = {.hostname = "a.example",
		.from = "p@a.example",
		.to = "b@b.example",
		.date = "",
		.name = "n",
		.seal = "",
		.squeeze = SQUEEZE_ZSTD,
		.how = TRANSFER_BASE64};
	struct carrier_reader *r = carrier_reader_new();
	struct buf m, out;

	buf_init(&m, 0);
	buf_init(&out, 0);
	carrier_write_header(&c, &m);
	transfer_add(&m, batch, c.how);
	carrier_read(r, buf_view(&m), &out);
	FUZZ_CHECK(carrier_read_end(r, &out));
	FUZZ_CHECK(str_eq(buf_view(&out), batch));
	carrier_reader_free(r);
	buf_free(&m);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size};
	struct buf whole, pieces;

	if (size == 0)
		return 0;
	message = str_skip(message, 1);
	buf_init(&whole, 0);
	buf_init(&pieces, 0);
	read_message(message, size, &whole);
	read_message(message, 1 + data[0] % 16, &pieces);
	FUZZ_CHECK(str_eq(buf_view(&whole), buf_view(&pieces)));
	there_and_back(message);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
