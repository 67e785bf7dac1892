/*
 * A link: a way out that is sometimes there. Pure: events go in, commands
 * come out; the daemon does what they say.
 *
 *	DOWN --up--> UP --work--> EXCHANGING --done--> IDLE --work--> ...
 *	  ^           |                |                 |
 *	  +---down----+----------------+-----------------+
 *
 * A disabled link does nothing until it is enabled; what is reported
 * meanwhile is remembered. Twice up or down changes nothing.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/state.h"

#include <stdbool.h>

enum link_state {
	LINK_DISABLED,
	LINK_DOWN,
	LINK_DIALING,
	LINK_UP,
	LINK_EXCHANGING,
	LINK_IDLE,
	LINK_HANGING_UP,
	LINK_FAILED,
};

enum link_event {
	LINK_EV_UP,	 /* reported: it carries packets */
	LINK_EV_DOWN,	 /* reported: it does not */
	LINK_EV_DISABLE, /* a person */
	LINK_EV_ENABLE,	 /* a person */
	LINK_EV_WORK,	 /* a session began */
	LINK_EV_NO_WORK, /* the last session ended and nothing is due */
};

/* What the daemon does after an event; bits. */
enum link_command {
	LINK_DO_NOTHING = 0,
	LINK_DO_START = 1, /* begin sessions with the peers of this link */
	LINK_DO_STOP = 2,  /* end its sessions now */
	LINK_DO_SAVE = 4,  /* the recorded state changed */
	LINK_DO_IDLE = 8,  /* it came to rest: tell who waits */
};

struct link {
	struct state state;
	bool reported_up;
};

void link_init(struct link *l, uint64_t id, bool disabled, bool up);
/* Returns LINK_DO_ bits. */
unsigned link_event(struct link *l, enum link_event ev);
/* May sessions run over it now? */
bool link_is_usable(const struct link *l);
const char *link_state_name(const struct link *l);

#endif
