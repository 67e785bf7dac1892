#include "cli/queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/table.h"
#include "faces/subject.h"
#include "faces/text.h"

int
queue_each(struct cli *c, const struct spool_filter *f, uint64_t limit,
	queue_row *each, void *arg, uint64_t *n_r)
{
	struct queue_page p = {.filter = *f};
	uint64_t n = 0;
	int status;

	do {
		p.limit = limit && limit - n < QUEUE_PAGE ? (size_t)(limit - n)
							  : QUEUE_PAGE;
		status = cli_read(c, queue_page, &p);
		for (size_t i = 0; status == 0 && i < p.n; i++)
			each(arg, &p.rows[i]);
		n += p.n;
	} while (status == 0 && p.n == p.limit && (limit == 0 || n < limit));
	free(p.rows);
	if (n_r)
		*n_r = n;
	return status;
}

static void
json_id(struct json *j, const char *key, int64_t id, unsigned n)
{
	char text[PROTOCOL_ID_TEXT_MAX];

	protocol_id_format(id, n, text);
	json_text(j, key, text);
}

void
queue_json_row(struct json *j, const struct spool_row *row)
{
	const struct spool_delivery *d = &row->d;
	char reason[SPOOL_TEXT_MAX + 128];

	queue_reason(row, reason, sizeof(reason));
	json_id(j, "id", d->message, d->n);
	json_id(j, "message", d->message, 0);
	json_text(j, "sender", row->sender);
	json_text(j, "recipient", d->recipient);
	json_word(j, "alias", d->alias);
	json_uint(j, "size", row->size);
	json_int(j, "priority", d->priority);
	json_text(j, "state", spool_state_name(d->state));
	json_word(j, "route", d->route);
	json_word(j, "link", d->link);
	json_time(j, "queued_at", d->queued_at);
	json_time(j, "next_attempt", d->next_attempt);
	json_uint(j, "attempts", d->attempts);
	json_word(j, "reason", reason);
	json_word(j, "reason_code", spool_reason_name(row->reason));
}

/* --- list --- */

static const struct table_column list_columns[] = {
	{.title = "ID"}, {.title = "STATE"}, {.title = "SIZE", .right = true},
	{.title = "AGE", .right = true},
	{.title = "PRI", .right = true, .spare = true},
	{.title = "FROM", .cut = true}, {.title = "TO", .cut = true},
	{.title = "ROUTE", .cut = true, .spare = true},
	{.title = "WHY", .cut = true},
	{.title = "SUBJECT", .cut = true}, /* where it is asked for */
};
enum { LIST_COLUMNS = sizeof(list_columns) / sizeof(*list_columns) };

struct list_print {
	struct json *json;   /* NULL: a table */
	struct table *table; /* NULL: JSON */
	int64_t now_s;
	struct cli *cli; /* NULL: no subjects */
	struct subject_job subject;
	int status; /* of reading it */
};

/* The recipients of a message stand side by side: read once. */
static const char *
subject_of(struct list_print *p, int64_t id)
{
	if (p->cli && p->subject.id != id && p->status == 0) {
		p->subject.id = id;
		p->status = cli_read(p->cli, subject_read, &p->subject);
	}
	return buf_z(&p->subject.text);
}

static void
list_table_row(struct list_print *p, const struct spool_row *row)
{
	char id[PROTOCOL_ID_TEXT_MAX], size[TEXT_SHORT_MAX];
	char age[TEXT_SHORT_MAX], reason[SPOOL_TEXT_MAX + 128];

	protocol_id_format(row->d.message, row->d.n, id);
	text_size(row->size, size);
	text_duration(p->now_s - row->d.queued_at, age);
	queue_reason(row, reason, sizeof(reason));
	table_cell(p->table, id);
	table_state(p->table, spool_state_name(row->d.state));
	table_cell(p->table, size);
	table_cell(p->table, age);
	table_cellf(p->table, "%d", row->d.priority);
	table_cell(p->table, queue_sender(row->sender));
	table_cell(p->table, row->d.recipient);
	table_cell(p->table, row->d.route);
	table_cell(p->table, reason);
	if (p->cli)
		table_cell(p->table, subject_of(p, row->d.message));
}

static void
list_row(void *arg, const struct spool_row *row)
{
	struct list_print *p = arg;

	if (!p->json) {
		list_table_row(p, row);
		return;
	}
	json_begin(p->json);
	queue_json_row(p->json, row);
	json_word(p->json, "subject", subject_of(p, row->d.message));
	json_print(p->json, stdout);
}

static int
list_print(struct cli *c, const struct spool_filter *f, uint64_t limit,
	bool as_json, bool subjects)
{
	struct json json;
	struct list_print p = {
		.now_s = clock_wall_s(), .cli = subjects ? c : NULL};
	uint64_t n;
	int status;

	json_init(&json);
	if (as_json)
		p.json = &json;
	else
		p.table = table_new(
			stdout, list_columns, LIST_COLUMNS - !subjects);
	status = queue_each(c, f, limit, list_row, &p, &n);
	table_end(p.table);
	json_free(&json);
	buf_free(&p.subject.text);
	if (status == 0)
		status = p.status;
	if (status == 0 && n == 0 && !as_json)
		puts("none");
	return status;
}

static int
run_list(struct cli *c, const struct args *a)
{
	struct spool_filter f;
	uint64_t limit = 0;
	struct err e;

	if (filter_parse(a, clock_wall_s(), &f, &e) != OK ||
		filter_number(a, "--limit", UINT32_MAX, &limit, &e) != OK)
		return cli_fail(&e);
	return list_print(
		c, &f, limit, args_has(a, "--json"), args_has(a, "--subject"));
}

/* --- stats --- */

struct stats {
	struct spool_stat *v; /* owned */
	size_t n;
};

static enum err_code
read_stats(struct spool_txn *t, void *arg, struct err *e)
{
	struct stats *s = arg;

	free(s->v);
	*s = (struct stats){0};
	return spool_stats(t, &s->v, &s->n, e);
}

/* Adds B's numbers to A. */
static void
stat_add(struct spool_stat *a, const struct spool_stat *b)
{
	a->deliveries += b->deliveries;
	a->bytes += b->bytes;
	if (b->oldest && (a->oldest == 0 || b->oldest < a->oldest))
		a->oldest = b->oldest;
}

struct stats_print {
	struct json *json;   /* NULL: a table */
	struct table *table; /* NULL: JSON */
	int64_t now_s;
};

static void
print_stat(struct stats_print *p, const char *by, const char *key,
	const struct spool_stat *s)
{
	char size[TEXT_SHORT_MAX], age[TEXT_SHORT_MAX];

	if (p->json) {
		json_begin(p->json);
		json_text(p->json, "by", by);
		json_text(p->json, "key", key);
		json_uint(p->json, "deliveries", s->deliveries);
		json_uint(p->json, "bytes", s->bytes);
		json_time(p->json, "oldest", s->oldest);
		json_print(p->json, stdout);
		return;
	}
	text_size(s->bytes, size);
	text_duration(p->now_s - s->oldest, age);
	table_cell(p->table, by);
	table_cell(p->table, key);
	table_cellf(p->table, "%" PRIu64, s->deliveries);
	table_cell(p->table, size);
	table_cell(p->table, s->oldest ? age : NULL);
}

static void
print_by_state(struct stats_print *p, const struct stats *s)
{
	for (enum spool_state state = 0; state < SPOOL_DELETED; state++) {
		struct spool_stat sum = {0};

		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].state == state)
				stat_add(&sum, &s->v[i]);
		if (sum.deliveries)
			print_stat(p, "state", spool_state_name(state), &sum);
	}
}

/* Rows of one route are summed up into the first of them, once. */
static void
print_by_route(struct stats_print *p, struct stats *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct spool_stat sum = s->v[i];

		if (sum.state == SPOOL_DELETED || sum.deliveries == 0)
			continue;
		for (size_t k = i + 1; k < s->n; k++) {
			if (s->v[k].state == SPOOL_DELETED ||
				strcmp(s->v[k].route, sum.route) != 0)
				continue;
			stat_add(&sum, &s->v[k]);
			s->v[k].deliveries = 0;
		}
		print_stat(p, "route", sum.route, &sum);
	}
}

static int
run_stats(struct cli *c, const struct args *a)
{
	static const struct table_column columns[] = {
		{.title = "BY"},
		{.title = "KEY", .cut = true},
		{.title = "DELIVERIES", .right = true},
		{.title = "SIZE", .right = true},
		{.title = "OLDEST", .right = true},
	};
	struct stats s = {0};
	struct json json;
	struct stats_print p = {.now_s = clock_wall_s()};
	int status = cli_read(c, read_stats, &s);

	json_init(&json);
	if (args_has(a, "--json"))
		p.json = &json;
	else
		p.table = table_new(
			stdout, columns, sizeof(columns) / sizeof(*columns));
	if (status == 0) {
		print_by_state(&p, &s);
		print_by_route(&p, &s);
		if (p.table && table_rows(p.table) == 0)
			puts("none");
	}
	table_end(p.table);
	json_free(&json);
	free(s.v);
	return status;
}

static const struct option list_options[] = {
	{.name = "--json", .help = "an object a line"},
	FILTER_OPTIONS,
	{.name = "--limit", .value = "N", .help = "at most so many rows"},
	{.name = "--subject", .help = "the subject of each, too"},
	{.name = NULL},
};

static const struct option show_options[] = {
	{.name = "--headers", .help = "its header, as it is stored"},
	{.name = "--body", .help = "its body, as it is stored"},
	{.name = "--json", .help = "one object"},
	{.name = NULL},
};

static const struct option stats_options[] = {
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

const struct command queue_commands[] = {
	{.name = "queue list",
		.words = "",
		.options = list_options,
		.help = "What waits, and why: a row per recipient.",
		.example = "tidepost queue list --state deferred --older 2d",
		.run = run_list},
	{.name = "queue show",
		.words = "ID",
		.least = 1,
		.most = 1,
		.options = show_options,
		.help = "One message: envelope, recipients, history, why it "
			"waits.",
		.example = "tidepost queue show 4711 --headers",
		.run = queue_show},
	{.name = "queue stats",
		.words = "",
		.options = stats_options,
		.help = "Totals by state and by route.",
		.example = "tidepost queue stats",
		.run = run_stats},
	{.name = NULL},
};
