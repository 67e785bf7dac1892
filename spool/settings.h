/*
 * What a verb, a request or a line of an import says of a user or a customer,
 * and how it is carried out: the command line and the daemon do the same.
 *
 * Texts are checked as they are taken, so that nothing but what the spool may
 * hold gets there. What was not said leaves an account as it is.
 */
#ifndef SPOOL_SETTINGS_H
#define SPOOL_SETTINGS_H

#include "spool/types.h"

struct spool_txn;

/* The settings that are texts. */
enum spool_setting {
	SETTING_SENDER,	    /* may be taken many times */
	SETTING_DOMAIN,	    /* many */
	SETTING_NETWORK,    /* many */
	SETTING_ETRN,	    /* HOST[:PORT], IPv6 in brackets */
	SETTING_RECIPIENTS, /* "any", "list", "verify" */
	SETTING_RECIPIENT,  /* many; makes it "list" */
	SETTINGS_N,
};

struct spool_settings {
	/* owned, '\n' between; NULL: not said; "": none */
	char *text[SETTINGS_N]; /* but for RECIPIENTS and RECIPIENT */
	bool has_quota, has_max_size, has_lifetime, has_max_priority;
	bool has_recipients, has_suspended;
	bool suspended;
	uint64_t quota, max_size;
	int64_t lifetime_s;
	int max_priority;
	enum spool_recipients recipients;
	char **list; /* of RECIPIENTS_LISTED; owned, and each of them */
	size_t list_n, list_cap;
};

void spool_settings_free(struct spool_settings *s);

/* "domain", as in requests, lines of an import and (behind "--") options. */
const char *spool_setting_name(enum spool_setting which);
bool spool_setting_parse(struct str name, enum spool_setting *which_r);

/*
 * Takes one value; "" means none. ERR_INVALID, ERR_LIMIT: E says "VALUE: not a
 * domain name".
 */
enum err_code spool_settings_take(struct spool_settings *s,
	enum spool_setting which, struct str value, struct err *e);
/* "any", "list", "verify" */
const char *spool_recipients_name(enum spool_recipients r);

/* Puts all that S says, but the list, into A. */
void spool_settings_apply(
	const struct spool_settings *s, struct spool_account *a);
/*
 * The list of S, checked against the domains of A, which is in the spool
 * already. Without one: a list that is there loses what is outside the
 * domains. ERR_INVALID: an address is in none of them, or there is none.
 */
enum err_code spool_settings_put_list(struct spool_txn *t,
	struct spool_settings *s, const struct spool_account *a, struct err *e);

/* Is ADDRESS in one of DOMAINS ('\n' between)? */
bool spool_settings_covers(const char *domains, const char *address);

#endif
