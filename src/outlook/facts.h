/*
 * The state of the node as records of kind node, listener, link, queue and
 * session (control/protocol.h): what the daemon answered, or made here of
 * configuration and spool where none runs, so that who shows them need not
 * care.
 */
#ifndef OUTLOOK_FACTS_H
#define OUTLOOK_FACTS_H

#include "conf/conf.h"
#include "control/protocol.h"
#include "spool/queue.h"
#include "spool/records.h"

enum { FACTS_MAX = 20000 }; /* records of one answer */

struct facts {
	bool running;
	struct record *v; /* owned */
	size_t n;
};

void facts_free(struct facts *f);

/* One more, a copy of what the daemon answered; beyond FACTS_MAX none. */
void facts_keep(struct facts *f, const struct record *r);

/* A new one of KIND at the end, to be filled before the next is made. */
struct record *facts_add(struct facts *f, const char *kind);
/* What the configuration and the clock say of the node. */
void facts_add_node(struct facts *f, const struct conf *conf);
/* Deliveries by state, from STATS (spool_stats). */
void facts_add_queue(struct facts *f, const struct spool_stat *stats, size_t n);
/* Into R: deliveries that wait (not held) for a peer that LINK carries. */
void facts_waiting(const struct conf *conf, const char *link,
	const struct spool_stat *stats, size_t n, struct record *r);
/*
 * Node, queue and links as the spool has them; SPOOL NULL: the node never
 * ran, and nothing waits.
 */
enum err_code facts_at_rest(const struct conf *conf, struct spool *spool,
	struct facts *f, struct err *e);

/* The next record of KIND from *AT on, which moves behind it; NULL: none. */
const struct record *facts_next(
	const struct facts *f, const char *kind, size_t *at);
/* 0 where it is absent. R may be NULL. */
int64_t facts_int(const struct record *r, const char *key);
/* "" where it is absent. R may be NULL. */
const char *facts_text(const struct record *r, const char *key);

#endif
