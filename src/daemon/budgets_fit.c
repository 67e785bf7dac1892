/* What still fits into a budget, and what may come in. */
#include "daemon/budgets_private.h"

#include "link/octets.h"

#include <string.h>

enum {
	/*
	 * The part of what is left that may be under way to us; above MOST as
	 * much as the system likes.
	 */
	BUDGETS_WINDOW_PART = 8,
	BUDGETS_WINDOW_MOST = 512 * 1024,
	BUDGETS_SENDER_OCTETS = 60,
	BUDGETS_RECIPIENT_OCTETS = 60,
	BUDGETS_AUTH_OCTETS = 200,
	BUDGETS_REFUSAL_OCTETS = 120, /* 421, and its head */
	/* Beyond this nothing is limited. */
	BUDGETS_ROOM_BITS = 40,
};

uint64_t
budgets_connection(const struct conf_peer *peer)
{
	uint64_t sent = BUDGETS_AUTH_OCTETS, received = BUDGETS_AUTH_OCTETS;

	received += OCTETS_GREETING + OCTETS_EHLO_REPLY;
	if (peer->tls != TLS_NONE) {
		sent += OCTETS_TLS_FULL_SENT;
		received += OCTETS_TLS_FULL_RECEIVED + OCTETS_EHLO_REPLY;
	}
	return OCTETS_TCP_SENT + OCTETS_TCP_RECEIVED + octets_wire(sent, true) +
	       octets_wire(received, true);
}

uint64_t
budgets_mail_octets(uint64_t size)
{
	struct octets_mail m = {.sender = BUDGETS_SENDER_OCTETS,
		.recipients = BUDGETS_RECIPIENT_OCTETS,
		.recipients_n = 1,
		.size = size,
		.has_size = true,
		.has_body = true,
		.has_priority = true,
		.reset = true};

	return octets_wire(octets_mail_sent(&m), true) +
	       octets_wire(octets_mail_received(&m), true);
}

/* The last number below 2^BITS for which FITS; 0 where none does. */
static uint64_t
largest(bool (*fits)(const void *arg, uint64_t n), const void *arg)
{
	uint64_t n = 0;

	for (unsigned bit = BUDGETS_ROOM_BITS; bit--;)
		if (fits(arg, n | (UINT64_C(1) << bit)))
			n |= UINT64_C(1) << bit;
	return n;
}

static bool
size_fits(const void *arg, uint64_t size)
{
	return budgets_mail_octets(size) <= *(const uint64_t *)arg;
}

uint64_t
budgets_mail_fit(uint64_t octets)
{
	return largest(size_fits, &octets);
}

struct ask {
	const struct budgets_entry *en;
	const struct speed *speed;
	uint64_t besides;
	int priority;
	struct budget_time now;
};

static bool
octets_fit(const void *arg, uint64_t octets)
{
	const struct ask *a = arg;
	struct budget_need need = {
		.bytes = octets + a->besides,
		.bps = speed_bps(a->speed),
		.rtt_ms = speed_rtt_ms(a->speed),
		.priority = a->priority,
	};
	struct budget_why why;

	return budget_may_begin(&a->en->budget, &need, a->now, &why);
}

uint64_t
budgets_room(const struct budgets *b, const struct budgets_entry *en,
	int priority, uint64_t besides)
{
	struct ask a = {en, speeds_of(b->n->speeds, en->name), besides,
		priority, budgets_now()};

	return largest(octets_fit, &a);
}

struct spool_limits
budgets_limits(struct budgets *b, const char *link, uint64_t besides)
{
	const struct conf_link *cl = link ? conf_link(b->n->conf, link) : NULL;
	struct budgets_entry *en = budgets_find(b, link);
	struct spool_limits l = {.has_min_priority = false};

	if (!cl)
		return l;
	LIST_EACH(node, tmp, &b->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		if (strcmp(s->link, link) == 0)
			besides += s->pending;
	}
	l.has_min_priority = cl->has_min_priority;
	l.min_priority = cl->min_priority;
	l.max_size = cl->max_size;
	l.urgent_from = cl->reserve_min_priority;
	if (!en || !en->limited)
		return l;
	l.has_room = true;
	l.urgent_room =
		budgets_mail_fit(budgets_room(b, en, l.urgent_from, besides));
	l.room = cl->reserve.time_s ? budgets_mail_fit(budgets_room(b, en,
					      l.urgent_from - 1, besides))
				    : l.urgent_room;
	return l;
}

uint32_t
budgets_window(struct budgets *b, const char *link)
{
	struct budgets_entry *en = budgets_find(b, link);
	uint32_t pace = link ? speeds_window(b->n->speeds, link) : 0;
	uint64_t part;

	if (!en || !en->limited)
		return pace;
	part = budgets_room(b, en, BUDGETS_MOST_URGENT, 0) /
	       BUDGETS_WINDOW_PART / budgets_sessions(b, en);
	if (part >= BUDGETS_WINDOW_MOST || (pace && pace < part))
		return pace;
	return part > BUDGETS_WINDOW_LEAST ? (uint32_t)part
					   : BUDGETS_WINDOW_LEAST;
}

uint32_t
budgets_least_window(struct budgets *b)
{
	uint32_t least = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct budgets_entry *en = b->v[i];
		uint32_t window = en->limited && en->in_use
					  ? budgets_window(b, en->name)
					  : 0;

		if (window && (!least || window < least))
			least = window;
	}
	return least;
}

/* --- what comes in --- */

bool
budgets_admit_connection(struct budgets *b, const char *link)
{
	struct budgets_entry *en = budgets_find(b, link);
	struct budget_need need = {
		.bps = UINT32_MAX, .priority = BUDGETS_MOST_URGENT};
	struct budget_why why;

	if (!en || !en->limited)
		return true;
	need.bytes = BUDGETS_TAKING_OCTETS * (budgets_sessions(b, en) + 1);
	if (budget_may_begin(&en->budget, &need, budgets_now(), &why))
		return true;
	budget_charge(&en->budget,
		OCTETS_TCP_SENT + OCTETS_TCP_RECEIVED + BUDGETS_REFUSAL_OCTETS,
		budgets_now());
	return false;
}

bool
budgets_admit(struct budgets *b, struct session *s, uint64_t size, int priority,
	struct reply *reply_r)
{
	struct spool_limits l;

	budgets_moved(b, s);
	s->pending = 0;
	l = budgets_limits(b, s->link, 0);
	switch (spool_limits_refuse(&l, priority, size)) {
	case REASON_SIZE:
		s->left.size = true;
		reply_set(reply_r, 452, "4.3.1",
			"Larger than the link takes that is in use now");
		return false;
	case REASON_PRIORITY:
		s->left.priority = true;
		reply_set(reply_r, 452, "4.3.1",
			"Not urgent enough for the link that is in use now");
		return false;
	case REASON_BUDGET:
		s->left.budget = true;
		reply_set(reply_r, 452, "4.3.1",
			"No budget left for it on the link in use now");
		return false;
	default:
		s->pending = budgets_mail_octets(size);
		return true;
	}
}
