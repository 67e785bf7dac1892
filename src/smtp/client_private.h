/*
 * The inside of the client machine, shared by client*.c only.
 *
 * A state is one step: enter() sends, reply() judges what came back and
 * chooses the next state. client_enter() is the one door. Every command sent
 * puts one expectation into a ring, every reply takes one out (RFC 2920 3.1:
 * by count, never by code or text).
 *
 * Commands that may leave in one group (RSET, MAIL, RCPT, DATA, ATRN, ETRN) are
 * written beforehand into FLIGHT, each as one octet of its kind and its line.
 * They move into out as far as there is room there and in the ring: at once,
 * after each reply, and whenever octets of out were sent. FLIGHT holds one
 * message: the next is taken when the one before has no more to send.
 *
 * Out has two parts. Flights and bodies fill it up to CLIENT_BULK_MAX; what
 * lies above is for the one command that a reply may cause, so that replies
 * can be read while a body is stuck (RFC 2920 3.1, deadlocks).
 */
#ifndef SMTP_CLIENT_PRIVATE_H
#define SMTP_CLIENT_PRIVATE_H

#include "smtp/client.h"

#include "base/state.h"
#include "wire/dot.h"

enum {
	CLIENT_BULK_MAX = 24 * 1024,
	CLIENT_REPLY_ROOM = WIRE_COMMAND_MAX, /* one command after a reply */
	CLIENT_OUT_MAX = CLIENT_BULK_MAX + 2 * CLIENT_REPLY_ROOM,
	/* commands without their reply: always, and for each message more */
	CLIENT_EXPECT_MAX = 256,
	CLIENT_EXPECT_MAIL = 4, /* RSET, MAIL, RCPT and BDAT */
	CLIENT_EVENTS_MAX = 8,	/* one reply makes at most 3, an end 1 more */
	CLIENT_KEYWORDS_MAX = 4096, /* octets kept of the EHLO keyword lines */
	CLIENT_MECHS_MAX = 512,	    /* octets kept of the AUTH keyword */
	CLIENT_AUTH_LINE_MAX = 512, /* with an initial response; 4954 4 */
	CLIENT_AUTH_STEPS_MAX = 8,  /* challenges before we give up */
	CLIENT_WHY_MAX = 160,
	CLIENT_QUIT_MS = 10 * 1000, /* nobody waits long for a 221 */
};

enum client_state {
	CL_GREETING,
	CL_HELLO, /* EHLO, or HELO after it */
	CL_STARTTLS,
	CL_TLS, /* the host does the handshake */
	CL_AUTH,
	CL_READY,
	CL_MAIL, /* at least one message is in flight */
	CL_TURN,
	CL_TURNED,
	CL_ASK, /* ETRN is out */
	CL_QUIT,
	CL_CLOSED,
};

enum client_kind {
	CK_GREETING = 1,
	CK_HELLO,
	CK_STARTTLS,
	CK_AUTH,
	CK_RSET,
	CK_MAIL,
	CK_RCPT,
	CK_DATA,
	CK_BDAT,
	CK_DOT,
	CK_ATRN,
	CK_ETRN,
	CK_QUIT,
};

struct client_expect {
	enum client_kind kind;
	uint64_t n; /* RCPT, and LMTP's DOT: which recipient; BDAT: octets of
		       the chunk */
};

/* What is still to be sent of a message. */
enum client_part {
	PART_ENVELOPE, /* commands, or replies to them are waited for */
	PART_BODY,
	PART_ENDED, /* nothing; some of its replies may be to come */
};

/*
 * One message in flight. Replies come in the order of commands, so all of them
 * belong to the oldest message, the head; what is being sent belongs to the
 * newest, the tail. All but the tail are PART_ENDED.
 */
struct client_mail {
	uint64_t tag;
	enum client_part part;
	size_t pending; /* replies to come to what was sent */
	size_t rcpt_n, rcpt_sent, rcpt_told, accepted;
	uint64_t body_left;  /* octets the host has not handed over */
	uint64_t chunk_left; /* of these, octets of the chunk begun */
	uint64_t end_at;     /* WHOLE: SENT_N when its last octet has left */
	struct dot_writer dot;
	bool patient;	/* no body before the replies to the envelope */
	bool whole;	/* its last octet is in out */
	bool withdrawn; /* by the host */
	bool open;	/* the peer may hold some of it: RSET is due */
	/* as the replies tell, at the head */
	bool mail_taken;
	bool refused; /* MAIL, each RCPT, DATA, or a chunk was: no more of it */
	bool early;   /* ... before its end */
};

struct smtp_client {
	struct machine m; /* first */
	struct smtp_client_conf conf;
	struct state state;
	struct reply_parser parser;
	struct client_expect *expect; /* owned; a ring */
	size_t expect_max, expect_first, expect_n;
	struct smtp_event events[CLIENT_EVENTS_MAX];
	size_t events_first, events_n;
	uint64_t now_ms, moved_ms;
	uint64_t sent_n; /* octets that left, ever */

	/* what EHLO told */
	bool helo; /* HELO was sent after a refused EHLO */
	bool tls;
	bool tls_verified; /* and the peer is who it should be */
	struct tls_facts tls_facts;
	unsigned extensions;
	uint64_t size_max;
	uint64_t deliver_by_min;       /* seconds */
	size_t limit_rcpt, limit_mail; /* RFC 9422; 0: not told */
	size_t issued_n;	       /* MAILs of this session */
	struct buf hello_text;	       /* the reply as it came */
	struct buf keywords;
	struct buf mechs;

	struct sasl_client *sasl;
	struct buf sasl_line; /* the next response; wiped after use */
	bool sasl_held;	      /* it waits for the 334 to AUTH */
	bool sasl_cancelled;
	unsigned sasl_steps;
	bool out_is_secret; /* a response may lie in out */

	struct buf flight; /* of the tail, or ATRN */
	bool need_rset; /* the peer holds a transaction that is over for us */
	struct client_mail *mails; /* owned; a ring */
	size_t mails_max, mails_first, mails_n;
	uint64_t unanswered; /* octets of chunks begun without their reply */
	uint16_t taken[SMTP_CLIENT_LMTP_RCPT_MAX]; /* LMTP: recipients */
	struct reply verdict; /* how the head ends, when nothing better comes */
	bool none_taken;      /* of those in flight: 421 was said, or no_bdat */
	bool bdat_taken;      /* it knows BDAT: one was taken */

	struct reply own_reply; /* made here: ATRN or ETRN that was not sent */
	char why[CLIENT_WHY_MAX];
};

/* --- client.c --- */

/* The one door: moves and does what entering TO means. */
void client_enter(struct smtp_client *c, enum client_state to);
enum client_state client_now(const struct smtp_client *c);
/* What the present state makes of a reply, and what it waits for. */
void client_step_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
enum want client_step_want(const struct smtp_client *c);
/* Sends LINE (without CRLF) and expects its reply. */
void client_command(struct smtp_client *c, enum client_kind kind,
	const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void client_expect(struct smtp_client *c, enum client_kind kind, uint64_t n);
struct client_expect client_expect_take(struct smtp_client *c);
bool client_can_expect(const struct smtp_client *c);
/* A new event; valid until the next call of any of these. */
struct smtp_event *client_event(struct smtp_client *c,
	enum smtp_event_kind kind, const struct reply *r);
/* The end. R may be NULL; TEXT is kept (static, or in C). */
void client_fail(struct smtp_client *c, enum client_fail fail,
	const struct reply *r, const char *text);
/* The end, since a reply is impossible where it stands. False, always. */
bool client_mismatch(
	struct smtp_client *c, const struct reply *r, const char *text);
/* The end, since the peer says that it does not know BDAT. False, always. */
bool client_no_bdat(struct smtp_client *c, const struct reply *r);
/* Octets of flights and bodies that out can take now. */
size_t client_bulk_room(const struct smtp_client *c);

/* --- client_machine.c --- */

extern const struct machine_ops client_ops;

/* --- client_flight.c --- */

/* Appends one command to the flight; LINE comes without CRLF. */
void client_flight_add(
	struct smtp_client *c, enum client_kind kind, struct str line);
/* A new flight, with RSET in front where RESET says so. */
void client_flight_reset(struct smtp_client *c, bool reset);
/* Moves commands into out as far as is allowed now. */
void client_flight_go(struct smtp_client *c);
/* What the reply to RSET means. False: the machine failed. */
bool client_flight_reset_reply(struct smtp_client *c, const struct reply *r);

/* --- the steps: client_hello.c, client_auth.c, client_mail.c, ... --- */

void client_greeting_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
void client_hello_enter(struct smtp_client *c);
void client_hello_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
void client_starttls_enter(struct smtp_client *c);
void client_starttls_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
void client_auth_enter(struct smtp_client *c);
void client_auth_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
/* Wipes and frees all that AUTH knew. */
void client_auth_forget(struct smtp_client *c);
/* A response has left; nothing of it stays in out's memory. */
void client_auth_wipe_out(struct smtp_client *c);

/* --- client_window.c --- */

/* The oldest and the newest message in flight; NULL: there is none. */
struct client_mail *client_head(const struct smtp_client *c);
struct client_mail *client_tail(const struct smtp_client *c);
/* A new tail. The ring has room (client_has_room). */
struct client_mail *client_mail_push(struct smtp_client *c, uint64_t tag);
/* EV_DONE for the head, which is no longer in flight then. */
void client_mail_done(struct smtp_client *c);
/* The head is no longer in flight; its end was told. */
void client_mail_pop(struct smtp_client *c);
/* True: one more message may be given while others wait for replies. */
bool client_has_room(const struct smtp_client *c);
/* True: a body may go on, as far as the window says. */
bool client_window_is_open(const struct smtp_client *c);
/* True: the body may go before the replies to the envelope. */
bool client_is_speculative(const struct smtp_client *c);
/* True: all of its octets were handed to the stream. */
bool client_mail_has_left(
	const struct smtp_client *c, const struct client_mail *m);
bool client_any_in_doubt(const struct smtp_client *c);
/* True: the peer owes a reply now. */
bool client_is_owed(const struct smtp_client *c);
/* True: what it owes is the reply to the end of a message. */
bool client_is_owed_final(const struct smtp_client *c);
/* 421: the head ends by it, no other one was taken. */
void client_mail_closing(struct smtp_client *c, const struct reply *r);

/* --- client_mail.c --- */

void client_mail_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
/* Out has room, a reply came, a part ended: goes on as far as it can. */
void client_mail_go(struct smtp_client *c);

/* --- client_body.c --- */

/* The body's turn has come, or something changed during it. */
void client_body_go(struct smtp_client *c, struct client_mail *m);
/* The replies to BDAT and to the final dot. False: the machine failed. */
bool client_bdat_reply(struct smtp_client *c, struct client_mail *m,
	const struct reply *r, uint64_t octets);
bool client_dot_reply(struct smtp_client *c, struct client_mail *m,
	const struct reply *r, uint64_t index);
/* A reply that came before the body's end. False, always. */
bool client_body_early(struct smtp_client *c, const struct reply *r);
bool client_body_wanted(const struct smtp_client *c);

void client_turn_enter(struct smtp_client *c);
void client_turn_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
void client_ask_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);

#endif
