#include "spool/private.h"

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
	memcpy(r->sender, m->sender, sizeof(r->sender));
	r->size = m->size;
	r->needs = message_needs(m);
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
