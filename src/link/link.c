#include "link/link.h"

static const struct state_row rows[] = {
	[LINK_DISABLED] = {"disabled", STATE_TO(LINK_DOWN) | STATE_TO(LINK_UP)},
	[LINK_DOWN] = {"down", STATE_TO(LINK_DISABLED) |
				       STATE_TO(LINK_DIALING) |
				       STATE_TO(LINK_UP)},
	[LINK_DIALING] = {"dialing", STATE_TO(LINK_DOWN) | STATE_TO(LINK_UP) |
					     STATE_TO(LINK_FAILED) |
					     STATE_TO(LINK_DISABLED)},
	[LINK_UP] = {"up", STATE_TO(LINK_DOWN) | STATE_TO(LINK_EXCHANGING) |
				   STATE_TO(LINK_IDLE) |
				   STATE_TO(LINK_DISABLED)},
	[LINK_EXCHANGING] = {"exchanging", STATE_TO(LINK_DOWN) |
						   STATE_TO(LINK_IDLE) |
						   STATE_TO(LINK_DISABLED)},
	[LINK_IDLE] = {"idle", STATE_TO(LINK_DOWN) | STATE_TO(LINK_EXCHANGING) |
				       STATE_TO(LINK_HANGING_UP) |
				       STATE_TO(LINK_DISABLED)},
	[LINK_HANGING_UP] = {"hanging-up",
		STATE_TO(LINK_DOWN) | STATE_TO(LINK_DISABLED)},
	[LINK_FAILED] = {"failed",
		STATE_TO(LINK_DOWN) | STATE_TO(LINK_DIALING) |
			STATE_TO(LINK_UP) | STATE_TO(LINK_DISABLED)},
};

void
link_init(struct link *l, uint64_t id, bool disabled, bool up)
{
	l->reported_up = up;
	state_init(&l->state, "link", rows,
		disabled ? LINK_DISABLED
		: up	 ? LINK_UP
			 : LINK_DOWN,
		id);
}

bool
link_is_usable(const struct link *l)
{
	return l->state.now == LINK_UP || l->state.now == LINK_EXCHANGING ||
	       l->state.now == LINK_IDLE;
}

const char *
link_state_name(const struct link *l)
{
	return state_name(&l->state);
}

static unsigned
on_up(struct link *l)
{
	bool was = l->reported_up;

	l->reported_up = true;
	if (l->state.now == LINK_DISABLED)
		return was ? LINK_DO_NOTHING : LINK_DO_SAVE;
	if (link_is_usable(l))
		return LINK_DO_NOTHING;
	state_move(&l->state, LINK_UP);
	return LINK_DO_START | LINK_DO_SAVE;
}

static unsigned
on_down(struct link *l)
{
	bool was = l->reported_up;

	l->reported_up = false;
	if (l->state.now == LINK_DISABLED)
		return was ? LINK_DO_SAVE : LINK_DO_NOTHING;
	if (l->state.now == LINK_DOWN)
		return LINK_DO_NOTHING;
	state_move(&l->state, LINK_DOWN);
	return LINK_DO_STOP | LINK_DO_SAVE;
}

static unsigned
on_disable(struct link *l)
{
	if (l->state.now == LINK_DISABLED)
		return LINK_DO_NOTHING;
	state_move(&l->state, LINK_DISABLED);
	return LINK_DO_STOP | LINK_DO_SAVE;
}

static unsigned
on_enable(struct link *l)
{
	if (l->state.now != LINK_DISABLED)
		return LINK_DO_NOTHING;
	state_move(&l->state, l->reported_up ? LINK_UP : LINK_DOWN);
	return LINK_DO_SAVE | (l->reported_up ? LINK_DO_START : 0);
}

static unsigned
on_work(struct link *l)
{
	if (l->state.now == LINK_UP || l->state.now == LINK_IDLE)
		state_move(&l->state, LINK_EXCHANGING);
	return LINK_DO_NOTHING;
}

static unsigned
on_no_work(struct link *l)
{
	if (l->state.now != LINK_UP && l->state.now != LINK_EXCHANGING)
		return LINK_DO_NOTHING;
	state_move(&l->state, LINK_IDLE);
	return LINK_DO_IDLE;
}

unsigned
link_event(struct link *l, enum link_event ev)
{
	switch (ev) {
	case LINK_EV_UP:
		return on_up(l);
	case LINK_EV_DOWN:
		return on_down(l);
	case LINK_EV_DISABLE:
		return on_disable(l);
	case LINK_EV_ENABLE:
		return on_enable(l);
	case LINK_EV_WORK:
		return on_work(l);
	case LINK_EV_NO_WORK:
		return on_no_work(l);
	}
	return LINK_DO_NOTHING;
}
