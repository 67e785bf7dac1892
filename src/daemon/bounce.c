#include "daemon/bounce.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "daemon/place.h"
#include "daemon/policy.h"
#include "daemon/rules.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>

struct outcome_row {
	char address[WIRE_MAILBOX_MAX + 1];
	char orcpt[WIRE_ORCPT_MAX + 1];
	char status[12];
	char reply[SPOOL_TEXT_MAX + 1];
	char peer[SPOOL_NAME_MAX + 1];
	enum dsn_action action;
	int64_t when;
};

struct bounce {
	struct node *n;
	struct spool_message original;
	char route[SPOOL_NAME_MAX + 1];
	int64_t generation; /* of the route */
	struct outcome_row *rows;
	size_t rows_n;
	int64_t id; /* of the notice */
};

static bool
route_to_sender(struct node *n, const struct spool_message *m, char *route_r)
{
	struct mailbox to;

	return address_parse(str_of(m->sender), true, &to) &&
	       policy_route_now(n, &to, route_r);
}

enum bounce_need
bounce_needed(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d)
{
	char route[SPOOL_NAME_MAX + 1];

	if (m->sender[0] == '\0' || m->is_notice)
		return BOUNCE_HOLD;
	if (d->params.notify && !(d->params.notify & NOTIFY_FAILURE))
		return BOUNCE_NONE;
	return route_to_sender(n, m, route) ? BOUNCE_WRITE : BOUNCE_HOLD;
}

bool
bounce_wanted(struct node *n, const struct spool_message *m,
	const struct spool_delivery *d)
{
	char route[SPOOL_NAME_MAX + 1];

	return m->sender[0] && !m->is_notice &&
	       (d->params.notify & NOTIFY_SUCCESS) &&
	       route_to_sender(n, m, route);
}

struct bounce *
bounce_new(struct node *n, const struct spool_message *m)
{
	struct bounce *b = xcalloc(1, sizeof(*b));

	b->n = n;
	b->original = *m;
	b->generation = n->route_generation;
	route_to_sender(n, m, b->route);
	return b;
}

void
bounce_add(struct bounce *b, const struct spool_delivery *d,
	enum dsn_action action, const char *status, const char *reply,
	const char *peer, int64_t now)
{
	struct outcome_row *f;

	if (b->rows_n == 0)
		b->id = spool_new_id(b->n->spool);
	b->rows = xrealloc(b->rows, (b->rows_n + 1) * sizeof(*b->rows));
	f = &b->rows[b->rows_n++];
	*f = (struct outcome_row){.when = now, .action = action};
	str_copyz(f->address, sizeof(f->address), d->recipient);
	str_copyz(f->orcpt, sizeof(f->orcpt), d->params.orcpt);
	str_copyz(f->status, sizeof(f->status), status);
	str_copyz(f->reply, sizeof(f->reply), reply);
	str_copyz(f->peer, sizeof(f->peer), peer);
}

bool
bounce_is_empty(const struct bounce *b)
{
	return b->rows_n == 0;
}

/* The original's header, as much of it as is kept, whole lines. */
static enum err_code
read_header(
	struct spool_txn *t, int64_t id, char *out, size_t *n_r, struct err *e)
{
	struct header_scan scan;
	enum err_code rc;

	rc = spool_body_read(t, id, 0, out, DSN_HEADER_MAX, n_r, e);
	if (rc != OK)
		return rc;
	header_scan_init(&scan);
	header_scan_feed(&scan, (struct str){out, *n_r});
	if (scan.ended) {
		*n_r = (size_t)scan.size - 1;
		if (*n_r && out[*n_r - 1] == '\r')
			(*n_r)--;
	} else {
		while (*n_r && out[*n_r - 1] != '\n')
			(*n_r)--;
	}
	return OK;
}

static void
compose(const struct bounce *b, struct str header, struct buf *out)
{
	struct dsn_recipient *rows =
		xcalloc(b->rows_n, sizeof(struct dsn_recipient));
	char date[CLOCK_TEXT_MAX] = "", arrival[CLOCK_TEXT_MAX];
	struct dsn d = {
		.hostname = b->n->conf->hostname,
		.to = b->original.sender,
		.envid = b->original.params.envid,
		.date = date,
		.arrival = arrival,
		.id = b->original.id,
		.notice_id = b->id,
		.recipients = rows,
		.recipients_n = b->rows_n,
		.header = header,
	};

	if (clock_trusted())
		clock_rfc5322(clock_wall_s(), date);
	clock_rfc5322(b->original.received_at, arrival);
	for (size_t i = 0; i < b->rows_n; i++)
		rows[i] = (struct dsn_recipient){
			.action = b->rows[i].action,
			.address = b->rows[i].address,
			.orcpt = b->rows[i].orcpt,
			.status = b->rows[i].status,
			.reply = b->rows[i].reply,
			.peer = b->rows[i].peer,
			.last_attempt = b->rows[i].when,
		};
	dsn_compose(&d, out);
	free(rows);
}

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}

/* As urgent as what it is about (RFC 6710 4.6), if that was said. */
static int
notice_priority(const struct spool_message *m)
{
	return m->priority || m->params.has_priority ? m->priority : RULES_LOW;
}

static enum err_code
store_notice(struct spool_txn *t, const struct bounce *b, struct str body,
	struct err *e)
{
	struct spool_message m = {
		.id = b->id,
		.received_at = clock_sane_s(),
		.received_from = "local",
		.size = body.n,
		.has_8bit = !is_ascii(body),
		.is_notice = true,
		.priority = notice_priority(&b->original),
		.params.smtputf8 = !is_ascii(str_of(b->original.sender)) ||
				   b->original.params.smtputf8,
	};
	struct spool_delivery d = {
		.message = b->id,
		.n = 1,
		.state = SPOOL_READY,
		.route_generation = b->generation,
		.queued_at = m.received_at,
		.priority = m.priority,
		/* RFC 3461 6.2: a notice asks for none about itself */
		.params.notify = NOTIFY_NEVER,
	};
	struct spool_event ev = {
		.time = m.received_at,
		.level = LOG_INFO,
		.event = "notice",
		.message = b->original.id,
	};
	enum err_code rc;

	str_copyz(d.recipient, sizeof(d.recipient), b->original.sender);
	str_copyz(d.route, sizeof(d.route), b->route);
	snprintf(ev.text, sizeof(ev.text), "the sender is told by message %lld",
		(long long)b->id);
	rc = spool_body_append(t, b->id, body, e);
	if (rc == OK)
		rc = place_set(t, &m, &d, 1, m.received_at, e);
	if (rc == OK)
		rc = spool_message_add(t, &m, &d, 1, e);
	return rc == OK ? spool_event_add(t, &ev, e) : rc;
}

enum err_code
bounce_write(struct spool_txn *t, struct bounce *b, struct err *e)
{
	char *header;
	struct buf body;
	enum err_code rc;
	size_t n = 0;

	if (bounce_is_empty(b))
		return OK;
	buf_init(&body, 0);
	header = xmalloc(DSN_HEADER_MAX);
	rc = read_header(t, b->original.id, header, &n, e);
	if (rc == OK) {
		compose(b, (struct str){header, n}, &body);
		rc = store_notice(t, b, buf_view(&body), e);
	}
	free(header);
	buf_free(&body);
	return rc;
}

void
bounce_written(struct bounce *b)
{
	if (bounce_is_empty(b))
		return;
	log_info("notice", LOG_INT("msg", b->original.id),
		LOG_STR("to", b->original.sender), LOG_INT("notice", b->id));
	node_stored(b->n, b->generation);
	dispatch_arrived(b->n->dispatch, b->route);
}

void
bounce_free(struct bounce *b)
{
	if (!b)
		return;
	free(b->rows);
	free(b);
}
