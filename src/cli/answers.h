/*
 * What setup must know of a new node: five answers that it asks for, and some
 * that it takes when they are given. An answer comes from an option, a line
 * "NAME = VALUE" of a file, or a person at the terminal, and is checked before
 * anything is written: it ends up inside the quotes of a configuration.
 */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "base/buf.h"
#include "base/err.h"

enum answer {
	ANSWER_ROLE, /* "site" or "provider" */
	ANSWER_HOSTNAME,
	ANSWER_PROVIDER, /* a host; ANSWER_NONE: a provider without */
	ANSWER_USER,	 /* our name there */
	ANSWER_LINK,	 /* ANSWER_NONE: always there */
	ANSWER_CERTIFICATE,
	ANSWER_KEY,
	ANSWER_NETWORK,
	ANSWER_PASSWORD,
	ANSWERS_N
};

#define ANSWER_NONE "none"

/* Where "tidepost cert make" makes them for the usual spool. */
#define ANSWERS_CERTIFICATE "/var/lib/tidepost/tls/tidepost.pem"
#define ANSWERS_KEY "/var/lib/tidepost/tls/tidepost.key"

/* Mail for local people goes into folders below it, one for each domain. */
#define ANSWERS_MAIL "/var/mail"

struct answers {
	char *v[ANSWERS_N]; /* owned; NULL: not known */
};

/* "hostname", as a file says it; "--hostname" is the option. */
const char *answer_name(enum answer which);
/* VALUE as it is; a path becomes absolute. ERR_INVALID says what it may be. */
enum err_code answers_set(
	struct answers *a, enum answer which, struct str value, struct err *e);
/* What TEXT of FILE says; what is known already stays. */
enum err_code answers_read(
	struct answers *a, const char *file, struct str text, struct err *e);
/* Does the role need it? */
bool answers_need(const struct answers *a, enum answer which);
/* What is proposed: "site", the first label of the host name ... NULL: none.
 * Given to the caller. */
char *answers_default(const struct answers *a, enum answer which);
void answers_free(struct answers *a);

/* The configuration; its password is in SECRET. */
void answers_write(
	const struct answers *a, const char *secret, struct buf *out);

#endif
