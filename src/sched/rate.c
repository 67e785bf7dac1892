#include "sched/rate.h"

#include <stdlib.h>
#include <string.h>

enum {
	RATE_NAMES = 1024,
	RATE_NAME_MAX = 300,
	HOUR_MS = 3600000,
};

/* Tokens are counted in 1/HOUR_MS, so that refilling needs no fractions. */
struct bucket {
	char name[RATE_NAME_MAX + 1];
	uint64_t tokens;
	uint64_t at_ms; /* of the last refill */
};

struct rate {
	struct bucket *buckets; /* RATE_NAMES of them, made on first use */
};

struct rate *
rate_new(void)
{
	return xcalloc(1, sizeof(struct rate));
}

void
rate_free(struct rate *r)
{
	if (!r)
		return;
	free(r->buckets);
	free(r);
}

/* Its own bucket, or the one idle longest, emptied of its name. */
static struct bucket *
find(struct rate *r, const char *name)
{
	struct bucket *oldest = &r->buckets[0];

	for (size_t i = 0; i < RATE_NAMES; i++) {
		struct bucket *b = &r->buckets[i];

		if (strncmp(b->name, name, RATE_NAME_MAX) == 0)
			return b;
		if (b->at_ms < oldest->at_ms)
			oldest = b;
	}
	oldest->name[0] = '\0';
	return oldest;
}

static void
refill(struct bucket *b, unsigned per_hour, uint64_t now_ms)
{
	uint64_t full = (uint64_t)per_hour * HOUR_MS;
	uint64_t passed = now_ms - b->at_ms;

	if (passed > HOUR_MS)
		passed = HOUR_MS;
	b->tokens += passed * per_hour;
	if (b->tokens > full)
		b->tokens = full;
	b->at_ms = now_ms;
}

bool
rate_has(const struct rate *r, const char *name, unsigned per_hour,
	uint64_t now_ms)
{
	if (!per_hour || !r->buckets)
		return true;
	for (size_t i = 0; i < RATE_NAMES; i++) {
		struct bucket b;

		if (strncmp(r->buckets[i].name, name, RATE_NAME_MAX) != 0)
			continue;
		b = r->buckets[i];
		refill(&b, per_hour, now_ms);
		return b.tokens >= HOUR_MS;
	}
	return true;
}

bool
rate_take(struct rate *r, const char *name, unsigned per_hour, uint64_t now_ms,
	unsigned *wait_s_r)
{
	struct bucket *b;

	*wait_s_r = 0;
	if (!per_hour)
		return true;
	if (!r->buckets)
		r->buckets = xcalloc(RATE_NAMES, sizeof(*r->buckets));
	b = find(r, name);
	if (!b->name[0]) {
		str_copyz(b->name, sizeof(b->name), name);
		b->tokens = (uint64_t)per_hour * HOUR_MS;
		b->at_ms = now_ms;
	}
	refill(b, per_hour, now_ms);
	if (b->tokens >= HOUR_MS) {
		b->tokens -= HOUR_MS;
		return true;
	}
	*wait_s_r = (unsigned)((HOUR_MS - b->tokens) / per_hour / 1000 + 1);
	return false;
}
