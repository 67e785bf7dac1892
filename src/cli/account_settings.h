/* The options of user and customer verbs, parsed and checked. */
#ifndef CLI_ACCOUNT_SETTINGS_H
#define CLI_ACCOUNT_SETTINGS_H

#include "cli/args.h"
#include "faces/request.h"
#include "spool/settings.h"

/*
 * ERR_USAGE, E says which value is wrong. Free in any case. A file behind
 * --recipients is not read here: see cli/recipients.h.
 */
enum err_code account_settings_parse(
	const struct args *a, struct spool_settings *s_r, struct err *e);
void account_settings_request(
	const struct spool_settings *s, struct request *r);

/* Sizes, durations and priorities as people write them; "" is 0, none. */
enum err_code account_size_parse(struct str s, uint64_t *size_r, struct err *e);
enum err_code account_lifetime_parse(
	struct str s, int64_t *lifetime_s_r, struct err *e);
enum err_code account_priority_parse(
	struct str s, int *priority_r, struct err *e);

/* May this be the name of an account? */
enum err_code account_name_check(const char *name, struct err *e);

#endif
