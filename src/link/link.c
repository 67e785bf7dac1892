#include "link/link_private.h"

static const struct state_row rows[] = {
	[LINK_DISABLED] = {"disabled", STATE_TO(LINK_DOWN) | STATE_TO(LINK_UP) |
					       STATE_TO(LINK_HANGING_UP)},
	[LINK_DOWN] = {"down",
		STATE_TO(LINK_DISABLED) | STATE_TO(LINK_HANGING_UP) |
			STATE_TO(LINK_DIALING) | STATE_TO(LINK_UP)},
	[LINK_DIALING] = {"dialing",
		STATE_TO(LINK_UP) | STATE_TO(LINK_HANGING_UP)},
	[LINK_UP] = {"up", STATE_TO(LINK_DOWN) | STATE_TO(LINK_EXCHANGING) |
				   STATE_TO(LINK_IDLE) |
				   STATE_TO(LINK_HANGING_UP) |
				   STATE_TO(LINK_DISABLED)},
	[LINK_EXCHANGING] = {"exchanging",
		STATE_TO(LINK_DOWN) | STATE_TO(LINK_UP) | STATE_TO(LINK_IDLE) |
			STATE_TO(LINK_HANGING_UP) | STATE_TO(LINK_DISABLED)},
	[LINK_IDLE] = {"idle", STATE_TO(LINK_DOWN) | STATE_TO(LINK_UP) |
				       STATE_TO(LINK_EXCHANGING) |
				       STATE_TO(LINK_HANGING_UP) |
				       STATE_TO(LINK_DISABLED)},
	[LINK_HANGING_UP] = {"hanging-up", STATE_TO(LINK_DOWN) |
						   STATE_TO(LINK_FAILED) |
						   STATE_TO(LINK_DISABLED)},
	[LINK_FAILED] = {"failed",
		STATE_TO(LINK_DOWN) | STATE_TO(LINK_DIALING) |
			STATE_TO(LINK_UP) | STATE_TO(LINK_HANGING_UP) |
			STATE_TO(LINK_DISABLED)},
};

/* --- what it is --- */

bool
link_is_up(const struct link *l)
{
	return l->state.now == LINK_UP || l->state.now == LINK_EXCHANGING ||
	       l->state.now == LINK_IDLE;
}

bool
link_is_blocked(const struct link *l)
{
	unsigned lifted =
		l->person ? LINK_BLOCK_WINDOW | LINK_BLOCK_BETTER : 0u;

	return (l->blocks & ~lifted) != 0;
}

bool
link_is_usable(const struct link *l)
{
	return l->running && !l->ending;
}

const char *
link_state_name(const struct link *l)
{
	return state_name(&l->state);
}

struct link_record
link_record(const struct link *l)
{
	return (struct link_record){
		.up = l->reported_up || link_is_up(l),
		.disabled = l->disabled,
		.dialed = l->dialed,
		.stuck = l->stuck,
	};
}

enum link_why
link_why(const struct link *l, uint64_t now_ms)
{
	if (l->disabled)
		return LINK_WHY_DISABLED;
	if (link_is_usable(l))
		return LINK_WHY_NONE;
	if (l->blocks & LINK_BLOCK_BUDGET)
		return LINK_WHY_BUDGET;
	if (l->blocks & LINK_BLOCK_WINDOW && !l->person)
		return LINK_WHY_WINDOW;
	if (l->blocks & LINK_BLOCK_BETTER && !l->person)
		return LINK_WHY_BETTER;
	if (l->blocks & LINK_BLOCK_UNSTEADY)
		return LINK_WHY_UNSTEADY;
	if (l->state.now == LINK_FAILED && l->dialed)
		return LINK_WHY_NOT_HUNG_UP;
	if (l->stuck)
		return LINK_WHY_STUCK;
	if (l->retry_at_ms > now_ms)
		return LINK_WHY_RETRY;
	return l->conf.dials ? LINK_WHY_DOWN : LINK_WHY_NO_DIAL;
}

const char *
link_why_text(enum link_why why)
{
	static const char *const texts[] = {
		[LINK_WHY_NONE] = "",
		[LINK_WHY_DISABLED] = "disabled",
		[LINK_WHY_BUDGET] = "its budget is used up",
		[LINK_WHY_WINDOW] = "outside its windows",
		[LINK_WHY_BETTER] = "a cheaper link is up",
		[LINK_WHY_UNSTEADY] =
			"it comes and goes; used when it has stayed up",
		[LINK_WHY_NOT_HUNG_UP] =
			"dial.down fails: the line may still be open",
		[LINK_WHY_STUCK] = "its peers failed twice: no automatic calls",
		[LINK_WHY_RETRY] = "the last call failed; called again later",
		[LINK_WHY_NO_DIAL] = "waits until it is reported up",
		[LINK_WHY_DOWN] = "down",
	};

	return texts[why];
}

/* --- starting and stopping --- */

unsigned
link_start(struct link *l)
{
	if (l->running || link_is_blocked(l))
		return LINK_DO_NOTHING;
	l->running = true;
	if (link_is_up(l) && l->state.now != LINK_UP)
		state_move(&l->state, LINK_UP);
	return LINK_DO_START;
}

unsigned
link_stop(struct link *l)
{
	bool ran = l->running;

	l->running = l->ending = false;
	return ran ? LINK_DO_STOP : LINK_DO_NOTHING;
}

static unsigned
to(struct link *l, enum link_state state)
{
	state_move(&l->state, state);
	return LINK_DO_SAVE;
}

/* --- reports --- */

static unsigned
came_up(struct link *l, uint64_t now_ms)
{
	uint64_t wait = damping_up(&l->damping, now_ms);

	l->blocks &= ~(unsigned)LINK_BLOCK_UNSTEADY;
	if (wait) {
		l->blocks |= LINK_BLOCK_UNSTEADY;
		l->steady_at_ms = now_ms + wait;
	}
	return to(l, LINK_UP) | link_start(l);
}

/* A call went through. Tries that were made meanwhile begin anew. */
static unsigned
completed(struct link *l)
{
	unsigned tries = l->running ? LINK_DO_AGAIN : LINK_DO_NOTHING;

	l->deadline_ms = l->again_at_ms = 0;
	return to(l, LINK_UP) | tries | link_start(l);
}

static unsigned
on_up(struct link *l, uint64_t now_ms)
{
	bool was = l->reported_up;

	l->reported_up = true;
	if (l->state.now == LINK_DIALING)
		return completed(l);
	if (l->state.now == LINK_DOWN || l->state.now == LINK_FAILED)
		return came_up(l, now_ms);
	return was ? LINK_DO_NOTHING : LINK_DO_SAVE;
}

static unsigned
on_down(struct link *l, uint64_t now_ms)
{
	bool was = l->reported_up;

	l->reported_up = false;
	if (!link_is_up(l))
		return was ? LINK_DO_SAVE : LINK_DO_NOTHING;
	l->blocks &= ~(unsigned)LINK_BLOCK_UNSTEADY;
	if (l->dialed)
		return link_hang_up(l, LINK_END_DONE, now_ms);
	l->person = false;
	return link_stop(l) | to(l, LINK_DOWN);
}

static unsigned
on_connected(struct link *l)
{
	unsigned commands;

	if (l->state.now != LINK_DIALING || !l->running)
		return LINK_DO_NOTHING;
	l->deadline_ms = l->again_at_ms = 0;
	commands = to(l, LINK_UP);
	state_move(&l->state, LINK_EXCHANGING);
	return commands;
}

/* --- people --- */

static unsigned
on_hangup(struct link *l, uint64_t now_ms)
{
	l->again = false;
	if (l->state.now == LINK_HANGING_UP || l->state.now == LINK_DOWN ||
		(l->state.now == LINK_DISABLED && !l->dialed))
		return LINK_DO_NOTHING;
	if (l->dialed)
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	l->reported_up = l->person = false;
	l->blocks &= ~(unsigned)LINK_BLOCK_UNSTEADY;
	return link_stop(l) | to(l, LINK_DOWN);
}

static unsigned
on_disable(struct link *l, uint64_t now_ms)
{
	if (l->disabled)
		return LINK_DO_NOTHING;
	l->disabled = true;
	l->again = l->person = false;
	l->blocks &= ~(unsigned)LINK_BLOCK_UNSTEADY;
	if (l->state.now == LINK_HANGING_UP)
		return LINK_DO_SAVE;
	if (l->dialed)
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	return link_stop(l) | to(l, LINK_DISABLED);
}

static unsigned
on_enable(struct link *l, uint64_t now_ms)
{
	if (!l->disabled)
		return LINK_DO_NOTHING;
	l->disabled = false;
	if (l->state.now == LINK_HANGING_UP)
		return LINK_DO_SAVE;
	if (l->dialed) /* it could not be hung up */
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	if (!l->reported_up)
		return to(l, LINK_DOWN);
	return to(l, LINK_UP) | link_start(l);
}

/* --- sessions --- */

static unsigned
on_work(struct link *l)
{
	if (l->running &&
		(l->state.now == LINK_UP || l->state.now == LINK_IDLE))
		state_move(&l->state, LINK_EXCHANGING);
	return LINK_DO_NOTHING;
}

/* Its sessions are over and no more may come, or it is our own call. */
static unsigned
finished(struct link *l, uint64_t now_ms)
{
	if (l->dialed)
		return link_hang_up(l,
			link_is_blocked(l) ? LINK_END_ASKED : LINK_END_DONE,
			now_ms);
	l->person = false;
	return l->ending || link_is_blocked(l) ? link_stop(l) | link_start(l)
					       : LINK_DO_NOTHING;
}

static unsigned
on_no_work(struct link *l, uint64_t now_ms)
{
	if (l->state.now == LINK_DIALING && l->running && !l->again_at_ms)
		l->again_at_ms = now_ms + LINK_TRY_MS;
	if (l->state.now != LINK_UP && l->state.now != LINK_EXCHANGING)
		return LINK_DO_NOTHING;
	if (l->state.now == LINK_UP && !l->running)
		return LINK_DO_NOTHING;
	state_move(&l->state, LINK_IDLE);
	return LINK_DO_IDLE | finished(l, now_ms);
}

static unsigned
on_result(struct link *l, bool good)
{
	l->good |= good;
	l->bad_results = good ? 0 : l->bad_results + 1;
	if (!l->conf.dials || l->stuck || l->bad_results < LINK_BAD_RESULTS)
		return LINK_DO_NOTHING;
	l->stuck = true;
	return LINK_DO_STUCK | LINK_DO_SAVE;
}

/* --- what keeps it from use --- */

/* NOW: not only from the next message on. */
static unsigned
block(struct link *l, enum link_block why, bool now, uint64_t now_ms)
{
	l->blocks |= (unsigned)why;
	if (!link_is_blocked(l) || (!l->running && !l->dialed) ||
		(l->state.now != LINK_DIALING && !link_is_up(l)))
		return LINK_DO_NOTHING;
	if (l->state.now == LINK_EXCHANGING && !now) {
		bool told = l->ending;

		l->ending = true;
		return told ? LINK_DO_NOTHING : LINK_DO_FINISH;
	}
	if (l->dialed)
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	if (l->state.now == LINK_EXCHANGING)
		state_move(&l->state, LINK_IDLE);
	return link_stop(l);
}

static unsigned
unblock(struct link *l, enum link_block why)
{
	l->blocks &= ~(unsigned)why;
	return link_is_up(l) ? link_start(l) : LINK_DO_NOTHING;
}

/* --- time --- */

static unsigned
on_tick(struct link *l, uint64_t now_ms)
{
	unsigned commands = link_dial_tick(l, now_ms);

	if ((l->blocks & LINK_BLOCK_UNSTEADY) && now_ms >= l->steady_at_ms)
		commands |= unblock(l, LINK_BLOCK_UNSTEADY);
	return commands;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

uint64_t
link_wake_ms(const struct link *l)
{
	uint64_t at = sooner(UINT64_MAX, l->deadline_ms);

	at = sooner(at, l->again_at_ms);
	if (l->blocks & LINK_BLOCK_UNSTEADY)
		at = sooner(at, l->steady_at_ms);
	return at;
}

/* --- the door --- */

/* The record keeps a reported state: the next daemon goes on with it. */
static unsigned
on_quit(struct link *l, uint64_t now_ms)
{
	l->again = false;
	if (l->dialed && l->state.now != LINK_HANGING_UP)
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	return link_stop(l);
}

unsigned
link_event(struct link *l, enum link_event ev, uint64_t now_ms)
{
	switch (ev) {
	case LINK_EV_UP:
		return on_up(l, now_ms);
	case LINK_EV_DOWN:
		return on_down(l, now_ms);
	case LINK_EV_CALL:
		return link_call(l, true, now_ms);
	case LINK_EV_AUTO_CALL:
		return link_call(l, false, now_ms);
	case LINK_EV_DIALED:
		return link_dial_ended(l, true, now_ms);
	case LINK_EV_DIAL_FAILED:
		return link_dial_ended(l, false, now_ms);
	case LINK_EV_CONNECTED:
		return on_connected(l);
	case LINK_EV_HANGUP:
		return on_hangup(l, now_ms);
	case LINK_EV_HUNG_UP:
		return link_hangup_ended(l, true, now_ms);
	case LINK_EV_HANGUP_FAILED:
		return link_hangup_ended(l, false, now_ms);
	case LINK_EV_WORK:
		return on_work(l);
	case LINK_EV_NO_WORK:
		return on_no_work(l, now_ms);
	case LINK_EV_DISABLE:
		return on_disable(l, now_ms);
	case LINK_EV_ENABLE:
		return on_enable(l, now_ms);
	case LINK_EV_BUDGET_REACHED:
		return block(l, LINK_BLOCK_BUDGET, false, now_ms);
	case LINK_EV_BUDGET_SPENT:
		return block(l, LINK_BLOCK_BUDGET, true, now_ms);
	case LINK_EV_BUDGET_FREE:
		return unblock(l, LINK_BLOCK_BUDGET);
	case LINK_EV_BETTER_UP:
		return block(l, LINK_BLOCK_BETTER, false, now_ms);
	case LINK_EV_BETTER_GONE:
		return unblock(l, LINK_BLOCK_BETTER);
	case LINK_EV_WINDOW_SHUT:
		return block(l, LINK_BLOCK_WINDOW, false, now_ms);
	case LINK_EV_WINDOW_OPEN:
		return unblock(l, LINK_BLOCK_WINDOW);
	case LINK_EV_RESULT_GOOD:
		return on_result(l, true);
	case LINK_EV_RESULT_BAD:
		return on_result(l, false);
	case LINK_EV_TICK:
		return on_tick(l, now_ms);
	case LINK_EV_WAITED:
		return unblock(l, LINK_BLOCK_UNSTEADY);
	case LINK_EV_QUIT:
		return on_quit(l, now_ms);
	case LINK_EVENTS_N:
		break;
	}
	return LINK_DO_NOTHING;
}

/* --- making --- */

unsigned
link_init(struct link *l, uint64_t id, const struct link_conf *conf,
	const struct link_record *recorded, bool other_boot, uint64_t now_ms)
{
	bool up = recorded->up && !other_boot;
	/* a line that may be open, and was not going on to be used */
	bool open = recorded->dialed ||
		    (other_boot && recorded->up && conf->hangs_up);

	*l = (struct link){.conf = *conf,
		.disabled = recorded->disabled,
		.stuck = recorded->stuck,
		.dialed = open};
	l->reported_up = up;
	state_init(&l->state, "link", rows,
		l->disabled ? LINK_DISABLED
		: up	    ? LINK_UP
			    : LINK_DOWN,
		id);
	if (open && (!up || l->disabled))
		return link_hang_up(l, LINK_END_ASKED, now_ms);
	return up && !l->disabled ? link_start(l) : LINK_DO_NOTHING;
}

unsigned
link_configure(struct link *l, const struct link_conf *conf)
{
	bool was = l->stuck;

	l->conf = *conf;
	l->stuck = false;
	l->bad_results = l->failures = 0;
	l->retry_at_ms = 0;
	return was ? LINK_DO_SAVE : LINK_DO_NOTHING;
}
