/*
 * The verbs that change deliveries: by the daemon where it runs, else on the
 * spool itself, both in one transaction.
 */
#include "cli/queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/text.h"

struct act {
	const char *word;  /* of the request: "hold" */
	const char *asked; /* "Hold", of a question */
	const char *done;  /* "held" */
	enum spool_action_kind kind;
	bool always_ask;
	bool daemon_only;
};

static const struct act acts[] = {
	{ACTION_WORD_HOLD, "Hold", "held", ACTION_HOLD, false, false},
	{ACTION_WORD_RELEASE, "Release", "released", ACTION_RELEASE, false,
		false},
	{ACTION_WORD_RETRY, "Retry", "due now", ACTION_RETRY, false, false},
	{ACTION_WORD_DELETE, "Delete", "deleted", ACTION_DELETE, true, false},
	{ACTION_WORD_UNDELETE, "Undelete", "undeleted", ACTION_UNDELETE, false,
		false},
	{ACTION_WORD_RETURN, "Return", "returned to the sender", ACTION_DELETE,
		false, true},
	{ACTION_WORD_PRIORITY, "Change priority of", "changed", ACTION_PRIORITY,
		false, false},
};

/* What was asked for, parsed. */
struct wish {
	const struct act *act;
	const struct args *a;
	struct spool_filter *filters; /* owned: one per id, or one */
	size_t filters_n;
	bool by_id;
	int priority;
	char who[SPOOL_NAME_MAX + 1];
	int64_t now_s, keep_until;
	size_t changed;
};

static const struct act *
find_act(const struct command *command)
{
	struct str word;

	str_cut(str_of(command->name), ' ', &word);
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (str_eq(str_of(acts[i].word), word))
			return &acts[i];
	abort();
}

static enum err_code
parse_ids(struct wish *w, const char *const *words, size_t n, struct err *e)
{
	w->filters = xcalloc(n, sizeof(*w->filters));
	w->filters_n = n;
	w->by_id = true;
	for (size_t i = 0; i < n; i++) {
		struct spool_filter *f = &w->filters[i];

		if (!protocol_id_parse(str_of(words[i]), &f->id, &f->n))
			return err_set(e, ERR_USAGE,
				"\"%s\" is no id; ids look like 4711 or 4711.2",
				words[i]);
	}
	return OK;
}

static enum err_code
parse_which(struct wish *w, const char *const *words, size_t n, struct err *e)
{
	bool all = args_has(w->a, "--all"), filter = filter_given(w->a);

	if (n && !all && !filter)
		return parse_ids(w, words, n, e);
	if (n || (all && filter))
		return err_set(e, ERR_USAGE,
			"%s: either ids, or filters, or --all",
			w->a->command->name);
	if (!all && !filter)
		return err_set(e, ERR_USAGE,
			"%s: which? Give ids, filters or --all",
			w->a->command->name);
	w->filters = xcalloc(1, sizeof(*w->filters));
	w->filters_n = 1;
	return filter_parse(w->a, w->now_s, w->filters, e);
}

static enum err_code
parse_wish(struct wish *w, struct err *e)
{
	const char *const *words = w->a->words;
	size_t n = w->a->words_n;
	enum err_code code;

	if (w->act->kind == ACTION_PRIORITY) {
		if (!conf_parse_priority(str_of(words[0]), &w->priority))
			return err_set(e, ERR_USAGE,
				"priority %s: -9 to 9, or bulk, low, normal, "
				"urgent, flash",
				words[0]);
		words++;
		n--;
	}
	code = parse_which(w, words, n, e);
	for (size_t i = 0; code == OK && i < w->filters_n; i++)
		if (w->act->kind == ACTION_UNDELETE &&
			!w->filters[i].has_state) {
			w->filters[i].has_state = true;
			w->filters[i].state = SPOOL_DELETED;
		}
	return code;
}

/* --- asking --- */

static int
count_wished(struct cli *c, struct wish *w, uint64_t *n_r)
{
	struct queue_page p = {.limit = QUEUE_PAGE};
	int status = 0;

	*n_r = 0;
	for (size_t i = 0; status == 0 && i < w->filters_n; i++) {
		p.filter = w->filters[i];
		p.after = (struct spool_cursor){0};
		do {
			status = cli_read(c, queue_page, &p);
			*n_r += p.n;
		} while (status == 0 && p.n == p.limit);
	}
	free(p.rows);
	return status;
}

/* *go_r false and 0: it is not to be done, and that was said. */
static int
confirm(struct cli *c, struct wish *w, bool *go_r)
{
	char question[200];
	uint64_t n;
	int status;

	*go_r = args_has(w->a, "--yes") || (w->by_id && !w->act->always_ask);
	if (*go_r)
		return 0;
	if (!ask_possible())
		return cli_refuse(ERR_USAGE,
			"%s: this may change many deliveries; add --yes",
			w->a->command->name);
	status = count_wished(c, w, &n);
	if (status != 0)
		return status;
	if (n == 0 && !w->by_id) {
		puts("none");
		return 0;
	}
	snprintf(question, sizeof(question), "%s %" PRIu64 " %s?",
		w->act->asked, n, text_plural(n, "delivery", "deliveries"));
	*go_r = n == 0 || ask_yes(question);
	if (!*go_r)
		puts("nothing done");
	return 0;
}

/* --- doing --- */

/* ERR_NOTFOUND: F names one delivery or message, and it is not there. */
static enum err_code
check_there(struct spool_txn *t, const struct spool_filter *f, struct err *e)
{
	struct spool_filter look = {.id = f->id, .n = f->n};
	char id[PROTOCOL_ID_TEXT_MAX];

	for (int deleted = 0; deleted < 2; deleted++) {
		struct spool_cursor after = {0};
		struct spool_row *rows = NULL;
		size_t n = 0;
		enum err_code code;

		look.has_state = deleted;
		look.state = SPOOL_DELETED;
		code = spool_list(t, &look, &after, 1, &rows, &n, e);
		free(rows);
		if (code != OK || n)
			return code;
	}
	protocol_id_format(f->id, f->n, id);
	return err_set(e, ERR_NOTFOUND,
		"%s: no such delivery; nothing was changed", id);
}

static enum err_code
act_in_spool(struct spool_txn *t, void *arg, struct err *e)
{
	struct wish *w = arg;
	struct spool_action action = {.kind = w->act->kind,
		.now = w->now_s,
		.keep_until = w->keep_until,
		.priority = w->priority,
		.who = w->who};
	enum err_code code = OK;

	w->changed = 0;
	for (size_t i = 0; code == OK && i < w->filters_n; i++) {
		size_t n = 0;

		action.filter = w->filters[i];
		if (w->by_id)
			code = check_there(t, &w->filters[i], e);
		if (code == OK)
			code = spool_act(t, &action, &n, e);
		w->changed += n;
	}
	return code;
}

static void
fill_request(const struct wish *w, struct record *r)
{
	char id[PROTOCOL_ID_TEXT_MAX];

	protocol_request(r, VERB_QUEUE, w->act->word);
	for (size_t i = 0; w->by_id && i < w->filters_n; i++) {
		protocol_id_format(w->filters[i].id, w->filters[i].n, id);
		record_add(r, KEY_ID, id);
	}
	if (!w->by_id)
		filter_request(w->a, r);
	if (args_has(w->a, "--all"))
		record_add(r, KEY_ALL, "1");
	if (w->act->kind == ACTION_PRIORITY)
		record_add_int(r, KEY_PRIORITY, w->priority);
}

static int
carry_out(struct cli *c, struct wish *w)
{
	struct record request;
	int64_t count = -1;
	bool done;
	int status;

	fill_request(w, &request);
	status = cli_to_daemon(c, &request, &done, &count);
	record_free(&request);
	if (!done && w->act->daemon_only)
		return cli_refuse(ERR_CLOSED,
			"%s needs the daemon, and it is not running",
			w->a->command->name);
	if (!done) {
		w->keep_until = w->now_s + c->conf->queue.keep_deleted_s;
		status = cli_write(c, act_in_spool, w);
		count = (int64_t)w->changed;
	}
	if (status != 0)
		return status;
	if (count <= 0)
		puts("none");
	else
		printf("%" PRId64 " %s %s\n", count,
			text_plural((uint64_t)count, "delivery", "deliveries"),
			w->act->done);
	return 0;
}

static int
run_act(struct cli *c, const struct args *a)
{
	struct wish w = {
		.act = find_act(a->command), .a = a, .now_s = clock_wall_s()};
	struct err e = {0};
	bool go = false;
	int status;

	cli_who(w.who, sizeof(w.who));
	status = parse_wish(&w, &e) == OK ? cli_load(c) : cli_fail(&e);
	if (status == 0)
		status = confirm(c, &w, &go);
	if (status == 0 && go)
		status = carry_out(c, &w);
	free(w.filters);
	return status;
}

static const struct option act_options[] = {
	{.name = "--all", .help = "everything that waits"},
	FILTER_OPTIONS,
	{.name = "--yes", .help = "do not ask"},
	{.name = NULL},
};

/* clang-format off */
#define ACT(verb, sentence, line)                                              \
	{.name = "queue " verb, .words = "[ID...]", .most = COMMAND_WORDS_MANY,\
		.options = act_options, .help = sentence,                      \
		.example = "tidepost queue " line, .run = run_act}
/* clang-format on */

const struct command queue_act_commands[] = {
	ACT("hold", "Keeps deliveries back until they are released.",
		"hold --from 'list@*' --yes"),
	ACT("release", "Lets held deliveries go.", "release 4711"),
	ACT("retry", "Makes deferred deliveries due now.", "retry 4711.2"),
	ACT("delete",
		"Takes deliveries out, without notice; kept for undelete.",
		"delete 4711 --yes"),
	ACT("undelete", "Brings deleted deliveries back.", "undelete 4711"),
	ACT("return", "Gives up: the sender gets a notice.", "return 4711.2"),
	{.name = "queue priority",
		.words = "PRIORITY [ID...]",
		.least = 1,
		.most = COMMAND_WORDS_MANY,
		.options = act_options,
		.help = "Sets it: -9 to 9, or bulk, low, normal, urgent, "
			"flash.",
		.example = "tidepost queue priority urgent 4711",
		.run = run_act},
	{.name = NULL},
};
