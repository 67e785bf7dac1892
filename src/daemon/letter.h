/*
 * A message for one local recipient, whatever it is put into (maildir.h,
 * mbox.h, program.h), and what became of it. Safe for helper threads and
 * processes.
 */
#ifndef DAEMON_LETTER_H
#define DAEMON_LETTER_H

#include "daemon/addressee.h"

enum { LETTER_PATH_MAX = 1024, LETTER_TEXT_MAX = 1000 };

/* The octets of a message, with CRLF line ends, by offset. */
struct letter_body {
	uint64_t size;
	/*
	 * At most SIZE octets from OFFSET; *n_r 0: that was all. Called with
	 * rising offsets, without gaps.
	 */
	enum err_code (*read)(void *arg, uint64_t offset, char *out,
		size_t size, size_t *n_r, struct err *e);
	void *arg;
};

struct letter {
	int64_t id; /* of the message; with N it names the delivery */
	unsigned n;
	int64_t received_at;
	const char *hostname, *sender; /* borrowed */
	struct addressee to;
	struct letter_body body;
	bool again; /* it may have been delivered before */
};

/* The status of an end for want of room on the disk. */
#define LETTER_FULL "4.3.1"

enum letter_fate {
	LETTER_DELIVERED,
	LETTER_DEFERRED, /* refused for now: an attempt */
	LETTER_FAULT,	 /* a fault of this host: waits until it is mended */
	LETTER_REFUSED,	 /* will never do: goes back to its sender */
};

struct letter_end {
	enum letter_fate fate;
	bool doubtful;	 /* not delivered, but it may be there all the same */
	char status[12]; /* RFC 3463 */
	char text[LETTER_TEXT_MAX];
};

void letter_delivered(struct letter_end *end, const char *text);
/* STATUS: of RFC 3463. */
void letter_failed(struct letter_end *end, enum letter_fate fate,
	const char *status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * What errno says, as an error: "cannot WHAT PATH: No space left on device";
 * where it is forbidden, also where PATH leads to.
 */
enum err_code letter_errno(struct err *e, const char *what, const char *path);
/*
 * The end that an error of a mailbox means: what is wrong with the address is
 * refused, a full mailbox deferred, all else this host's fault.
 */
void letter_end_by(
	struct letter_end *end, enum err_code rc, const struct err *e);

#endif
