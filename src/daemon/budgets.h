/*
 * Budgets of the links at run time: charges what is used, each second and
 * with each piece that moves; says what still fits; tells the link when
 * nothing does; keeps the rows in the spool.
 *
 * A link that has neither limit nor price is not charged.
 */
#ifndef DAEMON_BUDGETS_H
#define DAEMON_BUDGETS_H

#include "daemon/session.h"
#include "link/budget.h"
#include "spool/queue.h"

struct budgets;

/*
 * Reads what was used. What a session used that was running when the daemon
 * ended is charged by budgets_use. Blocking.
 */
enum err_code budgets_new(
	struct node *n, struct budgets **budgets_r, struct err *e);
/* Saves what is left to save; the spool must be open. NULL is fine. */
void budgets_stop(struct budgets *b);
void budgets_free(struct budgets *b);
void budgets_reload(struct budgets *b);

/* Is LINK in use: being dialled, up, or being hung up? Twice is fine. */
void budgets_use(struct budgets *b, const char *link, bool in_use);
/* Octets moved in S, or it is about to end. */
void budgets_moved(struct budgets *b, struct session *s);

/*
 * What may use LINK now, after BESIDES octets more on the wire (a connection,
 * mail that was begun). NULL: any link, no limits.
 */
struct spool_limits budgets_limits(
	struct budgets *b, const char *link, uint64_t besides);
/*
 * What the far side of a connection over LINK may have under way to us, so that
 * what it sends unasked is never more than is left; 0: any.
 */
uint32_t budgets_window(struct budgets *b, const char *link);
/* Octets that the making of a connection to PEER takes. */
uint64_t budgets_connection(const struct conf_peer *peer);
/*
 * Octets of a message of SIZE on the wire, with envelope, replies and heads;
 * and the largest message for which OCTETS are enough.
 */
uint64_t budgets_mail_octets(uint64_t size);
uint64_t budgets_mail_fit(uint64_t octets);

/*
 * May one more connection that others make come over LINK? False is charged
 * with what its refusal takes.
 */
bool budgets_admit_connection(struct budgets *b, const char *link);
/* May a message of SIZE come in S? False: REPLY_R, and S->left says why. */
bool budgets_admit(struct budgets *b, struct session *s, uint64_t size,
	int priority, struct reply *reply_r);

/* What LINK has cost in this use of it, or the last. False: it is not charged.
 */
bool budgets_cost(struct budgets *b, const char *link, double *cost_r);
/* Money that LINK cost since this was last asked; for the history. */
double budgets_bill(struct budgets *b, const char *link);
/* What is left of LINK in a period. */
struct budget_left budgets_left(
	struct budgets *b, const char *link, enum budget_period period);
/* Why LINK has none: static text, "" where it has some. */
const char *budgets_why(struct budgets *b, const char *link);
/* WHO allows MORE, once. ERR_NOTFOUND: no such link, or it has no limits. */
enum err_code budgets_allow(struct budgets *b, const char *link,
	const struct budget_amount *more, const char *who, struct err *e);

#endif
