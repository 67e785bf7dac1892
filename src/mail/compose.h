/*
 * What a program wrote, as a message: its header is taken apart and completed,
 * as sendmail does it for cron, mutt or PHP.
 *
 * Lines are fed (CRLF, tidy.h) until the header has ended: at its empty line,
 * or at the first line that is neither a field nor folded, which is body then.
 * A first line "From ..." of a mailbox file is dropped. Bcc, Resent-Bcc and
 * Return-Path never leave the host.
 */
#ifndef MAIL_COMPOSE_H
#define MAIL_COMPOSE_H

#include "base/buf.h"
#include "base/err.h"

enum { COMPOSE_HEADER_MAX = 250 * 1024 }; /* octets */

struct compose {
	struct buf text; /* what was taken */
	/* private */
	size_t at;     /* the line to look at */
	size_t fields; /* where the fields begin */
	size_t header; /* where they end */
	size_t body;   /* where the body begins */
	bool ended;
};

void compose_init(struct compose *c);
void compose_free(struct compose *c);

/*
 * True: the header has ended; what was fed behind it is in compose_body. False:
 * more is needed. ERR_LIMIT in *rc_r: it is too long.
 */
bool compose_feed(struct compose *c, struct str lines, enum err_code *rc_r);
/* No more lines follow. */
void compose_end(struct compose *c);
/* What of the fed octets belongs to the body. */
struct str compose_body(const struct compose *c);

/* One address of the header; ADDRESS is as given, or a bare name. */
typedef void compose_each(void *arg, struct str address);
/*
 * The recipients (-t): of To, Cc and Bcc, or where there are such of
 * Resent-To, -Cc and -Bcc (RFC 5322 3.6.6). ERR_INVALID: E names the field that
 * is no list of addresses.
 */
enum err_code compose_recipients(
	const struct compose *c, compose_each *each, void *arg, struct err *e);

struct compose_facts {
	struct str home; /* the domain of bare names; empty: they stay */
	/* for a From where there is none; sender "" adds none */
	const char *sender, *name;
};
/* Appends the completed header and its empty line to OUT. */
void compose_header(const struct compose *c, const struct compose_facts *f,
	struct buf *out);

/*
 * The addresses of a word of the command line ("Ann <ann@x.example>, bob").
 * False: it is no list of addresses.
 */
bool compose_list(struct str list, compose_each *each, void *arg);

#endif
