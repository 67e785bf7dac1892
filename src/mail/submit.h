/*
 * What a message of a user lacks or may not say (RFC 6409 6.3 and 8).
 *
 * The header is collected as its octets come, up to and with its empty line;
 * what follows is not looked at. Then submit_judge says whether the message
 * may pass and submit_added gives the fields to put in front of it. The header
 * itself is never changed.
 *
 * A message whose first line is not a field has no header: all its octets are
 * body. A line further on that is neither a field nor folded is refused, as
 * readers differ about what comes behind it (RFC 7103 7.2).
 */
#ifndef MAIL_SUBMIT_H
#define MAIL_SUBMIT_H

#include "base/buf.h"
#include "wire/address.h"
#include "wire/reply.h"

enum {
	SUBMIT_HEADER_MAX = 256 * 1024, /* octets */
	SUBMIT_ADDRESSES_MAX = 100,	/* in From, and in Sender */
};

enum submit_state {
	SUBMIT_LINE,  /* a line begins */
	SUBMIT_NAME,  /* in the name of a field */
	SUBMIT_COLON, /* blanks behind the name */
	SUBMIT_VALUE,
	SUBMIT_DONE,
};

struct submit {
	struct buf header; /* what was taken */
	enum submit_state state;
	bool saw_cr;
	bool headless;	    /* the first line is not a field */
	uint64_t line;	    /* the line being read, from 1 */
	struct reply fault; /* code 0: none so far */
};

void submit_init(struct submit *s);
void submit_free(struct submit *s); /* NULL is fine */

/*
 * Takes octets of the header and says how many those were: fewer than all
 * only when the state is SUBMIT_DONE, and then the rest is body. Any split
 * gives the same result. At a fault it is done, and holds nothing more.
 */
size_t submit_feed(struct submit *s, struct str octets);
/* No octets follow. */
void submit_end(struct submit *s);

/* May the user send as this address? */
typedef bool submit_may(void *arg, const struct mailbox *address);

/*
 * True: the message may pass. Else *reply_r says why not. ACCOUNT is how the
 * reply names the user. The state is SUBMIT_DONE.
 */
bool submit_judge(const struct submit *s, const char *account, submit_may *may,
	void *arg, struct reply *reply_r);

struct submit_facts {
	const char *sender; /* of the envelope; "" adds no From */
	const char *hostname;
	int64_t id, now_s; /* make the Message-ID */
	const char *date;  /* RFC 5322 3.3; "" where the clock is not trusted */
};

/*
 * Appends to OUT the fields that lack, and where there is no header at all the
 * empty line behind it.
 */
void submit_added(
	const struct submit *s, const struct submit_facts *f, struct buf *out);

#endif
