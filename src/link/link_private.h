/* What link.c (events, blocks) and link_call.c (dial.up, dial.down) share. */
#ifndef LINK_LINK_PRIVATE_H
#define LINK_LINK_PRIVATE_H

#include "link/link.h"

enum link_end {
	LINK_END_ASKED,	 /* by a person, a budget, a better link: no blame */
	LINK_END_DONE,	 /* nothing is left, or the line was lost */
	LINK_END_FAILED, /* the call did not go through */
};

bool link_is_up(const struct link *l); /* UP, EXCHANGING, IDLE */
/* START or STOP, where it is not so already. */
unsigned link_start(struct link *l);
unsigned link_stop(struct link *l);
/* Is it kept from use? */
bool link_is_blocked(const struct link *l);

unsigned link_hang_up(struct link *l, enum link_end end, uint64_t now_ms);
unsigned link_call(struct link *l, bool person, uint64_t now_ms);
unsigned link_dial_ended(struct link *l, bool good, uint64_t now_ms);
unsigned link_hangup_ended(struct link *l, bool good, uint64_t now_ms);
unsigned link_dial_tick(struct link *l, uint64_t now_ms);

#endif
