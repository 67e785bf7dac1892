/*
 * What the spool knows besides mail, inside a transaction: users and
 * customers, links and sessions, peers and tickets, the event log.
 * "Given" results are freed by the caller.
 */
#ifndef SPOOL_RECORDS_H
#define SPOOL_RECORDS_H

#include "spool/spool.h"

/* --- accounts --- */

/* ERR_EXISTS: the name, or one of its domains (E says which), belongs to
 * another. */
enum err_code spool_account_add(
	struct spool_txn *t, const struct spool_account *a, struct err *e);
/* Replaces the account of this name. ERR_NOTFOUND. */
enum err_code spool_account_set(
	struct spool_txn *t, const struct spool_account *a, struct err *e);
/* Clear *A_R with spool_account_clear. */
enum err_code spool_account_get(struct spool_txn *t, const char *name,
	struct spool_account *a_r, struct err *e);
/* ERR_BUSY: a customer for whom mail waits (its deliveries are acted on first)
 */
enum err_code spool_account_delete(
	struct spool_txn *t, const char *name, struct err *e);
/* All, by name: an array given to the caller, each to be cleared. */
enum err_code spool_account_list(struct spool_txn *t,
	struct spool_account **list_r, size_t *n_r, struct err *e);
/* The customer whose domain this is (lower case); ERR_NOTFOUND. */
enum err_code spool_customer_of(struct spool_txn *t, const char *domain,
	char name_r[SASL_NAME_MAX + 1], struct err *e);
enum err_code spool_customer_waiting(struct spool_txn *t, const char *name,
	struct spool_waiting *waiting_r, struct err *e);
/* Remembers a login: time, and that the new password was used. */
enum err_code spool_account_login(struct spool_txn *t, const char *name,
	int64_t now, bool used_next, struct err *e);
enum err_code spool_customer_called(struct spool_txn *t, const char *name,
	int64_t now, const char *result, struct err *e);

/*
 * One look for the answer to RCPT: what waits for customer NAME, how much of it
 * from SENDER, and what is known of RECIPIENT (upper and lower case are the
 * same there).
 */
enum err_code spool_customer_facts(struct spool_txn *t, const char *name,
	const char *recipient, const char *sender,
	struct spool_customer_facts *facts_r, struct err *e);

enum { SPOOL_RECIPIENTS_MAX = 100000 }; /* in the list of one customer */

/*
 * Replaces the list of customer NAME by these N addresses, in lower case; what
 * was learnt stays. ERR_NOTFOUND: no such customer; ERR_LIMIT: too many;
 * ERR_INVALID: too long.
 */
enum err_code spool_recipients_put(struct spool_txn *t, const char *name,
	const char *const *addresses, size_t n, struct err *e);
/* The list, in order: '\n' between; given, NULL where it is empty. */
enum err_code spool_recipients_get(
	struct spool_txn *t, const char *name, char **lines_r, struct err *e);
/*
 * The customer's own host took RECIPIENT (EXISTS) or says it is unknown.
 * Swept after 31 days; ERR_NOTFOUND: no such customer.
 */
enum err_code spool_recipient_learn(struct spool_txn *t, const char *name,
	const char *recipient, bool exists, int64_t now, struct err *e);

/*
 * Sessions and tallies of customer NAME from FROM to before TO (the borders of
 * a month, UTC). ERR_NOTFOUND: no such customer.
 */
enum err_code spool_statement(struct spool_txn *t, const char *name,
	int64_t from, int64_t to, struct spool_statement *s_r, struct err *e);

/* --- links and sessions --- */

enum err_code spool_link_put(
	struct spool_txn *t, const struct spool_link *l, struct err *e);
enum err_code spool_link_get(struct spool_txn *t, const char *name,
	struct spool_link *l_r, struct err *e);
/* Replaces the row of this link, period and beginning. */
enum err_code spool_budget_put(
	struct spool_txn *t, const struct spool_budget *b, struct err *e);
/* Where there is none it is fine. */
enum err_code spool_budget_remove(
	struct spool_txn *t, const struct spool_budget *b, struct err *e);
/* Up to LIMIT of LINK, by period and beginning. Given. */
enum err_code spool_budget_list(struct spool_txn *t, const char *link,
	size_t limit, struct spool_budget **list_r, size_t *n_r, struct err *e);
/* S->id is set. */
enum err_code spool_session_add(
	struct spool_txn *t, struct spool_session *s, struct err *e);
/* Newest first; LINK NULL: all. Given. */
enum err_code spool_session_list(struct spool_txn *t, const char *link,
	int64_t since, size_t limit, struct spool_session **list_r, size_t *n_r,
	struct err *e);

struct spool_history_filter {
	const char *link; /* NULL: of all links; customers' are never given */
	int64_t from, to; /* began from FROM to before TO */
	int64_t after_id; /* 0: from the oldest kept */
};
/* In order of id, which is that of their ends. Given. */
enum err_code spool_history_list(struct spool_txn *t,
	const struct spool_history_filter *f, size_t limit,
	struct spool_session **list_r, size_t *n_r, struct err *e);

/* Of session S->session, which was added; once for each S->who. */
enum err_code spool_share_add(
	struct spool_txn *t, const struct spool_share *s, struct err *e);
/* Those of one session, by name; at most LIMIT. Given. */
enum err_code spool_share_list(struct spool_txn *t, int64_t session,
	size_t limit, struct spool_share **list_r, size_t *n_r, struct err *e);

/* --- peers --- */

enum err_code spool_peer_put(
	struct spool_txn *t, const struct spool_peer *p, struct err *e);
enum err_code spool_peer_get(struct spool_txn *t, const char *name,
	struct spool_peer *p_r, struct err *e);
/*
 * TLS sessions kept for PEER under POLICY (a text of name and settings; another
 * policy drops them): at most two, each used once.
 */
enum err_code spool_ticket_put(struct spool_txn *t, const char *peer,
	const char *policy, struct str ticket, struct err *e);
/* Takes one out into OUT; ERR_NOTFOUND. */
enum err_code spool_ticket_take(struct spool_txn *t, const char *peer,
	const char *policy, struct buf *out, struct err *e);

/* Small named values: ticket keys, route generation, last time seen. */
enum err_code spool_meta_put(
	struct spool_txn *t, const char *key, struct str value, struct err *e);
enum err_code spool_meta_get(
	struct spool_txn *t, const char *key, struct buf *out, struct err *e);

/* What clock_told() is, for later starts in this boot of the machine. */
enum err_code spool_told_put(
	struct spool_txn *t, int64_t offset_ms, struct err *e);

/* --- events --- */

enum err_code spool_event_add(
	struct spool_txn *t, const struct spool_event *ev, struct err *e);

struct spool_event_filter {
	int64_t message;  /* 0: any */
	unsigned n;	  /* 0: any */
	uint64_t session; /* 0: any */
	int64_t after_id; /* 0: from the oldest kept */
	bool newest;	  /* the last LIMIT ones (still in order) */
};
/* In order of id. Given. */
enum err_code spool_event_list(struct spool_txn *t,
	const struct spool_event_filter *f, size_t limit,
	struct spool_event **list_r, size_t *n_r, struct err *e);

#endif
