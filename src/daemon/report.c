#include "daemon/report.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/links.h"
#include "daemon/place.h"
#include "daemon/policy.h"
#include "daemon/steady.h"
#include "daemon/target.h"
#include "mail/report.h"
#include "sched/daily.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { REPORT_EVENTS_PAGE = 500, REPORT_ROWS = 1000, REPORT_META_MAX = 100 };

static const char meta_key[] = "report";

struct report {
	struct node *n;
	struct loop_timer *timer;
	struct daily last;
	int64_t message, event;
	bool running, failed; /* failed: said once */
};

/* What waits in one direction. */
struct waiting {
	uint64_t deliveries, bytes;
	int64_t oldest;
};

/* One of them, from the facts to the commit. */
struct making {
	struct report *r;
	/* what the spool says */
	struct waiting out, in;
	uint64_t held, faults;
	int64_t event;	  /* the last that was looked at */
	uint64_t disk;	  /* octets free; 0: not known */
	const char *file; /* of the spool, borrowed; NULL: none */
	/* the message */
	char to[WIRE_MAILBOX_MAX + 1]; /* report.to, as it stands */
	struct targets targets;
	struct buf body;
	int priority;
	struct daily day;
	int64_t now, generation, id;
	bool busy; /* the one before is just being sent */
};

static void
free_making(struct making *m)
{
	targets_clear(&m->targets);
	buf_free(&m->body);
	free(m);
}

/* --- the facts, on a thread of the spool --- */

static bool
is_for_others(const char *route)
{
	return policy_route_customer(route) != NULL;
}

static void
add_stat(struct making *m, const struct spool_stat *s)
{
	struct waiting *w = is_for_others(s->route) ? &m->in : &m->out;

	if (s->state == SPOOL_DELETED || strcmp(s->route, "local") == 0)
		return;
	if (s->state == SPOOL_HELD)
		m->held += s->deliveries;
	w->deliveries += s->deliveries;
	w->bytes += s->bytes;
	if (s->oldest && (!w->oldest || s->oldest < w->oldest))
		w->oldest = s->oldest;
}

static enum err_code
read_queue(struct spool_txn *t, struct making *m, struct err *e)
{
	struct spool_stat *stats = NULL;
	size_t n = 0;
	enum err_code rc = spool_stats(t, &stats, &n, e);

	m->out = m->in = (struct waiting){0, 0, 0};
	m->held = 0;
	for (size_t i = 0; i < n; i++)
		add_stat(m, &stats[i]);
	free(stats);
	return rc;
}

/* Warnings and errors of the log since the last one. */
static enum err_code
read_faults(struct spool_txn *t, struct making *m, struct err *e)
{
	struct spool_event_filter f = {.after_id = m->r->event};
	enum err_code rc = OK;
	size_t n = REPORT_EVENTS_PAGE;

	m->faults = 0;
	m->event = f.after_id;
	for (size_t i = 0; rc == OK && n == REPORT_EVENTS_PAGE &&
			   i < REPORT_EVENTS_MAX / REPORT_EVENTS_PAGE;
		i++) {
		struct spool_event *rows = NULL;

		rc = spool_event_list(t, &f, REPORT_EVENTS_PAGE, &rows, &n, e);
		for (size_t k = 0; rc == OK && k < n; k++) {
			m->faults += rows[k].level >= LOG_WARNING;
			m->event = f.after_id = rows[k].id;
		}
		free(rows);
	}
	return rc;
}

static enum err_code
read_facts(struct spool_txn *t, void *arg, struct err *e)
{
	struct making *m = arg;
	struct statvfs v;
	enum err_code rc = read_queue(t, m, e);

	if (rc == OK)
		rc = read_faults(t, m, e);
	m->disk = m->file && statvfs(m->file, &v) == 0
			  ? (uint64_t)v.f_bavail * v.f_frsize
			  : 0;
	return rc;
}

/* --- the line --- */

static void
add_waiting(
	const char *name, const struct waiting *w, int64_t now, struct buf *out)
{
	buf_addf(
		out, " %s=%" PRIu64 "/%" PRIu64, name, w->deliveries, w->bytes);
	if (w->oldest)
		buf_addf(out, " %s-oldest=%" PRId64 "s", name,
			now > w->oldest ? now - w->oldest : 0);
}

/* " left.iridium.day=3600s/200000/12.50USD"; nothing where nothing is limited
 */
static void
add_left(const struct conf_link *link, const char *period,
	const struct budget_left *left, struct buf *out)
{
	const char *gap = "";

	if (!left->has_seconds && !left->has_bytes && !left->has_cost)
		return;
	buf_addf(out, " left.%s.%s=", link->name, period);
	if (left->has_seconds) {
		buf_addf(out, "%" PRId64 "s", left->v.seconds);
		gap = "/";
	}
	if (left->has_bytes) {
		buf_addf(out, "%s%" PRIu64, gap, (uint64_t)left->v.bytes);
		gap = "/";
	}
	if (left->has_cost)
		buf_addf(out, "%s%.2f%s", gap, left->v.cost, link->currency);
}

static void
add_links(struct node *n, struct buf *out)
{
	for (size_t i = 0; i < n->conf->links_n; i++) {
		const struct conf_link *l = &n->conf->links[i];
		struct budget_left day =
			budgets_left(n->budgets, l->name, BUDGET_DAY);
		struct budget_left month =
			budgets_left(n->budgets, l->name, BUDGET_MONTH);

		add_left(l, "day", &day, out);
		add_left(l, "month", &month, out);
	}
}

/* hostname tidepost=0.1.0 out=5/49050 out-oldest=7200s held=0 in=0/0 ... */
static void
make_line(const struct making *m, struct buf *out)
{
	struct node *n = m->r->n;

	buf_addf(out, "%s tidepost=%s", n->conf->hostname, TIDEPOST_VERSION);
	add_waiting("out", &m->out, m->now, out);
	add_waiting("in", &m->in, m->now, out);
	buf_addf(out, " held=%" PRIu64 " faults=%" PRIu64 " clock=%s", m->held,
		m->faults, clock_trusted() ? "ok" : "not-trusted");
	if (m->disk)
		buf_addf(out, " disk=%" PRIu64, m->disk);
	add_links(n, out);
}

static void
make_body(struct making *m)
{
	struct report_letter letter = {
		.hostname = m->r->n->conf->hostname, .to = m->to, .id = m->id};
	char date[CLOCK_TEXT_MAX];
	struct buf line;

	clock_rfc5322(m->now, date);
	letter.date = date;
	buf_init(&line, 0);
	make_line(m, &line);
	letter.line = buf_view(&line);
	report_compose(&letter, &m->body);
	buf_free(&line);
}

/* --- the transaction --- */

static enum err_code
take_back(struct spool_txn *t, struct making *m, struct err *e)
{
	struct spool_action a = {.kind = ACTION_DELETE,
		.filter = {.id = m->r->message},
		.now = m->now,
		.keep_until = m->now,
		.who = meta_key};
	struct spool_cursor from = {0, 0};
	struct spool_row *rows = NULL;
	size_t n = 0;
	enum err_code rc;

	m->busy = false;
	if (!m->r->message)
		return OK;
	rc = spool_list(t, &a.filter, &from, REPORT_ROWS, &rows, &n, e);
	for (size_t i = 0; rc == OK && i < n; i++)
		m->busy |= rows[i].d.state == SPOOL_ACTIVE;
	free(rows);
	return rc == OK && n && !m->busy ? spool_act(t, &a, &n, e) : rc;
}

static void
set_delivery(const struct making *m, size_t i, struct spool_delivery *d_r)
{
	const struct target *to = &m->targets.v[i];

	*d_r = (struct spool_delivery){
		.message = m->id,
		.n = (unsigned)i + 1,
		.state = SPOOL_READY,
		.route_generation = m->generation,
		.queued_at = m->now,
		.steady_at = m->day.steady,
		.priority = m->priority,
		.params.notify = NOTIFY_NEVER,
	};
	str_copyz(d_r->recipient, sizeof(d_r->recipient), to->address);
	str_copyz(d_r->route, sizeof(d_r->route), to->route);
	if (!str_eq_nocase(str_of(to->address), str_of(m->to)))
		str_copyz(d_r->alias, sizeof(d_r->alias), m->to);
}

static enum err_code
add_message(struct spool_txn *t, const struct making *m, struct err *e)
{
	struct str body = buf_view(&m->body);
	struct spool_message message = {
		.id = m->id,
		.received_at = m->now,
		.received_from = "local",
		.size = body.n,
		.priority = m->priority,
		.is_notice = true,
	};
	size_t n = m->targets.n;
	struct spool_delivery *d = xcalloc(n, sizeof(*d));
	enum err_code rc;

	for (size_t i = 0; i < n; i++)
		set_delivery(m, i, &d[i]);
	rc = spool_body_append(t, m->id, body, e);
	if (rc == OK)
		rc = place_set(t, &message, d, n, m->now, e);
	if (rc == OK)
		rc = spool_message_add(t, &message, d, n, e);
	free(d);
	return rc;
}

static enum err_code
write_report(struct spool_txn *t, void *arg, struct err *e)
{
	struct making *m = arg;
	char text[REPORT_META_MAX];
	enum err_code rc = take_back(t, m, e);

	if (rc != OK || m->busy)
		return rc;
	snprintf(text, sizeof(text),
		"%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, m->day.day,
		m->day.steady, m->id, m->event);
	rc = add_message(t, m, e);
	return rc == OK ? spool_meta_put(t, meta_key, str_of(text), e) : rc;
}

/* --- on the loop --- */

static void
look_again(struct report *r)
{
	r->running = false;
	if (!r->n->stopping)
		loop_timer_set(
			r->timer, r->failed ? REPORT_AGAIN_MS : REPORT_LOOK_MS);
}

static void
fail(struct report *r, const char *why)
{
	if (!r->failed)
		log_error("report-not-made", LOG_STR("why", why));
	r->failed = true;
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct making *m = arg;
	struct report *r = m->r;

	if (code != OK) {
		fail(r, e->text);
	} else if (!m->busy) {
		crash_point("report-stored");
		r->last = m->day;
		r->message = m->id;
		r->event = m->event;
		r->failed = false;
		log_info("report", LOG_INT("msg", m->id), LOG_STR("to", m->to));
		for (size_t i = 0; i < m->targets.n && !r->n->stopping; i++)
			dispatch_arrived(r->n->dispatch, m->targets.v[i].route);
		node_stored(r->n, m->generation);
	}
	look_again(r);
	free_making(m);
}

static void
facts_read(void *arg, enum err_code code, const struct err *e)
{
	struct making *m = arg;
	struct report *r = m->r;

	if (code == OK && !r->n->stopping) {
		m->id = spool_new_id(r->n->spool);
		make_body(m);
		spool_submit(r->n->spool, write_report, written, m);
		return;
	}
	if (code != OK)
		fail(r, e->text);
	look_again(r);
	free_making(m);
}

static void
begin(struct report *r, const struct daily *day)
{
	const struct conf *conf = r->n->conf;
	struct making *m = xcalloc(1, sizeof(*m));
	struct str scheme = STR("sqlite:");

	targets_add(r->n, conf->report.to, &m->targets);
	if (!m->targets.n) {
		fail(r, "no route leads to report.to; add one");
		look_again(r);
		free_making(m);
		return;
	}
	m->r = r;
	m->generation = r->n->route_generation;
	m->day = *day;
	m->now = clock_sane_s();
	m->priority = conf->report.priority;
	if (str_starts_nocase(str_of(conf->spool), scheme))
		m->file = conf->spool + scheme.n;
	str_copyz(m->to, sizeof(m->to), conf->report.to);
	buf_init(&m->body, 0);
	r->running = true;
	spool_submit_read(r->n->spool, read_facts, facts_read, m);
}

/* Without a clock nobody knows whether it is time. */
static void
look(void *arg)
{
	struct report *r = arg;
	const struct conf *conf = r->n->conf;
	struct daily day;

	if (r->n->stopping || r->running)
		return;
	if (conf->report.to && !r->n->told_to_stop && clock_known()) {
		day.day = daily_day(conf->report.at_s, clock_sane_s());
		day.steady = steady_now(r->n->steady);
		if (daily_is_due(&r->last, conf->report.at_s, clock_sane_s(),
			    day.steady)) {
			begin(r, &day);
			return;
		}
	}
	loop_timer_set(r->timer, REPORT_LOOK_MS);
}

/* --- start and end --- */

struct stored {
	struct daily last;
	int64_t message, event;
};

static enum err_code
read_stored(struct spool_txn *t, void *arg, struct err *e)
{
	struct stored *st = arg;
	struct buf text;
	enum err_code rc;

	*st = (struct stored){.message = 0};
	buf_init(&text, 0);
	rc = spool_meta_get(t, meta_key, &text, e);
	if (rc == OK && sscanf(buf_z(&text),
				"%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
				&st->last.day, &st->last.steady, &st->message,
				&st->event) != 4)
		*st = (struct stored){.message = 0};
	buf_free(&text);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
report_waiting(struct spool_txn *t, int64_t *message_r, struct err *e)
{
	struct stored st;
	enum err_code rc = read_stored(t, &st, e);

	*message_r = st.message;
	return rc;
}

enum err_code
report_load(struct report *r, struct err *e)
{
	struct stored st = {.message = 0};
	enum err_code rc = spool_read(r->n->spool, read_stored, &st, e);

	r->last = st.last;
	r->message = st.message;
	r->event = st.event;
	return rc;
}

struct report *
report_new(struct node *n)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->timer = loop_timer_new(n->loop, look, r);
	loop_timer_set(r->timer, 0); /* when the spool is open */
	return r;
}

void
report_free(struct report *r)
{
	if (!r)
		return;
	loop_timer_free(r->timer);
	free(r);
}
