/*
 * Users and customers, in memory: a SASL step and a RCPT cannot wait for
 * the disk. Loaded at start and after every change. Look-ups by name are
 * safe from helper threads (password hashing); the rest is the loop's.
 */
#ifndef DAEMON_ACCOUNTS_H
#define DAEMON_ACCOUNTS_H

#include "daemon/node.h"

struct accounts;

struct accounts *accounts_new(void);
void accounts_free(struct accounts *a); /* NULL is fine */
/* Replaces everything by what the spool says; blocking. */
enum err_code accounts_load(
	struct accounts *a, struct spool *spool, struct err *e);
/* The same, in the background; DONE tells when it holds. */
void accounts_reload(
	struct accounts *a, struct spool *spool, spool_done *done, void *arg);

/* Is NAME, in any case, a user of this node? From any thread. */
bool accounts_has_user(struct accounts *a, const char *name);

/* A sasl_lookup; ARG is the struct accounts. Thread-safe. */
bool accounts_verifiers(
	void *arg, const char *name, struct verifier_pair *pair_r);
/* Does any account have a secret for CRAM-MD5? Thread-safe. */
bool accounts_have_cram(struct accounts *a);

/* Borrowed until the next reload; NULL: none. */
const struct spool_account *accounts_get(
	const struct accounts *a, const char *name);
/* The I-th by name, borrowed likewise; NULL behind the last. */
const struct spool_account *accounts_nth(const struct accounts *a, size_t i);
/*
 * Whom a session knows by a name: not the next one of that name, and nobody
 * whose password was ended at once. (With the salt of its verifier, which is
 * new with both; zero where there is no password or no account.)
 */
struct account_mark {
	unsigned char salt[SASL_SALT_BYTES];
};

struct account_mark accounts_mark(const struct accounts *a, const char *name);
bool accounts_is_same(const struct accounts *a, const char *name,
	const struct account_mark *mark);
/* Has any customer a host to which ETRN sends its mail? */
bool accounts_have_etrn(const struct accounts *a);
/*
 * For a user whom Dovecot knows and the spool does not: an account without
 * any setting, so that it may send as itself. Borrowed until the next call.
 */
const struct spool_account *accounts_guest(
	struct accounts *a, const char *name);
/* The customer whose domain this is; false: none. Thread-safe. */
bool accounts_customer_name(
	struct accounts *a, struct str domain, char name_r[SASL_NAME_MAX + 1]);
/* Is DOMAIN one of this customer's? */
bool account_has_domain(const struct spool_account *a, struct str domain);
/* Has it no networks (every user), or is ADDRESS in one of them? */
bool account_may_come_from(const struct spool_account *a, const char *address);
/* May this account use SENDER? DOMAINS: the node's local ones and its name. */
bool account_may_send(const struct spool_account *a,
	const struct mailbox *sender, const struct conf *conf);

#endif
