/* customer import, customer export: thousands at once, as lines of text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/account.h"
#include "cli/account_settings.h"
#include "cli/command.h"
#include "cli/customer_file.h"
#include "cli/file.h"
#include "faces/text.h"

/* --- import --- */

/* A domain of the node itself can be no customer's. */
static void
check_local(const struct conf *conf, struct spool_import *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct str rest = str_of(m->v[i].settings.text[SETTING_DOMAIN]);

		while (rest.n) {
			struct str domain = str_cut(rest, '\n', &rest);

			if (conf_is_local(conf, domain))
				spool_import_complain(m, m->v[i].line,
					"domain %.*s is one of local.domains",
					STR_FMT(domain));
		}
	}
}

static int
by_line(const void *a, const void *b)
{
	const struct spool_complaint *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static void
print_wrong(const char *file, struct spool_import *m)
{
	if (m->wrong_n)
		qsort(m->wrong, m->wrong_n, sizeof(*m->wrong), by_line);
	for (size_t i = 0; i < m->wrong_n; i++)
		text_printf(stderr, "%s:%zu: %s\n", file, m->wrong[i].line,
			m->wrong[i].text);
}

static void
request_verifier(struct request *r, const struct verifier *v, const char *key,
	const char *secret_key)
{
	char text[VERIFIER_TEXT_MAX];

	if (!v->iterations)
		return;
	verifier_format(v, text);
	request_add(r, key, text);
	if (v->secret[0])
		request_add(r, secret_key, v->secret);
	explicit_bzero(text, sizeof(text));
}

static void
fill_request(const struct spool_import *m, struct request *r)
{
	request_init(r, VERB_CUSTOMER, ACTION_WORD_IMPORT);
	if (m->dry_run)
		request_add(r, KEY_DRY_RUN, "1");
	for (size_t i = 0; i < m->n; i++) {
		request_next(r);
		request_add(r, KEY_NAME, m->v[i].name);
		request_add_int(r, KEY_LINE, (int64_t)m->v[i].line);
		request_verifier(
			r, &m->v[i].verifier, KEY_VERIFIER, KEY_SECRET);
		request_verifier(r, &m->v[i].next, KEY_NEXT, KEY_NEXT_SECRET);
		account_settings_request(&m->v[i].settings, r);
	}
}

static void
take_answer(void *arg, const struct record *r)
{
	struct spool_import *m = arg;
	const char *kind = record_get(r, KEY_KIND);
	const char *text = record_get(r, KEY_TEXT);
	int64_t n = 0;

	if (kind && text && strcmp(kind, KIND_WRONG) == 0) {
		record_get_int(r, KEY_LINE, &n);
		spool_import_complain(m, (size_t)n, "%s", text);
	} else if (kind && strcmp(kind, KIND_IMPORTED) == 0) {
		m->added = record_get_int(r, KEY_ADDED, &n) ? (size_t)n : 0;
		m->changed = record_get_int(r, KEY_CHANGED, &n) ? (size_t)n : 0;
	}
}

/* With the daemon down. What is wrong is told by the caller. */
static int
write_here(struct cli *c, struct spool_import *m)
{
	struct err e = {0};
	enum err_code code;
	int status;

	spool_import_check(m);
	check_local(c->conf, m);
	status = cli_spool_write(c);
	if (status != 0)
		return status;
	code = spool_write(c->spool, spool_import_write, m, &e);
	if (code == OK || (code == ERR_INVALID && m->dry_run) || m->wrong_n)
		return 0;
	return cli_fail(&e);
}

static int
carry_out(struct cli *c, struct spool_import *m)
{
	struct request request;
	bool done;
	int status;

	fill_request(m, &request);
	status = cli_parts_to_daemon(
		c, request.v, request.n, take_answer, m, &done, NULL);
	request_free(&request);
	if (!done)
		return write_here(c, m);
	return m->wrong_n ? 0 : status;
}

/* The file, its words checked and the daemon or the spool asked. */
static int
import(struct cli *c, const char *file, bool dry_run, struct spool_import *m)
{
	struct buf text;
	struct err e;
	enum err_code code = file_read(file, CUSTOMER_FILE_MAX, &text, &e);
	int status;

	if (code == OK)
		customer_file_parse(buf_view(&text), !dry_run, m);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	if (code != OK)
		return cli_fail(&e);
	status = cli_load(c);
	if (status != 0)
		return status;
	/* With errors, what else is wrong is still worth knowing. */
	m->dry_run = dry_run || m->wrong_n;
	return carry_out(c, m);
}

static int
run_import(struct cli *c, const struct args *a)
{
	const char *file = a->words[0];
	bool dry_run = args_has(a, "--dry-run");
	struct spool_import m = {0};
	int status = import(c, file, dry_run, &m);

	print_wrong(file, &m);
	if (m.wrong_n)
		status = cli_refuse(ERR_INVALID,
			"%zu %s in %s; nothing was changed", m.wrong_n,
			text_plural(m.wrong_n, "error", "errors"), file);
	else if (status == 0)
		printf("%zu %s %s, %zu changed\n", m.added,
			text_plural(m.added, "customer", "customers"),
			dry_run ? "would be added" : "added", m.changed);
	spool_import_free(&m);
	return status;
}

/* --- export --- */

struct export
{
	struct spool_account *v;
	size_t n;
	struct buf *out;
};

static void
clear_accounts(struct export *x)
{
	for (size_t i = 0; i < x->n; i++) {
		explicit_bzero(&x->v[i].verifier, sizeof(x->v[i].verifier));
		spool_account_clear(&x->v[i]);
	}
	free(x->v);
	x->v = NULL;
	x->n = 0;
}

static enum err_code
format_one(struct spool_txn *t, const struct spool_account *a, struct buf *out,
	struct err *e)
{
	char *list = NULL;
	enum err_code code = OK;

	if (a->recipients == RECIPIENTS_LISTED)
		code = spool_recipients_get(t, a->name, &list, e);
	if (code == OK)
		customer_file_format(a, list, out);
	free(list);
	return code;
}

static enum err_code
read_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct export *x = arg;
	enum err_code code;

	clear_accounts(x);
	buf_clear(x->out);
	code = spool_account_list(t, &x->v, &x->n, e);
	for (size_t i = 0; code == OK && i < x->n; i++)
		if (x->v[i].kind == ACCOUNT_CUSTOMER)
			code = format_one(t, &x->v[i], x->out, e);
	return code;
}

static int
run_export(struct cli *c, const struct args *a)
{
	struct buf out;
	struct export x = {.out = &out};
	struct err e;
	int status;

	buf_init(&out, 0);
	status = cli_read(c, read_all, &x);
	if (status == 0 &&
		file_write(a->words[0], 0600, buf_view(&out), &e) != OK)
		status = cli_fail(&e);
	clear_accounts(&x);
	if (out.data)
		explicit_bzero(out.data, out.cap);
	buf_free(&out);
	return status;
}

static const struct option import_options[] = {
	{.name = "--dry-run", .help = "only say what would come of it"},
	{.name = NULL},
};

const struct command customer_import_commands[] = {
	{.name = "customer import",
		.words = "FILE",
		.least = 1,
		.most = 1,
		.options = import_options,
		.help = "Adds and changes all customers that a file names.",
		.example = "tidepost customer import customers.txt",
		.run = run_import},
	{.name = "customer export",
		.words = "FILE",
		.least = 1,
		.most = 1,
		.help = "All customers with their settings and verifiers.",
		.example = "tidepost customer export customers.txt",
		.run = run_export},
	{.name = NULL},
};
