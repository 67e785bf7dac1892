/* Charging the budgets with what moves. */
#include "daemon/budgets_private.h"

#include "base/clock.h"
#include "link/octets.h"
#include "net/segments.h"

/*
 * On the wire: heads as the kernel counted them, at the least those that a link
 * with ordinary segments would have.
 */
static uint64_t
octets_of(const struct session *s)
{
	struct stream_counts c = stream_counts(s->stream);
	struct segments seg = segments_of(stream_fd(s->stream));
	uint64_t text = c.sent + c.received + seg.again;
	uint64_t heads = seg.count * OCTETS_SEGMENT;
	uint64_t least = octets_wire(c.sent, false) +
			 octets_wire(c.received, false) - c.sent - c.received;

	return text + (heads > least ? heads : least) + OCTETS_TCP_SENT +
	       OCTETS_TCP_RECEIVED;
}

static bool
must_stop(const struct budgets_entry *en, const struct session *s)
{
	struct budget_need need = {.bytes = BUDGETS_TAKING_OCTETS,
		.bps = UINT32_MAX,
		.priority = BUDGETS_MOST_URGENT};
	struct budget_why why;

	if (budget_is_spent(&en->budget, budgets_now(), &why))
		return true;
	return s->taking &&
	       !budget_may_begin(&en->budget, &need, budgets_now(), &why);
}

void
budgets_moved(struct budgets *b, struct session *s)
{
	struct budgets_entry *en =
		s->link[0] && s->stream ? budgets_find(b, s->link) : NULL;
	uint64_t octets;
	uint32_t window;

	if (!en || !en->limited)
		return;
	octets = octets_of(s);
	if (octets <= s->charged)
		return;
	budget_charge(&en->budget, octets - s->charged, budgets_now());
	en->unsaved += octets - s->charged;
	s->charged = octets;
	window = budgets_window(b, s->link);
	if (window) {
		segments_window(stream_fd(s->stream), window);
		stream_read_sparingly(s->stream);
	}
	if (s->closed)
		budgets_save(b, en, NULL);
	else
		budgets_save_if_due(b, en);
	if (en->told != TOLD_SPENT && must_stop(en, s)) {
		stream_read_enable(s->stream, false);
		en->over = true;
		loop_timer_set(b->timer, 0); /* not from inside a session */
	}
}
