/* The facts of faces/facts.h, asked of the daemon or the spool, and as JSON. */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "cli/context.h"
#include "cli/json.h"
#include "faces/facts.h"

/* All of them. */
int facts_status(struct cli *c, struct facts *f);
/* The links only. */
int facts_links(struct cli *c, struct facts *f);

/* Members of an object, null where R (may be NULL) does not know. */
void facts_json_text(struct json *j, const struct record *r, const char *key);
void facts_json_int(struct json *j, const struct record *r, const char *key);
void facts_json_time(struct json *j, const struct record *r, const char *key);

#endif
