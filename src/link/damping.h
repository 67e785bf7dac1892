/*
 * Flap damping. A link that came up DAMPING_UPS times before within
 * DAMPING_WITHIN_MS has to stay up for a while before it is used; the while
 * doubles with each further time, up to DAMPING_LONGEST_MS, and is forgotten
 * when the link has calmed down. The longest is short on purpose: a link
 * that is never there for longer than a minute is still of use.
 */
#ifndef LINK_DAMPING_H
#define LINK_DAMPING_H

#include <stdint.h>

enum {
	DAMPING_UPS = 6,
	DAMPING_WITHIN_MS = 600000,
	DAMPING_FIRST_MS = 4000,
	DAMPING_LONGEST_MS = 32000,
};

struct damping {
	uint64_t ups[DAMPING_UPS]; /* when it came up, a ring */
	unsigned n, next;
	uint64_t wait_ms; /* 0: steady */
};

/* It came up; returns how long it must stay up before it is used. */
uint64_t damping_up(struct damping *d, uint64_t now_ms);

#endif
