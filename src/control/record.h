/*
 * What goes over the control socket: records, one a line.
 *
 *	verb=link-up name=iridium wait=1
 *
 * A record is an ordered list of key and value; values are percent-encoded
 * (octets up to SP, "%", DEL and above). The client sends one request; the
 * daemon answers any number of records and then one with the key "end": the
 * exit status, and "text" where there is something to say.
 */
#ifndef CONTROL_RECORD_H
#define CONTROL_RECORD_H

#include "base/buf.h"

enum { RECORD_LINE_MAX = 262144 };

struct record_field; /* private */

struct record {
	struct buf line;	     /* the encoded form, without newline */
	struct record_field *fields; /* decoded, owned */
	size_t fields_n, fields_cap;
};

void record_init(struct record *r);
void record_free(struct record *r);
void record_clear(struct record *r);
void record_add(struct record *r, const char *key, const char *value);
void record_addf(struct record *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void record_add_int(struct record *r, const char *key, int64_t value);

/*
 * The value of KEY, decoded, NULL where absent. Valid until the record is
 * freed. The I-th of several with the same key with record_get_nth.
 */
const char *record_get(const struct record *r, const char *key);
const char *record_get_nth(const struct record *r, const char *key, size_t i);
/* False: absent or not a number. */
bool record_get_int(const struct record *r, const char *key, int64_t *value_r);

/* Parses one line (no newline). False: malformed or too long. */
bool record_parse(struct record *r, struct str line);

#endif
