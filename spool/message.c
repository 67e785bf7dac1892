#include "spool/private.h"

#include "wire/grammar.h"

#include <string.h>

/* RFC 8689 5: what has the null path goes without it rather than not at all. */
static unsigned
needs_of_life(const struct spool_message *m)
{
	bool by = m->params.has_deliver_by && m->params.deliver_by_mode == 'R';

	return (m->params.requiretls && m->sender[0] ? NEED_TLS : 0u) |
	       (by ? NEED_BY : 0u);
}

static unsigned
message_needs(const struct spool_message *m)
{
	bool binary = m->params.body == BODY_BINARYMIME;

	/* RFC 3030 3: who takes binary mail takes all octets. */
	return (binary		     ? NEED_BINARY
		       : m->has_8bit ? NEED_8BIT
				     : 0u) |
	       (m->params.smtputf8 ? NEED_UTF8 : 0u) | needs_of_life(m);
}

/* What an alias leads to may be UTF-8 where the message is not. */
static bool
has_utf8(const struct spool_delivery *d)
{
	return !grammar_is_ascii(str_of(d->recipient)) ||
	       !grammar_is_ascii(str_of(d->list_owner));
}

static void
delivery_of(struct delivery_row *r, const struct spool_message *m,
	const struct spool_delivery *d, unsigned n)
{
	memset(r, 0, sizeof(*r));
	r->d = *d;
	r->d.message = m->id;
	r->d.n = n;
	if (!r->d.steady_at)
		r->d.steady_at = r->d.queued_at;
	if (r->d.state != SPOOL_HELD)
		r->d.state = SPOOL_READY;
	if (r->d.state == SPOOL_READY && r->d.release_at)
		timed_hold(r);
	r->came_from = SPOOL_READY;
	memcpy(r->sender, d->list_owner[0] ? d->list_owner : m->sender,
		sizeof(r->sender));
	r->size = m->size;
	r->needs = message_needs(m) | (has_utf8(d) ? NEED_UTF8 : 0u);
}

enum err_code
spool_message_add(struct spool_txn *t, const struct spool_message *m,
	const struct spool_delivery *deliveries, size_t n, struct err *e)
{
	struct spool_message row = *m;
	struct delivery_row r;
	enum err_code rc;

	if (!n || m->id <= 0 || m->id > INT64_MAX / CHUNKS_PER_MESSAGE - 1)
		return err_set(e, ERR_INVALID,
			"message %lld with %zu recipients", (long long)m->id,
			n);
	rc = tx_insert(t, T_MESSAGE, &row, e);
	if (rc == ERR_EXISTS)
		return err_set(e, rc, "message %lld exists", (long long)m->id);
	if (rc == OK)
		rc = body_complete(t, m->id, m->size, e);
	for (size_t i = 0; i < n && rc == OK; i++) {
		delivery_of(&r, m, &deliveries[i], (unsigned)i + 1);
		rc = delivery_insert(t, &r, e);
		if (rc == OK && !m->is_notice)
			rc = tally_add(
				t, &r, TALLY_RECEIVED, m->received_at, e);
	}
	return rc;
}

enum err_code
spool_message_get(struct spool_txn *t, int64_t id, struct spool_message *m_r,
	struct err *e)
{
	enum err_code rc;

	memset(m_r, 0, sizeof(*m_r));
	m_r->id = id;
	rc = tx_get(t, T_MESSAGE, m_r, e);
	if (rc == ERR_NOTFOUND)
		return err_set(e, rc, "no message %lld", (long long)id);
	return rc;
}

void
spool_message_for(struct spool_message *m, const struct spool_delivery *d)
{
	m->params.smtputf8 |= has_utf8(d);
	if (!d->list_owner[0])
		return;
	memcpy(m->sender, d->list_owner, sizeof(m->sender));
	m->vouched = true; /* an address of ours */
	m->params.ret = RET_NONE;
	m->params.envid[0] = '\0';
	m->params.has_auth = false; /* RFC 4954 5: a submission of its own */
}

bool
spool_is_sent_as(const struct spool_delivery *a, const struct spool_delivery *b)
{
	return strcmp(a->list_owner, b->list_owner) == 0;
}
