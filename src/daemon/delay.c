#include "daemon/delay.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bounce.h"
#include "daemon/crash.h"
#include "daemon/links.h"
#include "daemon/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DELAY_PAGE = 200 }; /* deliveries of one filter at a time */

/* Deliveries of one message and sender, and the notice of them. */
struct item {
	struct spool_message m;
	struct spool_row *rows; /* owned */
	size_t n;
	struct bounce *bounce; /* NULL: nobody is told */
};

struct job {
	struct node *n;
	struct delay_conf conf;
	struct spool_filter *filters; /* owned */
	struct item *items;	      /* owned */
	size_t items_n, marked;
	int64_t now;
};

static void
forget(struct job *j)
{
	for (size_t i = 0; i < j->items_n; i++) {
		bounce_free(j->items[i].bounce);
		free(j->items[i].rows);
	}
	free(j->items);
	j->items = NULL;
	j->items_n = 0;
}

static void
end(struct job *j)
{
	j->conf.done(j->conf.arg, j->marked);
	forget(j);
	free(j->filters);
	free(j);
}

/* --- who is to be told --- */

static enum err_code
add_row(struct spool_txn *t, struct job *j, const struct spool_row *row,
	struct err *e)
{
	struct item *last = j->items_n ? &j->items[j->items_n - 1] : NULL;

	if (!last || last->m.id != row->d.message ||
		!spool_is_sent_as(&last->rows[0].d, &row->d)) {
		enum err_code rc;

		j->items = xrealloc(
			j->items, (j->items_n + 1) * sizeof(*j->items));
		last = &j->items[j->items_n++];
		memset(last, 0, sizeof(*last));
		rc = spool_message_get(t, row->d.message, &last->m, e);
		if (rc != OK)
			return rc;
		spool_message_for(&last->m, &row->d);
	}
	last->rows = xrealloc(last->rows, (last->n + 1) * sizeof(*last->rows));
	last->rows[last->n++] = *row;
	return OK;
}

static enum err_code
read_rows(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	forget(j); /* of an earlier run of this function */
	for (size_t i = 0; i < j->conf.filters_n && rc == OK; i++) {
		struct spool_cursor from = {0, 0};
		struct spool_row *rows = NULL;
		size_t n = 0;

		rc = spool_list(
			t, &j->filters[i], &from, DELAY_PAGE, &rows, &n, e);
		for (size_t k = 0; k < n && rc == OK; k++)
			rc = add_row(t, j, &rows[k], e);
		free(rows);
	}
	return rc;
}

static bool
may_tell(
	const struct job *j, const struct item *item, const struct spool_row *r)
{
	if (!bounce_wanted(j->n, &item->m, &r->d, DSN_DELAYED))
		return false;
	/* Nobody vouches for the senders of a customer's mail but sometimes. */
	if (policy_route_customer(r->d.route) && !item->m.vouched)
		return false;
	return j->conf.late || bounce_is_at_home(j->n, &item->m);
}

/* ... and until when. */
static void
add_window(struct node *n, const char *link, char *out, size_t size)
{
	char when[CLOCK_TEXT_MAX];
	size_t at = strlen(out);
	struct link_facts f;

	for (size_t i = 0; links_facts(n->links, i, &f); i++) {
		if (strcmp(f.name, link) != 0 || !f.next_window)
			continue;
		clock_rfc3339(f.next_window, when);
		snprintf(out + at, size - at, ", which opens at %s", when);
	}
}

static void
say_why(const struct job *j, const struct spool_row *r, char *out, size_t size)
{
	char reason[SPOOL_TEXT_MAX + 1];

	spool_reason_text(r->reason, r->reason_arg, r->d.next_attempt, reason,
		sizeof(reason));
	if (r->reason == REASON_WINDOW)
		add_window(j->n, r->reason_arg, reason, sizeof(reason));
	snprintf(out, size, "%s%.900s",
		j->conf.late ? "it is later than you wished: " : "", reason);
}

static void
compose(struct job *j, struct item *item)
{
	int64_t longest_s = j->n->conf->queue.longest_s;
	char text[SPOOL_TEXT_MAX + 1];

	for (size_t i = 0; i < item->n; i++) {
		const struct spool_row *r = &item->rows[i];

		if (!may_tell(j, item, r))
			continue;
		if (!item->bounce)
			item->bounce = bounce_new(j->n, &item->m);
		say_why(j, r, text, sizeof(text));
		bounce_add(item->bounce, &r->d,
			&(struct bounce_row){.action = DSN_DELAYED,
				.status = j->conf.late ? "4.4.7" : "4.4.1",
				.reply = text,
				.peer = "",
				.retry_until =
					longest_s ? r->d.queued_at + longest_s
						  : 0});
	}
}

/* --- told --- */

static enum err_code
mark(struct spool_txn *t, const struct job *j, const struct spool_row *r,
	struct err *e)
{
	enum err_code rc =
		j->conf.late
			? spool_set_told_late(t, r->d.message, r->d.n, e)
			: spool_set_warned(t, r->d.message, r->d.n, j->now, e);

	return rc == ERR_NOTFOUND ? OK : rc; /* it went meanwhile */
}

static enum err_code
write_notices(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < j->items_n && rc == OK; i++) {
		struct item *item = &j->items[i];
		struct spool_message m;

		/* Delivered since it was read: there is nothing to tell. */
		if (spool_message_get(t, item->m.id, &m, e) == ERR_NOTFOUND) {
			bounce_free(item->bounce);
			item->bounce = NULL;
			continue;
		}
		if (item->bounce)
			rc = bounce_write(t, item->bounce, e);
		for (size_t k = 0; k < item->n && rc == OK; k++)
			rc = mark(t, j, &item->rows[k], e);
	}
	return rc;
}

static void
notices_written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK)
		log_error("delay-not-told", LOG_STR("why", e->text));
	crash_point("delay-committed");
	for (size_t i = 0; code == OK && i < j->items_n; i++) {
		j->marked += j->items[i].n;
		if (j->items[i].bounce)
			bounce_written(j->items[i].bounce);
	}
	end(j);
}

static void
rows_read(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK)
		log_error("queue-unreadable", LOG_STR("why", e->text));
	if (code != OK || !j->items_n || j->n->stopping) {
		end(j);
		return;
	}
	for (size_t i = 0; i < j->items_n; i++)
		compose(j, &j->items[i]);
	crash_point("delay-before-commit");
	spool_submit(j->n->spool, write_notices, notices_written, j);
}

void
delay_tell(struct node *n, const struct delay_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));
	size_t bytes = conf->filters_n * sizeof(*conf->filters);

	j->n = n;
	j->conf = *conf;
	j->filters = xmalloc(bytes);
	if (bytes)
		memcpy(j->filters, conf->filters, bytes);
	j->now = clock_sane_s();
	spool_submit_read(n->spool, read_rows, rows_read, j);
}
