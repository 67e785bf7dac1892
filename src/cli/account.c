#include "cli/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/account_settings.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/recipients.h"
#include "faces/text.h"

struct change {
	struct spool_settings settings;
	const char *action, *name;
	enum spool_account_kind kind;
	const struct args *a;
	bool has_password, yes;
	char password[SASL_SECRET_MAX + 1];
	struct verifier verifier;
	int64_t now_s, keep_until;
	char who[SPOOL_NAME_MAX + 1];
	size_t deleted; /* deliveries that went with a customer */
};

static const char *
kind_word(enum spool_account_kind kind)
{
	return kind == ACCOUNT_CUSTOMER ? "customer" : "user";
}

static bool
is(const struct change *ch, const char *action)
{
	return strcmp(ch->action, action) == 0;
}

/* --- on the spool itself --- */

static enum err_code
no_such(const struct change *ch, struct err *e)
{
	return err_set(e, ERR_NOTFOUND, "no %s \"%s\"; see: tidepost %s list",
		kind_word(ch->kind), ch->name, kind_word(ch->kind));
}

/* The account to change, of the right kind. */
static enum err_code
get(struct spool_txn *t, const struct change *ch, struct spool_account *a_r,
	struct err *e)
{
	enum err_code code = spool_account_get(t, ch->name, a_r, e);

	if (code == ERR_NOTFOUND)
		return no_such(ch, e);
	if (code == OK && a_r->kind != ch->kind) {
		spool_account_clear(a_r);
		return no_such(ch, e);
	}
	return code;
}

static void
route_of(const struct change *ch, char out[SPOOL_NAME_MAX + 1])
{
	snprintf(out, SPOOL_NAME_MAX + 1, "customer:%s", ch->name);
}

static enum err_code
take_password(const struct change *ch, struct spool_account *a, struct err *e)
{
	if (!ch->has_password)
		return OK;
	return verifier_change(&a->verifier, &a->next, ch->password,
		args_has(ch->a, "--cram-md5"), args_has(ch->a, "--now"), e);
}

static enum err_code
add(struct spool_txn *t, struct change *ch, struct err *e)
{
	struct spool_account a = {.kind = ch->kind};
	enum err_code code;

	str_copyz(a.name, sizeof(a.name), ch->name);
	spool_settings_apply(&ch->settings, &a);
	code = take_password(ch, &a, e);
	if (code == OK)
		code = spool_account_add(t, &a, e);
	if (code == OK)
		code = spool_settings_put_list(t, &ch->settings, &a, e);
	explicit_bzero(&a.verifier, sizeof(a.verifier));
	explicit_bzero(&a.next, sizeof(a.next));
	spool_account_clear(&a);
	return code;
}

static enum err_code
set(struct spool_txn *t, struct change *ch, struct err *e)
{
	struct spool_account a;
	enum err_code code = get(t, ch, &a, e);

	if (code != OK)
		return code;
	spool_settings_apply(&ch->settings, &a);
	if (is(ch, ACTION_WORD_SUSPEND))
		a.suspended = true;
	if (is(ch, ACTION_WORD_RESUME))
		a.suspended = false;
	code = take_password(ch, &a, e);
	if (code == OK)
		code = spool_account_set(t, &a, e);
	if (code == OK)
		code = spool_settings_put_list(t, &ch->settings, &a, e);
	explicit_bzero(&a.verifier, sizeof(a.verifier));
	explicit_bzero(&a.next, sizeof(a.next));
	spool_account_clear(&a);
	return code;
}

static enum err_code
take_away(struct spool_txn *t, struct change *ch, struct err *e)
{
	char route[SPOOL_NAME_MAX + 1];
	struct spool_action action = {.kind = ACTION_DELETE,
		.filter = {.route = route},
		.now = ch->now_s,
		.keep_until = ch->keep_until,
		.who = ch->who};
	struct spool_account a;
	enum err_code code = get(t, ch, &a, e);

	if (code != OK)
		return code;
	spool_account_clear(&a);
	ch->deleted = 0;
	route_of(ch, route);
	if (ch->kind == ACCOUNT_CUSTOMER && ch->yes)
		code = spool_act(t, &action, &ch->deleted, e);
	return code == OK ? spool_account_delete(t, ch->name, e) : code;
}

static enum err_code
change_in_spool(struct spool_txn *t, void *arg, struct err *e)
{
	struct change *ch = arg;

	if (is(ch, ACTION_WORD_ADD))
		return add(t, ch, e);
	if (is(ch, ACTION_WORD_DELETE))
		return take_away(t, ch, e);
	return set(t, ch, e);
}

/* --- asking --- */

static int
read_password(struct change *ch)
{
	bool from_stdin = args_has(ch->a, "--password-stdin");
	bool may = is(ch, ACTION_WORD_ADD) || is(ch, ACTION_WORD_PASSWD);
	struct err e = {0};
	enum err_code code;

	if (!may && !from_stdin)
		return 0;
	/* A customer known by its network needs none. */
	if (is(ch, ACTION_WORD_ADD) && ch->kind == ACCOUNT_CUSTOMER &&
		!from_stdin && !ask_possible())
		return 0;
	code = ask_password(from_stdin, ch->name, ch->password, &e);
	if (code == OK)
		code = verifier_make(ch->password, false, &ch->verifier, &e);
	explicit_bzero(&ch->verifier, sizeof(ch->verifier));
	ch->has_password = code == OK;
	return code == OK ? 0 : cli_fail(&e);
}

static enum err_code
read_waiting(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_list *one = arg;

	return spool_customer_waiting(t, one->v->name, one->waiting, e);
}

/* What waits for the customer; nothing where the spool cannot be read. */
static uint64_t
count_waiting(struct cli *c, const char *name)
{
	struct spool_account a = {0};
	struct spool_waiting w = {0};
	struct account_list one = {.v = &a, .waiting = &w, .n = 1};
	struct err e;

	str_copyz(a.name, sizeof(a.name), name);
	if (cli_spool_try(c, &e) == OK)
		spool_read(c->spool, read_waiting, &one, &e);
	return w.deliveries;
}

/* "deleted, and kept 7d for queue undelete", for what waits. */
static void
say_fate(const struct cli *c, const struct change *ch, char *out, size_t size)
{
	char kept[TEXT_SHORT_MAX];

	text_duration(c->conf->queue.keep_deleted_s, kept);
	if (args_has(ch->a, "--return"))
		snprintf(out, size, "returned to the senders");
	else
		snprintf(out, size, "deleted, and kept %s for queue undelete",
			kept);
}

/* *go_r false and 0: it is not to be done, and that was said. */
static int
confirm_delete(struct cli *c, struct change *ch, bool *go_r)
{
	char question[400], fate[100];
	uint64_t n = 0;

	*go_r = true;
	if (!is(ch, ACTION_WORD_DELETE) || ch->kind != ACCOUNT_CUSTOMER ||
		ch->yes)
		return 0;
	n = count_waiting(c, ch->name);
	if (n == 0)
		return 0;
	say_fate(c, ch, fate, sizeof(fate));
	if (!ask_possible())
		return cli_refuse(ERR_USAGE,
			"%" PRIu64 " %s for %s; with --yes %s %s%s", n,
			text_plural(n, "delivery waits", "deliveries wait"),
			ch->name, text_plural(n, "it is", "they are"), fate,
			args_has(ch->a, "--return")
				? ""
				: " (--return: returned to the senders)");
	snprintf(question, sizeof(question),
		"%" PRIu64 " %s for %s and will be %s. Delete the customer?", n,
		text_plural(n, "delivery waits", "deliveries wait"), ch->name,
		fate);
	ch->yes = *go_r = ask_yes(question);
	if (!*go_r)
		puts("nothing done");
	return 0;
}

/* --- carrying out --- */

static void
fill_request(const struct change *ch, struct request *r)
{
	request_init(r,
		ch->kind == ACCOUNT_CUSTOMER ? VERB_CUSTOMER : VERB_USER,
		ch->action);
	request_add(r, KEY_NAME, ch->name);
	if (ch->has_password)
		request_add(r, KEY_PASSWORD, ch->password);
	if (args_has(ch->a, "--cram-md5"))
		request_add(r, KEY_CRAM_MD5, "1");
	if (args_has(ch->a, "--now"))
		request_add(r, KEY_NOW, "1");
	if (ch->yes)
		request_add(r, KEY_YES, "1");
	if (args_has(ch->a, "--return"))
		request_add(r, KEY_RETURN, "1");
	account_settings_request(&ch->settings, r);
}

static const struct {
	const char *action, *done;
} words[] = {
	{ACTION_WORD_ADD, "added"},
	{ACTION_WORD_SET, "changed"},
	{ACTION_WORD_PASSWD, "has a new password"},
	{ACTION_WORD_DELETE, "deleted"},
	{ACTION_WORD_SUSPEND, "suspended"},
	{ACTION_WORD_RESUME, "resumed"},
};

static void
say_deliveries(const struct cli *c, const struct change *ch, uint64_t n)
{
	char fate[100];

	say_fate(c, ch, fate, sizeof(fate));
	printf("%" PRIu64 " %s %s\n", n,
		text_plural(n, "delivery", "deliveries"), fate);
	if (!args_has(ch->a, "--return"))
		text_printf(stdout,
			"they come back by: tidepost queue undelete --route "
			"customer:%s\n",
			ch->name);
}

static void
say_waiting(struct cli *c, const struct change *ch)
{
	uint64_t n = count_waiting(c, ch->name);

	if (n)
		printf("%" PRIu64 " %s %s\n", n,
			text_plural(n, "delivery", "deliveries"),
			is(ch, ACTION_WORD_SUSPEND)
				? text_plural(n,
					  "stays here until it is "
					  "resumed",
					  "stay here until it is resumed")
				: text_plural(n, "waits for its next call",
					  "wait for its next call"));
}

static void
say_done(struct cli *c, const struct change *ch, int64_t deliveries)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is(ch, words[i].action))
			text_printf(stdout, "%s %s %s\n", kind_word(ch->kind),
				ch->name, words[i].done);
	if (is(ch, ACTION_WORD_PASSWD))
		puts(args_has(ch->a, "--now")
				? "the old password has ended"
				: "the old password, if there was one, stays "
				  "valid until the new one is used");
	if (is(ch, ACTION_WORD_DELETE) && deliveries > 0)
		say_deliveries(c, ch, (uint64_t)deliveries);
	if (is(ch, ACTION_WORD_SUSPEND))
		puts("its calls are refused, and new mail for it is put off "
		     "(450)");
	if (is(ch, ACTION_WORD_SUSPEND) || is(ch, ACTION_WORD_RESUME))
		say_waiting(c, ch);
}

static int
carry_out(struct cli *c, struct change *ch)
{
	struct request request;
	int64_t count = -1;
	bool done;
	int status;

	fill_request(ch, &request);
	status = cli_parts_to_daemon(
		c, request.v, request.n, NULL, NULL, &done, &count);
	request_free(&request);
	if (!done && is(ch, ACTION_WORD_DELETE) &&
		args_has(ch->a, "--return") && count_waiting(c, ch->name))
		return cli_refuse(ERR_CLOSED,
			"%s: --return needs the daemon, and it is not running: "
			"start tidepostd, or leave --return out",
			ch->a->command->name);
	if (!done) {
		store_who(ch->who, sizeof(ch->who));
		ch->now_s = clock_sane_s();
		ch->keep_until = ch->now_s + c->conf->queue.keep_deleted_s;
		status = cli_write(c, change_in_spool, ch);
		count = (int64_t)ch->deleted;
	}
	if (status == 0)
		say_done(c, ch, count);
	return status;
}

/* A domain of the node itself can be no customer's. */
static int
check_domains(const struct cli *c, const struct change *ch)
{
	struct str rest = str_of(ch->settings.text[SETTING_DOMAIN]);

	while (rest.n) {
		struct str domain = str_cut(rest, '\n', &rest);

		if (conf_is_local(c->conf, domain))
			return cli_refuse(ERR_EXISTS,
				"domain %.*s is one of local.domains, where "
				"mail ends here: a customer cannot have it as "
				"well",
				STR_FMT(domain));
	}
	return 0;
}

/* --- the file of recipients --- */

struct domains_job {
	const char *name;
	char *domains; /* owned */
};

static enum err_code
read_domains(struct spool_txn *t, void *arg, struct err *e)
{
	struct domains_job *j = arg;
	struct spool_account a;
	enum err_code code = spool_account_get(t, j->name, &a, e);

	if (code != OK)
		return code;
	free(j->domains);
	j->domains = a.domains;
	a.domains = NULL;
	spool_account_clear(&a);
	return OK;
}

/*
 * The domains of the customer as they will be, given; NULL where the spool
 * cannot be read (the daemon looks itself).
 */
static char *
domains_then(struct cli *c, const struct change *ch)
{
	struct domains_job j = {.name = ch->name};
	struct err e;

	if (ch->settings.text[SETTING_DOMAIN])
		return str_dupz(ch->settings.text[SETTING_DOMAIN]);
	if (cli_spool_try(c, &e) == OK)
		spool_read(c->spool, read_domains, &j, &e);
	return j.domains;
}

static int
read_recipients(struct cli *c, struct change *ch)
{
	const char *file = args_value(ch->a, "--recipients");
	char *domains;
	struct buf text;
	struct err e;
	size_t wrong;

	if (!ch->settings.has_recipients ||
		ch->settings.recipients != RECIPIENTS_LISTED)
		return 0;
	if (file_read(file, RECIPIENTS_FILE_MAX, &text, &e) != OK) {
		buf_free(&text);
		return cli_fail(&e);
	}
	domains = domains_then(c, ch);
	wrong = recipients_take(file, buf_view(&text), domains, &ch->settings);
	buf_free(&text);
	free(domains);
	if (wrong)
		return cli_refuse(ERR_INVALID,
			"%zu wrong %s in %s; nothing was changed", wrong,
			text_plural(wrong, "line", "lines"), file);
	if (ch->settings.list_n == 0)
		return cli_refuse(ERR_INVALID,
			"%s holds no address; nothing was changed: write one "
			"to a line",
			file);
	return 0;
}

int
account_run(struct cli *c, const struct args *a, enum spool_account_kind kind)
{
	struct change ch = {.a = a, .name = a->words[0], .kind = kind};
	struct err e = {0};
	bool go = false;
	int status = 0;

	ch.action = strrchr(a->command->name, ' ') + 1;
	ch.yes = args_has(a, "--yes");
	if (account_name_check(ch.name, &e) != OK ||
		account_settings_parse(a, &ch.settings, &e) != OK)
		status = cli_fail(&e);
	if (status == 0)
		status = cli_load(c);
	if (status == 0)
		status = check_domains(c, &ch);
	if (status == 0)
		status = read_recipients(c, &ch);
	if (status == 0)
		status = read_password(&ch);
	if (status == 0)
		status = confirm_delete(c, &ch, &go);
	if (status == 0 && go)
		status = carry_out(c, &ch);
	explicit_bzero(ch.password, sizeof(ch.password));
	spool_settings_free(&ch.settings);
	return status;
}

/* --- looking --- */

void
account_list_free(struct account_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		spool_account_clear(&list->v[i]);
	free(list->v);
	free(list->waiting);
	free(list->listed);
	*list = (struct account_list){0};
}

struct list_job {
	struct account_list list;
	enum spool_account_kind kind;
	const char *name;
};

/* Takes out of the list what was not asked for. */
static void
keep_wanted(struct list_job *j)
{
	struct account_list *l = &j->list;
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == j->kind &&
			(!j->name || strcmp(l->v[i].name, j->name) == 0))
			l->v[kept++] = l->v[i];
		else
			spool_account_clear(&l->v[i]);
	l->n = kept;
}

static enum err_code
count_listed(struct spool_txn *t, const struct spool_account *a, size_t *n_r,
	struct err *e)
{
	char *lines = NULL;
	enum err_code code = OK;
	struct str rest;

	*n_r = 0;
	if (a->recipients == RECIPIENTS_LISTED)
		code = spool_recipients_get(t, a->name, &lines, e);
	for (rest = str_of(lines); rest.n; ++*n_r)
		str_cut(rest, '\n', &rest);
	free(lines);
	return code;
}

static enum err_code
read_list(struct spool_txn *t, void *arg, struct err *e)
{
	struct list_job *j = arg;
	struct account_list *l = &j->list;
	enum err_code code;

	account_list_free(l);
	code = spool_account_list(t, &l->v, &l->n, e);
	if (code != OK)
		return code;
	keep_wanted(j);
	l->waiting = xcalloc(l->n + 1, sizeof(*l->waiting));
	l->listed = xcalloc(l->n + 1, sizeof(*l->listed));
	for (size_t i = 0;
		code == OK && i < l->n && j->kind == ACCOUNT_CUSTOMER; i++) {
		code = spool_customer_waiting(
			t, l->v[i].name, &l->waiting[i], e);
		if (code == OK && j->name)
			code = count_listed(t, &l->v[i], &l->listed[i], e);
	}
	return code;
}

int
account_list(struct cli *c, enum spool_account_kind kind, const char *name,
	struct account_list *list_r)
{
	struct list_job j = {.kind = kind, .name = name};
	int status = cli_read(c, read_list, &j);

	if (status == 0 && name && j.list.n == 0)
		status = cli_refuse(ERR_NOTFOUND,
			"no %s \"%s\"; see: tidepost %s list", kind_word(kind),
			name, kind_word(kind));
	*list_r = j.list;
	return status;
}

char *
account_commas(const char *lines)
{
	struct str rest = str_of(lines);
	struct buf b;
	char *text;

	buf_init(&b, 0);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);

		buf_addf(&b, "%s%.*s", b.len ? ", " : "", STR_FMT(line));
	}
	text = str_dup(buf_view(&b));
	buf_free(&b);
	return text;
}
