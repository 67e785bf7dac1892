/*
 * What goes over the control socket: records, one a line.
 *
 *	verb=link-up name=iridium wait=1
 *
 * A record is an ordered list of key and value; values are percent-encoded
 * (octets up to SP, "%", DEL and above). The client sends one request; the
 * daemon answers any number of records and then one with the key "end": the
 * exit status, and "text" where there is something to say. Which keys there
 * are: protocol.h.
 */
#ifndef CONTROL_RECORD_H
#define CONTROL_RECORD_H

#include "base/buf.h"

enum {
	RECORD_LINE_MAX = 262144, /* octets, without the newline */
	RECORD_FIELDS_MAX = 32768,
	RECORD_KEY_MAX = 63, /* small letters, digits, '_' and '-' */
};

struct record_field; /* private */

struct record {
	struct buf line;	     /* the encoded form, without newline */
	struct record_field *fields; /* decoded, owned */
	size_t fields_n, fields_cap;
	bool too_long; /* something did not fit: not fit to be sent */
};

void record_init(struct record *r);
void record_free(struct record *r);
void record_clear(struct record *r);
/* VALUE NULL: adds nothing. What does not fit sets too_long. */
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
/* The I-th field of all, for a walk in order. False: there is none. */
bool record_at(const struct record *r, size_t i, const char **key_r,
	const char **value_r);

/* Parses one line (no newline). False: malformed or too long; R is empty. */
bool record_parse(struct record *r, struct str line);

#endif
