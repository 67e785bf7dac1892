/*
 * Private to the server machine: its state, and what its files share.
 *
 * One command is in flight at a time. A verb function either says its reply,
 * or emits an event that asks and leaves; server_answer.c goes on when the
 * host's answer comes. Events wait in a small queue; while one is unread
 * or an answer is owed nothing is fed, so it cannot overflow.
 */
#ifndef SMTP_SERVER_STATE_H
#define SMTP_SERVER_STATE_H

#include "base/state.h"
#include "smtp/chunk.h"
#include "smtp/server.h"
#include "smtp/verb.h"
#include "wire/dot.h"
#include "wire/line.h"

enum server_state {
	SERVER_INIT,	/* greeted, or just under TLS: no EHLO yet */
	SERVER_READY,	/* EHLO is given, no transaction */
	SERVER_MAIL,	/* MAIL is taken */
	SERVER_RCPT,	/* at least one recipient is taken */
	SERVER_DATA,	/* lines up to the lone dot */
	SERVER_CHUNK,	/* octets of a BDAT that was taken */
	SERVER_CHUNKS,	/* between two BDAT of a message */
	SERVER_SWALLOW, /* octets of a BDAT that will be refused */
	SERVER_AUTH,	/* a SASL response is to come */
	SERVER_TLS,
	SERVER_TURN,
	SERVER_CLOSE,
};

#define SERVER_COMMANDS                                                        \
	(STATE_TO(SERVER_INIT) | STATE_TO(SERVER_READY) |                      \
		STATE_TO(SERVER_MAIL) | STATE_TO(SERVER_RCPT) |                \
		STATE_TO(SERVER_CHUNKS))

enum {
	SERVER_EVENTS_MAX = 12,
	SERVER_OUT_STOP = 65536, /* above it no input is taken */
	/* Two whole replies of the longest kind: 900 lines of 12 octets. */
	SERVER_OUT_MAX = SERVER_OUT_STOP + 32768,
	SERVER_BLOCK = 16384,	     /* octets of a body in one event */
	SERVER_ECHO_MAX = 64,	     /* of the client's words in a reply */
	SERVER_REPLY_MAX = 16384,    /* more than the longest reply has */
	SERVER_LMTP_RCPT_MAX = 1000, /* where the host names no limit */
};

struct smtp_server {
	struct machine machine; /* first */
	struct smtp_server_conf conf;
	struct state state;
	struct line_reader line;

	struct smtp_event events[SERVER_EVENTS_MAX];
	size_t events_first, events_n;
	bool ended;    /* machine_eof was called */
	bool is_asked; /* an answer to the event ASKED is owed */
	enum smtp_event_kind asked;

	/* What the client told; dropped by STARTTLS. */
	char helo[WIRE_DOMAIN_MAX + 1];
	bool extended, authenticated;
	bool tls;

	/* The command in hand. */
	const struct verb *verb;
	struct str shown; /* what of it may be logged */
	bool behind;	  /* octets are already there behind it */
	bool auth_seen;	  /* later garbage may be a password */

	/* The transaction. */
	bool host_has_mail; /* EV_MAIL was told and not yet ended */
	bool wake;	    /* MAIL, RCPT or a body was refused */
	bool rcpt_refused;
	struct mailbox mailbox;
	struct mail_params mail;
	struct rcpt_params rcpt;
	size_t recipients_n;
	/* what NOOP said for the next RCPT, and for the last; owned; NULL */
	char *next_id, *rcpt_id;
	size_t mails_n; /* MAIL commands of this session */
	char mechanism[32];

	/* The body. */
	struct dot_reader dot;
	struct content_check content;
	struct chunk chunk;
	struct buf body;
	bool discard;	      /* DATA: the verdict is known, read on */
	struct reply verdict; /* said at the true end of what is read */
	bool verdict_is_hosts;
	size_t owed;	  /* how often the verdict is said: LMTP */
	size_t replied_n; /* LMTP: recipients whose end was answered */

	/* What EV_REFUSED shows; owned, made when needed: sessions idle. */
	struct reply *refusal, *farewell;
	size_t errors_n, idle_n;
	const char *shutdown_text; /* owned; NULL: none is wanted */

	uint64_t now_ms, deadline_ms;
	bool armed; /* deadline_ms holds for the present wait */
};

/* --- server.c --- */
enum server_state server_now(const struct smtp_server *s);
void server_move(struct smtp_server *s, enum server_state to);
/* Where shutdown is wanted and the protocol allows it: does it. */
void server_settle(struct smtp_server *s);
/* The extensions in force, whether shown at this moment or not. */
unsigned server_offered(const struct smtp_server *s);
/* V belongs to the protocol spoken here, LMTP or SMTP. */
bool server_speaks(const struct smtp_server *s, const struct verb *v);
const char *server_mechs(const struct smtp_server *s);

/* --- server_tell.c --- */
/* A new event at the end of the queue, zeroed but for its kind. */
struct smtp_event *server_emit(
	struct smtp_server *s, enum smtp_event_kind kind);
/* Likewise, and the host owes an answer. */
struct smtp_event *server_ask(struct smtp_server *s, enum smtp_event_kind kind);
/* *SLOT, made on first use. */
struct reply *server_keep(struct reply **slot);
void server_say(struct smtp_server *s, const struct reply *r);
void server_sayf(struct smtp_server *s, int code, const char *enhanced,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Says R, tells the host, and counts it as an error where it is one. */
void server_refuse(struct smtp_server *s, const struct reply *r);
void server_refusef(struct smtp_server *s, int code, const char *enhanced,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* One more error; at errors_max the connection ends. */
void server_count_error(struct smtp_server *s);
/* The transaction is over: EV_RESET if the host knows of one. */
void server_forget(struct smtp_server *s);
/* 421 and WANT_CLOSE. */
void server_close(
	struct smtp_server *s, const char *enhanced, const char *text);
/*
 * R, then TO: the stream goes to another layer or another machine. Where
 * octets are there behind the command, 421 instead.
 */
void server_hand_over(
	struct smtp_server *s, const struct reply *r, enum server_state to);
/* S with at most SERVER_ECHO_MAX printable octets of it, for a reply. */
const char *server_echo(struct str s, char out[SERVER_ECHO_MAX + 1]);
bool server_is_2xx(const struct reply *r);

/* --- server_command.c --- */
size_t server_read_command(struct smtp_server *s, struct str in);

/* --- server_answer.c --- */
void server_answer(struct smtp_server *s, const struct reply *r);

/* --- server_body.c --- */
size_t server_read_body(struct smtp_server *s, struct str in);
/* The BDAT whose ARGS these are is refused with R, after its octets. */
void server_refuse_chunk(
	struct smtp_server *s, struct str args, const struct reply *r);
void server_data_answer(struct smtp_server *s, const struct reply *r);
void server_body_answer(struct smtp_server *s, const struct reply *r);

/* --- server_auth.c --- */
size_t server_read_response(struct smtp_server *s, struct str in);
void server_auth_answer(struct smtp_server *s, const struct reply *r);

/* --- server_turn.c --- */
void server_atrn_answer(struct smtp_server *s, const struct reply *r);

/* --- verbs; ARGS is what stands behind the verb and its blanks --- */
void server_ehlo(struct smtp_server *s, struct str args);
void server_helo(struct smtp_server *s, struct str args);
void server_mail(struct smtp_server *s, struct str args);
void server_rcpt(struct smtp_server *s, struct str args);
void server_data(struct smtp_server *s, struct str args);
void server_bdat(struct smtp_server *s, struct str args);
void server_rset(struct smtp_server *s, struct str args);
void server_noop(struct smtp_server *s, struct str args);
void server_quit(struct smtp_server *s, struct str args);
void server_vrfy(struct smtp_server *s, struct str args);
void server_expn(struct smtp_server *s, struct str args);
void server_help(struct smtp_server *s, struct str args);
void server_starttls(struct smtp_server *s, struct str args);
void server_auth(struct smtp_server *s, struct str args);
void server_atrn(struct smtp_server *s, struct str args);
void server_etrn(struct smtp_server *s, struct str args);

#endif
