/* What the files of an exchange share. */
#ifndef DAEMON_EXCHANGE_PRIVATE_H
#define DAEMON_EXCHANGE_PRIVATE_H

#include "daemon/deliver.h"
#include "daemon/exchange.h"
#include "daemon/reach.h"
#include "daemon/tickets.h"

enum step { STEP_PUSH, STEP_COLLECT };

struct exchange {
	struct node *n;
	struct exchange_conf conf;
	const struct conf *settings; /* when it began; they live on */
	const struct conf_peer *peer;
	char **routes;
	char *link, *interface, *address; /* owned; NULL none */
	enum step steps[2];
	size_t steps_n, step; /* which one runs */
	struct known known;
	struct reach *reach; /* of the step */
	const char *host;    /* that answered last; borrowed; NULL: none */
	/* what its zone promises; NULL: nothing */
	const struct tls_dane *dane;
	/* By MX; owned, NULL: not. */
	char *domain;
	struct mxlook_host *mx_hosts;
	struct reach_host *addresses; /* of them */
	size_t addresses_n;
	bool leave_utf8;
	bool without_tls; /* it failed, and nobody asked for it */
	int64_t step_started_s;
	int64_t estimate_s;	 /* of what is to come; 0: none */
	uint64_t estimate_bytes; /* likewise */
	struct deliver *deliver; /* NULL: none, or turned */
	struct session *session; /* held while there is one */
	char password[SASL_SECRET_MAX + 1];
	char policy[TICKETS_POLICY_MAX]; /* what a TLS ticket belongs to */
	char ticket_peer[SPOOL_NAME_MAX + 1];
	struct buf ticket;
	bool turned, turn_refused, looked_for_large;
	struct tls_certificate certificate; /* that it showed last */
	bool has_certificate;
	bool served;	 /* a host greeted us and let us in */
	bool data_tried; /* after BDAT was not known */
	size_t asked;	 /* domains for which ETRN was said */
	/* What became of collecting; told when all else went well. */
	struct session_left left; /* at the far side, on purpose */
	enum exchange_code collect_code;
	char collect_text[400];
	struct exchange_result result;
	char last_address[64];
	struct buf keywords;
	unsigned refs;	    /* jobs of the spool that will come back */
	bool finishing;	    /* nothing more is begun */
	unsigned returning; /* of them: messages that are too large */
	bool ended, finished;
};

/* Whom it is with: the peer, or a domain. */
const char *exchange_name(const struct exchange *x);
/* It is over; tells its owner once nothing returns any more. */
void exchange_end(struct exchange *x);
/* A job of the spool came back. */
void exchange_unref(struct exchange *x);

/* --- exchange_talk.c: the owner of the sending host (deliver_owner) --- */

void exchange_ready(void *arg, struct deliver *d);
void exchange_told_time(void *arg, int64_t wall_s);
void exchange_idle(void *arg, struct deliver *d);
void exchange_turn_reply(void *arg, struct deliver *d, const struct reply *r);

#endif
