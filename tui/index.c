#include "tui/index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/protocol.h"
#include "faces/queue.h"

const char *const index_sort_names[SORTS_N] = {
	[SORT_AGE] = "age",
	[SORT_SIZE] = "size",
	[SORT_PRIORITY] = "priority",
	[SORT_STATE] = "state",
	[SORT_FROM] = "sender",
	[SORT_TO] = "recipient",
	[SORT_NEXT] = "next attempt",
};

void
index_free(struct index *x)
{
	free(x->v);
	free(x->next);
	*x = (struct index){0};
}

/* --- the order --- */

static int
compare_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_key(const struct entry *a, const struct entry *b)
{
	int order = compare_int(a->id, b->id);

	return order ? order : compare_int(a->n, b->n);
}

/* What waits for an event comes behind what has a time. */
static int
by_next(const struct entry *a, const struct entry *b)
{
	if (!a->next_attempt || !b->next_attempt)
		return compare_int(!a->next_attempt, !b->next_attempt);
	return compare_int(a->next_attempt, b->next_attempt);
}

static int
compare(const void *pa, const void *pb, void *arg)
{
	const struct entry *a = pa, *b = pb;
	const struct index_conf *conf = arg;
	int order = 0;

	switch (conf->sort) {
	case SORT_AGE:
		order = compare_int(a->queued_at, b->queued_at);
		break;
	case SORT_SIZE:
		order = -compare_int((int64_t)a->size, (int64_t)b->size);
		break;
	case SORT_PRIORITY:
		order = compare_int(b->priority, a->priority);
		break;
	case SORT_STATE:
		order = compare_int(a->state, b->state);
		break;
	case SORT_FROM:
		order = memcmp(a->from, b->from, INDEX_TEXT);
		break;
	case SORT_TO:
		order = memcmp(a->to, b->to, INDEX_TEXT);
		break;
	case SORT_NEXT:
		order = by_next(a, b);
		break;
	case SORTS_N:
		break;
	}
	if (order == 0)
		order = by_key(a, b);
	return conf->reverse ? -order : order;
}

static void
sort(const struct index *x, struct entry *v, size_t n)
{
	if (n)
		qsort_r(v, n, sizeof(*v), compare, (void *)&x->conf);
}

void
index_sort(struct index *x, enum index_sort by, bool reverse)
{
	x->conf.sort = by;
	x->conf.reverse = reverse;
	sort(x, x->v, x->n);
}

bool
index_find(const struct index *x, int64_t id, unsigned n, size_t *at_r)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].id == id && x->v[i].n == n) {
			*at_r = i;
			return true;
		}
	return false;
}

/* --- walking --- */

void
index_begin(struct index *x, const struct index_conf *conf, bool anew)
{
	x->conf = *conf;
	x->after = (struct spool_cursor){0};
	x->next_n = 0;
	x->walking = true;
	x->began_ms = clock_mono_ms();
	if (anew) {
		x->n = 0;
		x->whole = false;
	}
}

static void
front_of(char out[INDEX_TEXT], const char *text)
{
	size_t i = 0;

	for (; i < INDEX_TEXT && text[i]; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	memset(out + i, 0, INDEX_TEXT - i);
}

/* Do the words of the filter all occur in ROW? */
static bool
fits(const char *words, const struct spool_row *row)
{
	char id[PROTOCOL_ID_TEXT_MAX], reason[SPOOL_TEXT_MAX + 128];
	struct str rest = str_of(words);

	if (rest.n == 0)
		return true;
	protocol_id_format(row->d.message, row->d.n, id);
	queue_reason(row, reason, sizeof(reason));
	while (rest.n) {
		struct str word = str_cut(rest, ' ', &rest);

		if (!text_has(str_of(id), word) &&
			!text_has(str_of(row->sender), word) &&
			!text_has(str_of(row->d.recipient), word) &&
			!text_has(str_of(row->d.route), word) &&
			!text_has(
				str_of(spool_state_name(row->d.state)), word) &&
			!text_has(str_of(reason), word))
			return false;
	}
	return true;
}

static void
add(struct index *x, const struct spool_row *row)
{
	struct entry *e;

	if (x->next_n == x->next_cap) {
		x->next_cap = x->next_cap ? x->next_cap * 2 : QUEUE_PAGE;
		x->next = xrealloc(x->next, x->next_cap * sizeof(*x->next));
	}
	e = &x->next[x->next_n++];
	*e = (struct entry){.id = row->d.message,
		.n = row->d.n,
		.state = row->d.state,
		.priority = row->d.priority,
		.size = row->size,
		.queued_at = row->d.queued_at,
		.next_attempt = row->d.next_attempt};
	front_of(e->from, row->sender);
	front_of(e->to, row->d.recipient);
}

static int
key_order(const void *a, const void *b)
{
	return by_key(a, b);
}

/* Marks of V to the same deliveries in NEXT, which is in order of its keys. */
static void
keep_marks(struct index *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct entry *e;

		if (!x->v[i].marked || x->next_n == 0)
			continue;
		e = bsearch(&x->v[i], x->next, x->next_n, sizeof(*x->next),
			key_order);
		if (e)
			e->marked = true;
	}
}

/* What was found is what there is. */
static void
take_over(struct index *x)
{
	struct entry *v = x->v;
	size_t cap = x->cap;

	keep_marks(x);
	x->v = x->next;
	x->n = x->next_n;
	x->cap = x->next_cap;
	x->next = v;
	x->next_cap = cap;
	x->next_n = 0;
	sort(x, x->v, x->n);
}

/*
 * While nothing was whole before, what is found so far is shown: the first page
 * at once, then whenever it has doubled, so that sorting stays cheap.
 */
static void
show_some(struct index *x)
{
	if (x->whole || (x->n && x->next_n < 2 * x->n))
		return;
	keep_marks(x);
	if (x->cap < x->next_n) {
		x->cap = x->next_n;
		x->v = xrealloc(x->v, x->cap * sizeof(*x->v));
	}
	if (x->next_n)
		memcpy(x->v, x->next, x->next_n * sizeof(*x->v));
	x->n = x->next_n;
	sort(x, x->v, x->n);
}

bool
index_work(struct index *x, struct console *c)
{
	struct queue_page p = {
		.filter = {.has_state = x->conf.has_state,
			.state = x->conf.state,
			.route = x->conf.route},
		.after = x->after,
		.limit = QUEUE_PAGE,
	};
	bool read;

	if (!x->walking)
		return false;
	read = console_read(c, queue_page, &p);
	for (size_t i = 0; read && i < p.n; i++)
		if (fits(x->conf.words, &p.rows[i]))
			add(x, &p.rows[i]);
	free(p.rows);
	x->after = p.after;
	if (read && p.n == p.limit) {
		show_some(x);
		return true;
	}
	x->walking = false;
	x->ended_ms = clock_mono_ms();
	x->took_ms = x->ended_ms - x->began_ms;
	if (read) {
		take_over(x);
		x->whole = true;
	}
	return false;
}
