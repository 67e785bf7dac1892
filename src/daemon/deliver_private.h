/* What the files of the sending host share. */
#ifndef DAEMON_DELIVER_PRIVATE_H
#define DAEMON_DELIVER_PRIVATE_H

#include "daemon/bounce.h"
#include "daemon/deliver.h"
#include "spool/queue.h"

struct deliver {
	struct session *s;
	struct node *n;
	struct smtp_client *client;
	struct deliver_owner owner;
	void *owner_arg;
	char **routes, **domains; /* owned */
	size_t routes_n, domains_n;
	char *peer, *link; /* owned; link may be NULL */
	bool push, customer;
	int64_t began_s;

	struct spool_claimed claimed; /* the message in hand */
	bool have;
	bool sending;	       /* it was given to the machine */
	struct reply *replies; /* to each RCPT; code 0: none came */
	char *chunk;	       /* owned; octets of its body; NULL none */
	size_t chunk_n, chunk_at;
	uint64_t chunk_ms; /* when it came */
	uint64_t offset;   /* of the body behind the chunk */
	bool reading;
	bool stepping; /* a step is with the spool */
	bool look_again;
	bool resting; /* idle was told */
	bool over;
	struct deliver_result result;
};

enum {
	/*
	 * Octets of a body read ahead: a whole chunk of the spool only where
	 * so much of it has gone and the peer took the last piece within
	 * DELIVER_FAST_MS, since a thousand slow ones have one each.
	 */
	DELIVER_PIECE_BYTES = 16384,
	DELIVER_RAMP_BYTES = 1024 * 1024,
	DELIVER_FAST_MS = 250,
};

/* What became of the message in hand. */
enum deliver_end {
	END_REPLIED, /* FINAL says what the peer answered to the whole */
	END_EARLY,   /* FINAL ended it before any recipient was taken */
	END_BROKEN,  /* the connection ended; no final reply */
};

/*
 * Ends the message in hand (if there is one) and claims the next (if NEXT):
 * one transaction. deliver_stepped follows.
 */
void deliver_step(struct deliver *d, enum deliver_end end,
	const struct reply *final, bool in_doubt, bool next);
/* Called on the loop when the transaction is on the disk (or failed). */
void deliver_stepped(struct deliver *d, enum err_code code);

#endif
