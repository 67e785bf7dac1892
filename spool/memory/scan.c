#include "spool/memory/memory.h"

#include <stdlib.h>
#include <string.h>

struct scan {
	const struct query *q;
	const struct table *t;
	const struct index *x;
	const struct sorted *set;
	unsigned fixed;
	void *key; /* owned: a row with the fixed columns filled in */
};

static int
pred_compare(const struct column *c, const struct pred *p, const void *row)
{
	struct str a, b;
	int64_t number;
	size_t n;
	int rc;

	if (!column_is_text(c)) {
		number = column_number(c, row);
		return (number > p->number) - (number < p->number);
	}
	a = column_view(c, row);
	b = str_of(p->text);
	n = a.n < b.n ? a.n : b.n;
	rc = n ? memcmp(a.p, b.p, n) : 0;
	return rc ? rc : (a.n > b.n) - (a.n < b.n);
}

static bool
pred_holds(const struct column *c, const struct pred *p, const void *row)
{
	switch ((enum pred_op)p->op) {
	case OP_EQ:
		return pred_compare(c, p, row) == 0;
	case OP_NE:
		return pred_compare(c, p, row) != 0;
	case OP_LT:
		return pred_compare(c, p, row) < 0;
	case OP_LE:
		return pred_compare(c, p, row) <= 0;
	case OP_GT:
		return pred_compare(c, p, row) > 0;
	case OP_GE:
		return pred_compare(c, p, row) >= 0;
	case OP_GLOB:
		return str_glob(str_of(p->text), column_view(c, row));
	}
	return false;
}

static bool
scan_wants(const struct scan *s, const void *row)
{
	for (unsigned i = 0; i < s->q->preds_n; i++) {
		const struct pred *p = &s->q->preds[i];

		if (!pred_holds(&s->t->columns[p->column], p, row))
			return false;
	}
	return true;
}

static void
key_set(struct scan *s, const struct pred *p)
{
	const struct column *c = &s->t->columns[p->column];

	if (column_is_text(c))
		column_set_view(c, s->key, str_of(p->text));
	else
		column_set_number(c, s->key, p->number);
}

/* The fixed columns, and those of AFTER behind them. */
static void
scan_key(struct scan *s)
{
	s->key = xcalloc(1, s->t->row_size);
	if (s->q->after)
		row_copy(s->q->table, s->key, s->q->after);
	for (unsigned i = 0; i < s->q->preds_n; i++)
		if (s->q->preds[i].op == OP_EQ)
			key_set(s, &s->q->preds[i]);
}

/* Where the walk starts: at the edge of the fixed columns, or behind AFTER. */
static size_t
scan_start(const struct scan *s)
{
	bool after = s->q->after != NULL;
	unsigned n = after ? s->x->columns_n : s->fixed;

	/* backward: the place behind the first row wanted */
	return sorted_seek(s->set, s->q->table, s->q->index, s->key, n,
		after != s->q->backward);
}

static bool
scan_inside(const struct scan *s, const void *row)
{
	return !index_compare(s->q->table, s->q->index, row, s->key, s->fixed);
}

static void
scan_walk(const struct scan *s, struct rows *out)
{
	size_t at = scan_start(s), found = 0;

	while (found < s->q->limit &&
		(s->q->backward ? at > 0 : at < s->set->n)) {
		const void *row = s->set->rows[s->q->backward ? --at : at++];

		if (!scan_inside(s, row))
			break;
		if (!scan_wants(s, row))
			continue;
		row_copy(s->q->table, rows_push(out), row);
		found++;
	}
}

enum err_code
memory_query(struct engine_conn *c, const struct query *q, struct rows *out,
	struct err *e)
{
	struct scan s = {.q = q,
		.t = &tables[q->table],
		.x = &tables[q->table].indexes[q->index],
		.set = &c->engine->sets[q->table][q->index],
		.fixed = query_fixed(q)};

	(void)e;
	scan_key(&s);
	scan_walk(&s, out);
	row_clear(q->table, s.key);
	free(s.key);
	return OK;
}
