/*
 * The state of the node as records of kind node, listener, link, queue and
 * session (control/protocol.h): what the daemon answered, or made here of
 * configuration and spool where none runs, so that who shows them need not
 * care.
 */
#ifndef FACES_FACTS_H
#define FACES_FACTS_H

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
