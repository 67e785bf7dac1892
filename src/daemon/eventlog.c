#include "daemon/eventlog.h"

#include "base/clock.h"
#include "base/log.h"
#include "spool/records.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVENTLOG_EVERY_MS = 3000,
	EVENTLOG_PENDING_MAX = 2000, /* more in that time are left out */
};

struct eventlog {
	struct node *n;
	struct loop_timer *timer;
	pthread_mutex_t lock; /* all below */
	struct spool_event *rows;
	size_t count;
	bool waiting; /* the timer is set */
};

struct batch {
	struct spool_event *rows;
	size_t n;
};

/* Written by the transaction that makes them true. */
static bool
is_told_by_queue(const char *event)
{
	static const char *const names[] = {"accepted", "delivered", "deferred",
		"failed", "held", "released", "notice",
		"may-be-delivered-twice", "state"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], event) == 0)
			return true;
	return false;
}

static void
take_field(struct spool_event *ev, struct buf *text, const struct log_field *f)
{
	struct str value = {f->text, f->text_n};

	if (!f->text && strcmp(f->key, "session") == 0)
		ev->session = (uint64_t)f->number;
	else if (!f->text && strcmp(f->key, "msg") == 0)
		ev->message = f->number;
	else if (!f->text && strcmp(f->key, "n") == 0)
		ev->n = (unsigned)f->number;
	else if (f->text && strcmp(f->key, "peer") == 0)
		str_copy(ev->peer, sizeof(ev->peer), value);
	else if (f->text && strcmp(f->key, "link") == 0)
		str_copy(ev->link, sizeof(ev->link), value);
	else
		log_add_field(text, f);
}

static void
fill(struct spool_event *ev, enum log_level level, const char *event,
	const struct log_field *fields)
{
	struct buf text;

	*ev = (struct spool_event){
		.time = clock_sane_s(),
		.level = (int)level,
	};
	str_copyz(ev->event, sizeof(ev->event), event);
	buf_init(&text, 0);
	for (; fields->key; fields++)
		take_field(ev, &text, fields);
	str_copy(ev->text, sizeof(ev->text), buf_view(&text));
	buf_free(&text);
}

static void
set_timer(void *arg)
{
	struct eventlog *l = arg;

	loop_timer_set(l->timer, EVENTLOG_EVERY_MS);
}

/* From any thread. */
static void
observe(enum log_level level, const char *event, const struct log_field *fields,
	void *arg)
{
	struct eventlog *l = arg;
	bool set = false;

	if (level < LOG_INFO || is_told_by_queue(event))
		return;
	pthread_mutex_lock(&l->lock);
	if (!l->rows)
		l->rows = xcalloc(EVENTLOG_PENDING_MAX, sizeof(*l->rows));
	if (l->count < EVENTLOG_PENDING_MAX) {
		fill(&l->rows[l->count++], level, event, fields);
		set = !l->waiting;
		l->waiting = true;
	}
	pthread_mutex_unlock(&l->lock);
	if (set)
		loop_post(l->n->loop, set_timer, l);
}

static enum err_code
write_batch(struct spool_txn *t, void *arg, struct err *e)
{
	struct batch *b = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < b->n; i++)
		rc = spool_event_add(t, &b->rows[i], e);
	return rc;
}

static void
batch_written(void *arg, enum err_code code, const struct err *e)
{
	struct batch *b = arg;

	(void)code; /* a log that cannot be written is no reason to log */
	(void)e;
	free(b->rows);
	free(b);
}

static void
flush(void *arg)
{
	struct eventlog *l = arg;
	struct batch *b = xcalloc(1, sizeof(*b));

	pthread_mutex_lock(&l->lock);
	b->rows = l->rows;
	b->n = l->count;
	l->rows = NULL;
	l->count = 0;
	l->waiting = false;
	pthread_mutex_unlock(&l->lock);
	spool_submit(l->n->spool, write_batch, batch_written, b);
}

struct eventlog *
eventlog_new(struct node *n)
{
	struct eventlog *l = xcalloc(1, sizeof(*l));

	l->n = n;
	l->timer = loop_timer_new(n->loop, flush, l);
	pthread_mutex_init(&l->lock, NULL);
	log_set_observer(observe, l);
	return l;
}

void
eventlog_stop(struct eventlog *l)
{
	log_set_observer(NULL, NULL);
	loop_timer_clear(l->timer);
	flush(l);
}

void
eventlog_free(struct eventlog *l)
{
	if (!l)
		return;
	loop_timer_free(l->timer);
	pthread_mutex_destroy(&l->lock);
	free(l->rows);
	free(l);
}
