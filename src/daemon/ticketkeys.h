/*
 * The keys of our TLS session tickets, kept in the spool so that a customer
 * can resume after a restart. A new one is made each day; old ones open
 * tickets for a week.
 */
#ifndef DAEMON_TICKETKEYS_H
#define DAEMON_TICKETKEYS_H

#include "spool/spool.h"

enum { TICKET_KEYS_MAX = 8, TICKET_KEY_BYTES = 80 };

struct ticketkeys {
	unsigned char v[TICKET_KEYS_MAX][TICKET_KEY_BYTES]; /* newest first */
	size_t n;
};

/* Makes one where there is none or it is old. At start: blocking. */
enum err_code ticketkeys_load(
	struct spool *spool, struct ticketkeys *keys_r, struct err *e);

/* Borrowed until it returns; NULL: they could not be read or made. */
typedef void ticketkeys_done(void *arg, const struct ticketkeys *keys);
/* The same in the background. */
void ticketkeys_renew(struct spool *spool, ticketkeys_done *done, void *arg);

#endif
