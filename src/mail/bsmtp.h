/*
 * Batch SMTP: the client's half of SMTP sessions, written down (RFC 2442; as
 * UUCP's rsmtp, sendmail -bs and Exim -bS read it).
 *
 *	EHLO aurora.example.org
 *	MAIL FROM:<ann@aurora.example.org> SIZE=2100
 *	NOOP ID=5f3a9c1e2b7d4410.6a1b2c3d.4711.1
 *	RCPT TO:<bob@shore.example>
 *	DATA
 *	...
 *	.
 *	QUIT
 *
 * The line NOOP names the recipient that follows, so that who reads a batch
 * twice knows it; to others it says nothing (RFC 5321 4.1.1.9).
 *
 * Reading is lenient about line ends (LF will do) and strict about all else:
 * the reader settles order and framing, what stands behind MAIL and RCPT is
 * for an SMTP server to judge. Streaming, in any split, bounded.
 */
#ifndef MAIL_BSMTP_H
#define MAIL_BSMTP_H

#include "mail/tidy.h"
#include "wire/dot.h"
#include "wire/line.h"
#include "wire/params.h"

enum bsmtp_event {
	BSMTP_MORE, /* all was taken: feed more, or bsmtp_finish */
	BSMTP_MAIL, /* text: "FROM:<...> ..." */
	BSMTP_RCPT, /* text: "TO:<...> ..."; id */
	BSMTP_DATA, /* the body begins */
	BSMTP_BODY, /* text: octets of the message, dots undone */
	BSMTP_END,  /* of the message: it is whole */
	BSMTP_QUIT, /* of the batch; what stands behind it is not read */
	BSMTP_BAD,  /* text: what is wrong, in line LINE; it ends here */
};

enum { BSMTP_BLOCK = 16384 };

struct bsmtp_reader {
	/* of the last event; valid until the next call */
	struct str text;
	char id[WIRE_ID_MAX + 1]; /* of BSMTP_RCPT; "" none */
	uint64_t line;		  /* from 1 */
	/* private */
	struct tidy tidy;
	struct buf in; /* tidied, not yet read */
	struct line_reader reader;
	struct dot_reader dot;
	struct buf body;
	char why[200];
	char next_id[WIRE_ID_MAX + 1];
	bool has_mail, in_body, body_ended, ended;
	size_t rcpts_n;
};

void bsmtp_init(struct bsmtp_reader *r);
void bsmtp_free(struct bsmtp_reader *r);
/* Legal when bsmtp_next said BSMTP_MORE (or first). At most BSMTP_BLOCK. */
void bsmtp_feed(struct bsmtp_reader *r, struct str octets);
/* No octets follow: read what is left with bsmtp_next. */
void bsmtp_finish(struct bsmtp_reader *r);
enum bsmtp_event bsmtp_next(struct bsmtp_reader *r);
/* At the end: a message was begun, so the batch is cut. */
bool bsmtp_is_cut(const struct bsmtp_reader *r);

/* --- writing --- */

/* Appends the lines in front of a batch, of a message, and behind a batch. */
void bsmtp_write_hello(const char *hostname, struct buf *out);
struct bsmtp_mail {
	const char *sender;
	const struct mail_params *params;
	uint64_t size;
	bool has_8bit;
};
void bsmtp_write_mail(const struct bsmtp_mail *m, struct buf *out);
void bsmtp_write_rcpt(const char *recipient, const struct rcpt_params *params,
	const char *id, struct buf *out);
void bsmtp_write_data(struct buf *out);
void bsmtp_write_quit(struct buf *out);

#endif
