/*
 * The inside of the client machine, shared by client*.c only.
 *
 * A state is one step: enter() sends, reply() judges what came back and
 * chooses the next state. client_enter() is the one door. Every command sent
 * puts one expectation into a ring, every reply takes one out (RFC 2920 3.1:
 * by count, never by code or text).
 *
 * Commands that may leave in one group (RSET, MAIL, RCPT, DATA, ATRN) are
 * written beforehand into FLIGHT, each as one octet of its kind and its line.
 * They move into out as far as there is room there and in the ring: at once,
 * after each reply, and whenever octets of out were sent.
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
	CLIENT_EXPECT_MAX = 256, /* commands without their reply */
	CLIENT_EVENTS_MAX = 8,	 /* one reply makes at most 3, an end 1 more */
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
	CL_ENVELOPE, /* MAIL, RCPT and DATA */
	CL_BODY,
	CL_FINAL, /* the last octet of the message is out */
	CL_VOID,  /* a lone dot is out: no recipient was taken */
	CL_TURN,
	CL_TURNED,
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
	CK_QUIT,
};

struct client_expect {
	enum client_kind kind;
	size_t index; /* RCPT: which recipient */
};

/* The message in hand. */
struct client_mail {
	size_t rcpt_sent, accepted;
	uint64_t body_left;  /* octets the host has not handed over */
	uint64_t chunk_left; /* of these, octets of the chunk begun */
	struct dot_writer dot;
	bool chunking;
	bool mail_taken;
	bool refused; /* MAIL or a chunk was: REPLY tells how it ends */
	/* How it ended, or how it will when nothing better comes. */
	struct reply reply;
};

struct smtp_client {
	struct machine m; /* first */
	struct smtp_client_conf conf;
	struct state state;
	struct reply_parser parser;
	struct client_expect expect[CLIENT_EXPECT_MAX];
	size_t expect_first, expect_n;
	struct smtp_event events[CLIENT_EVENTS_MAX];
	size_t events_first, events_n;
	uint64_t now_ms, moved_ms;

	/* what EHLO told */
	bool helo; /* HELO was sent after a refused EHLO */
	bool tls;
	bool tls_verified; /* and the peer is who it should be */
	struct tls_facts tls_facts;
	unsigned extensions;
	uint64_t size_max;
	size_t limit_rcpt, limit_mail; /* RFC 9422; 0: not told */
	size_t mails_n;		       /* MAILs of this session */
	struct buf hello_text;	       /* the reply as it came */
	struct buf keywords;
	struct buf mechs;

	struct sasl_client *sasl;
	struct buf sasl_line; /* the next response; wiped after use */
	bool sasl_held;	      /* it waits for the 334 to AUTH */
	bool sasl_cancelled;
	unsigned sasl_steps;
	bool out_is_secret; /* a response may lie in out */

	struct buf flight;
	bool need_rset; /* the peer holds a transaction that is over for us */
	struct client_mail mail;

	struct reply own_reply; /* made here: ATRN that was not sent */
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
void client_expect(struct smtp_client *c, enum client_kind kind, size_t index);
struct client_expect client_expect_take(struct smtp_client *c);
bool client_can_expect(const struct smtp_client *c);
/* A new event; valid until the next call of any of these. */
struct smtp_event *client_event(struct smtp_client *c,
	enum smtp_event_kind kind, const struct reply *r);
/* The end. R may be NULL; TEXT is kept (static, or in C). */
void client_fail(struct smtp_client *c, enum client_fail fail,
	const struct reply *r, const char *text);
/* Octets of flights and bodies that out can take now. */
size_t client_bulk_room(const struct smtp_client *c);

/* --- client_machine.c --- */

extern const struct machine_ops client_ops;

/* --- client_flight.c --- */

/* Appends one command to the flight; LINE comes without CRLF. */
void client_flight_add(
	struct smtp_client *c, enum client_kind kind, struct str line);
/* RSET in front of the next flight, where the peer needs one. */
void client_flight_reset(struct smtp_client *c);
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

void client_envelope_enter(struct smtp_client *c);
void client_envelope_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
/* Out has room again, or a reply came: goes on with the envelope. */
void client_envelope_go(struct smtp_client *c);
void client_void_enter(struct smtp_client *c);
void client_void_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
/* EV_DONE with mail.reply, and ready for the next. */
void client_mail_done(struct smtp_client *c, bool early);

void client_body_enter(struct smtp_client *c);
void client_body_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
void client_final_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);
/* A reply to no command while DATA's body is on its way. */
void client_body_early(struct smtp_client *c, const struct reply *r);
bool client_body_wanted(const struct smtp_client *c);

void client_turn_enter(struct smtp_client *c);
void client_turn_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x);

#endif
