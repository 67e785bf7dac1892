/* What the files of the receiving host share. */
#ifndef DAEMON_RECEIVE_PRIVATE_H
#define DAEMON_RECEIVE_PRIVATE_H

#include "conf/aliases.h"
#include "daemon/accounts.h"
#include "daemon/dovecot.h"
#include "daemon/guess.h"
#include "daemon/policy.h"
#include "daemon/receive.h"
#include "daemon/rules.h"
#include "mail/header.h"
#include "smtp/sasl.h"
#include "smtp/server.h"

/* The route of who is refused where nobody waits for the answer. */
#define RECEIVE_RETURNED "returned"

struct receive_rcpt {
	struct mailbox mailbox;
	struct rcpt_params params;
	char route[SPOOL_NAME_MAX + 1];
	int64_t generation;	      /* of the route */
	const struct conf_rule *rule; /* set at the end; NULL: none */
	/* of a customer: what its reply rested on */
	struct spool_customer_facts facts;
	size_t earlier_n; /* recipients before it of the same customer */
	char ledger[WIRE_ID_MAX + 1]; /* its id in a batch; "" none */
	/* aliases[alias - 1] brought it, to its owners[owner - 1]; 0 none */
	size_t alias, owner;
	bool named; /* RCPT named it, too */
	/* why it is returned; "" it is not */
	char status[12], refusal[256];
};

/* An alias that RCPT named. */
struct receive_alias {
	struct mailbox named;
	struct rcpt_params given;
	enum alias_kind kind;
	struct mailbox *owners; /* owned */
	size_t owners_n, members_n;
	bool known; /* it came before, in a batch */
};

/* What the spool knows of a customer's address behind an alias. */
struct receive_fact {
	struct mailbox mailbox;
	char customer[SASL_NAME_MAX + 1], sender[WIRE_MAILBOX_MAX + 1];
	struct spool_customer_facts facts;
};
struct receive_facts {
	size_t n;
	struct receive_fact v[];
};

struct receive_seen;
struct receive_submission;

struct receive {
	struct session *s;
	struct node *n;
	struct smtp_server *server;
	enum conf_service service;
	struct receive_program *program; /* owned; NULL: a listener's client */
	enum conf_tls tls;
	bool auth_clear, channel_binding, turned, quit;
	bool atrn; /* offered although mail is taken here, too */
	char peer[SPOOL_NAME_MAX + 1]; /* of which it is known; "" none */
	/* as EHLO shows them */
	char mechs_tls[SASL_MECHS_MAX], mechs_clear[SASL_MECHS_MAX];
	char account[SASL_NAME_MAX + 1]; /* who authenticated; "" nobody */
	struct account_mark mark;	 /* of the account then */
	char future_release[64];	 /* as EHLO shows it */
	char farewell[200];		 /* the 421 that ended it; "" none */
	struct sasl_server *sasl;
	struct dovecot_request *dovecot; /* instead of sasl */
	struct rcpt_question *question;	 /* waits for its answer */
	char *atrn_domains;		 /* of the ATRN in hand; owned */
	receive_done *done;
	void *done_arg;

	struct auth_outcome *outcome; /* not yet told; NULL */
	struct guess_wait *turn;      /* it waits for this; NULL */
	struct loop_timer *slow;      /* or for this */
	unsigned auth_failures;
	struct reply *stored_reply; /* LMTP: to the end of the last message;
				       owned, NULL before the first */

	/* the transaction */
	struct mailbox sender;
	struct mail_params params;
	int64_t mail_steady; /* when MAIL came, by the steady clock */
	struct receive_rcpt *rcpts;
	size_t rcpts_n, rcpts_cap;
	struct receive_alias *aliases; /* owned */
	size_t aliases_n;
	struct receive_seen *seen; /* owned; NULL: no alias was named */
	int64_t id; /* of the message; 0 before its body begins */
	struct buf
		body;  /* octets not yet with the spool; counted in the node */
	uint64_t size; /* of the body so far, our trace field included */
	uint64_t sent_size; /* of it as the client sent it */
	struct header_scan header;
	struct rules_look *look; /* what the rules ask of it; owned */
	struct authres *authres; /* NULL: nobody would believe it; owned */
	struct receive_submission *submission; /* NULL: nothing is checked */
	bool spilled; /* part of the body is in the spool */
	bool ending;  /* the end came, parts are still on their way */
	size_t spills_in_flight;  /* jobs, over all transactions */
	enum err_code spill_code; /* the first error of this transaction */
};

/* What AUTH may know of the TLS layer; without it NULL. */
const struct tls_facts *receive_tls(
	const struct receive *r, struct tls_facts *copy);
/* AUTH: one line from the client (P NULL: none yet). Answers later. */
void receive_auth_start(struct receive *r, struct str mech, struct str initial);
void receive_auth_data(struct receive *r, struct str line);
/* Forgets the exchange in hand. */
void receive_auth_end(struct receive *r);
/* The session has ended: an outcome is not told any more. */
void receive_auth_drop(struct receive *r);

/* RCPT. Answers at once, or later when somebody had to be asked. */
void receive_rcpt(struct receive *r, const struct smtp_event *ev);
/* A new one at the end of the list, with the generation of routes set. */
struct receive_rcpt *receive_rcpt_push(struct receive *r);
/* What RCPT gave as its id in a batch; empty: none. */
struct str receive_rcpt_id(
	const struct receive *r, const struct smtp_event *ev);
/* Those taken in this transaction on ROUTE. */
size_t receive_rcpt_count(const struct receive *r, const char *route);
/*
 * RCPT is for an alias: takes all it stands for, or none and sets REPLY_R.
 * FACTS are those of receive_alias_facts; NULL: none.
 */
bool receive_alias(struct receive *r, const struct smtp_event *ev,
	const struct receive_facts *facts, struct reply *reply_r);
/* What the spool must be asked before. Given, free(); NULL: nothing. */
struct receive_facts *receive_alias_facts(
	const struct receive *r, const struct mailbox *named);
/* The transaction has none any more; they belong to somebody else, or nobody.
 */
void receive_alias_forget(struct receive *r);
void receive_aliases_free(struct receive_alias *v, size_t n);
/* The recipient that is the mailbox TO, with this ID; NULL: none. */
struct receive_rcpt *receive_seen_find(
	struct receive *r, const struct mailbox *to, struct str id);
void receive_seen_free(struct receive_seen *s); /* NULL is fine */
/* Forgets whom it waits for. */
void receive_rcpt_cancel(struct receive *r);
/*
 * The header is known: was the message here already, and comes back for users
 * of the site that shares a domain (local.unknown)? It does not go there again.
 * False: REPLY_R refuses it whole.
 */
bool receive_rcpt_circle(struct receive *r, struct reply *reply_r);
/*
 * The message is whole and has SIZE octets: may all its recipients have it?
 * False: REPLY_R says who may not.
 */
bool receive_rcpt_whole(
	const struct receive *r, uint64_t size, struct reply *reply_r);

/*
 * The times that MAIL gave (RFC 2852, RFC 4865), once it is taken otherwise.
 * Answers, perhaps later.
 */
void receive_times_mail(struct receive *r, struct reply *reply);
/* Can mail for ROUTE be there in time? False: REPLY_R says why not. */
bool receive_times_rcpt(
	const struct receive *r, const char *route, struct reply *reply_r);
/* What EHLO says of FUTURERELEASE; NULL: it is not offered. */
const char *receive_times_offer(struct receive *r);
/* Puts them into a message, and into a delivery of it. */
void receive_times_message(const struct receive *r, struct spool_message *m);
void receive_times_delivery(const struct spool_message *m, int64_t mail_steady,
	struct spool_delivery *d);

/* EXPN; answers at once. */
void receive_expand(struct receive *r, const struct smtp_event *ev);
bool receive_expand_is_offered(const struct receive *r);

/* The body: begins, grows, ends (answers later), or is dropped. */
void receive_body_begin(struct receive *r);
void receive_body_add(struct receive *r, struct str octets);
void receive_body_end(struct receive *r);
/* Forgets the transaction and what the spool has of its body. */
void receive_reset(struct receive *r);
/* The transaction is over; what the spool has of its body stays. */
void receive_forget(struct receive *r);

/*
 * What is told to the sender of message M of its aliases; NULL: nothing. As
 * struct bounce: on the loop, to be written in the transaction that stores M.
 */
struct bounce *receive_report_new(struct node *n, const struct spool_message *m,
	const struct receive_alias *aliases, size_t aliases_n);
/* The events of them, in that transaction, and the log lines after it. */
enum err_code receive_report_write(struct spool_txn *t,
	const struct spool_message *m, const struct receive_alias *aliases,
	size_t aliases_n, uint64_t session, struct err *e);
void receive_report_log(const struct spool_message *m,
	const struct receive_alias *aliases, size_t aliases_n);

/* The whole message goes to the spool; its reply follows the commit. */
void receive_store(struct receive *r);
/* The same for one of a batch: what was taken before is left out. */
void receive_ledger_store(struct receive *r);
/* The reply to the end of message ID, by how storing it went. */
void receive_store_answer(struct receive *r, int64_t id, enum err_code code);
/* LMTP: the reply that all recipients of the last message get. */
void receive_store_keep(struct receive *r, const struct reply *reply);

/*
 * Mail of users (RFC 6409): the header is kept until it is whole; then it goes
 * to r->body with what it lacked, or all octets are dropped. The body's size is
 * counted by who calls. Who asks for nothing gets the header back (RET=HDRS).
 */
void receive_submit_begin(struct receive *r);
void receive_submit_forget(struct receive *r);
/* What of OCTETS belongs behind that which is in r->body now. */
struct str receive_submit_take(struct receive *r, struct str octets);
/* No more octets come. The refusal, borrowed, or NULL. Twice is fine. */
const struct reply *receive_submit_end(struct receive *r);

void receive_policy_client(const struct receive *r, struct policy_client *c_r);

#endif
