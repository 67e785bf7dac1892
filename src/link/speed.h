/*
 * How fast a link is, and how long its round trip: measured where the
 * configuration does not say.
 *
 * Samples come from sessions: octets that were acknowledged, and how long that
 * took; the wait of a turn. The middle of the last nine counts, so that one
 * stall or one burst out of a buffer changes nothing. What is too little to
 * measure by is not taken. Until there is a sample, a default that errs on
 * the slow side holds.
 */
#ifndef LINK_SPEED_H
#define LINK_SPEED_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SPEED_SAMPLES = 9,
	SPEED_LEAST_OCTETS = 2000, /* less tells only of buffers */
	SPEED_LEAST_MS = 200,
	SPEED_DEFAULT_BPS = 2400,
	SPEED_DEFAULT_RTT_MS = 2000,
	SPEED_RTT_MAX_MS = 600000,
	SPEED_TEXT_MAX = 512,
};

struct speed_samples {
	uint64_t v[SPEED_SAMPLES];
	unsigned n, next;
};

struct speed {
	uint64_t set_bps, set_rtt_ms; /* of the configuration; 0: measure */
	uint64_t most_bps;	      /* that we may use of it; 0: all */
	struct speed_samples bps, rtt_ms;
};

void speed_init(struct speed *s, uint64_t set_bps, uint64_t set_rtt_ms);
void speed_moved(struct speed *s, uint64_t octets, uint64_t ms);
void speed_turned(struct speed *s, uint64_t rtt_ms);
/* What we may use. Never 0. */
uint64_t speed_bps(const struct speed *s);
/*
 * The fastest it may be: for what is in flight, where too much costs little and
 * too little is what is measured next. 0: not known.
 */
uint64_t speed_fastest_bps(const struct speed *s);
uint64_t speed_rtt_ms(const struct speed *s);
/* Does speed_bps come from the configuration or from samples? */
bool speed_is_known(const struct speed *s);
/*
 * The round trip where one is known, else 0: what is assumed is the caller's.
 */
uint64_t speed_known_rtt_ms(const struct speed *s);

/* The samples as text, to be kept, and from it (what is damaged is none). */
void speed_write(const struct speed *s, char text_r[SPEED_TEXT_MAX]);
void speed_read(struct speed *s, struct str text);

/* How long OCTETS take, rounded up. */
uint64_t speed_ms(uint64_t bps, uint64_t octets);

#endif
