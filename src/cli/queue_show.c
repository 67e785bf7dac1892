/* queue show: one message with its recipients and what befell them. */
#include "cli/colour.h"
#include "cli/queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "faces/subject.h"
#include "faces/text.h"

enum {
	HISTORY_MAX = 2000, /* events of one message kept in memory */
	BODY_STEP = SPOOL_CHUNK_BYTES,
};

struct shown {
	int64_t id;
	unsigned n; /* 0: all deliveries */
	struct spool_message message;
	struct subject_job subject;
	struct spool_row *rows; /* owned */
	size_t rows_n;
	struct spool_event *events; /* owned */
	size_t events_n;
};

/* Adds the deliveries in STATE, or all but the deleted ones. */
static enum err_code
add_rows(struct spool_txn *t, struct shown *s, bool deleted, struct err *e)
{
	struct spool_filter f = {.id = s->id,
		.n = s->n,
		.has_state = deleted,
		.state = SPOOL_DELETED};
	struct spool_cursor after = {0};
	struct spool_row *rows;
	size_t n;

	do {
		enum err_code code =
			spool_list(t, &f, &after, QUEUE_PAGE, &rows, &n, e);

		if (code != OK)
			return code;
		s->rows = xrealloc(
			s->rows, (s->rows_n + n + 1) * sizeof(*s->rows));
		if (n)
			memcpy(s->rows + s->rows_n, rows, n * sizeof(*rows));
		s->rows_n += n;
		free(rows);
	} while (n == QUEUE_PAGE);
	return OK;
}

static enum err_code
read_shown(struct spool_txn *t, void *arg, struct err *e)
{
	struct shown *s = arg;
	struct spool_event_filter events = {.message = s->id, .newest = true};
	enum err_code code = spool_message_get(t, s->id, &s->message, e);

	s->rows_n = 0;
	free(s->events);
	s->events = NULL;
	if (code == OK)
		code = add_rows(t, s, false, e);
	if (code == OK)
		code = add_rows(t, s, true, e);
	if (code == OK)
		code = spool_event_list(
			t, &events, HISTORY_MAX, &s->events, &s->events_n, e);
	if (code == OK) {
		s->subject.id = s->id;
		code = subject_read(t, &s->subject, e);
	}
	if (code == OK && s->rows_n == 0)
		code = err_set(e, ERR_NOTFOUND,
			"no such delivery; see: tidepost queue list");
	return code;
}

/* Does EV belong to the history of delivery N? */
static bool
in_history(const struct spool_event *ev, unsigned n)
{
	return ev->n == 0 || ev->n == n;
}

/* --- JSON --- */

static void
json_history(struct json *j, const struct shown *s, unsigned n)
{
	json_array(j, "history");
	for (size_t i = 0; i < s->events_n; i++) {
		if (!in_history(&s->events[i], n))
			continue;
		json_object(j, NULL);
		json_time(j, "time", s->events[i].time);
		json_text(j, "event", s->events[i].event);
		json_word(j, "text", s->events[i].text);
		json_end(j);
	}
	json_end(j);
}

static void
print_json(struct shown *s)
{
	const struct spool_message *m = &s->message;
	char id[PROTOCOL_ID_TEXT_MAX];
	struct json j;

	protocol_id_format(m->id, 0, id);
	json_init(&j);
	json_begin(&j);
	json_text(&j, "id", id);
	json_text(&j, "sender", m->sender);
	json_word(&j, "subject", buf_z(&s->subject.text));
	json_time(&j, "received_at", m->received_at);
	json_word(&j, "received_from", m->received_from);
	json_uint(&j, "size", m->size);
	json_text(&j, "body", body_name(m->params.body));
	json_array(&j, "deliveries");
	for (size_t i = 0; i < s->rows_n; i++) {
		json_object(&j, NULL);
		queue_json_row(&j, &s->rows[i]);
		json_history(&j, s, s->rows[i].d.n);
		json_end(&j);
	}
	json_print(&j, stdout);
	json_free(&j);
}

/* --- for people --- */

static void
print_field(const char *name, const char *value)
{
	if (value[0])
		text_printf(stdout, "%-14s%s\n", name, value);
}

static void
print_envelope(const struct spool_message *m, const char *subject)
{
	char time[TEXT_SHORT_MAX], size[TEXT_SHORT_MAX];

	text_time(m->received_at, time);
	text_size(m->size, size);
	printf("%-14s%" PRId64 "\n", "message", m->id);
	print_field("from", queue_sender(m->sender));
	print_field("subject", subject);
	print_field("received", time);
	print_field("by way of", m->received_from);
	print_field("account", m->account);
	print_field("size", size);
	print_field("body", body_name(m->params.body));
	print_field("envelope id", m->params.envid);
}

static void
print_event(const struct spool_event *ev)
{
	char time[TEXT_SHORT_MAX];

	text_time(ev->time, time);
	text_printf(stdout, "    %s  %s%s%s%s%s\n", time, ev->event,
		ev->peer[0] ? " " : "", ev->peer, ev->text[0] ? ": " : "",
		ev->text);
}

static void
print_delivery(const struct shown *s, const struct spool_row *row)
{
	const struct spool_delivery *d = &row->d;
	char id[PROTOCOL_ID_TEXT_MAX], next[TEXT_SHORT_MAX];
	char reason[SPOOL_TEXT_MAX + 128], way[QUEUE_WAY_MAX];

	protocol_id_format(d->message, d->n, id);
	queue_reason(row, reason, sizeof(reason));
	text_time(d->next_attempt, next);
	putchar('\n');
	text_printf(stdout, "%s  %s\n", id, d->recipient);
	if (queue_way(d, way, sizeof(way)))
		text_printf(stdout, "    %s\n", way);
	fputs("    ", stdout);
	colour_print(stdout, colour_of_state(spool_state_name(d->state)),
		str_of(spool_state_name(d->state)));
	text_printf(stdout, "%s%s\n", reason[0] ? ": " : "", reason);
	text_printf(stdout, "    route %s, priority %d, attempts %u%s%s\n",
		d->route[0] ? d->route : "-", d->priority, d->attempts,
		d->next_attempt ? ", next " : "", d->next_attempt ? next : "");
	for (size_t i = 0; i < s->events_n; i++)
		if (in_history(&s->events[i], d->n))
			print_event(&s->events[i]);
}

/* --- its octets --- */

struct body_step {
	int64_t id;
	uint64_t offset;
	char octets[BODY_STEP];
	size_t n;
};

static enum err_code
read_step(struct spool_txn *t, void *arg, struct err *e)
{
	struct body_step *b = arg;

	return spool_body_read(
		t, b->id, b->offset, b->octets, sizeof(b->octets), &b->n, e);
}

/* Finds the end of the header: the empty line, in pieces however cut. */
struct header_end {
	unsigned matched; /* octets of CRLF CRLF */
};

/* Octets of S up to and with the end; *found_r: it is there. */
static size_t
header_scan(struct header_end *h, struct str s, bool *found_r)
{
	static const char end[] = "\r\n\r\n";

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == end[h->matched])
			h->matched++;
		else
			h->matched = s.p[i] == '\r';
		if (h->matched == 4) {
			*found_r = true;
			return i + 1;
		}
	}
	*found_r = false;
	return s.n;
}

/* With the line ends of this system, and nothing else that controls. */
static void
print_clean(struct str s)
{
	while (s.n) {
		struct str rest;
		struct str line = str_cut(s, '\n', &rest);
		bool whole = line.n < s.n;

		if (whole && line.n && line.p[line.n - 1] == '\r')
			line.n--;
		text_print(stdout, line);
		if (whole)
			putchar('\n');
		s = rest;
	}
}

/*
 * The header is for looking at and always clean; what holds the body is clean
 * on a terminal, and octet for octet elsewhere.
 */
static int
print_content(struct cli *c, int64_t id, bool header, bool body)
{
	bool clean = !body || text_on_terminal();
	struct body_step *b = xcalloc(1, sizeof(*b));
	struct header_end h = {2}; /* a message may begin with the empty line */
	bool behind = false;
	int status;

	b->id = id;
	while ((status = cli_read(c, read_step, b)) == 0 && b->n) {
		struct str all = {b->octets, b->n};
		struct str part = all;
		size_t n = behind ? 0 : header_scan(&h, all, &behind);

		if (!header)
			part = str_skip(all, n);
		else if (!body)
			part.n = n;
		if (clean)
			print_clean(part);
		else
			fwrite(part.p, 1, part.n, stdout);
		if (behind && !body)
			break;
		b->offset += b->n;
	}
	free(b);
	return status;
}

static int
print_shown(struct cli *c, const struct args *a, struct shown *s)
{
	bool header = args_has(a, "--headers"), body = args_has(a, "--body");

	if (header || body)
		return print_content(c, s->id, header, body);
	if (args_has(a, "--json")) {
		print_json(s);
		return 0;
	}
	print_envelope(&s->message, buf_z(&s->subject.text));
	for (size_t i = 0; i < s->rows_n; i++)
		print_delivery(s, &s->rows[i]);
	return 0;
}

int
queue_show(struct cli *c, const struct args *a)
{
	struct shown s = {0};
	struct err e = {0};
	enum err_code code;
	int status;

	if (!protocol_id_parse(str_of(a->words[0]), &s.id, &s.n))
		return cli_refuse(ERR_USAGE,
			"\"%s\" is no id; ids look like 4711 or 4711.2",
			a->words[0]);
	status = cli_spool_read(c);
	if (status != 0)
		return status;
	code = spool_read(c->spool, read_shown, &s, &e);
	if (code == ERR_NOTFOUND)
		status = cli_refuse(code,
			"%s: not in the queue; what became of it: tidepost log "
			"--message %s",
			a->words[0], a->words[0]);
	else
		status = code == OK ? print_shown(c, a, &s) : cli_fail(&e);
	free(s.rows);
	free(s.events);
	buf_free(&s.subject.text);
	return status;
}
