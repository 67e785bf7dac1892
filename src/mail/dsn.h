/*
 * Composing notices: multipart/report with message/delivery-status
 * (RFC 3464, RFC 6522), and its UTF-8 forms (RFC 6533).
 *
 * The readable text comes first: what happened, in the words of the remote
 * server, and what to do, for a person who is no engineer. Then the part for
 * programs; then the original's header, and only where the sender asked for it
 * (RET=FULL) its text, since every octet may have to cross a paid link.
 *
 * With several messages from one sender the same can have happened at once: one
 * notice tells it of all, where nobody asked for reports of their own
 * (docs/decisions/011). Each recipient says then which message it is about.
 *
 * A notice is 7 bit, its parts encoded where need be, so that every host takes
 * it; only one to a UTF-8 address, which needs such hosts anyway, is 8 bit. All
 * that others wrote is cut and stripped of what could end or forge a line, and
 * the boundary is one that no line of the parts begins with.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"

enum {
	DSN_JOINED_MAX = 50,	 /* messages that one notice is about */
	DSN_HEADER_READ = 65536, /* octets of a header that are looked at */
	DSN_JOINED_HEADER_MAX = 1024, /* ... of each of several messages */
	DSN_HEADER_MAX = 8192,	      /* ... that come back */
};

/* RFC 3464 2.3.3 */
enum dsn_action {
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED, /* into a mailbox */
	DSN_RELAYED,   /* to a host that reports no more */
	DSN_EXPANDED,  /* by a list of addresses, which report no more */
	DSN_ACTIONS_N,
};

struct dsn_recipient {
	enum dsn_action action;
	const char *address;
	const char *orcpt;    /* "type;addr" as given; "" none */
	const char *status;   /* "5.1.1" */
	const char *reply;    /* what the peer said; or why, in our words */
	const char *peer;     /* the host that said it; "" ourselves */
	const char *log_id;   /* of the delivery here, "4711.2" */
	size_t message;	      /* 0: dsn.header; else dsn.more[message - 1] */
	int64_t last_attempt; /* 0: none */
	int64_t retry_until;  /* DSN_DELAYED: 0 not known */
};

/* Texts are terminated and borrowed. */
struct dsn {
	const char *hostname;
	const char *to;	     /* the original's sender */
	const char *envid;   /* xtext as given; "" none */
	const char *date;    /* RFC 5322; "" none */
	const char *arrival; /* RFC 5322 date the original came; "" unknown */
	const char *received_from; /* "helo [address]" or "local" */
	const char *deliver_by;	   /* RFC 2852 5: RFC 5322 date; "" none */
	const char *hold;	   /* RFC 4865 5.1.2: "for;600"; "" none */
	int64_t notice_id;	   /* of this notice: Message-ID and boundary */
	const struct dsn_recipient *recipients;
	size_t recipients_n;
	bool utf8;	   /* the original needed SMTPUTF8 */
	struct str header; /* the front of the original */
	struct str whole;  /* the original; empty: only its header returns */
	const struct str *more; /* the fronts of the other messages */
	size_t more_n;
};

/* Appends the whole message, CRLF lines. */
void dsn_compose(const struct dsn *d, struct buf *out);
/* Is it 8 bit, and does it need SMTPUTF8, for this sender of an original? */
bool dsn_is_utf8(const char *to);

#endif
