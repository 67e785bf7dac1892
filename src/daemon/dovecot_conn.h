/*
 * A connection to one of Dovecot's Unix sockets: lines both ways, kept up.
 *
 * It is made when first wanted and made anew, after a growing while, whenever
 * it is lost. Between the connection and "up" lies a handshake, which is the
 * owner's. Lines are bounded; what breaks a bound is not Dovecot.
 */
#ifndef DAEMON_DOVECOT_CONN_H
#define DAEMON_DOVECOT_CONN_H

#include "net/loop.h"
#include "net/stream.h"

enum {
	DOVECOT_LINE_MAX = 8192, /* octets, both ways; Dovecot's own limit */
	DOVECOT_UNSENT_MAX = 1024 * 1024,
};

struct dovecot_conn_ops {
	/* Connected: say hello. */
	void (*greet)(void *arg);
	/* A line, terminated, its octets free to change. False: no Dovecot. */
	bool (*line)(void *arg, char *line);
	/* What was asked and not answered will not be. */
	void (*lost)(void *arg);
};

struct dovecot_conn;

/* NAME is for the log: "auth". */
struct dovecot_conn *dovecot_conn_new(struct loop *loop, const char *name,
	const struct dovecot_conn_ops *ops, void *arg);
void dovecot_conn_free(struct dovecot_conn *c); /* NULL is fine; no calls */

/* PATH NULL: to nowhere. Another path ends the connection to the old one. */
void dovecot_conn_set_path(struct dovecot_conn *c, const char *path);
const char *dovecot_conn_path(const struct dovecot_conn *c); /* NULL none */
/*
 * True: connected, by now at least. It is tried here, but not more often
 * than once a second. GREET may be called from here, LOST is not.
 */
bool dovecot_conn_wake(struct dovecot_conn *c);
/* The handshake is over. */
void dovecot_conn_up(struct dovecot_conn *c);
bool dovecot_conn_is_up(const struct dovecot_conn *c);
/* False: not connected, or it does not read any more. */
bool dovecot_conn_send(struct dovecot_conn *c, struct str octets);

/*
 * Dovecot's escapes (\001 and a digit or letter), for fields between tabs.
 * Undoing works in place.
 */
void dovecot_escape(struct str text, struct buf *out);
void dovecot_unescape(char *text);
/* Cuts the field before the next tab off *REST_R; NULL: there is none. */
char *dovecot_field(char **rest_r);

#endif
