/* What the files of ETRN's server side share. */
#ifndef DAEMON_ETRN_PRIVATE_H
#define DAEMON_ETRN_PRIVATE_H

#include "base/list.h"
#include "daemon/etrn.h"

struct etrn {
	struct node *n;
	struct list_node runs;
	bool stopping;
};

/* Whose mail, and which of it. */
struct etrn_want {
	char name[SASL_NAME_MAX + 1]; /* the customer */
	char **domains;		      /* owned; NULL: all it has */
	size_t domains_n;
};

void etrn_want_add(struct etrn_want *w, struct str domain);
void etrn_want_clear(struct etrn_want *w);
/* What MORE asks for belongs to W, too. */
void etrn_want_join(struct etrn_want *w, const struct etrn_want *more);

/* --- one delivery (etrn_run.c) --- */

struct etrn_run;

/* The one that runs for this customer; NULL: none. */
struct etrn_run *etrn_run_find(struct etrn *e, const char *name);
/* Asked again: it looks once more, for WANT too, before it ends. */
void etrn_run_again(struct etrn_run *r, const struct etrn_want *want);
/*
 * Dials TARGET ("HOST[:PORT]", IPv6 in brackets) and delivers. What WANT holds
 * is the run's from now on. What becomes of it is told in the customer's row.
 */
void etrn_run_start(struct etrn *e, struct etrn_want *want, const char *target);
/* Ends those that only dial. */
void etrn_run_stop_all(struct etrn *e);

/* --- looking what waits (etrn.c) --- */

/* A run found more to do when it was over: begins another, if there is mail. */
void etrn_restart(struct etrn *e, struct etrn_want *want);

#endif
