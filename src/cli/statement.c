/* customer statement: what was moved for customers in a month. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/account.h"
#include "cli/command.h"
#include "cli/csv.h"
#include "base/json.h"
#include "cli/month.h"
#include "cli/table.h"
#include "faces/text.h"

/* --- reading --- */

struct statements {
	const char *name; /* NULL: all */
	int64_t from, to;
	struct spool_statement *v; /* owned */
	size_t n;
};

static enum err_code
read_all(struct spool_txn *t, struct statements *st, struct err *e)
{
	struct spool_account *list;
	size_t n;
	enum err_code code = spool_account_list(t, &list, &n, e);

	st->v = xcalloc(n + 1, sizeof(*st->v));
	for (size_t i = 0; i < n; i++) {
		if (code == OK && list[i].kind == ACCOUNT_CUSTOMER)
			code = spool_statement(t, list[i].name, st->from,
				st->to, &st->v[st->n++], e);
		spool_account_clear(&list[i]);
	}
	free(list);
	return code;
}

static enum err_code
read_statements(struct spool_txn *t, void *arg, struct err *e)
{
	struct statements *st = arg;
	enum err_code rc;

	free(st->v);
	st->v = NULL;
	st->n = 0;
	if (!st->name)
		return read_all(t, st, e);
	st->v = xcalloc(1, sizeof(*st->v));
	st->n = 1;
	rc = spool_statement(t, st->name, st->from, st->to, st->v, e);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc,
			"no customer \"%s\"; see: tidepost customer list",
			st->name);
	return rc;
}

/* --- one row, in three writings --- */

/* The columns behind the name and the month, in order. */
#define COLUMNS(X)                                                             \
	X("sessions", s->sessions)                                             \
	X("seconds", (uint64_t)s->seconds)                                     \
	X("bytes_sent", s->bytes_sent)                                         \
	X("bytes_received", s->bytes_received)                                 \
	X("messages_delivered", s->messages_sent)                              \
	X("received", s->tally[TALLY_RECEIVED].deliveries)                     \
	X("received_bytes", s->tally[TALLY_RECEIVED].bytes)                    \
	X("delivered", s->tally[TALLY_DELIVERED].deliveries)                   \
	X("delivered_bytes", s->tally[TALLY_DELIVERED].bytes)                  \
	X("expired", s->tally[TALLY_EXPIRED].deliveries)                       \
	X("expired_bytes", s->tally[TALLY_EXPIRED].bytes)                      \
	X("returned", s->tally[TALLY_RETURNED].deliveries)                     \
	X("returned_bytes", s->tally[TALLY_RETURNED].bytes)                    \
	X("quarantined", s->tally[TALLY_QUARANTINED].deliveries)               \
	X("quarantined_bytes", s->tally[TALLY_QUARANTINED].bytes)              \
	X("held", s->waiting.deliveries)                                       \
	X("held_bytes", s->waiting.bytes)

static void
print_json(const struct statements *st)
{
	struct json j;
	char month[MONTH_TEXT_MAX];

	month_text(st->from, month);
	json_init(&j);
	for (size_t i = 0; i < st->n; i++) {
		const struct spool_statement *s = &st->v[i];

		json_begin(&j);
		json_text(&j, "name", s->name);
		json_text(&j, "month", month);
#define JSON_COLUMN(name, value) json_uint(&j, name, value);
		COLUMNS(JSON_COLUMN)
#undef JSON_COLUMN
		json_print(&j, stdout);
	}
	json_free(&j);
}

static void
print_csv(const struct statements *st)
{
	struct buf out;
	char month[MONTH_TEXT_MAX];

	month_text(st->from, month);
	buf_init(&out, 0);
	buf_addz(&out, "name,month");
#define CSV_NAME(name, value) buf_addz(&out, "," name);
	COLUMNS(CSV_NAME)
#undef CSV_NAME
	buf_addz(&out, "\r\n");
	for (size_t i = 0; i < st->n; i++) {
		const struct spool_statement *s = &st->v[i];

		csv_field(&out, s->name);
		buf_addf(&out, ",%s", month);
#define CSV_VALUE(name, value) buf_addf(&out, ",%" PRIu64, (uint64_t)(value));
		COLUMNS(CSV_VALUE)
#undef CSV_VALUE
		buf_addz(&out, "\r\n");
	}
	fwrite(buf_view(&out).p, 1, out.len, stdout);
	buf_free(&out);
}

static void
size_cell(struct table *t, uint64_t octets)
{
	char size[TEXT_SHORT_MAX];

	text_size(octets, size);
	table_cell(t, size);
}

static void
table_row(struct table *t, const struct spool_statement *s)
{
	char time[TEXT_SHORT_MAX];

	text_duration(s->seconds, time);
	table_cell(t, s->name);
	table_cellf(t, "%u", s->sessions);
	table_cell(t, time);
	size_cell(t, s->bytes_sent);
	size_cell(t, s->bytes_received);
	table_cellf(t, "%" PRIu64, s->tally[TALLY_DELIVERED].deliveries);
	table_cellf(t, "%" PRIu64, s->waiting.deliveries);
	table_cellf(t, "%" PRIu64, s->tally[TALLY_EXPIRED].deliveries);
	table_cellf(t, "%" PRIu64, s->tally[TALLY_RETURNED].deliveries);
	table_cellf(t, "%" PRIu64, s->tally[TALLY_QUARANTINED].deliveries);
}

static void
print_table(const struct statements *st)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .cut = true},
		{.title = "CALLS", .right = true},
		{.title = "TIME", .right = true},
		{.title = "SENT", .right = true},
		{.title = "TAKEN", .right = true},
		{.title = "DELIVERED", .right = true},
		{.title = "HELD NOW", .right = true},
		{.title = "EXPIRED", .right = true},
		{.title = "RETURNED", .right = true},
		{.title = "QUARANTINED", .right = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < st->n; i++)
		table_row(t, &st->v[i]);
	if (st->n == 0)
		puts("none");
	table_end(t);
}

/* --- the verb --- */

static enum err_code
parse(const struct args *a, struct statements *st, struct err *e)
{
	const char *month = args_value(a, "--month");

	if (a->words_n && args_has(a, "--all"))
		return err_set(e, ERR_USAGE,
			"customer statement: give either a name or --all");
	if (args_has(a, "--csv") && args_has(a, "--json"))
		return err_set(e, ERR_USAGE,
			"customer statement: give either --csv or --json");
	st->name = a->words_n ? a->words[0] : NULL;
	if (!month)
		month_of(clock_sane_s(), &st->from, &st->to);
	else if (!month_parse(str_of(month), &st->from, &st->to))
		return err_set(e, ERR_USAGE,
			"--month %.40s: not a month (as 2026-03)", month);
	return OK;
}

static int
run_statement(struct cli *c, const struct args *a)
{
	struct statements st = {0};
	struct err e;
	int status;

	if (parse(a, &st, &e) != OK)
		return cli_fail(&e);
	status = cli_read(c, read_statements, &st);
	if (status == 0 && args_has(a, "--json"))
		print_json(&st);
	else if (status == 0 && args_has(a, "--csv"))
		print_csv(&st);
	else if (status == 0)
		print_table(&st);
	free(st.v);
	return status;
}

static const struct option options[] = {
	{.name = "--all", .help = "of every customer (without a name, too)"},
	{.name = "--month",
		.value = "YYYY-MM",
		.help = "of that month, UTC (this one)"},
	{.name = "--csv",
		.help = "a line a customer, with a header (RFC 4180)"},
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

const struct command statement_commands[] = {
	{.name = "customer statement",
		.words = "[NAME]",
		.most = 1,
		.options = options,
		.help = "What was moved for customers in a month.",
		.example = "tidepost customer statement --all --month 2026-03 "
			   "--csv",
		.run = run_statement},
	{.name = NULL},
};
