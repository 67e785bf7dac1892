/*
 * In which order the mail hosts of a domain are tried (RFC 5321 5.1): by
 * preference, and by chance among equals, so that they share the load.
 *
 * Where we are one of them, mail must not go to our equals and to those behind
 * us: they would send it back. What is left may be nothing: it loops.
 */
#ifndef SCHED_HOSTS_H
#define SCHED_HOSTS_H

#include <stddef.h>
#include <stdint.h>

struct host_rank {
	const char *name;
	unsigned preference;
	size_t which; /* for the caller: its place in a list of its own */
};

/*
 * Sorts V; OWN is our name. SEED: a number by chance. Returns how many of
 * them, from the first, may be tried.
 */
size_t hosts_order(
	struct host_rank *v, size_t n, const char *own, uint64_t seed);

#endif
