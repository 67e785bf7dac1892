/*
 * One exchange with a peer: push what waits for it, collect what it holds
 * for us (ATRN) or ask for it (ETRN), over one connection or two, as the peer's
 * entry says.
 */
#ifndef DAEMON_EXCHANGE_H
#define DAEMON_EXCHANGE_H

#include "daemon/node.h"
#include "net/listen.h"
#include "net/mxlook.h"

/* How it ended, as --wait tells it (exit codes of the interface). */
enum exchange_code {
	EXCHANGE_OK = 0,
	EXCHANGE_LEFT = 10,   /* done, but some mail was left on purpose */
	EXCHANGE_BUDGET = 11, /* stopped at a budget */
	EXCHANGE_LINK_LOST = 12,
	EXCHANGE_UNREACHABLE = 13,
	EXCHANGE_NOT_TRUSTED = 14, /* authentication or TLS failed */
};

struct exchange_result {
	enum exchange_code code;
	char text[512];	 /* in words */
	unsigned pushed; /* messages */
	int64_t due;	 /* when what it put off goes again; 0: nothing was */
	bool auth;	 /* of NOT_TRUSTED: it was AUTH, not TLS */
	bool taken_down; /* ended by exchange_link_lost */
	bool only_collect_failed; /* pushing went well */
	bool expects_mail;	  /* ETRN: it comes over a connection of its
				     own */
	bool cannot_collect;	  /* the peer does not do ETRN at all */
	char address[NET_ADDRESS_MAX]; /* of who served us last; "" nobody */
	bool no_link; /* of UNREACHABLE: no host answered at all */
	/* Of the host that let us in last: what it takes. */
	bool met;
	uint64_t size_max;   /* 0: it does not say */
	unsigned extensions; /* EXT_ */
};

/* Delivery by MX: the mail of one domain, and where it goes. */
struct exchange_mx {
	const char *domain;
	const struct mxlook_host *hosts; /* as they are to be tried */
	size_t hosts_n;
	/*
	 * Whoever serves us may have no SMTPUTF8: what needs it stays for the
	 * other hosts (RFC 6531 3.2).
	 */
	bool leave_utf8;
};

struct exchange_conf {
	const struct conf_peer *peer; /* borrowed; configurations live on */
	const struct exchange_mx *mx; /* copied; NULL: PEER has hosts */
	const char *const *routes;    /* copied */
	size_t routes_n;
	const char *link, *interface, *address; /* copied; NULL: none */
	bool push, collect;
	bool recovering; /* as in deliver_conf */
	/* Once. The exchange is gone when it returns. */
	void (*done)(void *arg, const struct exchange_result *result);
	void *arg;
};

struct exchange;

struct exchange *exchange_start(
	struct node *n, const struct exchange_conf *conf);
/* Has a host let us in, this one or one before it? */
bool exchange_met(const struct exchange *x);
/* Has it been let in, and does it take what comes? */
bool exchange_takes(const struct exchange *x);
/* More mail is due for this peer. */
void exchange_more(struct exchange *x);
/* It ends at the next message; what was not begun stays. */
void exchange_finish(struct exchange *x);
/* The link went down, or the daemon stops: end now, no attempt counted. */
void exchange_link_lost(struct exchange *x);

#endif
