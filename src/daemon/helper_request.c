#include "daemon/helper_request.h"

#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAGIC = 0x74706c32 };

struct head {
	uint32_t magic;
	uint8_t kind, has_io;
	uint16_t words_n;
};

/* --- writing --- */

static bool
add_text(struct buf *out, const char *z)
{
	return buf_add(out, z ? z : "", (z ? strlen(z) : 0) + 1);
}

enum err_code
helper_request_write(
	const struct helper_request *q, struct buf *out, struct err *e)
{
	struct head head = {.magic = REQUEST_MAGIC,
		.kind = (uint8_t)q->kind,
		.has_io = q->has_io,
		.words_n = (uint16_t)q->words_n};
	bool fits = q->words_n <= HELPER_WORDS_MAX &&
		    buf_add(out, &head, sizeof(head)) &&
		    add_text(out, q->name) && add_text(out, q->command);

	for (size_t i = 0; i < q->words_n && fits; i++)
		fits = add_text(out, q->words[i]);
	if (fits && out->len <= HELPER_PACKET_MAX)
		return OK;
	return err_set(e, ERR_LIMIT, "the command is too long");
}

/* --- reading --- */

/* The text that REST begins with; NULL: it does not end. */
static const char *
take_text(struct str *rest)
{
	const char *z = rest->p;
	const char *end = rest->n ? memchr(z, 0, rest->n) : NULL;

	if (!end)
		return NULL;
	*rest = str_skip(*rest, (size_t)(end - z) + 1);
	return z;
}

static bool
take_words(struct str *rest, size_t n, struct helper_request *q)
{
	const char **words = xcalloc(n + 1, sizeof(*words));

	q->words = words;
	q->words_n = n;
	for (size_t i = 0; i < n; i++)
		if ((words[i] = take_text(rest)) == NULL)
			return false;
	return true;
}

static bool
is_head(const struct head *h)
{
	return h->magic == REQUEST_MAGIC && h->kind < HELPER_KINDS_N &&
	       h->has_io <= 1 && h->words_n <= HELPER_WORDS_MAX;
}

enum err_code
helper_request_read(struct str packet, struct helper_request *q, struct err *e)
{
	struct head h;

	memset(q, 0, sizeof(*q));
	if (packet.n > HELPER_PACKET_MAX)
		return err_set(e, ERR_INVALID, "too long");
	if (packet.n < sizeof(h))
		return err_set(e, ERR_INVALID, "too short");
	memcpy(&h, packet.p, sizeof(h));
	packet = str_skip(packet, sizeof(h));
	if (!is_head(&h))
		return err_set(e, ERR_INVALID, "no request");
	q->kind = h.kind;
	q->has_io = h.has_io;
	q->name = take_text(&packet);
	q->command = take_text(&packet);
	if (!q->name || strlen(q->name) > HELPER_NAME_MAX || !q->command)
		return err_set(e, ERR_INVALID, "no name or no command");
	if (take_words(&packet, h.words_n, q) && packet.n == 0)
		return OK;
	helper_request_clear(q);
	return err_set(
		e, ERR_INVALID, "the words do not end where they should");
}

void
helper_request_clear(struct helper_request *q)
{
	free((void *)(uintptr_t)q->words);
	q->words = NULL;
	q->words_n = 0;
}
