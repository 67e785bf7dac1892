/*
 * The look at a message that the peer cannot take as it is: read from the spool
 * to its end by a reader, some of it at a time, one message after the other.
 * The line goes on with what stands before it.
 */
#include "daemon/deliver_private.h"

#include "base/log.h"
#include "daemon/budgets.h"
#include "mail/tunnel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_BYTES = 1024 * 1024 }; /* in one go: others want to read, too */

struct look {
	struct deliver *d;
	uint64_t number;       /* parcel.look; it may be gone meanwhile */
	struct recode *recode; /* owned */
	int64_t id;
	uint64_t offset, size;
	char *chunk; /* owned */
	bool ended, ok;
};

static void begin(struct look *k);

static void
free_look(struct look *k)
{
	recode_free(k->recode);
	free(k->chunk);
	free(k);
}

void
deliver_refuse(struct deliver *d, struct parcel *p, const char *status,
	const char *why, ...)
{
	va_list ap;

	p->status = status;
	va_start(ap, why);
	vsnprintf(p->why, sizeof(p->why), why, ap);
	va_end(ap);
	d->waiting_n--;
	d->waiting_octets -= p->size;
	deliver_end(d, p, PARCEL_REFUSED, NULL, false);
}

/* --- in a reader ---------------------------------------------------------- */

static enum err_code
look_on(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *k = arg;
	uint64_t until = k->offset + LOOK_BYTES;
	enum err_code rc = OK;
	size_t n = 1;

	while (rc == OK && n && k->offset < until && k->offset < k->size) {
		rc = spool_body_read(t, k->id, k->offset, k->chunk,
			SPOOL_CHUNK_BYTES, &n, e);
		if (rc != OK)
			break;
		recode_look(k->recode, (struct str){k->chunk, n});
		k->offset += n;
	}
	if (rc == OK && !n)
		rc = err_set(e, ERR_CORRUPT, "it is shorter than its size");
	if (rc == OK && k->offset >= k->size) {
		k->ended = true;
		k->ok = recode_look_end(k->recode);
	}
	return rc;
}

/* --- after it ------------------------------------------------------------- */

static struct parcel *
parcel_of(const struct look *k)
{
	LIST_EACH(node, tmp, &k->d->waiting)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		if (p->look == k->number)
			return p;
	}
	return NULL;
}

/* Back to the queue, and what else would have to be recoded stays there. */
static void
leave(struct deliver *d, struct parcel *p, enum spool_reason why)
{
	d->as_is = true;
	p->left = why;
	d->waiting_n--;
	d->waiting_octets -= p->size;
	deliver_end(d, p, PARCEL_BROKEN, NULL, false);
}

/* What of its link a message of SIZE does not fit; REASON_NONE: nothing. */
static enum spool_reason
link_refuses(struct deliver *d, const struct parcel *p, uint64_t size)
{
	struct spool_limits l = budgets_limits(d->n->budgets, d->link, 0);

	return spool_limits_refuse(&l, p->claimed.message.priority, size);
}

static void
judge(struct deliver *d, struct parcel *p, struct look *k)
{
	const char *host = d->customer ? "the recipient's host" : d->host;
	uint64_t size = recode_size(k->recode),
		 most = smtp_client_size_max(d->client);
	enum spool_reason left = link_refuses(d, p, size);

	if (!k->ok) {
		deliver_refuse(d, p, "5.6.3",
			"%s takes no %s mail, and this message cannot be "
			"changed: %s",
			host, p->to.seven_bit ? "8-bit" : "binary",
			recode_why(k->recode));
	} else if (most && size > most) {
		deliver_refuse(d, p, "5.3.4",
			"larger than %s takes (%llu octets), when it is "
			"written for it",
			host, (unsigned long long)most);
	} else if (left != REASON_NONE) {
		leave(d, p, left);
	} else {
		d->waiting_octets -= p->size;
		p->tunnels &= !most || size + TUNNEL_FIELD_MAX <= most;
		parcel_recode(p, k->recode);
		k->recode = NULL;
		d->waiting_octets += p->size;
	}
}

static void
cannot_look(struct deliver *d, struct parcel *p, const char *why)
{
	log_error("body-unreadable", LOG_INT("msg", p->claimed.message.id),
		LOG_STR("why", why));
	p->unreadable = true;
	d->waiting_n--;
	d->waiting_octets -= p->size;
	deliver_end(d, p, PARCEL_BROKEN, NULL, false);
}

static void
looked(void *arg, enum err_code code, const struct err *e)
{
	struct look *k = arg;
	struct deliver *d = k->d;
	struct session *s = d->s;
	struct parcel *p = s->closed ? NULL : parcel_of(k);

	if (p && code == OK && !k->ended) {
		begin(k);
		session_release(s);
		return;
	}
	d->looking = false;
	if (p && code == OK)
		judge(d, p, k);
	else if (p)
		cannot_look(d, p, e->text);
	free_look(k);
	deliver_look(d);
	if (!s->closed)
		session_pump(s);
	session_release(s);
}

static void
begin(struct look *k)
{
	session_hold(k->d->s);
	spool_submit_read(k->d->n->spool, look_on, looked, k);
}

/* --- beginning ------------------------------------------------------------ */

void
deliver_look(struct deliver *d)
{
	struct look *k;

	if (d->looking || d->s->closed)
		return;
	LIST_EACH(node, tmp, &d->waiting)
	{
		struct parcel *p = LIST_ITEM(node, struct parcel, node);

		if (!p->looks)
			continue;
		k = xcalloc(1, sizeof(*k));
		p->look = ++d->looks;
		p->to.signed_too = d->n->conf->queue.recode_signed;
		*k = (struct look){.d = d,
			.number = p->look,
			.recode = recode_new(&p->to),
			.id = p->claimed.message.id,
			.size = p->claimed.message.size,
			.chunk = xmalloc(SPOOL_CHUNK_BYTES)};
		d->looking = true;
		begin(k);
		return;
	}
}
