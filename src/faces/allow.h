/* Raises today's budget of a link, once. */
#ifndef FACES_ALLOW_H
#define FACES_ALLOW_H

#include "conf/conf.h"
#include "faces/request.h"
#include "link/budget.h"
#include "spool/records.h"

struct allow {
	const struct conf_link *link;
	struct budget_amount more;
	char text[200]; /* for people and the log */
	char who[SPOOL_NAME_MAX + 1];
};

/*
 * What is allowed, in the words of the command line ("10m", "500K", "2.50");
 * NULL: none of that. ERR_USAGE: E names the option that is wrong.
 */
enum err_code allow_parse(const char *time, const char *bytes, const char *cost,
	struct allow *a_r, struct err *e);
/* A spool_fn, for a struct allow: where no daemon runs. */
enum err_code allow_in_spool(struct spool_txn *t, void *allow, struct err *e);
void allow_request(const struct allow *a, const char *link, struct request *r);

#endif
