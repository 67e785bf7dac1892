/*
 * Composing notices: multipart/report with message/delivery-status
 * (RFC 3464, RFC 6522). The readable text comes first; the remote server's
 * words are quoted as it said them; the original's header comes back, never
 * its body (every octet may have to cross a paid link).
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"

enum { DSN_HEADER_MAX = 16384 }; /* octets of the original's header kept */

/* RFC 3464 2.3.3 */
enum dsn_action { DSN_FAILED, DSN_DELIVERED, DSN_RELAYED };

struct dsn_recipient {
	enum dsn_action action;
	const char *address;
	const char *orcpt;    /* xtext "type;addr" as given; "" none */
	const char *status;   /* "5.1.1" */
	const char *reply;    /* what the peer said; "" where nobody did */
	const char *peer;     /* who said it; "" ourselves */
	int64_t last_attempt; /* 0: none */
};

struct dsn {
	const char *hostname;
	const char *to;	     /* the original's sender */
	const char *envid;   /* xtext as given; "" none */
	const char *date;    /* RFC 5322 */
	const char *arrival; /* RFC 5322 date the original came; "" unknown */
	int64_t id;	     /* of the original */
	int64_t notice_id;   /* of this notice: Message-ID and boundary */
	const struct dsn_recipient *recipients;
	size_t recipients_n;
	struct str header; /* the original's, up to its empty line */
};

/* Appends the whole message, CRLF lines, 7 bit or UTF-8 as the original. */
void dsn_compose(const struct dsn *d, struct buf *out);

#endif
