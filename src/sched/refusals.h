/*
 * How likely a peer is to refuse a message, by what it refused before: what
 * share of all messages, and which recipients. Where that makes a body sent
 * ahead of the replies dearer than the wait for them, it is not.
 *
 * A recipient is remembered as a number of 64 bits, the last REFUSALS_MARKS_MAX
 * of them; two that share one cost a turn at times, nothing else. Who is taken
 * again is forgotten. Kept as text between sessions.
 */
#ifndef SCHED_REFUSALS_H
#define SCHED_REFUSALS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	REFUSALS_MARKS_MAX = 64,
	REFUSALS_ANSWERED_MAX = 500, /* then both counts are halved */
	REFUSALS_AGAIN = 600,	     /* of 1000: who was refused is again */
	REFUSALS_PRIOR = 10,	     /* taken ones, before anything is known */
	REFUSALS_TEXT_MAX = REFUSALS_MARKS_MAX * 17 + 64,
};

struct refusals {
	uint64_t answered; /* messages that the peer answered to the end */
	uint64_t refused;  /* ... of these whose octets were for nobody */
	uint64_t marks[REFUSALS_MARKS_MAX]; /* the oldest first */
	unsigned marks_n;
	bool changed; /* since it was read */
};

/* A message was answered; WASTED: its octets were for nobody. */
void refusals_answered(struct refusals *r, bool wasted);
/* The reply CODE to RCPT for ADDRESS came. */
void refusals_recipient(struct refusals *r, const char *address, int code);

/* How likely ADDRESS is refused, of 1000. */
unsigned refusals_chance(const struct refusals *r, const char *address);
/*
 * Is a body of SIZE for a message that is refused as a whole with CHANCE (of
 * 1000) likely to cost more than a turn, in which TURN octets could go?
 */
bool refusals_is_dear(uint64_t size, unsigned chance, uint64_t turn);

void refusals_write(const struct refusals *r, char text_r[REFUSALS_TEXT_MAX]);
/* What is damaged is left out. */
void refusals_read(struct refusals *r, struct str text);

#endif
