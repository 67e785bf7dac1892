/*
 * Questions to the name service, by libunbound: it has a thread of its own,
 * asks again, goes over to TCP, follows CNAMEs, keeps answers as long as they
 * hold, and checks signatures (DNSSEC) where it knows the root's key.
 *
 * Each question is answered once, on the loop, within RESOLVE_MAX_MS. What the
 * name service says is octets of strangers: whoever asks checks them.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/str.h"
#include "net/loop.h"

enum {
	RESOLVE_MAX_MS = 60000,
	RESOLVE_RECORDS_MAX = 100, /* of one answer; more are not looked at */
};

struct resolver;

struct resolver_conf {
	/* An address, "@" and a port behind it if not 53; NULL: the system's */
	const char *server;
	/* File with the root's key, for DNSSEC; NULL: nothing is secure. */
	const char *root_key;
};

/* Was this program built with libunbound? Else resolver_new is refused. */
bool resolver_is_there(void);
/* "unbound 1.17.1", or NULL. */
const char *resolver_library(void);
enum err_code resolver_new(struct loop *loop, const struct resolver_conf *conf,
	struct resolver **resolver_r, struct err *e);
/* No question may be open. NULL is fine. */
void resolver_free(struct resolver *r);

/* As the registry of the DNS numbers them. */
enum record_type {
	RECORD_A = 1,
	RECORD_MX = 15,
	RECORD_AAAA = 28,
	RECORD_TLSA = 52,
};

enum answer_kind {
	ANSWER_RECORDS,
	ANSWER_EMPTY,	/* the name is there, without records of this type */
	ANSWER_NO_NAME, /* NXDOMAIN */
	/* No server answered, or not with an answer that can be believed. */
	ANSWER_TROUBLE,
};

/* Borrowed until the call returns. */
struct answer {
	enum answer_kind kind;
	bool secure; /* signed from the root down (also an empty answer) */
	const struct str *records;
	size_t records_n;
	const char *why; /* TROUBLE, in words */
};

struct question;
typedef void resolve_fn(void *arg, const struct answer *a);

/* NAME is a domain name of ASCII. FN is called later, never from in here. */
struct question *resolve_ask(struct resolver *r, const char *name,
	enum record_type type, resolve_fn *fn, void *arg);
void resolve_cancel(struct question *q); /* FN is not called; NULL is fine */

/*
 * DOMAIN as the name service has it (RFC 5891): with A-labels, without a final
 * dot. False: it cannot be one.
 */
bool resolve_name(const char *domain, char *out, size_t size);

#endif
