/* What the files of dispatch share. */
#ifndef DAEMON_DISPATCH_PRIVATE_H
#define DAEMON_DISPATCH_PRIVATE_H

#include "daemon/dispatch.h"
#include "daemon/exchange.h"
#include "daemon/links.h"
#include "daemon/mx.h"
#include "spool/queue.h"

/* One peer of the configuration, and what it is owed. */
struct peer_run {
	struct dispatch *d;
	const struct conf_peer *peer;
	const char **routes; /* names borrowed from the configuration */
	size_t routes_n;
	struct exchange *exchange;
	char link[SPOOL_NAME_MAX + 1]; /* of the exchange; "" none */
	/* it came up while the exchange runs over another one; "" none */
	char next_link[SPOOL_NAME_MAX + 1];
	bool want_collect, collecting; /* to come, and in the exchange */
	int64_t collect_after;	       /* the peer refused to turn; 0: none */
	bool wake;	/* make deferred mail due once, at the next look */
	bool checking;	/* a look at the queue is under way */
	bool again;	/* look once more after it */
	bool pushing;	/* the exchange was to push, and nothing came since */
	bool fruitless; /* the last exchange pushed nothing: what is due may
			   not go to this peer */
	bool passed;	/* it can take nothing now: those behind it may */
	bool ailing;	/* it took nothing of what it was last given */
	unsigned failures;
	int64_t wait_until; /* after a failure; 0: no wait */
	int64_t collected_at;
	bool awaiting; /* mail asked for by ETRN, over this link */
	char await_link[SPOOL_NAME_MAX + 1];
	char await_from[NET_ADDRESS_MAX]; /* who was asked */
	struct loop_timer *await_timer;	  /* runs while nobody receives */
	/* Why nothing can go to it although it is reachable; NONE: nothing. */
	enum spool_reason trouble;
	char trouble_text[SPOOL_TEXT_MAX + 1];
	bool orphan; /* its configuration is gone; freed when at rest */
	struct list_node node; /* among the orphans */
};

struct dispatch {
	struct node *n;
	struct peer_run **peers;
	size_t peers_n;
	struct list_node orphans; /* their exchanges go on to their end */
	bool orphan_ended;	  /* since the timer ran */
	struct loop_timer *timer;
	int64_t timer_at; /* 0: not set */
	struct mx *mx;	  /* delivery by MX */
	size_t receiving; /* sessions on smtp listeners */
	bool stopping;
};

static inline bool
dispatch_collects(const struct conf_peer *peer)
{
	return peer->collect != COLLECT_NONE;
}

/* Does LINK carry PEER? */
bool dispatch_is_of_link(
	const struct dispatch *d, const char *peer, const char *link);

/* --- dispatch_look.c --- */

/* Is there work for this peer, and may it be tried now? Then it begins. */
void dispatch_look(struct peer_run *p);

/* --- dispatch_prefer.c --- */

/* Is no peer before P on ROUTE open to its mail? */
bool dispatch_is_first(const struct peer_run *p, const char *route);
/* P can take nothing now: who is behind it on its routes looks. */
void dispatch_pass(struct peer_run *p);

/* --- dispatch_exchange.c --- */

/* Begins an exchange over WAY, of ROUTES; it looks again when it has ended. */
void dispatch_start(struct peer_run *p, const struct link_way *way,
	const char **routes, size_t routes_n, bool push);
bool dispatch_may_collect(const struct peer_run *p);

/* --- dispatch_rest.c --- */

/* Neither an exchange nor a look is under way. */
bool dispatch_is_at_rest(const struct peer_run *p);
void dispatch_free_peer(struct peer_run *p);
/* An exchange of P's peer runs by the configuration before. */
bool dispatch_is_behind(const struct peer_run *p);
/* Tells LINK when none of its peers has anything left to do. */
void dispatch_settle_link(struct dispatch *d, const char *link);
/* The same for the link P used last, and those that it could use now. */
void dispatch_rest(struct peer_run *p);

/* Mail was asked for by ETRN of the address FROM over the link of P, which
 * stays busy. */
void dispatch_await(struct peer_run *p, const char *from);
void dispatch_await_stop(struct peer_run *p);
/* The timer of P that says that no more mail comes. */
void dispatch_await_over(void *arg);

#endif
