/*
 * A request to the daemon that may be too long for one record: it is made a
 * key at a time and goes on in further records as needed.
 */
#ifndef FACES_REQUEST_H
#define FACES_REQUEST_H

#include "control/record.h"

struct request {
	struct record *v; /* owned; the first is made by request_init */
	size_t n, cap;
};

void request_init(struct request *r, const char *verb, const char *action);
/* Forgets it; what it said, a password too, is overwritten. */
void request_free(struct request *r);
/* What comes now stands in a record of its own. */
void request_next(struct request *r);
/* VALUE NULL: adds nothing. */
void request_add(struct request *r, const char *key, const char *value);
void request_add_int(struct request *r, const char *key, int64_t value);

#endif
