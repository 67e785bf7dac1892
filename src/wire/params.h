/*
 * Parameters of MAIL and RCPT. One table in params.c names each keyword, the
 * side it belongs to and the extension that must be on for it.
 * What is stored here is passed on unchanged (RFC 3461 5.2).
 */
#ifndef WIRE_PARAMS_H
#define WIRE_PARAMS_H

#include "base/buf.h"
#include "wire/limits.h"

/* Extensions, as bits: what a server offers, what a peer offered. */
enum ext {
	EXT_PIPELINING = 1 << 0,	  /* RFC 2920 */
	EXT_SIZE = 1 << 1,		  /* RFC 1870 */
	EXT_8BITMIME = 1 << 2,		  /* RFC 6152 */
	EXT_CHUNKING = 1 << 3,		  /* RFC 3030 */
	EXT_BINARYMIME = 1 << 4,	  /* RFC 3030 */
	EXT_ENHANCEDSTATUSCODES = 1 << 5, /* RFC 2034 */
	EXT_DSN = 1 << 6,		  /* RFC 3461 */
	EXT_SMTPUTF8 = 1 << 7,		  /* RFC 6531 */
	EXT_STARTTLS = 1 << 8,		  /* RFC 3207 */
	EXT_AUTH = 1 << 9,		  /* RFC 4954 */
	EXT_ATRN = 1 << 10,		  /* RFC 2645 */
	EXT_ETRN = 1 << 11,		  /* RFC 1985 */
	EXT_MT_PRIORITY = 1 << 12,	  /* RFC 6710 */
	EXT_DELIVERBY = 1 << 13,	  /* RFC 2852 */
	EXT_FUTURERELEASE = 1 << 14,	  /* RFC 4865 */
	EXT_REQUIRETLS = 1 << 15,	  /* RFC 8689 */
	EXT_LIMITS = 1 << 16,		  /* RFC 9422 */
	EXT_EXPN = 1 << 17,		  /* RFC 5321 3.5.2 */
};

/* "PIPELINING" -> EXT_PIPELINING; 0 where unknown. */
unsigned ext_by_name(struct str keyword);
const char *ext_name(enum ext bit);

enum body { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum ret { RET_NONE, RET_FULL, RET_HDRS };
enum notify { /* bits; 0: not given */
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

struct mail_params {
	bool has_size;
	uint64_t size_bytes;
	enum body body;
	bool smtputf8, requiretls;
	enum ret ret;
	char envid[WIRE_ENVID_MAX + 1]; /* xtext as given; "" none */
	bool has_auth;
	char auth[WIRE_MAILBOX_MAX * 3 + 1]; /* xtext as given, or "<>" */
	bool has_priority;
	int priority;
	bool has_deliver_by;
	int64_t deliver_by_s; /* time remaining */
	char deliver_by_mode; /* 'N' or 'R' */
	bool deliver_by_trace;
	int64_t hold_for_s;  /* FUTURERELEASE; 0 none */
	char hold_until[41]; /* RFC 3339 text as given; "" none */
};

struct rcpt_params {
	unsigned notify;		/* enum notify bits */
	char orcpt[WIRE_ORCPT_MAX + 1]; /* "rfc822;xtext" as given; "" none */
};

enum params_result {
	PARAMS_OK,
	PARAMS_UNKNOWN,	 /* 555 5.5.4: keyword unknown or not offered */
	PARAMS_SYNTAX,	 /* 501 5.5.4: value malformed or missing */
	PARAMS_REPEATED, /* 501 5.5.4 */
};

/*
 * Parses *(SP esmtp-param) behind the path; REST must be used up. OFFERED: the
 * extensions in force (EXT_ bits). *bad_r: the parameter at fault (a view
 * into REST), unless OK.
 */
enum params_result params_mail(struct str rest, unsigned offered,
	struct mail_params *params_r, struct str *bad_r);
enum params_result params_rcpt(struct str rest, unsigned offered,
	struct rcpt_params *params_r, struct str *bad_r);

/*
 * Appends " KEY=VALUE..." for a peer that offers OFFERED. What the peer does
 * not know is left out; the caller has decided before that this is right.
 */
void params_mail_write(
	const struct mail_params *p, unsigned offered, struct buf *out);
void params_rcpt_write(
	const struct rcpt_params *p, unsigned offered, struct buf *out);

/* HOLDUNTIL as seconds since 1970 UTC; 0: there is none. */
int64_t params_hold_until_s(const struct mail_params *p);

const char *body_name(enum body body);

#endif
