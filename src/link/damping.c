#include "link/damping.h"

#include <stdbool.h>

uint64_t
damping_up(struct damping *d, uint64_t now_ms)
{
	bool often = d->n == DAMPING_UPS &&
		     now_ms - d->ups[d->next] <= DAMPING_WITHIN_MS;

	d->ups[d->next] = now_ms;
	d->next = (d->next + 1) % DAMPING_UPS;
	if (d->n < DAMPING_UPS)
		d->n++;
	if (!often)
		d->wait_ms = 0;
	else if (!d->wait_ms)
		d->wait_ms = DAMPING_FIRST_MS;
	else if (d->wait_ms < DAMPING_LONGEST_MS)
		d->wait_ms *= 2;
	return d->wait_ms;
}
