/*
 * A streaming look at the header of a message: counts the trace fields (a
 * loop shows as many Received) and finds where the header ends.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "mail/authres.h"

enum {
	HEADER_NAME_MAX = 77,
	HEADER_RECEIVED_MAX = 100, /* RFC 5321 6.3 */
};

enum { HEADER_VALUE_MAX = 1000 }; /* octets of a value looked at */

/* A field somebody asks for; borrowed texts. */
struct header_ask {
	struct str name;  /* in any case */
	struct str value; /* a glob over its value, unfolded; empty: any */
	bool found;
};

/*
 * What is asked of one header: any of the fields of a name may have the value.
 * The value's octets are compared as they stand, its first HEADER_VALUE_MAX.
 */
struct header_catch {
	struct header_ask *asks; /* borrowed */
	size_t asks_n;
	bool taking; /* the field being read is asked for */
	char value[HEADER_VALUE_MAX];
	size_t value_n;
};

struct header_scan {
	char name[HEADER_NAME_MAX + 1]; /* of the field being read */
	size_t name_n;
	bool in_value, ended;
	unsigned char last; /* the last octet seen */
	unsigned received_n;
	uint64_t size; /* octets of the header, up to the empty line */
	/* MT-Priority (RFC 6758 3): how many fields, and the first's value */
	unsigned priority_n;
	bool in_priority;
	char priority[8];
	size_t priority_len;
	/* told of Authentication-Results; NULL: nobody asks. Borrowed. */
	struct authres *authres;
	bool in_authres;
	struct header_catch *catch; /* NULL: nobody asks. Borrowed. */
};

void header_scan_init(struct header_scan *h);
/* Any split of the octets gives the same result. */
void header_scan_feed(struct header_scan *h, struct str octets);
/* No octets follow, even if the header has not ended. */
void header_scan_end(struct header_scan *h);
/*
 * For a header that is in memory. The field at the front of *IN, its folded
 * lines and its last line end with it; *IN moves behind it. False: there the
 * header ends, at its empty line or with the octets.
 */
bool header_field_next(struct str *in, struct str *field_r);
/* The same, as its name without blanks and what follows the colon. */
struct str header_field_name(struct str field, struct str *body_r);
/* What follows the colon of the first field NAME; empty: there is none. */
struct str header_find(struct str header, struct str name);
/* The value of a single, valid MT-Priority field; false: there is none. */
bool header_scan_priority(const struct header_scan *h, int *priority_r);

#endif
