#include "link/speed.h"

#include <inttypes.h>
#include <stdio.h>
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

static uint64_t
may_use(const struct speed *s, uint64_t bps)
{
	return s->most_bps && s->most_bps < bps ? s->most_bps : bps;
}

uint64_t
speed_bps(const struct speed *s)
{
	if (s->set_bps)
		return may_use(s, s->set_bps);
	return may_use(s, s->bps.n ? middle(&s->bps) : SPEED_DEFAULT_BPS);
}

uint64_t
speed_fastest_bps(const struct speed *s)
{
	uint64_t most = s->set_bps;

	for (unsigned i = 0; !s->set_bps && i < s->bps.n; i++)
		if (s->bps.v[i] > most)
			most = s->bps.v[i];
	return most ? may_use(s, most) : s->most_bps;
}

uint64_t
speed_known_rtt_ms(const struct speed *s)
{
	if (s->set_rtt_ms)
		return s->set_rtt_ms;
	return s->rtt_ms.n ? middle(&s->rtt_ms) : 0;
}

uint64_t
speed_rtt_ms(const struct speed *s)
{
	uint64_t ms = speed_known_rtt_ms(s);

	return ms ? ms : SPEED_DEFAULT_RTT_MS;
}

/* The oldest first, so that reading them gives the same order. */
static size_t
write_samples(const struct speed_samples *s, char *to, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += (size_t)snprintf(to + n, size - n, "%s%" PRIu64,
			i ? " " : "",
			s->v[(s->next + SPEED_SAMPLES - s->n + i) %
				SPEED_SAMPLES]);
	return n;
}

void
speed_write(const struct speed *s, char text_r[SPEED_TEXT_MAX])
{
	size_t n = write_samples(&s->bps, text_r, SPEED_TEXT_MAX);

	text_r[n++] = ';';
	text_r[n] = '\0';
	write_samples(&s->rtt_ms, text_r + n, SPEED_TEXT_MAX - n);
}

static void
read_samples(struct speed_samples *s, struct str text, uint64_t most)
{
	uint64_t v;

	*s = (struct speed_samples){.n = 0};
	while (text.n)
		if (str_u64(str_cut(text, ' ', &text), &v) && v && v <= most)
			add(s, v);
}

void
speed_read(struct speed *s, struct str text)
{
	struct str rtt, bps = str_cut(text, ';', &rtt);

	read_samples(&s->bps, bps, UINT64_MAX);
	read_samples(&s->rtt_ms, rtt, SPEED_RTT_MAX_MS);
}

uint64_t
speed_ms(uint64_t bps, uint64_t octets)
{
	if (octets > octets_most)
		octets = octets_most;
	return (octets * BITS * SECOND_MS + bps - 1) / bps;
}
