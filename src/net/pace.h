/*
 * A bound on the rate of octets, shared by all streams of a link, so that other
 * use of the link (voice) finds room. Each direction has its own.
 *
 * It lends: where nothing is owed one piece may move, whatever its size up to
 * PACE_PIECE_MS of the rate, and then the debt is waited off. So nothing is
 * held back until a piece is full, and a pace never adds a turn-around; idle
 * time is not saved up. Heads of segments count too.
 */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stddef.h>
#include <stdint.h>

enum {
	PACE_PIECE_MS = 1000, /* no longer is the line taken at once */
	PACE_PIECE_MIN = 256, /* octets: below it is mostly heads */
	PACE_PIECE_MAX = 1408,
	PACE_TICK_MS = 20, /* where that is more than PIECE_MAX: so much */
};

enum pace_way { PACE_OUT, PACE_IN, PACE_WAYS };

struct pace;

/* BPS bits a second and direction; 0: no bound. Held once. */
struct pace *pace_new(uint64_t bps);
void pace_set(struct pace *p, uint64_t bps);
struct pace *pace_hold(struct pace *p); /* NULL is fine */
void pace_release(struct pace *p);	/* likewise */

/*
 * Octets that may move at NOW_MS (monotonic); 0: none before pace_wait_ms.
 * SIZE_MAX: any; so without a pace (NULL).
 */
size_t pace_room(struct pace *p, enum pace_way way, uint64_t now_ms);
void pace_took(
	struct pace *p, enum pace_way way, size_t octets, uint64_t now_ms);
/* At least 1 where there is no room. */
uint64_t pace_wait_ms(struct pace *p, enum pace_way way, uint64_t now_ms);

#endif
