/* Charging the budgets with what moves. */
#include "daemon/budgets_private.h"

#include "base/clock.h"
#include "daemon/services.h"
#include "link/octets.h"
#include "net/segments.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Octets read before they are counted: a part of what is left. */
	PIECE_PART = 16,
	PIECE_LEAST = 256,
	PIECE_MOST = 1024,
	/*
	 * What came to its end is on its way to the disk: its reply is worth
	 * the few octets, else the message comes again.
	 */
	GRACE_MS = 250,
};

/*
 * On the wire: what the kernel has taken, read or not, and heads as it counted
 * them, at the least those that a link with ordinary segments would have.
 */
static uint64_t
octets_of(const struct stream *s)
{
	struct stream_counts c = stream_counts(s);
	struct segments seg = segments_of(stream_fd(s));
	uint64_t received =
		seg.received > c.received ? seg.received : c.received;
	uint64_t text = c.sent + received + seg.again;
	uint64_t heads = seg.count * OCTETS_SEGMENT;
	uint64_t least = octets_wire(c.sent, false) +
			 octets_wire(received, false) - c.sent - received;

	return text + (heads > least ? heads : least) + OCTETS_TCP_SENT +
	       OCTETS_TCP_RECEIVED;
}

static void
charge(struct budgets_entry *en, uint64_t octets)
{
	budget_charge(&en->budget, octets, budgets_now());
	en->unsaved += octets;
}

uint64_t
budgets_sessions(const struct budgets *b, const struct budgets_entry *en)
{
	uint64_t n = 0;

	LIST_EACH(node, tmp, &b->n->sessions)
	{
		const struct session *s = LIST_ITEM(node, struct session, node);

		n += strcmp(s->link, en->name) == 0;
	}
	return n ? n : 1;
}

/*
 * Is what may come before it can be stopped more than is left: the windows of
 * all sessions, as small as they get, and a piece each?
 */
static bool
may_take_too_much(const struct budgets *b, const struct budgets_entry *en,
	const struct session *s)
{
	struct budget_need need = {
		.bytes = BUDGETS_TAKING_OCTETS * budgets_sessions(b, en),
		.bps = UINT32_MAX,
		.priority = BUDGETS_MOST_URGENT};
	struct budget_why why;

	return s->taking &&
	       !budget_may_begin(&en->budget, &need, budgets_now(), &why);
}

/*
 * What comes between two looks is at most what the kernel may take beyond the
 * last one (twice the window) and a piece: far less than what is left.
 */
static void
hold_back(struct budgets *b, const struct session *s)
{
	uint32_t window = budgets_window(b, s->link);
	uint32_t piece = window / PIECE_PART;

	if (!window)
		return;
	if (piece < PIECE_LEAST)
		piece = PIECE_LEAST;
	segments_window(stream_fd(s->stream), window);
	stream_count(s->stream, piece < PIECE_MOST ? piece : PIECE_MOST);
	services_window(b->n->services, budgets_least_window(b));
}

/* --- what moves while a closed session lingers --- */

struct budgets_tail {
	struct list_node node;
	struct budgets *b; /* NULL: gone before */
	char link[SPOOL_NAME_MAX + 1];
	uint64_t charged;
};

static void
on_gone(void *arg, const struct stream *s)
{
	struct budgets_tail *t = arg;
	struct budgets_entry *en = t->b ? budgets_find(t->b, t->link) : NULL;
	uint64_t octets = octets_of(s);

	if (en && octets > t->charged)
		charge(en, octets - t->charged);
	list_remove(&t->node);
	free(t);
}

static void
follow(struct budgets *b, const struct session *s)
{
	struct budgets_tail *t = xcalloc(1, sizeof(*t));

	t->b = b;
	str_copyz(t->link, sizeof(t->link), s->link);
	t->charged = s->charged;
	list_push(&b->tails, &t->node);
	stream_on_gone(s->stream, on_gone, t);
}

void
budgets_leave_tails(struct budgets *b)
{
	LIST_EACH(node, tmp, &b->tails)
	{
		list_remove(node);
		list_init(node);
		LIST_ITEM(node, struct budgets_tail, node)->b = NULL;
	}
}

/* --- while it runs --- */

/* Reading ends now, the rest soon and not from inside a session. */
static void
stop_if_needed(
	struct budgets *b, struct budgets_entry *en, const struct session *s)
{
	struct budget_why why;
	bool spent = budget_is_spent(&en->budget, budgets_now(), &why);

	if (!spent && !may_take_too_much(b, en, s))
		return;
	stream_read_enable(s->stream, false);
	if (spent || !en->over)
		loop_timer_set(b->timer, spent ? 0 : GRACE_MS);
	en->over = true;
}

void
budgets_moved(struct budgets *b, struct session *s)
{
	struct budgets_entry *en =
		s->link[0] && s->stream ? budgets_find(b, s->link) : NULL;
	uint64_t octets;

	if (!en || !en->limited)
		return;
	octets = octets_of(s->stream);
	if (octets > s->charged) {
		charge(en, octets - s->charged);
		s->charged = octets;
		hold_back(b, s);
	}
	if (s->closed) {
		follow(b, s);
		budgets_save(b, en, NULL);
	} else {
		budgets_save_if_due(b, en);
	}
	if (en->told != TOLD_SPENT)
		stop_if_needed(b, en, s);
}
