/*
 * The receiving host: what a client hands in becomes messages in the spool.
 * 250 goes out after the commit is on the disk, never before.
 */
#ifndef DAEMON_RECEIVE_H
#define DAEMON_RECEIVE_H

#include "daemon/session.h"

/* A client connected to LISTENER over LINK (NULL: none); FD is given. */
void receive_start(struct node *n, const struct conf_listener *listener,
	const char *link, int fd);
/* The same, over no link, over STREAM (given), whose reading may be off. */
void receive_stream(struct node *n, const struct conf_listener *listener,
	struct stream *stream);

/* The link went down: those that came over it end. */
void receive_link_lost(struct node *n, const char *link);
/* A program of this host that hands mail in. */
struct receive_program {
	char user[65]; /* who runs it */
	bool trusted;  /* it may name any sender */
	bool ids;      /* what it says of ids counts (spool_ledger_add) */
	bool transit;  /* others' mail on its way: it is not completed */
	/*
	 * Nobody waits there for the answer to RCPT: who may not have the
	 * message is taken, and returned to the sender with it.
	 */
	bool returns;
	bool home; /* its mail goes to local domains and customers only */
};
/* Takes the body of message ID, which is none, out of the spool. */
void receive_body_drop(struct node *n, int64_t id);
/* STREAM is given, P copied. */
void receive_from_program(
	struct node *n, const struct receive_program *p, struct stream *stream);

/* Called once when a turned session is over; CLEAN: the peer said QUIT. */
typedef void receive_done(void *arg, bool clean, const char *why);

/*
 * The turn of ATRN on the customer's side: S gets a server machine and takes
 * mail for our own domains only (RFC 2645 5.3: the customer greets with 220).
 */
void receive_turned(struct session *s, receive_done *done, void *arg);

#endif
