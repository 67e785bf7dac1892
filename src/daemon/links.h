/*
 * The links of the configuration at run time: their state (also in the
 * spool), the reasons that routes wait for them, and who waits for one to
 * come to rest.
 */
#ifndef DAEMON_LINKS_H
#define DAEMON_LINKS_H

#include "daemon/exchange.h"
#include "daemon/session.h"
#include "link/link.h"

struct links;

/* Reads the recorded states; a state of another boot is down. Blocking. */
enum err_code links_new(struct node *n, struct links **links_r, struct err *e);
void links_free(struct links *l); /* NULL is fine */
/*
 * The daemon is to end: uses no link any more, hangs up what it dialled, then
 * calls DONE (perhaps at once). A dial.down that fails is made good at the next
 * start.
 */
void links_quit(struct links *l, void (*done)(void *arg), void *arg);
/* Another configuration holds. */
void links_reload(struct links *l);

/* ERR_NOTFOUND: no such link. INTERFACE and ADDRESS may be NULL. */
enum err_code links_up(struct links *l, const char *name, const char *interface,
	const char *address, struct err *e);
enum err_code links_down(struct links *l, const char *name, struct err *e);
enum err_code links_disable(
	struct links *l, const char *name, const char *reason, struct err *e);
enum err_code links_enable(struct links *l, const char *name, struct err *e);

/*
 * A person or timer asks for a call. ERR_BUSY: disabled, or its budget is used
 * up (who waits is told 11); ERR_CONFIG: nothing can call it.
 */
enum err_code links_call(struct links *l, const char *name, struct err *e);
enum err_code links_hangup(struct links *l, const char *name, struct err *e);

/* How a peer can be reached now. */
struct link_way {
	const char *link, *interface, *address; /* borrowed; NULL: none */
};
/* False: by no link now. A peer that no link names always can. */
bool links_way_to(struct links *l, const char *peer, struct link_way *way_r);

/* The I-th of those ways, the preferred one first; false: no more. */
bool links_way_at(
	struct links *l, const char *peer, size_t i, struct link_way *way_r);

/*
 * Over which link that is up did a connection come to LOCAL, an address of
 * ours: by the link's own address or interface; or from REMOTE, who was asked
 * over it to send by ETRN? NULL: none. Borrowed.
 */
const char *links_of_connection(
	struct links *l, const char *local, const char *remote);

/*
 * From budgets: BUDGET_REACHED, _SPENT or _FREE, and why; and that there is
 * more room for mail than before.
 */
void links_budget(
	struct links *l, const char *name, enum link_event ev, const char *why);
void links_more_room(struct links *l, const char *name);

/* A person wants everything tried again over a link that is up already. */
void links_again(struct links *l, const char *name);

/* The time of day is known from now on: windows hold, days are counted. */
void links_clock_known(struct links *l);

/* Stores anew why each route waits: something it depends on changed. */
void links_explain(struct links *l);

/* From dispatch: mail that a link may carry came, or became due. */
void links_waiting_changed(struct links *l);

/* From dispatch: an exchange over LINK began; PEER came to rest. */
void links_working(struct links *l, const char *link);
/* From exchange: a connection over LINK was made. */
void links_connected(struct links *l, const char *link);
void links_peer_result(struct links *l, const char *link,
	const struct exchange_result *result);
/* From dispatch: nothing runs and nothing is due over LINK. */
void links_resting(struct links *l, const char *link);

/* From history: session S over LINK is closed. */
void links_session_over(
	struct links *l, const char *link, const struct session *s);

/* MOVED did, in session S: tells who waits. */
void links_progress(struct links *l, const struct session *s,
	const struct spool_message *moved);

bool links_exists(struct links *l, const char *name);
bool links_is_usable(struct links *l, const char *name);
bool links_is_disabled(struct links *l, const char *name);

/* --- waiting for a link to come to rest (--wait) --- */

struct link_wait_ops {
	/* Once, last: the exit code of the interface and why. */
	void (*over)(void *arg, int code, const char *text);
	/* MOVED did in S; NULL: octets of the one under way may have. */
	void (*progress)(void *arg, const struct session *s,
		const struct spool_message *moved);
};
struct link_wait;
/* DEADLINE_S 0: none. */
struct link_wait *links_wait(struct links *l, const char *name,
	int64_t deadline_s, const struct link_wait_ops *ops, void *arg);
void links_wait_cancel(struct link_wait *w);

/* --- for status --- */

struct link_facts {
	const char *name, *state, *interface;
	char reason[700];
	int64_t since;
	bool verified;
	uint64_t bytes_sent, bytes_received; /* of running sessions */
	bool usable;
	int64_t next_window; /* opens then; 0: it has none */
	bool window_shut;    /* it is outside of its windows */
};
/* The I-th link; false behind the last. */
bool links_facts(struct links *l, size_t i, struct link_facts *facts_r);

#endif
