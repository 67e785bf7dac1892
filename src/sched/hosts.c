#include "sched/hosts.h"

#include <stdlib.h>
#include <strings.h>

/* As random as load sharing wants (splitmix64). */
static uint64_t
next_number(uint64_t *seed)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void
shuffle(struct host_rank *v, size_t n, uint64_t seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)(next_number(&seed) % i);
		struct host_rank kept = v[i - 1];

		v[i - 1] = v[k];
		v[k] = kept;
	}
}

/* What is equal stays as it was shuffled: qsort(3) would not promise it. */
static void
sort(struct host_rank *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct host_rank taken = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1].preference > taken.preference; k--)
			v[k] = v[k - 1];
		v[k] = taken;
	}
}

size_t
hosts_order(struct host_rank *v, size_t n, const char *own, uint64_t seed)
{
	size_t may = 0;
	unsigned ours = 0;
	size_t at = n;

	shuffle(v, n, seed);
	sort(v, n);
	for (size_t i = 0; i < n && at == n; i++)
		if (strcasecmp(v[i].name, own) == 0)
			at = i;
	if (at == n)
		return n;
	ours = v[at].preference;
	while (may < at && v[may].preference < ours)
		may++;
	return may;
}
