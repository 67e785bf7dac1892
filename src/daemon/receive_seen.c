/*
 * Who is a recipient of the transaction already. As lists are long, no walk
 * over all of them for each.
 */
#include "daemon/receive_private.h"

#include <stdlib.h>
#include <string.h>

/* Places in receive.rcpts by address, from 1; 0 is free. */
struct receive_seen {
	uint32_t *v; /* owned */
	size_t cap;  /* a power of two; 0 nothing yet */
	size_t n;    /* of receive.rcpts that are in it */
};

static size_t
hash_of(const struct mailbox *m)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (const char *p = m->text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
	}
	return (size_t)(h ^ h >> 32);
}

static void
seen_put(struct receive *r, size_t at)
{
	struct receive_seen *s = r->seen;
	size_t h = hash_of(&r->rcpts[at].mailbox);

	while (s->v[h & (s->cap - 1)])
		h++;
	s->v[h & (s->cap - 1)] = (uint32_t)at + 1;
}

/* Takes in what came since; at most half of it is in use. */
static void
seen_catch_up(struct receive *r)
{
	struct receive_seen *s = r->seen;

	if (!s)
		s = r->seen = xcalloc(1, sizeof(*s));
	if (s->cap < 2 * r->rcpts_n + 2) {
		free(s->v);
		for (s->cap = 16; s->cap < 4 * r->rcpts_n;)
			s->cap *= 2;
		s->v = xcalloc(s->cap, sizeof(*s->v));
		s->n = 0;
	}
	while (s->n < r->rcpts_n)
		seen_put(r, s->n++);
}

/* What a program's mail is returned for is no recipient. */
static bool
is_it(const struct receive_rcpt *rcpt, const struct mailbox *to, struct str id)
{
	return rcpt->mailbox.local_n == to->local_n &&
	       strcmp(rcpt->route, RECEIVE_RETURNED) != 0 &&
	       str_eq_nocase(str_of(rcpt->mailbox.text), str_of(to->text)) &&
	       str_eq(str_of(rcpt->ledger), id);
}

struct receive_rcpt *
receive_seen_find(struct receive *r, const struct mailbox *to, struct str id)
{
	size_t h = hash_of(to), at;

	seen_catch_up(r);
	while ((at = r->seen->v[h++ & (r->seen->cap - 1)]) != 0)
		if (is_it(&r->rcpts[at - 1], to, id))
			return &r->rcpts[at - 1];
	return NULL;
}

void
receive_seen_free(struct receive_seen *s)
{
	if (s)
		free(s->v);
	free(s);
}
