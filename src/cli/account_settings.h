/* The options of user and customer verbs, parsed and checked. */
#ifndef CLI_ACCOUNT_SETTINGS_H
#define CLI_ACCOUNT_SETTINGS_H

#include "cli/args.h"
#include "control/record.h"
#include "spool/types.h"

/* What was not given leaves an account as it is. */
struct account_settings {
	char *senders, *domains, *networks; /* owned, '\n' between; NULL */
	const char *etrn;		    /* borrowed; "" takes it away */
	bool has_quota, has_max_size, has_lifetime, has_max_priority;
	uint64_t quota, max_size;
	int64_t lifetime_s;
	int max_priority;
};

/* ERR_USAGE, E says which value is wrong. Free in any case. */
enum err_code account_settings_parse(
	const struct args *a, struct account_settings *s_r, struct err *e);
void account_settings_free(struct account_settings *s);

void account_settings_apply(
	const struct account_settings *s, struct spool_account *a);
void account_settings_request(
	const struct account_settings *s, struct record *r);

/* May this be the name of an account? */
enum err_code account_name_check(const char *name, struct err *e);

#endif
