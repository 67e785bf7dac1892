/*
 * Where the mail of a domain goes (RFC 5321 5.1): its MX hosts with their
 * addresses, and what each promises of its TLS (DANE, RFC 7672).
 *
 * A domain without MX is its own host. An address literal is a host with one
 * address, and nothing is asked. A host without an address is left out. Which
 * of the hosts come first, and whether we are among them, is sched/hosts.h.
 */
#ifndef NET_MXLOOK_H
#define NET_MXLOOK_H

#include "net/resolve.h"
#include "net/tls.h"
#include "wire/limits.h"

enum {
	MXLOOK_HOSTS_MAX = 20,	  /* the best; others are left out */
	MXLOOK_ADDRESSES_MAX = 8, /* of one host */
	MXLOOK_ADDRESS_TEXT = 48,
};

enum mxlook_kind {
	MXLOOK_HOSTS,
	MXLOOK_NO_MAIL,	  /* it says that it takes none (RFC 7505) */
	MXLOOK_NO_DOMAIN, /* there is no such domain */
	MXLOOK_NO_HOST,	  /* it has no host with an address */
	MXLOOK_TROUBLE,	  /* not known now: ask again later */
};

struct mxlook_host {
	char name[WIRE_DOMAIN_MAX + 1]; /* lower case, A-labels */
	unsigned preference;		/* lower goes first */
	char addresses[MXLOOK_ADDRESSES_MAX][MXLOOK_ADDRESS_TEXT];
	size_t addresses_n; /* IPv6 and IPv4 in turn */
	/* what it promises, securely; .required: see net/tls.h */
	struct tls_dane dane;
};

/* Borrowed until the call returns. */
struct mxlook_answer {
	enum mxlook_kind kind;
	const struct mxlook_host *hosts; /* by preference */
	size_t hosts_n;
	const char *why; /* in words, but for HOSTS */
};

struct mxlook;
typedef void mxlook_fn(void *arg, const struct mxlook_answer *a);

/* DOMAIN: as in a recipient. FN is called once, later. */
struct mxlook *mxlook_start(struct loop *loop, struct resolver *r,
	const char *domain, mxlook_fn *fn, void *arg);
void mxlook_cancel(struct mxlook *m); /* NULL is fine */

/* --- records, as they come --- */

/*
 * The preference and the name of an MX record (RFC 1035 3.3.9), lower case; ""
 * is the root, "no mail". False: it is damaged, or no host can have this name.
 */
bool mxlook_read_mx(struct str record, unsigned *preference_r,
	char name_r[WIRE_DOMAIN_MAX + 1]);

/* Adds a TLSA record (RFC 6698 2.1) to D. */
void mxlook_read_tlsa(struct str record, struct tls_dane *d);

#endif
