/*
 * Sharing the bill of links (link history --by user): each session's time and
 * money, in parts as the octets of its messages were. What no message was in
 * is nobody's: money of a line that was held, calls in vain.
 */
#ifndef CLI_LINK_BILL_H
#define CLI_LINK_BILL_H

#include <stdbool.h>

#include "spool/types.h"

struct bill_row {
	char who[SPOOL_NAME_MAX + 1];
	unsigned sessions, messages;
	uint64_t bytes; /* of messages */
	double seconds, cost;
};

struct bill {
	struct bill_row *v; /* owned */
	size_t n;
};

/* S lasted SECONDS and carried N SHARES. */
void bill_add(struct bill *b, const struct spool_session *s, double seconds,
	const struct spool_share *shares, size_t n);
/* Who pays most first; to standard output. */
void bill_print_json(struct bill *b);
void bill_print_csv(struct bill *b);
void bill_print_table(struct bill *b);
void bill_free(struct bill *b);

#endif
