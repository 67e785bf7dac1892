/*
 * Replies (RFC 5321 4.2): parsing what a peer says, composing what we say.
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include "base/buf.h"
#include "wire/line.h"

enum { REPLY_TEXT_MAX = 900 };

struct reply {
	int code;	   /* 200 to 599 */
	char enhanced[12]; /* "5.7.1", or "" */
	/* text lines joined by '\n', without codes; control octets replaced */
	char text[REPLY_TEXT_MAX + 1];
};

/* "250", "2.0.0", printf text ('\n' separates lines). ENHANCED may be "". */
void reply_set(struct reply *r, int code, const char *enhanced, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* Appends the reply in wire form, the enhanced code on every line (2034 4). */
void reply_write(const struct reply *r, struct buf *out);
/* Likewise, as the beginning of one: another with this code is to follow. */
void reply_write_more(const struct reply *r, struct buf *out);
/* "451 4.3.0 try later": one line for logs and notices. */
void reply_one_line(const struct reply *r, char *out, size_t size);
static inline int
reply_class(const struct reply *r)
{
	return r->code / 100;
}

/*
 * Streaming parser of replies. Feed octets; it takes whole lines and stops
 * behind a complete reply.
 */
struct reply_parser {
	struct line_reader line;
	struct reply reply;
	size_t total; /* octets of this reply so far */
	bool started;
};

enum reply_result {
	REPLY_MORE,
	REPLY_DONE, /* parser->reply is whole; valid until the next feed */
	REPLY_BAD,  /* not a reply: no code, codes differ, bounds exceeded.
		       parser->reply.text says which; parse no further */
};

void reply_parser_init(struct reply_parser *p);
void reply_parser_free(struct reply_parser *p);
enum reply_result reply_parse(
	struct reply_parser *p, struct str data, size_t *taken_r);

#endif
