/*
 * The state of the node as records of kind node, listener, link, queue and
 * session (control/protocol.h): from the daemon where it runs, else made here
 * of configuration and spool, so that who prints them need not care.
 */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "cli/context.h"
#include "cli/json.h"

enum { FACTS_MAX = 20000 }; /* records of one answer */

struct facts {
	bool running;
	struct record *v; /* owned */
	size_t n;
};

/* All of them. */
int facts_status(struct cli *c, struct facts *f);
/* The links only. */
int facts_links(struct cli *c, struct facts *f);
void facts_free(struct facts *f);

/* The next record of KIND from *AT on, which moves behind it; NULL: none. */
const struct record *facts_next(
	const struct facts *f, const char *kind, size_t *at);

/* Members of an object, null where R (may be NULL) does not know. */
void facts_json_text(struct json *j, const struct record *r, const char *key);
void facts_json_int(struct json *j, const struct record *r, const char *key);
void facts_json_time(struct json *j, const struct record *r, const char *key);
/* 0 where it is absent. */
int64_t facts_int(const struct record *r, const char *key);
/* "" where it is absent. */
const char *facts_text(const struct record *r, const char *key);

/* Which boot of this machine it is, as a link's row says. */
void facts_boot(char out[64]);

#endif
