#include "net/pace.h"

#include "base/str.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
	BITS = 8,
	SECOND_MS = 1000,
	HEAD = 40, /* of a segment, IPv4 and TCP */
	SEGMENT = 1448,
	OWED_MAX = 1 << 30, /* octets */
};

struct pace {
	unsigned holders;
	uint64_t bps;
	/* In bits x ms / s, so that a millisecond of the rate is whole. */
	uint64_t owed[PACE_WAYS];
	uint64_t at_ms[PACE_WAYS]; /* when that was so */
};

struct pace *
pace_new(uint64_t bps)
{
	struct pace *p = xcalloc(1, sizeof(*p));

	p->holders = 1;
	p->bps = bps;
	return p;
}

void
pace_set(struct pace *p, uint64_t bps)
{
	p->bps = bps;
}

struct pace *
pace_hold(struct pace *p)
{
	if (p)
		p->holders++;
	return p;
}

void
pace_release(struct pace *p)
{
	if (p && --p->holders == 0)
		free(p);
}

/* What was owed is waited off with time. */
static void
settle(struct pace *p, enum pace_way way, uint64_t now_ms)
{
	uint64_t ms = now_ms > p->at_ms[way] ? now_ms - p->at_ms[way] : 0;
	bool all = ms > p->owed[way] / p->bps;

	p->owed[way] = all ? 0 : p->owed[way] - ms * p->bps;
	p->at_ms[way] = now_ms;
}

static size_t
piece(uint64_t bps)
{
	uint64_t n = bps / BITS * PACE_PIECE_MS / SECOND_MS;
	uint64_t tick = bps / BITS * PACE_TICK_MS / SECOND_MS;

	if (n < PACE_PIECE_MIN)
		n = PACE_PIECE_MIN;
	if (n > PACE_PIECE_MAX)
		n = tick > PACE_PIECE_MAX ? tick : PACE_PIECE_MAX;
	return n < OWED_MAX ? (size_t)n : OWED_MAX;
}

size_t
pace_room(struct pace *p, enum pace_way way, uint64_t now_ms)
{
	if (!p || !p->bps)
		return SIZE_MAX;
	settle(p, way, now_ms);
	return p->owed[way] ? 0 : piece(p->bps);
}

void
pace_took(struct pace *p, enum pace_way way, size_t octets, uint64_t now_ms)
{
	uint64_t segments = (octets + SEGMENT - 1) / SEGMENT;

	if (!p || !p->bps || !octets)
		return;
	settle(p, way, now_ms);
	if (octets > OWED_MAX)
		octets = OWED_MAX;
	p->owed[way] += (octets + segments * HEAD) * BITS * SECOND_MS;
}

uint64_t
pace_wait_ms(struct pace *p, enum pace_way way, uint64_t now_ms)
{
	if (!p || !p->bps)
		return 0;
	settle(p, way, now_ms);
	return (p->owed[way] + p->bps - 1) / p->bps;
}
