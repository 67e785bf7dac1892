/*
 * Gateways: a batch becomes a message of this node (RFC 2442). Its octets go
 * to the spool in pieces; what makes it real is in the transaction in which the
 * messages in it are done, so none is in two places or in no place.
 */
#include "base/clock.h"
#include "cert/seal.h"
#include "daemon/dispatch.h"
#include "daemon/fill.h"
#include "daemon/gateway_private.h"
#include "daemon/letter.h"
#include "daemon/place.h"
#include "daemon/policy.h"
#include "daemon/receive.h"
#include "daemon/steady.h"
#include "mail/carrier.h"
#include "spool/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GATEWAY_PIECE = SPOOL_CHUNK_BYTES };

struct gateway_mail {
	int64_t id, now, generation, steady;
	char *to, *seal_file; /* owned */
	char from[WIRE_MAILBOX_MAX + 1], date[CLOCK_TEXT_MAX];
	char route[SPOOL_NAME_MAX + 1];
	uint64_t size; /* so far in the spool */
	bool has_8bit;
};

struct gateway_mail *
gateway_mail_new(const struct conf_route *r)
{
	struct gateway_mail *m = xcalloc(1, sizeof(*m));

	m->to = str_dupz(r->mailto);
	m->seal_file = r->seal_file ? str_dupz(r->seal_file) : NULL;
	return m;
}

void
gateway_mail_free(struct gateway_mail *m)
{
	if (!m)
		return;
	free(m->to);
	free(m->seal_file);
	free(m);
}

/* --- where it goes -------------------------------------------------------- */

/* By a route of its own, or batches would be in batches for ever. */
static bool
find_route(const struct gateway_job *j, struct gateway_mail *m, struct err *e)
{
	const struct conf *conf = j->n->conf;
	struct mailbox to;
	bool found = address_parse(str_of(m->to), true, &to) &&
		     policy_route_now(j->n, &to, m->route);

	if (!found) {
		err_set(e, ERR_NOTFOUND, "there is no route to %s", m->to);
		return false;
	}
	for (size_t i = 0; i < conf->routes_n; i++)
		if (conf->routes[i].mailto &&
			strcmp(conf_route_name(&conf->routes[i]), m->route) ==
				0)
			found = false;
	if (!found || strcmp(m->route, POLICY_BATCH) == 0) {
		err_set(e, ERR_INVALID,
			"mail to %s would become a batch itself", m->to);
		return false;
	}
	return true;
}

bool
gateway_mail_begin(struct gateway_job *j, struct err *e)
{
	struct gateway_mail *m = j->mail;
	const struct conf *conf = j->n->conf;

	if (!find_route(j, m, e))
		return false;
	m->id = spool_new_id(j->n->spool);
	m->now = clock_sane_s();
	m->generation = j->n->route_generation;
	m->steady = steady_now(j->n->steady);
	snprintf(m->from, sizeof(m->from), "postmaster@%s",
		conf->local.domains.n ? conf->local.domains.v[0]
				      : conf->hostname);
	if (clock_known())
		clock_rfc5322(m->now, m->date);
	return true;
}

/* --- on a helper thread: its octets --------------------------------------- */

struct piece {
	int64_t id;
	struct str octets;
};

static enum err_code
append(struct spool_txn *t, void *arg, struct err *e)
{
	const struct piece *p = arg;

	return spool_body_append(t, p->id, p->octets, e);
}

/* What is whole of OUT; LAST: all of it. */
static enum err_code
flush(struct gateway_job *j, struct buf *out, bool last, struct err *e)
{
	struct gateway_mail *m = j->mail;
	enum err_code rc = OK;

	while (rc == OK && out->len && (last || out->len >= GATEWAY_PIECE)) {
		struct piece p = {m->id, buf_view(out)};

		if (p.octets.n > GATEWAY_PIECE)
			p.octets.n = GATEWAY_PIECE;
		rc = spool_write(j->n->spool, append, &p, e);
		m->size += p.octets.n;
		buf_consume(out, p.octets.n);
	}
	return rc;
}

static ssize_t
read_batch(int fd, off_t at, char octets[GATEWAY_PIECE], struct err *e)
{
	ssize_t n;

	do
		n = pread(fd, octets, GATEWAY_PIECE, at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		letter_errno(e, "read", "the batch");
	return n;
}

/* Can it stand in a message as it is? */
static enum err_code
look(int fd, struct carrier *c, struct err *e)
{
	char *octets = xmalloc(GATEWAY_PIECE);
	struct carrier_look l = {.column = 0};
	off_t at = 0;
	ssize_t n;

	while ((n = read_batch(fd, at, octets, e)) > 0) {
		carrier_look(&l, (struct str){octets, (size_t)n});
		at += n;
	}
	free(octets);
	c->has_8bit = l.has_8bit;
	c->how = c->squeeze != SQUEEZE_NONE ? TRANSFER_BASE64
		 : l.long_line		    ? TRANSFER_QP
					    : TRANSFER_NONE;
	return n < 0 ? e->code : OK;
}

static enum err_code
put_body(struct gateway_job *j, const struct carrier *c, struct buf *out,
	struct err *e)
{
	char *octets = xmalloc(GATEWAY_PIECE);
	struct transfer_write w;
	enum err_code rc = OK;
	off_t at = 0;
	ssize_t n = 1;

	transfer_begin(&w, c->how, false, out);
	while (rc == OK && (n = read_batch(j->fd, at, octets, e)) > 0) {
		transfer_octets(&w, (struct str){octets, (size_t)n});
		at += n;
		rc = flush(j, out, false, e);
	}
	free(octets);
	if (n < 0)
		rc = e->code;
	transfer_end(&w);
	if (c->how != TRANSFER_NONE)
		transfer_end_line(&w);
	return rc == OK ? flush(j, out, true, e) : rc;
}

/* The extensions its messages make use of (RFC 2442). */
static unsigned
extensions_of(const struct gateway_job *j)
{
	unsigned used = 0;

	for (size_t i = 0; i < j->messages_n; i++) {
		const struct mail_params *p = &j->messages[i].message.params;

		used |= p->smtputf8 ? EXT_SMTPUTF8 : 0;
		used |= p->has_priority ? EXT_MT_PRIORITY : 0;
	}
	return used;
}

enum err_code
gateway_mail_write(struct gateway_job *j, struct err *e)
{
	struct gateway_mail *m = j->mail;
	char seal[SEAL_DIGITS + 1] = "", name[80];
	struct carrier c = {
		.hostname = j->hostname,
		.from = m->from,
		.to = m->to,
		.date = m->date,
		.name = name,
		.seal = seal,
		.squeeze = j->squeeze,
		.extensions = extensions_of(j),
		.messages_n = j->messages_n,
	};
	struct buf out;
	enum err_code rc = look(j->fd, &c, e);

	snprintf(
		name, sizeof(name), "batch.%s.%lld", j->node, (long long)m->id);
	m->has_8bit = c.how == TRANSFER_NONE && c.has_8bit;
	if (rc == OK && m->seal_file)
		rc = seal_make(j->fd, m->seal_file, seal, e);
	if (rc != OK)
		return rc;
	buf_init(&out, 0);
	carrier_write_header(&c, &out);
	rc = put_body(j, &c, &out, e);
	buf_free(&out);
	return rc;
}

/* --- in the transaction, and behind it ------------------------------------ */

/* As urgent as the most urgent message in it. */
static int
priority_of(const struct gateway_job *j)
{
	int most = j->messages[0].deliveries[0].priority;

	for (size_t i = 0; i < j->messages_n; i++)
		for (size_t k = 0; k < j->messages[i].n; k++)
			if (j->messages[i].deliveries[k].priority > most)
				most = j->messages[i].deliveries[k].priority;
	return most;
}

static enum err_code
add_event(struct spool_txn *t, const struct gateway_job *j, struct err *e)
{
	struct spool_event ev = {
		.time = j->mail->now,
		.level = 1,
		.event = "received",
		.message = j->mail->id,
	};

	snprintf(ev.text, sizeof(ev.text),
		"a batch of %zu message%s, by the route %.200s", j->messages_n,
		j->messages_n == 1 ? "" : "s", j->w->name);
	return spool_event_add(t, &ev, e);
}

enum err_code
gateway_mail_add(struct spool_txn *t, struct gateway_job *j, struct err *e)
{
	const struct gateway_mail *mail = j->mail;
	struct spool_message m = {
		.id = mail->id,
		.received_at = mail->now,
		.received_from = "local",
		.size = mail->size,
		.has_8bit = mail->has_8bit,
		/* one that cannot go on is held: here nothing is lost */
		.is_notice = true,
		.vouched = true,
		.priority = priority_of(j),
		.params.ret = RET_FULL,
		.params.body = mail->has_8bit ? BODY_8BITMIME : BODY_7BIT,
	};
	struct spool_delivery d = {
		.message = mail->id,
		.n = 1,
		.state = SPOOL_READY,
		.route_generation = mail->generation,
		.queued_at = mail->now,
		.steady_at = mail->steady,
		.priority = m.priority,
	};
	enum err_code rc;

	str_copyz(m.sender, sizeof(m.sender), mail->from);
	str_copyz(d.recipient, sizeof(d.recipient), mail->to);
	str_copyz(d.route, sizeof(d.route), mail->route);
	rc = place_set(t, &m, &d, 1, mail->now, e);
	if (rc == OK)
		rc = spool_message_add(t, &m, &d, 1, e);
	return rc == OK ? add_event(t, j, e) : rc;
}

void
gateway_mail_added(struct gateway_job *j)
{
	const struct gateway_mail *m = j->mail;

	fill_stored(j->n->fill, m->size, 1);
	dispatch_arrived(j->n->dispatch, m->route);
	node_stored(j->n, m->generation);
}

void
gateway_mail_drop(struct gateway_job *j)
{
	if (j->mail->size)
		receive_body_drop(j->n, j->mail->id);
}

const char *
gateway_mail_words(const struct gateway_job *j, char *out, size_t size)
{
	snprintf(out, size, "in the batch to %s, message %lld", j->mail->to,
		(long long)j->mail->id);
	return out;
}
