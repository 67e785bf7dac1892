#include "outlook/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outlook/budget.h"
#include "outlook/record.h"

void
facts_free(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		record_free(&f->v[i]);
	free(f->v);
	*f = (struct facts){0};
}

struct record *
facts_add(struct facts *f, const char *kind)
{
	struct record *r;

	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	r = &f->v[f->n++];
	record_init(r);
	record_add(r, KEY_KIND, kind);
	return r;
}

const struct record *
facts_next(const struct facts *f, const char *kind, size_t *at)
{
	while (*at < f->n) {
		const struct record *r = &f->v[(*at)++];

		if (strcmp(facts_text(r, KEY_KIND), kind) == 0)
			return r;
	}
	return NULL;
}

const char *
facts_text(const struct record *r, const char *key)
{
	const char *text = r ? record_get(r, key) : NULL;

	return text ? text : "";
}

int64_t
facts_int(const struct record *r, const char *key)
{
	int64_t value;

	return r && record_get_int(r, key, &value) ? value : 0;
}

void
facts_keep(struct facts *f, const struct record *r)
{
	const char *key, *value;
	struct record *copy;

	if (f->n >= FACTS_MAX)
		return;
	copy = facts_add(f, facts_text(r, KEY_KIND));
	for (size_t i = 0; record_at(r, i, &key, &value); i++)
		if (strcmp(key, KEY_KIND) != 0)
			record_add(copy, key, value);
}

/* --- what the daemon and a spool at rest know alike --- */

void
facts_add_node(struct facts *f, const struct conf *conf)
{
	struct record *r = facts_add(f, KIND_NODE);

	record_add(r, KEY_HOSTNAME, conf->hostname);
	record_add(r, KEY_VERSION, TIDEPOST_VERSION);
	record_add(r, KEY_CLOCK,
		clock_trusted() ? CLOCK_TRUSTED : CLOCK_NOT_TRUSTED);
	if (clock_told_s())
		record_add_int(
			r, KEY_CLOCK_OFF, clock_wall_s() - clock_told_s());
}

void
facts_add_queue(struct facts *f, const struct spool_stat *stats, size_t n)
{
	uint64_t by_state[SPOOL_STATES_N] = {0}, bytes = 0;
	struct record *r = facts_add(f, KIND_QUEUE);

	for (size_t i = 0; i < n; i++) {
		by_state[stats[i].state] += stats[i].deliveries;
		if (stats[i].state != SPOOL_DELETED)
			bytes += stats[i].bytes;
	}
	record_add_int(r, KEY_READY, (int64_t)by_state[SPOOL_READY]);
	record_add_int(r, KEY_DEFERRED, (int64_t)by_state[SPOOL_DEFERRED]);
	record_add_int(r, KEY_HELD, (int64_t)by_state[SPOOL_HELD]);
	record_add_int(r, KEY_ACTIVE, (int64_t)by_state[SPOOL_ACTIVE]);
	record_add_int(r, KEY_BYTES, (int64_t)bytes);
}

static bool
waits(enum spool_state state)
{
	return state == SPOOL_READY || state == SPOOL_DEFERRED ||
	       state == SPOOL_ACTIVE;
}

void
facts_waiting(const struct conf *conf, const char *link,
	const struct spool_stat *stats, size_t n, struct record *r)
{
	uint64_t messages = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		const struct spool_stat *s = &stats[i];

		if (!waits(s->state) ||
			!conf_link_carries_route(conf, link, s->route))
			continue;
		messages += s->deliveries;
		bytes += s->bytes;
	}
	record_add_int(r, KEY_WAITING_MESSAGES, (int64_t)messages);
	record_add_int(r, KEY_WAITING_BYTES, (int64_t)bytes);
}

/* --- from configuration and spool --- */

struct rows {
	struct spool_stat *stats; /* owned */
	size_t stats_n;
	const struct conf *conf;
	struct spool_link *links; /* owned; one for each of conf->links */
	struct link_left {
		struct budget_left of[BUDGET_PERIODS];
	} * left; /* owned; likewise */
};

static enum err_code
read_left(struct spool_txn *t, const struct conf_link *link,
	struct link_left *left_r, struct err *e)
{
	struct budget_time now = {clock_sane_s(), clock_mono_ms()};
	struct budget_conf conf = outlook_budget_conf(link);
	struct budget_row session;
	struct budget b;
	enum err_code rc;

	budget_init(&b, &conf);
	rc = outlook_budget_load(t, link->name, &b, &session, e);
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++)
		left_r->of[p] = budget_left(&b, p, INT16_MAX, now);
	budget_free(&b);
	return rc;
}

static enum err_code
read_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct rows *rows = arg;

	free(rows->stats);
	rows->stats = NULL;
	for (size_t i = 0; i < rows->conf->links_n; i++) {
		enum err_code code = spool_link_get(
			t, rows->conf->links[i].name, &rows->links[i], e);

		if (code == ERR_NOTFOUND)
			rows->links[i] = (struct spool_link){0};
		else if (code != OK)
			return code;
		code = read_left(t, &rows->conf->links[i], &rows->left[i], e);
		if (code != OK)
			return code;
	}
	return spool_stats(t, &rows->stats, &rows->stats_n, e);
}

static void
add_link(struct facts *f, const struct rows *rows, size_t i, const char *boot)
{
	const struct conf_link *link = &rows->conf->links[i];
	const struct spool_link *row = &rows->links[i];
	bool up = row->up && strcmp(row->boot, boot) == 0;
	struct record *r = facts_add(f, KIND_LINK);

	record_add(r, KEY_NAME, link->name);
	record_add(r, KEY_STATE,
		row->disabled ? "disabled"
		: row->dialed ? "hanging-up"
		: up	      ? "up"
			      : "down");
	if (row->since)
		record_add_int(r, KEY_SINCE, row->since);
	if (up && row->interface[0])
		record_add(r, KEY_INTERFACE, row->interface);
	else
		record_add(r, KEY_INTERFACE, link->interface);
	if (row->reason[0])
		record_add(r, KEY_REASON, row->reason);
	else if (row->dialed)
		record_add(r, KEY_REASON,
			"the daemon did not hang up; it does when it starts");
	else if (row->stuck)
		record_add(r, KEY_REASON, "stuck: no automatic calls");
	facts_waiting(rows->conf, link->name, rows->stats, rows->stats_n, r);
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++)
		outlook_record_left(r, p, &rows->left[i].of[p]);
}

enum err_code
facts_at_rest(const struct conf *conf, struct spool *spool, struct facts *f,
	struct err *e)
{
	struct rows rows = {.conf = conf};
	enum err_code code = OK;
	char boot[CLOCK_BOOT_MAX];

	clock_boot(boot);
	rows.left = xcalloc(conf->links_n + 1, sizeof(*rows.left));
	rows.links = xcalloc(conf->links_n + 1, sizeof(*rows.links));
	if (spool)
		code = spool_read(spool, read_rows, &rows, e);
	if (code == OK) {
		facts_add_node(f, conf);
		facts_add_queue(f, rows.stats, rows.stats_n);
		for (size_t i = 0; i < conf->links_n; i++)
			add_link(f, &rows, i, boot);
	}
	free(rows.stats);
	free(rows.links);
	free(rows.left);
	return code;
}
