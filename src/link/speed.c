#include "link/speed.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 8, SECOND_MS = 1000 };

/* Above this an octet count times the bits and milliseconds overflows. */
static const uint64_t octets_most = UINT64_MAX / BITS / SECOND_MS;

void
speed_init(struct speed *s, uint64_t set_bps, uint64_t set_rtt_ms)
{
	*s = (struct speed){.set_bps = set_bps, .set_rtt_ms = set_rtt_ms};
}

static void
add(struct speed_samples *s, uint64_t value)
{
	s->v[s->next] = value;
	s->next = (s->next + 1) % SPEED_SAMPLES;
	if (s->n < SPEED_SAMPLES)
		s->n++;
}

void
speed_moved(struct speed *s, uint64_t octets, uint64_t ms)
{
	uint64_t bps;

	if (octets < SPEED_LEAST_OCTETS || ms < SPEED_LEAST_MS ||
		octets > octets_most)
		return;
	bps = octets * BITS * SECOND_MS / ms;
	add(&s->bps, bps ? bps : 1);
}

void
speed_turned(struct speed *s, uint64_t rtt_ms)
{
	if (rtt_ms > 0 && rtt_ms <= SPEED_RTT_MAX_MS)
		add(&s->rtt_ms, rtt_ms);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of an even number the lower one of the two in the middle. */
static uint64_t
middle(const struct speed_samples *s)
{
	uint64_t v[SPEED_SAMPLES];

	memcpy(v, s->v, sizeof(v));
	qsort(v, s->n, sizeof(v[0]), by_value);
	return v[(s->n - 1) / 2];
}

bool
speed_is_known(const struct speed *s)
{
	return s->set_bps || s->bps.n;
}

uint64_t
speed_bps(const struct speed *s)
{
	if (s->set_bps)
		return s->set_bps;
	return s->bps.n ? middle(&s->bps) : SPEED_DEFAULT_BPS;
}

uint64_t
speed_rtt_ms(const struct speed *s)
{
	if (s->set_rtt_ms)
		return s->set_rtt_ms;
	return s->rtt_ms.n ? middle(&s->rtt_ms) : SPEED_DEFAULT_RTT_MS;
}

uint64_t
speed_ms(uint64_t bps, uint64_t octets)
{
	if (octets > octets_most)
		octets = octets_most;
	return (octets * BITS * SECOND_MS + bps - 1) / bps;
}
