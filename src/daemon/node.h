/*
 * The whole daemon as one value: what main makes, and what every part of
 * this room reaches its neighbours through. All of it lives on the loop
 * thread, but for what a comment says.
 */
#ifndef DAEMON_NODE_H
#define DAEMON_NODE_H

#include "base/list.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "net/stream.h"
#include "spool/spool.h"

struct accounts;
struct alarm;
struct budgets;
struct certwatch;
struct claims;
struct control;
struct dispatch;
struct dropbox;
struct dovecot;
struct dovecot_users;
struct etrn;
struct eventlog;
struct guess;
struct helper;
struct life;
struct hooks;
struct lifetime;
struct fill;
struct gateways;
struct unpack;
struct links;
struct local;
struct metrics;
struct report;
struct services;
struct speeds;
struct steady;
struct ticketkeys;

struct rate;
struct sandbox;

struct node {
	struct loop *loop;
	struct pool *pool;
	struct spool *spool;
	struct conf *conf;
	struct conf *
		*retired; /* earlier ones; sessions still borrow from them */
	size_t retired_n;
	struct tls_server *tls_server; /* NULL: no certificate is set */
	struct tls_client *tls_client;
	struct ticketkeys *ticket_keys; /* owned */
	struct accounts *accounts;
	struct dovecot *dovecot;
	struct dovecot_users *dovecot_users;
	struct services *services;
	struct dispatch *dispatch;
	struct links *links;
	struct budgets *budgets;
	struct speeds *speeds;
	struct certwatch *certwatch;
	struct metrics *metrics;
	struct report *report;
	struct hooks *hooks;
	struct alarm *alarm;
	struct claims *claims;
	struct local *local;
	struct helper *helper;
	struct sandbox *sandbox;
	struct gateways *gateways;
	struct unpack *unpack;
	struct dropbox *dropbox; /* NULL: there is none */
	struct etrn *etrn;
	struct control *control;
	struct guess *guess;
	struct rate *rate;	/* of messages */
	struct rate *atrn_rate; /* of calls by customers */
	struct eventlog *eventlog;
	struct life *life;
	struct lifetime *lifetime;
	struct steady *steady;
	struct fill *fill;
	struct list_node sessions;
	size_t sessions_n, sessions_peak; /* since memory was given back */
	struct loop_timer *trim;	  /* NULL before the first crowd */
	struct loop_timer *reroute;	  /* NULL before the first failure */
	uint64_t last_id; /* of sessions, and of claims: one number space */
	int64_t route_generation;
	int64_t started_s;
	uint64_t started_ms, tls_made_ms;
	bool told_to_stop; /* lines are hung up */
	bool helper_ended; /* so we end, for somebody to start us anew */
	bool stopping;
	/* Octets and jobs on their way to the spool, over all sessions. */
	size_t held_octets;
	bool starved; /* a session was told to wait for them to fall */
};

/* A number no session or claim of this start of the daemon has had. */
uint64_t node_new_id(struct node *n);

/*
 * May a session take more input? Memory of what is received but not yet
 * stored is bounded for the node as a whole; who is told no is pumped again.
 */
bool node_may_take(struct node *n);
/* N octets came to wait for the spool (or, negative, left). */
void node_held(struct node *n, int64_t octets);

/* A session began or ended: after a crowd, memory goes back to the system. */
void node_sessions_changed(struct node *n);

/* A configured limit in ms, but at most MOST_MS. */
uint64_t node_limit_ms(int64_t limit_s, uint64_t most_ms);

/* Takes the generation of routes from the spool, and raises it. Blocking. */
enum err_code node_load_generation(struct node *n, struct err *e);
/*
 * Configuration or customers changed: raises the generation and routes every
 * delivery anew, in the background.
 */
void node_reroute(struct node *n);
/* Only those that a person or their time released. */
void node_reroute_stale(struct node *n);
/*
 * Deliveries were stored whose routes were found in GENERATION. Where that is
 * no longer the present one, they are routed anew.
 */
void node_stored(struct node *n, int64_t generation);

/* Another configuration holds from now on. On error nothing has changed. */
enum err_code node_reload(struct node *n, struct err *e);

#endif
