/*
 * The verbs a server knows: one table, in which everything stands that
 * decides whether a command may run before its own function looks at its
 * arguments. The checks are made in this order: does this protocol have it
 * (500), is it served here (502), TLS (530), AUTH (530), order (503), no
 * argument where none may be (501).
 */
#ifndef SMTP_VERB_H
#define SMTP_VERB_H

#include "base/str.h"

#include <stdint.h>

struct smtp_server;

enum verb_flag {
	VERB_NEEDS_TLS = 1 << 0,   /* where the service requires TLS */
	VERB_NEEDS_AUTH = 1 << 1,  /* where the service requires AUTH */
	VERB_ALWAYS_AUTH = 1 << 2, /* RFC 2645 5.2.1: in every service */
	VERB_ODMR = 1 << 3,	   /* served on the odmr service too */
	VERB_UNTURNED = 1 << 4,	   /* not in a turned session */
	/*
	 * Ends a pipelined group, and a change of roles or layers follows:
	 * octets behind it close the connection (RFC 3207 4.2, RFC 2645 5.3).
	 */
	VERB_ENDS_GROUP = 1 << 5,
	VERB_NO_ARGUMENT = 1 << 6,
	VERB_IDLE = 1 << 7,  /* moves no mail: counts against commands_max */
	VERB_CHUNK = 1 << 8, /* octets follow even where it is refused */
	/*
	 * After a refused MAIL the pipelined rest of its group must fail too;
	 * that is no further error of the client.
	 */
	VERB_FOLLOWS_MAIL = 1 << 9,
	VERB_SECRET = 1 << 10, /* its arguments must not reach a log */
	VERB_SMTP = 1 << 11,   /* unknown in LMTP (RFC 2033 4.1) */
	VERB_LMTP = 1 << 12,   /* unknown in SMTP */
	VERB_HELLO = 1 << 13,  /* no enhanced code in its replies (2034 4) */
};

struct verb {
	const char *name;
	uint32_t states; /* STATE_TO bits of enum server_state */
	unsigned flags;
	unsigned extension; /* EXT_ bit that must be offered, or 0 */
	/* NULL: refused with 502 and the reason in TEXT. */
	void (*run)(struct smtp_server *s, struct str args);
	const char *text;
};

/* NULL: unknown. Case does not count. */
const struct verb *verb_find(struct str name);
/* The table; a row without name ends it. */
const struct verb *verb_table(void);

#endif
