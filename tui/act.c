#include "tui/act.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "faces/act.h"
#include "faces/store.h"
#include "faces/text.h"
#include "tui/prompt.h"
#include "tui/target.h"

struct job {
	struct act_job act;
	struct target *targets; /* owned; those that will change */
	size_t n;
	char name[400];		 /* what is changed, in words */
	const struct kind *kind; /* NULL: it takes something back */
	/* it takes something back: what, in words; "": it does not */
	char taken_back[UNDO_TEXT_MAX];
};

#define STATES(a) (1u << (a))
enum {
	WAITING = STATES(SPOOL_READY) | STATES(SPOOL_DEFERRED),
	KEPT = WAITING | STATES(SPOOL_HELD),
};

static const struct kind {
	enum tui_request request;
	const char *word; /* of faces/act.h */
	unsigned from;	  /* states in which it does something */
	const char *undo;
	const char *then; /* what will happen */
	const char *idle; /* why nothing would */
} kinds[] = {
	{REQUEST_HOLD, ACTION_WORD_HOLD, WAITING, ACTION_WORD_RELEASE,
		"Kept back until released.",
		"only ready and deferred mail can "
		"be held"},
	{REQUEST_RELEASE, ACTION_WORD_RELEASE, STATES(SPOOL_HELD),
		ACTION_WORD_HOLD,
		"Goes when its link comes; at once where "
		"one is up.",
		"only held mail can be released"},
	{REQUEST_RETRY, ACTION_WORD_RETRY, STATES(SPOOL_DEFERRED), NULL,
		"Due now, instead of later.",
		"only deferred mail can be tried again; what is ready goes by "
		"itself"},
	{REQUEST_DELETE, ACTION_WORD_DELETE, KEPT, ACTION_WORD_UNDELETE,
		"Nobody is told.", "only what waits can be deleted"},
	{REQUEST_UNDELETE, ACTION_WORD_UNDELETE, STATES(SPOOL_DELETED),
		ACTION_WORD_DELETE, "Waits again as before.",
		"only deleted mail can be undeleted (w shows it)"},
	{REQUEST_RETURN, ACTION_WORD_RETURN, KEPT, NULL,
		"The sender gets a notice. This cannot be taken back.",
		"only what waits can be returned"},
	{REQUEST_PRIORITY, ACTION_WORD_PRIORITY, KEPT, ACTION_WORD_PRIORITY, "",
		"only what waits has a priority to change"},
};
enum { KINDS_N = sizeof(kinds) / sizeof(*kinds) };

static const struct kind *
find_kind(enum tui_request r)
{
	for (size_t i = 0; i < KINDS_N; i++)
		if (kinds[i].request == r)
			return &kinds[i];
	return NULL;
}

bool
act_is(enum tui_request r)
{
	return find_kind(r) != NULL;
}

void
job_free(struct job *j)
{
	if (!j)
		return;
	act_job_clear(&j->act);
	free(j->targets);
	free(j);
}

static void
forget(struct console *c)
{
	job_free(c->job);
	c->job = NULL;
}

/* It was not done. What could be taken back still can. */
static void
give_up(struct console *c)
{
	struct job *j = c->job;

	if (j->taken_back[0]) {
		undo_push(&c->undo, j->act.act->word, j->targets, j->n,
			j->taken_back);
		j->targets = NULL;
	}
	forget(c);
}

/* --- carrying it out --- */

static const char *
plural(size_t n)
{
	return text_plural(n, "delivery", "deliveries");
}

static void
changed(struct console *c, size_t n)
{
	struct job *j = c->job;
	const char *back;
	char text[UNDO_TEXT_MAX];

	c->changes++;
	if (n == 0) {
		console_say(c, TONE_WARN,
			"nothing changed: it went, or was changed, meanwhile");
		forget(c);
		return;
	}
	snprintf(text, sizeof(text), "%zu %s %s", n, plural(n),
		j->act.act->done);
	back = j->taken_back[0] ? " (taken back)"
	       : !j->kind->undo ? ""
	       : c->screen	? "; z takes it back"
				: "; undo takes it back";
	console_say(c, TONE_GOOD, "%s%s", text, back);
	if (j->kind && j->kind->undo) {
		undo_push(&c->undo, j->kind->undo, j->targets, j->n, text);
		j->targets = NULL;
	}
	forget(c);
	console_refresh(c);
}

static void
done(void *arg, enum err_code code, const struct err *e, int status,
	const char *text, int64_t count)
{
	struct console *c = arg;
	const struct act *act = c->job->act.act;

	c->work = NULL;
	if (code == OK && status == 0) {
		changed(c, count > 0 ? (size_t)count : 0);
		return;
	}
	c->changes++;
	if (code != OK)
		console_fail(c, act->word, e);
	else
		console_say(c, TONE_BAD, "%s: %s", act->word,
			text ? text : "refused");
	give_up(c);
}

static void
do_directly(struct console *c)
{
	struct act_job *a = &c->job->act;
	struct spool *spool = NULL;
	struct err e = {0};
	enum err_code code;

	if (a->act->daemon_only) {
		console_say(c, TONE_BAD,
			"%s needs the daemon, and it is not running",
			a->act->word);
		give_up(c);
		return;
	}
	code = store_open_alone(c->conf, &spool, &e);
	if (code == OK)
		code = spool_write(spool, act_in_spool, a, &e);
	spool_close(spool);
	if (code == OK) {
		changed(c, a->changed);
	} else {
		console_fail(c, a->act->word, &e);
		give_up(c);
	}
}

/* Keeps of J's targets those that K changes; how many it does not. */
static size_t
keep_changing(struct job *j, const struct kind *k)
{
	size_t kept = 0, n = j->n;

	for (size_t i = 0; i < n; i++)
		if (k->from & STATES(j->targets[i].state))
			j->targets[kept++] = j->targets[i];
	j->n = kept;
	return n - kept;
}

/* Whose priority somebody else changed since keeps that one. */
static void
keep_as_given(struct console *c, struct job *j)
{
	struct target *now = xcalloc(j->n, sizeof(*now));
	size_t kept = 0;

	memcpy(now, j->targets, j->n * sizeof(*now));
	target_renew(c, now, j->n);
	for (size_t i = 0; i < j->n; i++)
		if (now[i].priority == j->targets[i].given)
			j->targets[kept++] = j->targets[i];
	j->n = kept;
	free(now);
}

/* The filters of the job's targets; taken back, each has its own priority. */
static void
aim(struct job *j)
{
	struct act_job *a = &j->act;
	bool own = !j->kind && a->act->kind == ACTION_PRIORITY;

	a->filters_n = j->n;
	a->filters = xcalloc(j->n, sizeof(*a->filters));
	if (own)
		a->priorities = xcalloc(j->n, sizeof(*a->priorities));
	for (size_t i = 0; i < j->n; i++) {
		a->filters[i].id = j->targets[i].id;
		a->filters[i].n = j->targets[i].n;
		if (own)
			a->priorities[i] = j->targets[i].priority;
		else
			j->targets[i].given = a->priority;
	}
}

/*
 * What somebody else changed while the question stood is not ours to change,
 * nor to take back later.
 */
static void
carry_out(struct console *c)
{
	struct request request;
	struct err e = {0};
	enum err_code code;

	if (c->job->kind) {
		target_renew(c, c->job->targets, c->job->n);
		keep_changing(c->job, c->job->kind);
	} else if (c->job->act.act->kind == ACTION_PRIORITY) {
		keep_as_given(c, c->job);
	}
	if (c->job->n == 0) {
		changed(c, 0);
		return;
	}
	aim(c->job);
	act_request(&c->job->act, &request);
	code = console_work(c, &request, done, &e);
	request_free(&request);
	if (code == ERR_CLOSED) {
		do_directly(c);
	} else if (code != OK) {
		console_fail(c, c->job->act.act->word, &e);
		give_up(c);
	}
}

/* --- asking --- */

static void
begin(struct console *c, struct job *j, const char *word)
{
	struct act_job *a = &j->act;

	a->act = act_find(str_of(word));
	a->by_id = true;
	a->skip_gone = true;
	a->now_s = console_now();
	store_who(a->who, sizeof(a->who));
	a->keep_until = a->now_s + c->conf->queue.keep_deleted_s;
	c->job = j;
}

static void
answered(struct console *c, const char *input)
{
	if (input) {
		carry_out(c);
		return;
	}
	console_say(c, TONE_PLAIN, "nothing done");
	give_up(c);
}

/* How long deleted mail can come back. */
static void
add_keep(const struct console *c, const struct kind *k, struct buf *q)
{
	char keep[TEXT_SHORT_MAX];

	if (k->request != REQUEST_DELETE)
		return;
	text_duration(c->conf->queue.keep_deleted_s, keep);
	buf_addf(q, " It can be undeleted for %s.", keep);
}

static void
ask(struct console *c, const struct kind *k, size_t left_alone)
{
	struct job *j = c->job;
	struct buf q;

	buf_init(&q, 0);
	buf_addf(&q, "%s %s", j->act.act->asked, j->name);
	if (k->request == REQUEST_PRIORITY)
		buf_addf(&q, " to %d", j->act.priority);
	buf_addf(&q, "? %s", k->then);
	add_keep(c, k, &q);
	if (left_alone)
		buf_addf(&q, " (%zu more stay as they are: %s.)", left_alone,
			k->idle);
	prompt_yes(c, buf_z(&q), answered);
	buf_free(&q);
}

static void
name_targets(struct job *j, const char *name)
{
	char size[TEXT_SHORT_MAX];
	uint64_t bytes = 0;

	for (size_t i = 0; i < j->n; i++)
		bytes += j->targets[i].size;
	text_size(bytes, size);
	if (j->n == 1 && name)
		snprintf(j->name, sizeof(j->name), "%.360s (%s)", name, size);
	else
		snprintf(j->name, sizeof(j->name), "%zu %s (%s)", j->n,
			plural(j->n), size);
}

static void
priority_answered(struct console *c, const char *input)
{
	struct job *j = c->job;

	if (!input || !*input) {
		answered(c, NULL);
	} else if (!conf_parse_priority(str_of(input), &j->act.priority)) {
		console_say(c, TONE_BAD,
			"%.40s: not -9 to 9, bulk, low, normal, urgent or "
			"flash",
			input);
		forget(c);
	} else {
		ask(c, find_kind(REQUEST_PRIORITY), 0);
	}
}

void
act_ask(struct console *c, enum tui_request r, struct target *targets, size_t n,
	const char *name)
{
	const struct kind *k = find_kind(r);
	struct job *j = xcalloc(1, sizeof(*j));
	bool single = n == 1;
	size_t left_alone;

	j->targets = targets;
	j->n = n;
	if (!c->job && !c->work)
		target_renew(c, targets, n);
	left_alone = keep_changing(j, k);
	if (c->job || c->work || j->n == 0) {
		console_say(c, TONE_WARN, "%s",
			c->job || c->work ? "the last action is still under "
					    "way"
			: n == 0	  ? "there is nothing here"
					  : k->idle);
		job_free(j);
		return;
	}
	j->kind = k;
	begin(c, j, k->word);
	name_targets(j, single ? name : NULL);
	if (r == REQUEST_PRIORITY)
		prompt_line(c,
			"priority (-9 to 9, bulk, low, normal, urgent, "
			"flash):",
			NULL, NULL, priority_answered);
	else
		ask(c, k, left_alone);
}

/* --- taking back --- */

void
act_undo(struct console *c)
{
	struct job *j;
	struct undo u;
	char question[CONSOLE_NOTE_MAX];

	if (c->job || c->work) {
		console_say(c, TONE_WARN, "the last action is still under way");
		return;
	}
	if (!undo_pop(&c->undo, &u)) {
		console_say(c, TONE_WARN, "nothing to take back");
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->targets = u.targets;
	j->n = u.n;
	str_copyz(j->taken_back, sizeof(j->taken_back), u.text);
	begin(c, j, u.word);
	snprintf(question, sizeof(question), "Take back \"%s\"? %s %zu %s%s.",
		u.text, j->act.act->asked, j->n, plural(j->n),
		j->act.act->kind == ACTION_PRIORITY ? ", each to what it was"
						    : "");
	prompt_yes(c, question, answered);
}
