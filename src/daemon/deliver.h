/*
 * The sending host: takes messages out of the spool by claim, gives them to
 * a client machine, and writes what became of each recipient. Serves pushing
 * to a peer and handing over to a customer alike.
 *
 * One transaction of the spool ends a message and begins the next: outcomes,
 * notices, the next claim, its first octets, and in_doubt before any of its
 * octets can reach the kernel.
 */
#ifndef DAEMON_DELIVER_H
#define DAEMON_DELIVER_H

#include "daemon/session.h"
#include "smtp/client.h"

struct deliver_result {
	enum client_fail fail; /* FAIL_NONE: ended by us or in good order */
	bool ready;	       /* greeting, TLS and AUTH were passed */
	bool link_lost;	       /* taken from under it, or went silent */
	char reply[256];       /* what the peer said last of note; "" nothing */
	char why[160];	       /* what ended it, in our words; "" nothing */
	bool mismatch;	       /* its replies did not match what was sent */
	bool no_bdat; /* it does not know BDAT: all will go by DATA next time */
	/*
	 * Ended in good order since what it put off is due again, and is asked
	 * for once in a session: another one is to follow at once.
	 */
	bool anew;
	int64_t due; /* when what it put off goes again, at first; 0: nothing */
};

struct deliver;

struct deliver_owner {
	/* EHLO, TLS and AUTH are done. May be NULL. */
	void (*ready)(void *arg, struct deliver *d);
	/* The peer, verified, says what time it is. May be NULL. */
	void (*told_time)(void *arg, int64_t wall_s);
	/* Nothing (more) to send: say deliver_quit, deliver_atrn,
	 * deliver_etrn. */
	void (*idle)(void *arg, struct deliver *d);
	/*
	 * ATRN was answered: 250 (a turn follows by itself) or not; or ETRN.
	 */
	void (*turn_reply)(void *arg, struct deliver *d, const struct reply *r);
	/* STARTTLS was agreed on: begin the handshake. NULL: never. */
	void (*start_tls)(void *arg, struct session *s);
	/* May a customer's next message still go this way? NULL: yes. */
	bool (*may_go)(void *arg);
	/* A turned session (receive_turned) or this one is over; once, last. */
	void (*over)(void *arg, const struct deliver_result *r);
};

struct deliver_conf {
	struct smtp_client_conf client;
	const char *const *routes; /* copied */
	size_t routes_n;
	bool push;	 /* send what waits; else go to idle at once */
	bool leave_utf8; /* for another host, where this one has no SMTPUTF8 */
	bool customer;	 /* the far side is a customer: a lost link is no
			    attempt */
	/*
	 * The peer took nothing before: with the first message it takes all
	 * that waits for it is due.
	 */
	bool recovering;
	/*
	 * Octets claimed before they can be sent, at most, where the machine
	 * has a window (0: a default); so that the line never waits for our
	 * disk, and an urgent message that comes meanwhile not long behind
	 * others.
	 */
	uint64_t ahead;
	const char *peer;	    /* for reasons and log */
	const char *host;	    /* its host, for notices; NULL: peer */
	const char *link;	    /* NULL none */
	const char *const *domains; /* ATRN with a list; copied; NULL all */
	size_t domains_n;
	struct deliver_owner owner;
	void *arg;
};

/* S gets a client machine; ROLE: push or serve. */
struct deliver *deliver_start(
	struct session *s, const struct deliver_conf *conf, const char *role);

/* Legal from idle(). */
void deliver_quit(struct deliver *d);
void deliver_atrn(struct deliver *d, const char *domains);
/* Legal from turn_reply, too. */
void deliver_etrn(struct deliver *d, const char *domain);
/* Begun without push: from now on what waits is sent. */
void deliver_push(struct deliver *d);
/* More arrived, or a retry is due: look again (when idle or sending). */
void deliver_more(struct deliver *d);
/*
 * Legal from idle(): looks again, from now on for these DOMAINS of a customer
 * (copied; NULL all).
 */
void deliver_domains(struct deliver *d, const char *const *domains, size_t n);
/*
 * No further message is begun: what is under way ends, then idle (which says
 * deliver_quit). A turned session is not ended.
 */
void deliver_finish(struct deliver *d);
/* The link went down: close, and nothing counts as an attempt. */
void deliver_link_lost(struct deliver *d);

/* The largest message the peer says it takes; 0: it does not say. */
uint64_t deliver_size_max(const struct deliver *d);
/* It is to end, and another one to follow (deliver_result.anew). */
bool deliver_goes_anew(const struct deliver *d);
/* It takes no more messages on this connection (RFC 9422, MAILMAX). */
bool deliver_is_spent(const struct deliver *d);
const char *deliver_keywords(const struct deliver *d);
unsigned deliver_extensions(const struct deliver *d); /* EXT_ */
struct session *deliver_session(const struct deliver *d);

#endif
