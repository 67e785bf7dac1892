/* What the files of the control socket share. */
#ifndef DAEMON_CONTROL_PRIVATE_H
#define DAEMON_CONTROL_PRIVATE_H

#include "daemon/control.h"
#include "daemon/links.h"
#include "daemon/receive.h"
#include "spool/settings.h"

/* One client and its one request. */
struct control_conn {
	struct list_node node;
	struct node *n;
	struct stream *stream; /* NULL: gone */
	struct loop_timer *timer;
	struct record request;
	struct record *parts; /* the records it goes on in; owned */
	size_t parts_n, parts_cap, octets;
	struct link_wait *wait;
	bool admin, reader;
	bool asked; /* the request is being worked on */
	/* The stream becomes a session of it when all is sent; NULL: no. */
	const struct conf_listener *serve;
	bool submits; /* likewise, of this program */
	struct receive_program program;
	unsigned uid;
	unsigned refs;
};

void conn_hold(struct control_conn *c);
void conn_release(struct control_conn *c);
/* Sends one answer; nothing happens when the client is gone. */
void conn_send(struct control_conn *c, const struct record *r);
/* The last one; COUNT below 0: none. */
void conn_end(
	struct control_conn *c, int status, const char *text, int64_t count);
/* The same from a code and its words. */
void conn_end_err(
	struct control_conn *c, enum err_code code, const struct err *e);
const char *conn_get(const struct control_conn *c, const char *key);

/* Nothing more is said; the stream is given to the caller. */
struct stream *conn_give_stream(struct control_conn *c);

/* One function a verb; each ends the connection, now or later. */
void control_status(struct control_conn *c);
void control_link(struct control_conn *c);
void control_queue(struct control_conn *c);
void control_account(struct control_conn *c, bool customer);
void control_import(struct control_conn *c);
void control_peer(struct control_conn *c);
void control_serve(struct control_conn *c);
void control_submit(struct control_conn *c);
/* All that was sent is with the kernel: the session begins. */
void control_serve_begin(struct control_conn *c);
void control_submit_begin(struct control_conn *c);

/* All settings that R names into S; what is none is not looked at. */
enum err_code control_settings_take(
	struct spool_settings *s, const struct record *r, struct err *e);
/* ERR_EXISTS: a domain of this node itself can be no customer's. */
enum err_code control_settings_domains(
	const struct conf *conf, const struct spool_settings *s, struct err *e);

#endif
