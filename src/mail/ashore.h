/*
 * The short message that a customer's session begins with when mail for it is
 * kept back at the provider: from whom, what about, how large, why, until when.
 *
 * It may cross a paid link, so it is never above ASHORE_MAX octets, whatever is
 * put into it; what does not fit is counted. It is plain ASCII that every host
 * takes. What strangers wrote (senders, subjects, replies) is cut and stripped
 * of all that could end or forge a line; encoded words stay as they are.
 */
#ifndef MAIL_ASHORE_H
#define MAIL_ASHORE_H

#include "base/buf.h"

enum { ASHORE_MAX = 2048 };

struct ashore_item {
	const char *from;  /* "" is the null path */
	const char *to;	   /* NULL: that goes without saying */
	unsigned to_more;  /* other recipients of the same message */
	struct str header; /* the front of the message, for its subject */
	uint64_t size;
	const char *why;
	int64_t until; /* 0: until somebody releases it */
};

/* Names of hosts and addresses are ASCII, within the limits of wire/limits.h */
struct ashore {
	const char *hostname;
	const char *to;
	const char *date; /* RFC 5322; "" none */
	int64_t id;	  /* for the Message-ID */
	const struct ashore_item *items;
	size_t items_n;
	size_t more; /* messages beyond ITEMS */
};

/* Appends the whole message, CRLF lines. */
void ashore_compose(const struct ashore *a, struct buf *out);

#endif
