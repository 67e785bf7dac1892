#include "smtp/machine.h"

enum { MACHINE_OUT_KEEP = 8192 }; /* octets of an empty out */

size_t
machine_feed(struct machine *m, struct str in)
{
	return m->ops->feed(m, in);
}

bool
machine_next(struct machine *m, struct smtp_event *event_r)
{
	return m->ops->next(m, event_r);
}

void
machine_answer(struct machine *m, const struct reply *reply)
{
	m->ops->answer(m, reply);
}

void
machine_tls_done(struct machine *m, const struct tls_facts *facts)
{
	m->ops->tls_done(m, facts);
}

struct str
machine_out(const struct machine *m)
{
	return buf_view(&m->out);
}

void
machine_sent(struct machine *m, size_t n)
{
	if (n == 0)
		return;
	buf_consume(&m->out, n);
	if (m->ops->sent)
		m->ops->sent(m, n);
	/* A thousand slow bodies need what one fast one would keep. */
	if (m->out.len == 0 && m->out.cap > MACHINE_OUT_KEEP)
		buf_free(&m->out);
}

void
machine_acked(struct machine *m, uint64_t now_ms)
{
	if (m->ops->acked)
		m->ops->acked(m, now_ms);
}

void
machine_tick(struct machine *m, uint64_t now_ms)
{
	m->ops->tick(m, now_ms);
}

uint64_t
machine_deadline(const struct machine *m)
{
	return m->ops->deadline(m);
}

void
machine_eof(struct machine *m)
{
	m->ops->eof(m);
}

enum want
machine_want(const struct machine *m)
{
	return m->ops->want(m);
}

void
machine_free(struct machine *m)
{
	if (m)
		m->ops->free(m);
}
