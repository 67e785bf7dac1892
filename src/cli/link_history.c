/* link history: the past sessions of links, from the spool. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "base/json.h"
#include "cli/link_bill.h"
#include "cli/month.h"
#include "cli/table.h"
#include "outlook/budget.h"
#include "faces/text.h"

enum {
	HISTORY_DAYS = 30, /* where no month is asked for */
	HISTORY_PAGE = 200,
	SHARES_PAGE = 1000, /* of a session; the daemon writes fewer */
};

struct history {
	struct spool_history_filter filter;
	/* A month was asked for: its borders, as if they were UTC. */
	bool by_month;
	int64_t month_from, month_to;
	const struct conf *conf;
	size_t limit;
	struct spool_session *v; /* owned */
	size_t n;
	bool by_user;
	struct page_shares {
		struct spool_share *v; /* owned */
		size_t n;
	} * shares; /* owned; of each of v, where by_user */
	struct bill bill;
};

static void
free_page(struct history *h)
{
	for (size_t i = 0; h->shares && i < h->n; i++)
		free(h->shares[i].v);
	free(h->shares);
	free(h->v);
	h->shares = NULL;
	h->v = NULL;
	h->n = 0;
}

static enum err_code
read_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct history *h = arg;
	enum err_code rc;

	free_page(h);
	rc = spool_history_list(t, &h->filter, h->limit, &h->v, &h->n, e);
	if (!h->by_user)
		return rc;
	h->shares = xcalloc(h->n, sizeof(*h->shares));
	for (size_t i = 0; rc == OK && i < h->n; i++)
		rc = spool_share_list(t, h->v[i].id, SHARES_PAGE,
			&h->shares[i].v, &h->shares[i].n, e);
	return rc;
}

/* Is it of the month, as its link's zone has it? */
static bool
is_asked_for(const struct history *h, const struct spool_session *s)
{
	const struct conf_link *link = conf_link(h->conf, s->link);
	struct calendar c = {NULL, NULL};

	if (!h->by_month)
		return true;
	if (link)
		c = outlook_calendar(link);
	return s->started >= calendar_utc(&c, h->month_from) &&
	       s->started < calendar_utc(&c, h->month_to);
}

static int64_t
seconds(const struct spool_session *s)
{
	return s->ended > s->started ? s->ended - s->started : 0;
}

/* The fields of JSON and CSV: kind, name and value, in order. */
#define FIELDS(X)                                                              \
	X(text, "link", s->link)                                               \
	X(time, "started", s->started)                                         \
	X(time, "ended", s->ended)                                             \
	X(uint, "seconds", (uint64_t)seconds(s))                               \
	X(uint, "messages_sent", s->messages_sent)                             \
	X(uint, "messages_received", s->messages_received)                     \
	X(uint, "bytes_sent", s->bytes_sent)                                   \
	X(uint, "bytes_received", s->bytes_received)                           \
	X(uint, "turnarounds", s->turnarounds)                                 \
	X(real, "cost", s->cost)                                               \
	X(known, "estimate_seconds", s->estimate_s)                            \
	X(text, "result", s->result)

/* --- JSON --- */

/* 0: nothing was estimated. */
static void
json_known(struct json *j, const char *key, int64_t value)
{
	if (value)
		json_int(j, key, value);
	else
		json_null(j, key);
}

static void
print_json(const struct spool_session *s)
{
	struct json j;

	json_init(&j);
	json_begin(&j);
#define JSON_FIELD(kind, name, value) json_##kind(&j, name, value);
	FIELDS(JSON_FIELD)
#undef JSON_FIELD
	json_print(&j, stdout);
	json_free(&j);
}

/* --- CSV --- */

static void
csv_time(struct buf *out, int64_t wall_s)
{
	char text[CLOCK_TEXT_MAX] = "";

	if (wall_s)
		clock_rfc3339(wall_s, text);
	buf_addz(out, text);
}

static void
csv_uint(struct buf *out, uint64_t value)
{
	buf_addf(out, "%" PRIu64, value);
}

static void
csv_real(struct buf *out, double value)
{
	buf_addf(out, "%.10g", value);
}

static void
csv_known(struct buf *out, int64_t value)
{
	if (value)
		buf_addf(out, "%" PRId64, value);
}

/* Every field of LINE has a comma before it; the first has none to show. */
static void
print_line(struct buf *line)
{
	struct str text;

	buf_addz(line, "\r\n");
	text = str_skip(buf_view(line), 1);
	fwrite(text.p, 1, text.n, stdout);
	buf_clear(line);
}

static void
print_csv_names(void)
{
	struct buf line;

	buf_init(&line, 0);
#define CSV_NAME(kind, name, value) buf_addz(&line, "," name);
	FIELDS(CSV_NAME)
#undef CSV_NAME
	print_line(&line);
	buf_free(&line);
}

static void
print_csv(const struct spool_session *s)
{
	struct buf line;

	buf_init(&line, 0);
#define CSV_VALUE(kind, name, value)                                           \
	buf_addz(&line, ",");                                                  \
	csv_##kind(&line, value);
	FIELDS(CSV_VALUE)
#undef CSV_VALUE
	print_line(&line);
	buf_free(&line);
}

/* --- for people --- */

static struct table *
begin_table(const struct history *h)
{
	static const struct table_column columns[] = {
		{.title = "LINK"}, /* only where it is not known */
		{.title = "STARTED"},
		{.title = "TIME", .right = true},
		{.title = "PLANNED", .right = true, .spare = true},
		{.title = "OUT", .right = true},
		{.title = "IN", .right = true},
		{.title = "SENT", .right = true},
		{.title = "TAKEN", .right = true},
		{.title = "TURNS", .right = true, .spare = true},
		{.title = "COST", .right = true},
		{.title = "RESULT", .cut = true},
	};
	size_t n = sizeof(columns) / sizeof(*columns);

	return h->filter.link ? table_new(stdout, columns + 1, n - 1)
			      : table_new(stdout, columns, n);
}

static void
table_row(
	struct table *t, const struct history *h, const struct spool_session *s)
{
	char text[TEXT_SHORT_MAX];

	if (!h->filter.link)
		table_cell(t, s->link);
	text_time(s->started, text);
	table_cell(t, text);
	text_duration(seconds(s), text);
	table_cell(t, text);
	text_duration(s->estimate_s, text);
	table_cell(t, s->estimate_s ? text : "-");
	table_cellf(t, "%u", s->messages_sent);
	table_cellf(t, "%u", s->messages_received);
	text_size(s->bytes_sent, text);
	table_cell(t, text);
	text_size(s->bytes_received, text);
	table_cell(t, text);
	table_cellf(t, "%u", s->turnarounds);
	table_cellf(t, "%.2f", s->cost);
	table_cell(t, s->result);
}

/* --- the verb --- */

struct print {
	bool json, csv;
	struct table *table; /* where it is neither */
};

static void
print_page(const struct print *p, struct history *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!is_asked_for(h, &h->v[i]))
			continue;
		else if (h->by_user)
			bill_add(&h->bill, &h->v[i], (double)seconds(&h->v[i]),
				h->shares[i].v, h->shares[i].n);
		else if (p->json)
			print_json(&h->v[i]);
		else if (p->csv)
			print_csv(&h->v[i]);
		else
			table_row(p->table, h, &h->v[i]);
}

/* Page after page, so that memory is bounded; the newest last. */
static int
print_all(struct cli *c, const struct print *p, struct history *h)
{
	int status;

	h->limit = HISTORY_PAGE;
	do {
		status = cli_read(c, read_page, h);
		if (status != 0)
			return status;
		print_page(p, h);
		if (h->n)
			h->filter.after_id = h->v[h->n - 1].id;
	} while (h->n == HISTORY_PAGE);
	return 0;
}

/* A link that is configured no more still has its past. */
static int
known(struct cli *c, const char *name)
{
	struct history h = {
		.filter = {.link = name, .to = INT64_MAX}, .limit = 1};
	int status = cli_load(c);
	bool found;

	if (status != 0 || !name || conf_link(c->conf, name))
		return status;
	status = cli_read(c, read_page, &h);
	found = h.n > 0;
	free_page(&h);
	if (status != 0 || found)
		return status;
	return cli_refuse(ERR_NOTFOUND,
		"no link \"%s\" in %s; see: tidepost link list", name,
		c->conf->file);
}

static enum err_code
parse(const struct args *a, struct history *h, struct err *e)
{
	const char *month = args_value(a, "--month");
	struct spool_history_filter *f = &h->filter;

	const char *by = args_value(a, "--by");

	if (by && strcmp(by, "user") != 0)
		return err_set(
			e, ERR_USAGE, "--by %.40s: only \"user\" is known", by);
	h->by_user = by != NULL;
	if (args_has(a, "--csv") && args_has(a, "--json"))
		return err_set(e, ERR_USAGE,
			"link history: give either --csv or --json");
	f->link = a->words_n ? a->words[0] : NULL;
	f->from = clock_sane_s() - HISTORY_DAYS * INT64_C(86400);
	f->to = INT64_MAX;
	h->by_month = month != NULL;
	if (!month)
		return OK;
	if (!month_parse(str_of(month), &h->month_from, &h->month_to))
		return err_set(e, ERR_USAGE,
			"--month %.40s: not a month (as 2026-03)", month);
	/* no zone is further from UTC than a day */
	f->from = h->month_from - CALENDAR_DAY_S;
	f->to = h->month_to + CALENDAR_DAY_S;
	return OK;
}

static int
run_sessions(struct cli *c, struct print *p, struct history *h)
{
	int status;

	if (p->csv)
		print_csv_names();
	else if (!p->json)
		p->table = begin_table(h);
	status = print_all(c, p, h);
	if (status == 0 && p->table && table_rows(p->table) == 0)
		puts("none");
	table_end(p->table);
	return status;
}

static int
run_bill(struct cli *c, const struct print *p, struct history *h)
{
	int status = print_all(c, p, h);

	if (status == 0 && p->json)
		bill_print_json(&h->bill);
	else if (status == 0 && p->csv)
		bill_print_csv(&h->bill);
	else if (status == 0)
		bill_print_table(&h->bill);
	bill_free(&h->bill);
	return status;
}

static int
run_history(struct cli *c, const struct args *a)
{
	struct history h = {.v = NULL};
	struct print p = {
		.json = args_has(a, "--json"), .csv = args_has(a, "--csv")};
	struct err e;
	int status;

	if (parse(a, &h, &e) != OK)
		return cli_fail(&e);
	status = known(c, h.filter.link);
	if (status != 0)
		return status;
	h.conf = c->conf;
	status = h.by_user ? run_bill(c, &p, &h) : run_sessions(c, &p, &h);
	free_page(&h);
	return status;
}

static const struct option options[] = {
	{.name = "--by",
		.value = "user",
		.help = "whose mail it was: the bill in parts"},
	{.name = "--month",
		.value = "YYYY-MM",
		.help = "of that month (the last 30 days)"},
	{.name = "--csv", .help = "a line a session, with a header (RFC 4180)"},
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

const struct command link_history_commands[] = {
	{.name = "link history",
		.words = "[NAME]",
		.most = 1,
		.options = options,
		.help = "Past sessions: what each moved, cost, and how it "
			"ended.",
		.example = "tidepost link history iridium --month 2026-03",
		.run = run_history},
	{.name = NULL},
};
