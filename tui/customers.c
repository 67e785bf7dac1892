/* Customers: what is held for each, and how its last call went. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faces/text.h"
#include "tui/linkwords.h"

struct customer {
	char name[SASL_NAME_MAX + 1];
	char *domains; /* blanks between; owned */
	uint64_t quota, bytes, deliveries;
	bool suspended;
	int64_t last_call;
	char last_result[SPOOL_TEXT_MAX + 1];
};

struct customers {
	struct customer *v; /* owned; by name */
	size_t n;
	size_t *shown; /* owned; which of them fit the filter */
	size_t shown_n;
};

static const struct view_column columns[] = {
	{.title = "CUSTOMER", .width = 12, .flex = 1},
	{.title = "WAITING", .width = 7, .right = true},
	{.title = "SIZE", .width = 7, .right = true},
	{.title = "OF QUOTA", .width = 12, .drop = 2},
	{.title = "LAST CALL", .width = 9, .right = true},
	{.title = "RESULT", .width = 12, .flex = 2, .drop = 1},
};

static void
clear(struct customers *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].domains);
	free(c->v);
	c->v = NULL;
	c->n = 0;
}

static char *
on_one_line(const char *lines)
{
	char *text = str_dupz(lines ? lines : "");

	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
	return text;
}

static enum err_code
take(struct spool_txn *t, const struct spool_account *a, struct customer *c,
	struct err *e)
{
	struct spool_waiting w = {0};
	enum err_code code = spool_customer_waiting(t, a->name, &w, e);

	str_copyz(c->name, sizeof(c->name), a->name);
	c->domains = on_one_line(a->domains);
	c->quota = a->quota;
	c->suspended = a->suspended;
	c->last_call = a->last_call;
	str_copyz(c->last_result, sizeof(c->last_result), a->last_result);
	c->bytes = w.bytes;
	c->deliveries = w.deliveries;
	return code;
}

static enum err_code
read_customers(struct spool_txn *t, void *arg, struct err *e)
{
	struct customers *c = arg;
	struct spool_account *list = NULL;
	size_t n = 0;
	enum err_code code;

	clear(c);
	code = spool_account_list(t, &list, &n, e);
	if (code != OK)
		return code;
	c->v = xcalloc(n + 1, sizeof(*c->v));
	for (size_t i = 0; i < n; i++) {
		if (code == OK && list[i].kind == ACCOUNT_CUSTOMER)
			code = take(t, &list[i], &c->v[c->n++], e);
		spool_account_clear(&list[i]);
	}
	free(list);
	return code;
}

static void
fill(const struct customer *c, struct row *out)
{
	char text[TEXT_SHORT_MAX];
	struct buf gauge;

	if (c->suspended)
		out->tone = TONE_BAD;
	else if (c->quota && c->bytes * 10 >= c->quota * 9)
		out->tone = TONE_WARN;
	row_cell(out, c->name);
	row_cellf(out, "%" PRIu64, c->deliveries);
	text_size(c->bytes, text);
	row_cell(out, text);
	buf_init(&gauge, 0);
	if (c->quota)
		linkwords_gauge(&gauge, 10, (double)c->bytes, (double)c->quota);
	row_cell(out, buf_z(&gauge));
	buf_free(&gauge);
	text_age(console_now() - c->last_call, text);
	row_cell(out, c->last_call ? text : "never");
	row_cell(out, c->suspended ? "suspended" : c->last_result);
}

static void
customers_filter(struct view *v)
{
	struct customers *c = v->data;
	struct row row;

	c->shown = xrealloc(c->shown, (c->n + 1) * sizeof(*c->shown));
	c->shown_n = 0;
	row_init(&row);
	for (size_t i = 0; i < c->n; i++) {
		row_empty(&row);
		fill(&c->v[i], &row);
		row_cell(&row, c->v[i].domains);
		if (row_has(&row, v->filter))
			c->shown[c->shown_n++] = i;
	}
	row_free(&row);
}

static void
customers_load(struct view *v, unsigned width)
{
	(void)width;
	if (console_read(v->c, read_customers, v->data))
		customers_filter(v);
}

static void
customers_close(struct view *v)
{
	struct customers *c = v->data;

	clear(c);
	free(c->shown);
}

static size_t
customers_rows(const struct view *v)
{
	const struct customers *c = v->data;

	return c->shown_n;
}

static void
customers_row(struct view *v, size_t i, struct row *out)
{
	const struct customers *c = v->data;

	fill(&c->v[c->shown[i]], out);
}

static const struct customer *
in_hand(const struct view *v)
{
	const struct customers *c = v->data;

	return v->cursor < c->shown_n ? &c->v[c->shown[v->cursor]] : NULL;
}

static void
customers_title(const struct view *v, struct buf *out)
{
	const struct customers *c = v->data;

	buf_addf(out, "%zu/%zu", c->shown_n ? v->cursor + 1 : 0, c->shown_n);
	if (v->filter[0])
		buf_addf(out, ", \"%s\"", v->filter);
}

static void
customers_foot(struct view *v, struct buf *out)
{
	const struct customer *c = in_hand(v);
	char text[TEXT_SHORT_MAX], quota[TEXT_SHORT_MAX];

	if (!c) {
		buf_addz(out, v->filter[0] ? "None has these words."
					   : "No customers: this node holds no "
					     "mail for others.");
		return;
	}
	text_time(c->last_call, text);
	text_size(c->quota, quota);
	buf_addf(out, "%s: %s", c->name, c->domains);
	if (c->quota)
		buf_addf(out, "; quota %s", quota);
	buf_addf(out, "; last call %s%s%s", c->last_call ? text : "never",
		c->last_result[0] ? ": " : "", c->last_result);
}

static bool
customers_request(struct view *v, enum tui_request r)
{
	const struct customer *c = in_hand(v);
	char route[SPOOL_NAME_MAX + 1];

	if (r != REQUEST_OPEN)
		return false;
	if (c) {
		snprintf(route, sizeof(route), "customer:%s", c->name);
		console_open(v->c, &queue_view, route);
	}
	return true;
}

const struct view_ops customers_view = {
	.name = "customers",
	.in = IN_CUSTOMERS,
	.data_size = sizeof(struct customers),
	.columns = columns,
	.columns_n = sizeof(columns) / sizeof(*columns),
	.close = customers_close,
	.load = customers_load,
	.rows = customers_rows,
	.row = customers_row,
	.title = customers_title,
	.foot = customers_foot,
	.filter = customers_filter,
	.request = customers_request,
	.hints = "? help  Enter what waits for it  f filter  / search  q back",
};
