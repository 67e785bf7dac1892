/* The facts as JSON: what "status --json" says, and the daemon's status file.
 */
#ifndef OUTLOOK_FACTS_JSON_H
#define OUTLOOK_FACTS_JSON_H

#include "base/json.h"
#include "outlook/facts.h"

/* All of F, into an open object. */
void facts_json(struct json *j, const struct facts *f);
/* The fields of one link, likewise. */
void facts_json_link(struct json *j, const struct record *r);

/* Members of an object, null where R (may be NULL) does not know. */
void facts_json_text(struct json *j, const struct record *r, const char *key);
void facts_json_int(struct json *j, const struct record *r, const char *key);
void facts_json_time(struct json *j, const struct record *r, const char *key);

#endif
