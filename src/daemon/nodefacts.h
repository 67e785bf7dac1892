/*
 * The state of the node as facts (outlook/facts.h), for whom "status" answers
 * and for the status file. STATS is what spool_stats() said.
 */
#ifndef DAEMON_NODEFACTS_H
#define DAEMON_NODEFACTS_H

#include "daemon/node.h"
#include "outlook/facts.h"

/*
 * Node, warnings, listeners, links, queue, and at most SESSIONS_MOST sessions,
 * onto the end of F.
 */
void nodefacts(struct node *n, const struct spool_stat *stats, size_t stats_n,
	size_t sessions_most, struct facts *f);
/* The links alone; ONLY: the one of that name (NULL: all). */
void nodefacts_links(struct node *n, const char *only,
	const struct spool_stat *stats, size_t stats_n, struct facts *f);

#endif
