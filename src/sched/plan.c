#include "sched/plan.h"

#include "link/octets.h"
#include "link/speed.h"

enum {
	EHLO_TEXT = 30, /* with a host name */
	STARTTLS_TEXT = sizeof("STARTTLS\r\n") - 1,
	AUTH_TEXT = 60, /* a turn of it: PLAIN with name and password */
	QUIT_TEXT = sizeof("QUIT\r\n") - 1,
	MINUTE_MS = 60000,
};

static const char *const reason_names[] = {
#define PLAN_NAME(name, text) [name] = text,
	PLAN_REASONS(PLAN_NAME)
#undef PLAN_NAME
};

const char *
plan_reason_name(enum plan_reason reason)
{
	return reason_names[reason];
}

/* --- turn-arounds --- */

static unsigned
connection_turns(const struct plan_peer *p)
{
	unsigned n = 3 + p->auth_turns; /* TCP, greeting, EHLO */

	if (p->tls == PLAN_TLS_STARTTLS)
		n += 3; /* STARTTLS, TLS, EHLO again */
	else if (p->tls == PLAN_TLS_IMPLICIT)
		n += 1;
	return n;
}

unsigned
plan_turnarounds(
	const struct plan_peer *p, unsigned messages, unsigned recipients)
{
	bool chunking = p->extensions & EXT_CHUNKING;
	unsigned n = connection_turns(p);

	if (messages == 0)
		return n;
	if (!(p->extensions & EXT_PIPELINING)) /* MAIL, DATA, the body; RCPT */
		return n + messages * (chunking ? 2 : 3) + recipients;
	/* up to the first DATA; then each final reply */
	return n + (chunking ? 1 : messages + 1);
}

/* --- what a session adds up to --- */

struct sum {
	uint64_t sent, received; /* text */
	unsigned messages, recipients;
};

static struct sum
connection(const struct plan_peer *p)
{
	struct sum s = {.sent = EHLO_TEXT + QUIT_TEXT,
		.received = OCTETS_GREETING + OCTETS_EHLO_REPLY};

	if (p->tls == PLAN_TLS_STARTTLS) {
		s.sent += STARTTLS_TEXT + EHLO_TEXT;
		s.received += OCTETS_REPLY + OCTETS_EHLO_REPLY;
	}
	s.sent += (uint64_t)p->auth_turns * AUTH_TEXT;
	s.received += (uint64_t)p->auth_turns * OCTETS_REPLY;
	return s;
}

static uint64_t
handshake_bytes(const struct plan_peer *p)
{
	uint64_t sent =
		p->resumes ? OCTETS_TLS_RESUMED_SENT : OCTETS_TLS_FULL_SENT;
	uint64_t received = p->resumes ? OCTETS_TLS_RESUMED_RECEIVED
				       : OCTETS_TLS_FULL_RECEIVED;

	if (p->tls == PLAN_TLS_NONE)
		return 0;
	return octets_wire(p->tls_sent ? p->tls_sent : sent, false) +
	       octets_wire(p->tls_received ? p->tls_received : received, false);
}

static uint64_t
bytes_of(const struct plan_peer *p, const struct sum *s)
{
	bool tls = p->tls != PLAN_TLS_NONE;

	return OCTETS_TCP_SENT + OCTETS_TCP_RECEIVED + handshake_bytes(p) +
	       octets_wire(s->sent, tls) + octets_wire(s->received, tls);
}

static uint64_t
turns_ms(const struct plan_link *l, const struct plan_peer *p,
	const struct sum *s)
{
	return l->rtt_ms * plan_turnarounds(p, s->messages, s->recipients);
}

static uint64_t
ms_of(const struct plan_link *l, const struct plan_peer *p, const struct sum *s)
{
	return speed_ms(l->bps, bytes_of(p, s)) + turns_ms(l, p, s);
}

/* --- one message --- */

static struct sum
with_message(const struct plan_peer *p, const struct sum *s,
	const struct plan_row *r)
{
	const struct octets_mail m = {.sender = r->sender,
		.recipients = r->recipients,
		.recipients_n = r->recipients_n,
		.size = r->size,
		.has_size = p->extensions & EXT_SIZE,
		.has_body = r->needs_8bit,
		.has_priority = p->extensions & EXT_MT_PRIORITY,
		.chunking = p->extensions & EXT_CHUNKING,
		.reset = s->messages > 0 && (p->extensions & EXT_PIPELINING)};

	return (struct sum){.sent = s->sent + octets_mail_sent(&m),
		.received = s->received + octets_mail_received(&m),
		.messages = s->messages + 1,
		.recipients = s->recipients + r->recipients_n};
}

static bool
too_large(const struct plan_link *l, const struct plan_peer *p, uint64_t size)
{
	return (l->max_size && size > l->max_size) ||
	       (p->size_max && size > p->size_max);
}

static bool
fits_budget(const struct plan_link *l, const struct plan_peer *p,
	const struct sum *s, int priority)
{
	struct budget_why why;
	const struct budget_need need = {.bytes = bytes_of(p, s),
		.bps = l->bps,
		.rtt_ms = l->rtt_ms,
		.ms = l->dial_ms + (int64_t)turns_ms(l, p, s),
		.priority = priority};

	return budget_may_begin(l->budget, &need, l->now, &why);
}

static enum plan_reason
decide(const struct plan_link *l, const struct plan_peer *p,
	const struct plan_row *r, const struct sum *with)
{
	if (r->reason != PLAN_GO)
		return r->reason;
	if (too_large(l, p, r->size))
		return PLAN_SIZE;
	if (l->has_min_priority && r->priority < l->min_priority)
		return PLAN_PRIORITY;
	/* what a peer never told is not held against the message */
	if (p->extensions && r->needs_8bit && !(p->extensions & EXT_8BITMIME))
		return PLAN_NO_8BITMIME;
	if (p->extensions && r->needs_utf8 && !(p->extensions & EXT_SMTPUTF8))
		return PLAN_NO_SMTPUTF8;
	return fits_budget(l, p, with, r->priority) ? PLAN_GO : PLAN_BUDGET;
}

/* Without rounding and without the call. */
static double
share_of_cost(const struct plan_link *l, uint64_t bytes, uint64_t ms)
{
	const struct budget_conf *c = &l->budget->conf;

	return c->per_minute * (double)ms / MINUTE_MS +
	       c->per_megabyte * (double)bytes / BUDGET_MEGABYTE;
}

static void
make_item(const struct plan_link *l, const struct plan_peer *p,
	const struct plan_row *r, struct sum *s, struct plan_item *item)
{
	struct sum with = with_message(p, s, r);

	*item = (struct plan_item){.id = r->id,
		.reason = decide(l, p, r, &with),
		.bytes = bytes_of(p, &with) - bytes_of(p, s),
		.ms = ms_of(l, p, &with) - ms_of(l, p, s)};
	item->cost = share_of_cost(l, item->bytes, item->ms);
	if (item->reason == PLAN_GO)
		*s = with;
}

static void
add_inbound(const struct plan_link *l, const struct plan_inbound *in,
	struct plan_total *t)
{
	if (!in || !in->sessions)
		return;
	t->inbound_messages = in->messages;
	t->inbound_bytes = in->bytes;
	t->inbound_ms = speed_ms(l->bps, in->bytes);
	t->inbound_cost = share_of_cost(l, t->inbound_bytes, t->inbound_ms);
}

void
plan_make(const struct plan_link *l, const struct plan_peer *p,
	const struct plan_inbound *in, const struct plan_row *rows, size_t n,
	struct plan_item *items, struct plan_total *total_r)
{
	struct sum s = connection(p);
	int64_t paid_ms;

	for (size_t i = 0; i < n; i++)
		make_item(l, p, &rows[i], &s, &items[i]);
	*total_r = (struct plan_total){.messages = s.messages,
		.stay = (unsigned)n - s.messages,
		.turnarounds = plan_turnarounds(p, s.messages, s.recipients),
		.bytes = bytes_of(p, &s),
		.ms = ms_of(l, p, &s)};
	paid_ms = (int64_t)total_r->ms + l->dial_ms +
		  l->budget->conf.hangup_s * 1000;
	total_r->cost = budget_price(
		&l->budget->conf, (paid_ms + 999) / 1000, total_r->bytes);
	add_inbound(l, in, total_r);
}
