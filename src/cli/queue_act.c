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
#include "faces/act.h"
#include "faces/text.h"

/* What was asked for, parsed. */
struct wish {
	struct act_job job;
	const struct args *a;
};

static const struct act *
find_act(const struct command *command)
{
	struct str word;
	const struct act *act;

	str_cut(str_of(command->name), ' ', &word);
	act = act_find(word);
	if (!act)
		abort();
	return act;
}

static enum err_code
parse_ids(struct wish *w, const char *const *words, size_t n, struct err *e)
{
	w->job.filters = xcalloc(n, sizeof(*w->job.filters));
	w->job.filters_n = n;
	w->job.by_id = true;
	for (size_t i = 0; i < n; i++) {
		struct spool_filter *f = &w->job.filters[i];

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
	w->job.filters = xcalloc(1, sizeof(*w->job.filters));
	w->job.filters_n = 1;
	return filter_parse(w->a, w->job.now_s, w->job.filters, e);
}

static enum err_code
parse_wish(struct wish *w, struct err *e)
{
	const char *const *words = w->a->words;
	size_t n = w->a->words_n;
	enum err_code code;

	if (w->job.act->kind == ACTION_PRIORITY) {
		if (!conf_parse_priority(str_of(words[0]), &w->job.priority))
			return err_set(e, ERR_USAGE,
				"priority %s: -9 to 9, or bulk, low, normal, "
				"urgent, flash",
				words[0]);
		words++;
		n--;
	}
	code = parse_which(w, words, n, e);
	for (size_t i = 0; code == OK && i < w->job.filters_n; i++)
		if (w->job.act->kind == ACTION_UNDELETE &&
			!w->job.filters[i].has_state) {
			w->job.filters[i].has_state = true;
			w->job.filters[i].state = SPOOL_DELETED;
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
	for (size_t i = 0; status == 0 && i < w->job.filters_n; i++) {
		p.filter = w->job.filters[i];
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

	*go_r = args_has(w->a, "--yes") ||
		(w->job.by_id && !w->job.act->always_ask);
	if (*go_r)
		return 0;
	if (!ask_possible())
		return cli_refuse(ERR_USAGE,
			"%s: this may change many deliveries; add --yes",
			w->a->command->name);
	status = count_wished(c, w, &n);
	if (status != 0)
		return status;
	if (n == 0 && !w->job.by_id) {
		puts("none");
		return 0;
	}
	snprintf(question, sizeof(question), "%s %" PRIu64 " %s?",
		w->job.act->asked, n, text_plural(n, "delivery", "deliveries"));
	*go_r = n == 0 || ask_yes(question);
	if (!*go_r)
		puts("nothing done");
	return 0;
}

/* --- doing --- */

static void
fill_request(const struct wish *w, struct request *r)
{
	act_request(&w->job, r);
	if (!w->job.by_id)
		filter_request(w->a, r->v);
	if (args_has(w->a, "--all"))
		request_add(r, KEY_ALL, "1");
}

static int
carry_out(struct cli *c, struct wish *w)
{
	struct request request;
	int64_t count = -1;
	bool done;
	int status;

	fill_request(w, &request);
	status = cli_parts_to_daemon(
		c, request.v, request.n, NULL, NULL, &done, &count);
	request_free(&request);
	if (!done && w->job.act->daemon_only)
		return cli_refuse(ERR_CLOSED,
			"%s needs the daemon, and it is not running: start "
			"tidepostd",
			w->a->command->name);
	if (!done) {
		w->job.keep_until =
			w->job.now_s + c->conf->queue.keep_deleted_s;
		status = cli_write(c, act_in_spool, &w->job);
		count = (int64_t)w->job.changed;
	}
	if (status != 0)
		return status;
	if (count <= 0)
		puts("none");
	else
		printf("%" PRId64 " %s %s\n", count,
			text_plural((uint64_t)count, "delivery", "deliveries"),
			w->job.act->done);
	return 0;
}

static int
run_act(struct cli *c, const struct args *a)
{
	struct wish w = {
		.job = {.act = find_act(a->command), .now_s = clock_wall_s()},
		.a = a};
	struct err e = {0};
	bool go = false;
	int status;

	store_who(w.job.who, sizeof(w.job.who));
	status = parse_wish(&w, &e) == OK ? cli_load(c) : cli_fail(&e);
	if (status == 0)
		status = confirm(c, &w, &go);
	if (status == 0 && go)
		status = carry_out(c, &w);
	act_job_clear(&w.job);
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
