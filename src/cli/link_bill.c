#include "cli/link_bill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "base/json.h"
#include "cli/table.h"
#include "faces/text.h"

#define BILL_NOBODY "(nobody)"

static struct bill_row *
row_of(struct bill *b, const char *who)
{
	struct bill_row *r;

	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->v[i].who, who) == 0)
			return &b->v[i];
	b->v = xrealloc(b->v, (b->n + 1) * sizeof(*b->v));
	r = &b->v[b->n++];
	*r = (struct bill_row){.sessions = 0};
	str_copyz(r->who, sizeof(r->who), who);
	return r;
}

void
bill_add(struct bill *b, const struct spool_session *s, double seconds,
	const struct spool_share *shares, size_t n)
{
	const struct spool_share nobody = {.who = BILL_NOBODY};
	uint64_t all = 0;

	if (n == 0) {
		shares = &nobody;
		n = 1;
	}
	for (size_t i = 0; i < n; i++)
		all += shares[i].bytes;
	for (size_t i = 0; i < n; i++) {
		struct bill_row *r = row_of(b, shares[i].who);
		double part = all ? (double)shares[i].bytes / (double)all
				  : 1 / (double)n;

		r->sessions++;
		r->messages += shares[i].messages;
		r->bytes += shares[i].bytes;
		r->seconds += seconds * part;
		r->cost += s->cost * part;
	}
}

static int
by_cost(const void *a, const void *b)
{
	const struct bill_row *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost > y->cost ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return strcmp(x->who, y->who);
}

static void
sort(struct bill *b)
{
	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), by_cost);
}

/* Parts of a second, and of the smallest coin, are of no use to anybody. */
static double
seconds(const struct bill_row *r)
{
	return (double)(int64_t)(r->seconds * 10 + 0.5) / 10;
}

static double
cost(const struct bill_row *r)
{
	return (double)(int64_t)(r->cost * 10000 + 0.5) / 10000;
}

void
bill_print_json(struct bill *b)
{
	struct json j;

	sort(b);
	json_init(&j);
	for (size_t i = 0; i < b->n; i++) {
		const struct bill_row *r = &b->v[i];

		json_begin(&j);
		json_text(&j, "user", r->who);
		json_uint(&j, "sessions", r->sessions);
		json_uint(&j, "messages", r->messages);
		json_uint(&j, "bytes", r->bytes);
		json_real(&j, "seconds", seconds(r));
		json_real(&j, "cost", cost(r));
		json_print(&j, stdout);
	}
	json_free(&j);
}

void
bill_print_csv(struct bill *b)
{
	struct buf name;

	sort(b);
	buf_init(&name, 0);
	fputs("user,sessions,messages,bytes,seconds,cost\r\n", stdout);
	for (size_t i = 0; i < b->n; i++) {
		const struct bill_row *r = &b->v[i];

		buf_clear(&name);
		csv_text(&name, r->who);
		printf("%s,%u,%u,%" PRIu64 ",%.10g,%.10g\r\n", buf_z(&name),
			r->sessions, r->messages, r->bytes, seconds(r),
			cost(r));
	}
	buf_free(&name);
}

void
bill_print_table(struct bill *b)
{
	static const struct table_column columns[] = {
		{.title = "USER", .cut = true},
		{.title = "SESSIONS", .right = true},
		{.title = "MESSAGES", .right = true},
		{.title = "SIZE", .right = true},
		{.title = "TIME", .right = true},
		{.title = "COST", .right = true},
	};
	struct table *t;

	sort(b);
	if (b->n == 0) {
		puts("none");
		return;
	}
	t = table_new(stdout, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < b->n; i++) {
		const struct bill_row *r = &b->v[i];
		char text[TEXT_SHORT_MAX];

		table_cell(t, r->who);
		table_cellf(t, "%u", r->sessions);
		table_cellf(t, "%u", r->messages);
		text_size(r->bytes, text);
		table_cell(t, text);
		text_duration((int64_t)(r->seconds + 0.5), text);
		table_cell(t, text);
		table_cellf(t, "%.2f", r->cost);
	}
	table_end(t);
}

void
bill_free(struct bill *b)
{
	free(b->v);
	*b = (struct bill){.v = NULL};
}
