/*
 * The rules of the configuration: what becomes of mail on arrival. The first
 * rule that matches in all that it names wins, for each recipient by itself.
 *
 * The header is looked at as it comes in: rules_look_new says what is asked of
 * it, a struct header_scan answers. Matching is a pure function.
 */
#ifndef DAEMON_RULES_H
#define DAEMON_RULES_H

#include "conf/conf.h"
#include "mail/header.h"

enum {
	RULES_BULK = -5, /* lists, where nobody says anything else */
	RULES_LOW = -2,	 /* notices, likewise */
};

/* What the rules ask of the header of one message. */
struct rules_look {
	const struct conf *conf; /* borrowed: as it was when it began */
	char passed[WIRE_DOMAIN_MAX + 8]; /* a trace of this node, as a glob */
	struct header_catch catch;
	struct header_ask asks[]; /* of each rule, then our own */
};

/* Given to the caller, free(). */
struct rules_look *rules_look_new(const struct conf *conf);

/* The rule for a message of SIZE octets to TO; NULL: none matches. */
const struct conf_rule *rules_match(const struct rules_look *look,
	const struct mailbox *sender, const struct mailbox *to, uint64_t size);
/*
 * The priority where no rule says one and nobody asked for one: list mail
 * (List-Id, or Precedence: bulk or list) is bulk, a notice (from <>) is low.
 */
int rules_priority(const struct rules_look *look, const struct mailbox *sender);

/* Has the header a Received field of this node, from an earlier time? */
bool rules_passed_here(const struct rules_look *look);

#endif
