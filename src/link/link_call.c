/* Links: calling and hanging up. */
#include "link/link_private.h"

/* Between automatic calls that brought nothing; the last repeats. */
static const uint64_t call_again_ms[] = {300000, 900000, 3600000, 14400000};
/* Between tries of a dial.down that fails. */
static const uint64_t hang_up_again_ms[] = {10000, 30000, 120000, 600000};

enum {
	CALL_AGAIN_N = sizeof(call_again_ms) / sizeof(call_again_ms[0]),
	HANG_UP_AGAIN_N =
		sizeof(hang_up_again_ms) / sizeof(hang_up_again_ms[0]),
};

/* A call that brought nothing makes the next automatic one wait. */
static void
judge(struct link *l, enum link_end end, uint64_t now_ms)
{
	unsigned i =
		l->failures < CALL_AGAIN_N ? l->failures : CALL_AGAIN_N - 1;

	if (end == LINK_END_ASKED)
		return;
	if (end == LINK_END_DONE && l->good) {
		l->failures = 0;
		l->retry_at_ms = 0;
		return;
	}
	l->failures++;
	l->retry_at_ms = now_ms + call_again_ms[i];
}

static unsigned
dial(struct link *l, uint64_t now_ms)
{
	state_move(&l->state, LINK_DIALING);
	l->dialed = l->child = true;
	l->good = l->failed = false;
	l->deadline_ms = now_ms + l->conf.dial_timeout_ms;
	l->again_at_ms = l->conf.connects ? now_ms + LINK_TRY_MS : 0;
	return LINK_DO_DIAL | LINK_DO_SAVE;
}

/* Nothing of a call is left. */
static unsigned
rest(struct link *l, uint64_t now_ms)
{
	bool again = l->again && !l->disabled && l->conf.dials &&
		     !(l->blocks & LINK_BLOCK_BUDGET);

	l->dialed = l->reported_up = l->again = l->child = false;
	l->hangup_tries = 0;
	l->deadline_ms = l->again_at_ms = 0;
	l->person = l->person && again;
	state_move(&l->state, l->disabled ? LINK_DISABLED
			      : l->failed ? LINK_FAILED
					  : LINK_DOWN);
	l->failed = false;
	return LINK_DO_SAVE | (again ? dial(l, now_ms) : 0);
}

/* Runs dial.down; where there is none, the end of dial.up is the end. */
static unsigned
close_line(struct link *l, uint64_t now_ms)
{
	l->again_at_ms = 0;
	l->deadline_ms = now_ms + LINK_HANGUP_TIMEOUT_MS;
	if (l->conf.hangs_up)
		return LINK_DO_HANG_UP;
	return l->child ? 0 : rest(l, now_ms);
}

unsigned
link_hang_up(struct link *l, enum link_end end, uint64_t now_ms)
{
	unsigned commands = link_stop(l);

	l->blocks &= ~(unsigned)LINK_BLOCK_UNSTEADY;
	l->failed = end == LINK_END_FAILED;
	l->again_at_ms = 0;
	l->hangup_tries = 0;
	judge(l, end, now_ms);
	state_move(&l->state, LINK_HANGING_UP);
	if (l->child)
		commands |= LINK_DO_KILL;
	return commands | LINK_DO_SAVE | close_line(l, now_ms);
}

/* A person's call is a fresh start. */
static unsigned
forgive(struct link *l)
{
	unsigned commands = l->stuck ? LINK_DO_SAVE : LINK_DO_NOTHING;

	l->stuck = false;
	l->bad_results = l->failures = 0;
	l->retry_at_ms = 0;
	return commands;
}

bool
link_may_call(const struct link *l, uint64_t now_ms)
{
	return (l->state.now == LINK_DOWN || l->state.now == LINK_FAILED) &&
	       l->conf.dials && !l->blocks && !l->stuck && !l->dialed &&
	       l->retry_at_ms <= now_ms;
}

static unsigned
call_down_link(struct link *l, bool person, uint64_t now_ms)
{
	if (!l->conf.dials || (l->blocks & LINK_BLOCK_BUDGET))
		return LINK_DO_NOTHING;
	if (!person && !link_may_call(l, now_ms))
		return LINK_DO_NOTHING;
	l->person = person;
	if (!l->dialed)
		return dial(l, now_ms);
	l->again = true; /* it could not be hung up: that first */
	return link_hang_up(l, LINK_END_ASKED, now_ms);
}

unsigned
link_call(struct link *l, bool person, uint64_t now_ms)
{
	unsigned commands;

	if (l->disabled)
		return LINK_DO_NOTHING;
	commands = person ? forgive(l) : LINK_DO_NOTHING;
	if (l->state.now == LINK_DOWN || l->state.now == LINK_FAILED)
		return commands | call_down_link(l, person, now_ms);
	l->person |= person;
	if (l->state.now == LINK_HANGING_UP)
		l->again |= person;
	else if (link_is_up(l) && l->running && !l->ending)
		commands |= LINK_DO_AGAIN;
	else if (link_is_up(l))
		commands |= link_start(l);
	return commands;
}

/* Is the line there? A connection tells. */
static unsigned
try(struct link *l)
{
	if (!l->conf.connects)
		return LINK_DO_NOTHING;
	return l->running ? (unsigned)LINK_DO_AGAIN : link_start(l);
}

unsigned
link_dial_ended(struct link *l, bool good, uint64_t now_ms)
{
	bool ran = l->child;

	l->child = false;
	if (!ran)
		return LINK_DO_NOTHING;
	if (l->state.now == LINK_HANGING_UP && !l->conf.hangs_up)
		return rest(l, now_ms);
	if (l->state.now == LINK_DIALING && good)
		return try(l);
	if (l->state.now == LINK_DIALING)
		return link_hang_up(l, LINK_END_FAILED, now_ms);
	if (link_is_up(l) && !good) /* it held the line */
		return link_hang_up(l, LINK_END_DONE, now_ms);
	return LINK_DO_NOTHING;
}

/* The line may be open and cost money: a person must look. */
static unsigned
give_up_hanging_up(struct link *l)
{
	l->stuck = true;
	l->again = l->person = false;
	l->deadline_ms = 0;
	state_move(&l->state, l->disabled ? LINK_DISABLED : LINK_FAILED);
	return LINK_DO_STUCK | LINK_DO_SAVE;
}

unsigned
link_hangup_ended(struct link *l, bool good, uint64_t now_ms)
{
	unsigned i = l->hangup_tries < HANG_UP_AGAIN_N ? l->hangup_tries
						       : HANG_UP_AGAIN_N - 1;

	if (l->state.now != LINK_HANGING_UP || l->again_at_ms)
		return LINK_DO_NOTHING;
	if (good)
		return rest(l, now_ms);
	if (++l->hangup_tries >= LINK_HANGUP_TRIES)
		return give_up_hanging_up(l);
	l->deadline_ms = 0;
	l->again_at_ms = now_ms + hang_up_again_ms[i];
	return LINK_DO_NOTHING;
}

/* It takes too long; without a dial.down, dial.up is killed once more. */
static unsigned
hangup_late(struct link *l, uint64_t now_ms)
{
	if (!l->conf.hangs_up)
		return LINK_DO_KILL | rest(l, now_ms);
	return LINK_DO_KILL | link_hangup_ended(l, false, now_ms);
}

unsigned
link_dial_tick(struct link *l, uint64_t now_ms)
{
	bool dialing = l->state.now == LINK_DIALING;

	if (l->deadline_ms && now_ms >= l->deadline_ms)
		return dialing ? link_hang_up(l, LINK_END_FAILED, now_ms)
			       : hangup_late(l, now_ms);
	if (!l->again_at_ms || now_ms < l->again_at_ms)
		return LINK_DO_NOTHING;
	l->again_at_ms = 0;
	return dialing ? try(l) : close_line(l, now_ms);
}
