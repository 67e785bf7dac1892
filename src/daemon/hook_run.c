/* Hooks: the programs of one event, one after the other. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/helper.h"
#include "daemon/hook_env.h"
#include "daemon/hook_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_program(struct hook_lane *lane);

/* --- running --- */

static void
log_line(void *arg, struct str line)
{
	struct hook_lane *lane = arg;

	log_info("hook-output", LOG_STR("link", lane->link),
		LOG_STR("on", hook_event_name(lane->now->what)),
		LOG_STR("hook", lane->dir.programs[lane->at]),
		LOG_VIEW("text", line));
	if (++lane->lines == CHILD_LINES_MAX)
		log_warning("hook-output", LOG_STR("link", lane->link),
			LOG_STR("on", hook_event_name(lane->now->what)),
			LOG_STR("hook", lane->dir.programs[lane->at]),
			LOG_STR("text", "it says too much: no more of it"));
}

static void
log_end(const struct hook_lane *lane, bool good, const char *how)
{
	log_write(good ? LOG_INFO : LOG_WARNING, "hook",
		LOG_FIELDS(LOG_STR("link", lane->link),
			LOG_STR("on", hook_event_name(lane->now->what)),
			LOG_STR("hook", lane->dir.programs[lane->at]),
			LOG_STR("text", how)));
}

/* A script without its first line cannot be told from a broken program. */
static void
log_not_run(const struct hook_lane *lane, const char *why)
{
	char text[CHILD_LINE_MAX];

	snprintf(text, sizeof(text), "%s: %s%s", lane->dir.programs[lane->at],
		why,
		strstr(why, "xec format") ? " (a script begins with #!/bin/sh)"
					  : "");
	log_end(lane, false, text);
}

static void
ended(void *arg, enum child_end end, const char *how)
{
	struct hook_lane *lane = arg;

	if (end == CHILD_NOT_RUN)
		log_not_run(lane, how);
	else
		log_end(lane, end == CHILD_GOOD, how);
	child_free(lane->child);
	lane->child = NULL;
	lane->at++;
	run_program(lane);
}

static const char *
name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static size_t
count(char *const *v)
{
	size_t n = 0;

	while (v[n])
		n++;
	return n;
}

/* The next one of the event that can be started. */
static void
run_program(struct hook_lane *lane)
{
	struct err e = {0};

	for (; !lane->h->quitting && lane->at < lane->dir.programs_n;
		lane->at++) {
		const struct helper_request what = {
			.kind = HELPER_HOOK,
			.name = hook_event_name(lane->now->what),
			.command = name_of(lane->dir.programs[lane->at]),
			.words = (const char *const *)lane->now->env,
			.words_n = count(lane->now->env),
		};

		lane->lines = 0;
		lane->child = helper_spawn(lane->h->n->helper, lane->h->n->loop,
			&what,
			&(struct child_conf){.timeout_ms = HOOK_TIMEOUT_MS,
				.line = log_line,
				.ended = ended,
				.arg = lane},
			&e);
		if (lane->child)
			return;
		log_not_run(lane, e.text);
	}
	hook_end_event(lane);
}

/* --- which programs --- */

struct look {
	struct hook_lane *lane;
	char *folder; /* owned: a reload may come */
	enum hook_event what;
	struct hook_dir found;
};

static void
free_look(struct look *j)
{
	hook_dir_clear(&j->found);
	free(j->folder);
	free(j);
}

/* On a helper thread. */
static void
look(void *arg)
{
	struct look *j = arg;

	hook_dir_read(j->folder, hook_event_name(j->what), &j->found);
}

static void
complain_once(struct hooks *h, const char *text)
{
	for (size_t i = 0; i < h->complaints_n; i++)
		if (strcmp(h->complaints[i], text) == 0)
			return;
	if (h->complaints_n == HOOK_COMPLAINTS_MAX)
		return;
	h->complaints[h->complaints_n++] = str_dupz(text);
	log_warning("hook-not-run", LOG_STR("text", text));
}

static void
looked(void *arg)
{
	struct look *j = arg;
	struct hook_lane *lane = j->lane;

	for (size_t i = 0; i < j->found.complaints_n; i++)
		complain_once(lane->h, j->found.complaints[i]);
	if (j->found.programs_n == 0) {
		lane->h->none_ms[j->what] = clock_mono_ms();
		lane->dropped[j->what] = 0;
	}
	lane->dir = j->found;
	lane->at = 0;
	j->found = (struct hook_dir){.programs_n = 0};
	free_look(j);
	run_program(lane);
}

/* The daemon ends. */
static void
not_looked(void *arg)
{
	free_look(arg);
}

void
hook_run(struct hook_lane *lane)
{
	struct hooks *h = lane->h;
	struct look *j;

	if (h->quitting || !h->n->conf->hooks) {
		hook_end_event(lane);
		return;
	}
	j = xcalloc(1, sizeof(*j));
	j->lane = lane;
	j->folder = str_dupz(h->n->conf->hooks);
	j->what = lane->now->what;
	pool_submit_droppable(h->n->pool, look, looked, not_looked, j);
}
