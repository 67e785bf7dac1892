/* One message: envelope, recipients with what befell them, its text. */
#include "tui/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faces/queue.h"
#include "faces/show.h"
#include "faces/text.h"
#include "tui/act.h"
#include "tui/draw.h"
#include "tui/page.h"

enum {
	RECIPIENTS_MAX = 200,
	EVENTS_MAX = 500,
	INDENT = 4,
};

struct facts_of {
	int64_t id;
	struct spool_message message;
	struct spool_row *rows; /* owned */
	size_t rows_n;
	bool more;		    /* there are more recipients than these */
	struct spool_event *events; /* owned */
	size_t events_n;
};

struct message {
	struct message_arg arg;
	struct facts_of facts;
	bool there;
	struct buf octets; /* its front */
	bool read;	   /* they were read */
	enum show_mode mode;
	struct page page;
};

void
message_open(struct console *c, int64_t id, unsigned n)
{
	console_open(c, &message_view, &(struct message_arg){id, n});
}

/* --- reading --- */

/* Up to RECIPIENTS_MAX in all: those that wait, or those that are deleted. */
static enum err_code
add_rows(struct spool_txn *t, struct facts_of *f, bool deleted, struct err *e)
{
	struct spool_filter filter = {
		.id = f->id, .has_state = deleted, .state = SPOOL_DELETED};
	struct spool_cursor after = {0};
	struct spool_row *rows;
	size_t n, room = RECIPIENTS_MAX - f->rows_n;
	enum err_code code;

	if (room == 0)
		return OK;
	code = spool_list(t, &filter, &after, room, &rows, &n, e);
	if (code != OK)
		return code;
	f->more |= n == room;
	f->rows = xrealloc(f->rows, (f->rows_n + n + 1) * sizeof(*f->rows));
	if (n)
		memcpy(f->rows + f->rows_n, rows, n * sizeof(*rows));
	f->rows_n += n;
	free(rows);
	return OK;
}

static enum err_code
read_facts(struct spool_txn *t, void *arg, struct err *e)
{
	struct facts_of *f = arg;
	struct spool_event_filter events = {.message = f->id, .newest = true};
	enum err_code code = spool_message_get(t, f->id, &f->message, e);

	f->rows_n = 0;
	f->more = false;
	free(f->events);
	f->events = NULL;
	f->events_n = 0;
	if (code == OK)
		code = add_rows(t, f, false, e);
	if (code == OK)
		code = add_rows(t, f, true, e);
	if (code == OK)
		code = spool_event_list(
			t, &events, EVENTS_MAX, &f->events, &f->events_n, e);
	if (code == ERR_NOTFOUND) {
		f->rows_n = 0;
		return OK;
	}
	return code;
}

struct step {
	int64_t id;
	uint64_t offset;
	char octets[SPOOL_CHUNK_BYTES];
	size_t n;
};

static enum err_code
read_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct step *s = arg;

	return spool_body_read(
		t, s->id, s->offset, s->octets, sizeof(s->octets), &s->n, e);
}

/* A chunk is a look of its own. */
static void
read_octets(struct view *v)
{
	struct message *m = v->data;
	struct step *s = xcalloc(1, sizeof(*s));

	s->id = m->arg.id;
	while (s->offset < SHOW_OCTETS_MAX &&
		console_read(v->c, read_step, s) && s->n) {
		buf_add(&m->octets, s->octets, s->n);
		s->offset += s->n;
	}
	free(s);
	m->read = true;
}

/* --- the page --- */

static void
field(struct page *p, const char *name, const char *value)
{
	if (value[0])
		page_addf(p, TONE_PLAIN, 10, "%-10s%s", name, value);
}

static void
add_envelope(struct page *p, const struct spool_message *m)
{
	char time[TEXT_SHORT_MAX], size[TEXT_SHORT_MAX];

	text_time(m->received_at, time);
	text_size(m->size, size);
	field(p, "from", queue_sender(m->sender));
	field(p, "received", time);
	field(p, "by way of", m->received_from);
	field(p, "account", m->account);
	field(p, "size", size);
	field(p, "envid", m->params.envid);
}

static void
add_event(struct page *p, const struct spool_event *ev)
{
	char time[TEXT_SHORT_MAX];

	text_time(ev->time, time);
	page_addf(p, TONE_DIM, INDENT * 2, "    %s  %s%s%s%s%s", time,
		ev->event, ev->peer[0] ? " " : "", ev->peer,
		ev->text[0] ? ": " : "", ev->text);
}

static void
add_delivery(
	struct page *p, const struct facts_of *f, const struct spool_row *r)
{
	const struct spool_delivery *d = &r->d;
	char id[PROTOCOL_ID_TEXT_MAX], next[TEXT_SHORT_MAX];
	char reason[SPOOL_TEXT_MAX + 128], way[QUEUE_WAY_MAX];

	protocol_id_format(d->message, d->n, id);
	queue_reason(r, reason, sizeof(reason));
	text_time(d->next_attempt, next);
	page_addf(p, TONE_HEAD, INDENT, "%s  %s", id, d->recipient);
	if (queue_way(d, way, sizeof(way)))
		page_addf(p, TONE_PLAIN, INDENT, "    %s", way);
	page_addf(p, TONE_PLAIN, INDENT, "    %s%s%s",
		spool_state_name(d->state), reason[0] ? ": " : "", reason);
	page_addf(p, TONE_PLAIN, INDENT,
		"    route %s%s%s, priority %d, attempts %u%s%s",
		d->route[0] ? d->route : "-", d->link[0] ? ", link " : "",
		d->link, d->priority, d->attempts,
		d->next_attempt ? ", next " : "", d->next_attempt ? next : "");
	for (size_t i = 0; i < f->events_n; i++)
		if (f->events[i].n == 0 || f->events[i].n == d->n)
			add_event(p, &f->events[i]);
}

static void
add_line(void *arg, enum show_kind kind, struct str line)
{
	static const enum tone tones[] = {
		[SHOW_LINE_FIELD] = TONE_HEAD,
		[SHOW_LINE_TEXT] = TONE_PLAIN,
		[SHOW_LINE_QUOTE] = TONE_DIM,
		[SHOW_LINE_NOTE] = TONE_WARN,
	};

	page_add(arg, tones[kind], kind == SHOW_LINE_FIELD ? INDENT : 0, line);
}

static void
add_text(struct view *v)
{
	struct message *m = v->data;
	char size[TEXT_SHORT_MAX];

	page_add(&m->page, TONE_PLAIN, 0, STR(""));
	if (!m->read)
		read_octets(v);
	show_message(buf_view(&m->octets), m->mode, add_line, &m->page);
	if (m->octets.len >= m->facts.message.size)
		return;
	text_size(m->facts.message.size, size);
	page_addf(&m->page, TONE_WARN, 0,
		"[the rest of %s is not shown: tidepost queue show %" PRId64
		" --body]",
		size, m->arg.id);
}

static void
message_load(struct view *v, unsigned width)
{
	struct message *m = v->data;
	struct facts_of *f = &m->facts;

	if (!console_read(v->c, read_facts, f))
		return;
	m->there = f->rows_n > 0;
	page_clear(&m->page);
	if (!m->there) {
		page_addf(&m->page, TONE_WARN, 0,
			"%" PRId64 " is not in the queue any more. L shows "
			"what became of it.",
			m->arg.id);
	} else {
		add_envelope(&m->page, &f->message);
		for (size_t i = 0; i < f->rows_n; i++)
			add_delivery(&m->page, f, &f->rows[i]);
		if (f->more)
			page_addf(&m->page, TONE_WARN, 0,
				"[more recipients: tidepost queue show %" PRId64
				"]",
				m->arg.id);
		add_text(v);
	}
	page_wrap(&m->page, width);
}

static void
message_opened(struct view *v, const void *arg)
{
	struct message *m = v->data;

	m->arg = *(const struct message_arg *)arg;
	m->facts.id = m->arg.id;
	buf_init(&m->octets, SHOW_OCTETS_MAX + SPOOL_CHUNK_BYTES);
}

static void
message_close(struct view *v)
{
	struct message *m = v->data;

	free(m->facts.rows);
	free(m->facts.events);
	buf_free(&m->octets);
	page_free(&m->page);
}

static size_t
message_rows(const struct view *v)
{
	const struct message *m = v->data;

	return m->page.pieces_n;
}

static void
message_row(struct view *v, size_t i, struct row *out)
{
	const struct message *m = v->data;

	page_row(&m->page, i, out);
}

static void
message_title(const struct view *v, struct buf *out)
{
	static const char *const modes[] = {
		[SHOW_TEXT] = "",
		[SHOW_HEADER] = ", whole header",
		[SHOW_RAW] = ", raw",
	};
	const struct message *m = v->data;

	buf_addf(out, "%" PRId64 "%s", m->arg.id, modes[m->mode]);
}

/* --- what is asked for --- */

/* The delivery it was opened for, or all of them. */
static void
act(struct view *v, enum tui_request r)
{
	struct message *m = v->data;
	const struct facts_of *f = &m->facts;
	char name[WIRE_MAILBOX_MAX + PROTOCOL_ID_TEXT_MAX + 8] = "";
	char id[PROTOCOL_ID_TEXT_MAX];
	struct target *targets = xcalloc(f->rows_n + 1, sizeof(*targets));
	size_t n = 0;

	for (size_t i = 0; i < f->rows_n; i++) {
		const struct spool_delivery *d = &f->rows[i].d;

		if (m->arg.n && d->n != m->arg.n)
			continue;
		targets[n++] = (struct target){.id = d->message,
			.n = d->n,
			.state = d->state,
			.priority = d->priority,
			.size = f->rows[i].size};
		protocol_id_format(d->message, d->n, id);
		snprintf(name, sizeof(name), "%s to %s", id, d->recipient);
	}
	act_ask(v->c, r, targets, n, name);
}

static bool
message_request(struct view *v, enum tui_request r)
{
	struct message *m = v->data;

	if (act_is(r)) {
		act(v, r);
		return true;
	}
	if (r == REQUEST_SHOW_MODE) {
		m->mode = (enum show_mode)((m->mode + 1) % SHOW_MODES_N);
		message_load(v, draw_width(v->c));
		return true;
	}
	if (r == REQUEST_MESSAGE_LOG) {
		console_open(v->c, &log_view, &m->arg.id);
		return true;
	}
	return false;
}

const struct view_ops message_view = {
	.name = "message",
	.in = IN_MESSAGE,
	.data_size = sizeof(struct message),
	.open = message_opened,
	.close = message_close,
	.load = message_load,
	.rows = message_rows,
	.row = message_row,
	.title = message_title,
	.request = message_request,
	.hints = "q back  v header, raw  H hold  r release  y retry  d delete  "
		 "b return  L log  ? help",
};
