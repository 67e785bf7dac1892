/*
 * The keys of our TLS session tickets, kept in the spool so that a customer
 * can resume after a restart. A new one is made each day; old ones open
 * tickets for a week.
 */
#ifndef DAEMON_TICKETKEYS_H
#define DAEMON_TICKETKEYS_H

#include "spool/spool.h"

enum { TICKET_KEYS_MAX = 8, TICKET_KEY_BYTES = 80 };

/* Newest first; makes one where there is none or it is old. Blocking. */
enum err_code ticketkeys_load(struct spool *spool,
	unsigned char keys_r[TICKET_KEYS_MAX][TICKET_KEY_BYTES], size_t *n_r,
	struct err *e);

#endif
