/*
 * What users and customers have in common: one name space, the same verbs,
 * settings that are parsed here and then carried out by the daemon, or on the
 * spool where it does not run.
 */
#ifndef CLI_ACCOUNT_H
#define CLI_ACCOUNT_H

#include "cli/args.h"
#include "cli/context.h"

/* The verbs add, set, passwd, delete, suspend and resume of KIND. */
int account_run(
	struct cli *c, const struct args *a, enum spool_account_kind kind);

struct account_list {
	struct spool_account *v;       /* owned */
	struct spool_waiting *waiting; /* owned; of customers */
	size_t *listed; /* of its list of recipients, where it was named; owned
			 */
	size_t n;
};

/* All of KIND, by name; NAME not NULL: that one (ERR_NOTFOUND). */
int account_list(struct cli *c, enum spool_account_kind kind, const char *name,
	struct account_list *list_r);
void account_list_free(struct account_list *list);

/* "a, b, c" of lines, for a cell. Given. */
char *account_commas(const char *lines);

#endif
