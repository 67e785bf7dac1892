#include "faces/facts.h"

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

/* A new record of KIND at the end. */
static struct record *
add(struct facts *f, const char *kind)
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
	copy = add(f, facts_text(r, KEY_KIND));
	for (size_t i = 0; record_at(r, i, &key, &value); i++)
		if (strcmp(key, KEY_KIND) != 0)
			record_add(copy, key, value);
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

static bool
carries(const struct conf *conf, const struct conf_link *link, const char *peer)
{
	const struct conf_link *l;
	size_t at = 0;

	while ((l = conf_link_for(conf, peer, &at)))
		if (l == link)
			return true;
	return false;
}

static bool
carries_route(
	const struct conf *conf, const struct conf_link *link, const char *name)
{
	for (size_t i = 0; i < conf->routes_n; i++) {
		const struct conf_route *route = &conf->routes[i];

		if (strcmp(conf_route_name(route), name) != 0)
			continue;
		for (size_t k = 0; k < route->peers.n; k++)
			if (carries(conf, link, route->peers.v[k]))
				return true;
	}
	return false;
}

static bool
waits(enum spool_state state)
{
	return state == SPOOL_READY || state == SPOOL_DEFERRED ||
	       state == SPOOL_ACTIVE;
}

static void
add_link(struct facts *f, const struct rows *rows, size_t i, const char *boot)
{
	const struct conf_link *link = &rows->conf->links[i];
	const struct spool_link *row = &rows->links[i];
	bool up = row->up && strcmp(row->boot, boot) == 0;
	struct record *r = add(f, KIND_LINK);
	uint64_t messages = 0, bytes = 0;

	for (size_t k = 0; k < rows->stats_n; k++) {
		const struct spool_stat *s = &rows->stats[k];

		if (waits(s->state) &&
			carries_route(rows->conf, link, s->route)) {
			messages += s->deliveries;
			bytes += s->bytes;
		}
	}
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
	record_add_int(r, KEY_WAITING_MESSAGES, (int64_t)messages);
	record_add_int(r, KEY_WAITING_BYTES, (int64_t)bytes);
	for (enum budget_period p = 0; p < BUDGET_PERIODS; p++)
		outlook_record_left(r, p, &rows->left[i].of[p]);
}

static void
add_queue(struct facts *f, const struct rows *rows)
{
	uint64_t by_state[SPOOL_STATES_N] = {0}, bytes = 0;
	struct record *r = add(f, KIND_QUEUE);

	for (size_t i = 0; i < rows->stats_n; i++) {
		by_state[rows->stats[i].state] += rows->stats[i].deliveries;
		if (rows->stats[i].state != SPOOL_DELETED)
			bytes += rows->stats[i].bytes;
	}
	record_add_int(r, KEY_READY, (int64_t)by_state[SPOOL_READY]);
	record_add_int(r, KEY_DEFERRED, (int64_t)by_state[SPOOL_DEFERRED]);
	record_add_int(r, KEY_HELD, (int64_t)by_state[SPOOL_HELD]);
	record_add_int(r, KEY_ACTIVE, (int64_t)by_state[SPOOL_ACTIVE]);
	record_add_int(r, KEY_BYTES, (int64_t)bytes);
}

static void
add_node(struct facts *f, const struct conf *conf)
{
	struct record *r = add(f, KIND_NODE);

	record_add(r, KEY_HOSTNAME, conf->hostname);
	record_add(r, KEY_VERSION, TIDEPOST_VERSION);
	record_add(r, KEY_CLOCK,
		clock_trusted() ? CLOCK_TRUSTED : CLOCK_NOT_TRUSTED);
	if (clock_told_s())
		record_add_int(
			r, KEY_CLOCK_OFF, clock_wall_s() - clock_told_s());
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
		add_node(f, conf);
		add_queue(f, &rows);
		for (size_t i = 0; i < conf->links_n; i++)
			add_link(f, &rows, i, boot);
	}
	free(rows.stats);
	free(rows.links);
	free(rows.left);
	return code;
}
