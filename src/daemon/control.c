#include "daemon/control.h"

#include "base/log.h"
#include "daemon/control_private.h"
#include "net/listen.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONTROL_CONNS_MAX = 64,
	CONTROL_REQUEST_MS = 10000, /* for the request to arrive */
	CONTROL_LINGER_MS = 5000,
	CONTROL_GROUPS_MAX = 256,
};

struct control {
	struct node *n;
	struct listener *listener;
	struct list_node conns;
	size_t conns_n;
	char *path; /* owned */
};

/* --- one client --- */

void
conn_hold(struct control_conn *c)
{
	c->refs++;
}

void
conn_release(struct control_conn *c)
{
	if (--c->refs)
		return;
	record_free(&c->request);
	for (size_t i = 0; i < c->parts_n; i++)
		record_free(&c->parts[i]);
	free(c->parts);
	free(c);
}

struct stream *
conn_give_stream(struct control_conn *c)
{
	struct stream *s = c->stream;

	c->stream = NULL;
	loop_timer_free(c->timer);
	c->timer = NULL;
	if (c->wait)
		links_wait_cancel(c->wait);
	c->wait = NULL;
	list_remove(&c->node);
	c->n->control->conns_n--;
	conn_release(c);
	return s;
}

static void
conn_close(struct control_conn *c)
{
	if (c->stream)
		stream_close(conn_give_stream(c), CONTROL_LINGER_MS);
}

void
conn_send(struct control_conn *c, const struct record *r)
{
	if (!c->stream)
		return;
	stream_write(c->stream, buf_view(&r->line));
	stream_write(c->stream, STR("\n"));
}

void
conn_end(struct control_conn *c, int status, const char *text, int64_t count)
{
	struct record r;

	record_init(&r);
	protocol_end(&r, status, text, count);
	conn_send(c, &r);
	record_free(&r);
	conn_close(c);
}

void
conn_end_err(struct control_conn *c, enum err_code code, const struct err *e)
{
	conn_end(c, err_exit_status(code),
		e && e->text[0] ? e->text : err_text(code), -1);
}

const char *
conn_get(const struct control_conn *c, const char *key)
{
	return record_get(&c->request, key);
}

/* --- rights --- */

static bool
is_in_group(unsigned uid, unsigned gid, const char *name)
{
	const struct group *g = getgrnam(name);
	const struct passwd *pw = getpwuid(uid);
	gid_t groups[CONTROL_GROUPS_MAX];
	int n = CONTROL_GROUPS_MAX;

	if (!g)
		return false;
	if (g->gr_gid == gid)
		return true;
	if (!pw || getgrouplist(pw->pw_name, (gid_t)gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == g->gr_gid)
			return true;
	return false;
}

static void
find_rights(struct control_conn *c, int fd)
{
	unsigned uid, gid;

	c->uid = (unsigned)-1; /* nobody */
	if (!listen_peer_cred(fd, &uid, &gid))
		return;
	c->uid = uid;
	c->admin = uid == 0 || uid == geteuid() ||
		   is_in_group(uid, gid, "tidepost-admin");
	c->reader = c->admin || is_in_group(uid, gid, "tidepost-console");
}

/* --- requests --- */

static void
reload(struct control_conn *c)
{
	struct err e = {0};
	enum err_code rc = node_reload(c->n, &e);

	if (rc == OK)
		conn_end(c, 0, "the configuration was read again", -1);
	else
		conn_end_err(c, rc, &e);
}

static void
handle(struct control_conn *c)
{
	const char *verb = conn_get(c, KEY_VERB);
	const char *action = conn_get(c, KEY_ACTION);
	bool serves = verb && strcmp(verb, VERB_SERVE) == 0;
	bool reads =
		verb && (strcmp(verb, VERB_STATUS) == 0 ||
				(strcmp(verb, VERB_LINK) == 0 && action &&
					strcmp(action, ACTION_WORD_LIST) == 0));

	if (serves)
		control_serve(c);
	else if (verb && strcmp(verb, VERB_SUBMIT) == 0)
		control_submit(c);
	else if (!c->admin && !(reads && c->reader))
		conn_end(c, err_exit_status(ERR_PERM),
			"permission denied: join the group tidepost-admin "
			"(or tidepost-console to look), or become root",
			-1);
	else if (!verb)
		conn_end(c, err_exit_status(ERR_USAGE), "no verb", -1);
	else if (strcmp(verb, VERB_STATUS) == 0)
		control_status(c);
	else if (strcmp(verb, VERB_LINK) == 0)
		control_link(c);
	else if (strcmp(verb, VERB_QUEUE) == 0)
		control_queue(c);
	else if (strcmp(verb, VERB_USER) == 0)
		control_account(c, false);
	else if (strcmp(verb, VERB_CUSTOMER) == 0 && action &&
		 strcmp(action, ACTION_WORD_IMPORT) == 0)
		control_import(c);
	else if (strcmp(verb, VERB_CUSTOMER) == 0)
		control_account(c, true);
	else if (strcmp(verb, VERB_PEER) == 0)
		control_peer(c);
	else if (strcmp(verb, VERB_RELOAD) == 0)
		reload(c);
	else
		conn_end(c, err_exit_status(ERR_UNSUPPORTED),
			"the daemon is of another version than the command: "
			"start it anew",
			-1);
}

/* The record that the next line makes. */
static struct record *
next_record(struct control_conn *c)
{
	struct record *r;

	if (c->octets == 0)
		return &c->request;
	if (c->parts_n == c->parts_cap) {
		c->parts_cap = c->parts_cap ? c->parts_cap * 2 : 8;
		c->parts = xrealloc(c->parts, c->parts_cap * sizeof(*c->parts));
	}
	r = &c->parts[c->parts_n++];
	record_init(r);
	return r;
}

/* One line of the request; the last one starts the work. */
static void
take_line(struct control_conn *c, struct str line)
{
	struct record *r = next_record(c);
	bool readable = record_parse(r, line);

	c->octets += line.n + 1;
	stream_consume(c->stream, line.n + 1);
	if (!readable)
		conn_end(c, err_exit_status(ERR_USAGE),
			"the request cannot be read", -1);
	else if (c->octets > PROTOCOL_REQUEST_MAX)
		conn_end(c, err_exit_status(ERR_LIMIT),
			"the request is too long", -1);
	else if (record_get(r, KEY_MORE) && c->admin)
		loop_timer_set(c->timer, CONTROL_REQUEST_MS);
	else
		c->asked = true;
}

static void
on_input(void *arg)
{
	struct control_conn *c = arg;

	conn_hold(c);
	while (c->stream && !c->asked) {
		struct str in = stream_view(c->stream), rest;
		struct str line = str_cut(in, '\n', &rest);

		if (line.n < in.n)
			take_line(c, line);
		else if (in.n >= STREAM_INPUT_MAX)
			conn_end(c, err_exit_status(ERR_LIMIT),
				"the request is too long", -1);
		else
			break;
		if (c->asked) {
			loop_timer_clear(c->timer);
			handle(c);
		}
	}
	conn_release(c);
}

static void
on_drained(void *arg)
{
	struct control_conn *c = arg;

	if (c->serve)
		control_serve_begin(c);
	else if (c->submits)
		control_submit_begin(c);
}

static void
on_closed(void *arg, enum stream_end end, const char *why)
{
	(void)end;
	(void)why;
	conn_close(arg);
}

static void
on_late(void *arg)
{
	conn_end(arg, err_exit_status(ERR_TIMEOUT), "no request came", -1);
}

static const struct stream_ops stream_ops = {
	.input = on_input,
	.drained = on_drained,
	.closed = on_closed,
};

static void
on_accept(void *arg, int fd)
{
	struct control *control = arg;
	struct control_conn *c;

	if (control->conns_n >= CONTROL_CONNS_MAX) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->n = control->n;
	c->refs = 1;
	record_init(&c->request);
	find_rights(c, fd);
	c->stream = stream_new(c->n->loop, fd, &stream_ops, c);
	c->timer = loop_timer_new(c->n->loop, on_late, c);
	loop_timer_set(c->timer, CONTROL_REQUEST_MS);
	list_push(&control->conns, &c->node);
	control->conns_n++;
}

/* --- the socket --- */

enum err_code
control_new(struct node *n, struct control **control_r, struct err *e)
{
	struct control *c = xcalloc(1, sizeof(*c));
	enum err_code rc;

	c->n = n;
	list_init(&c->conns);
	c->path = str_printf("%s/%s", n->conf->run_dir, PROTOCOL_SOCKET);
	rc = listen_unix(n->loop, c->path, 0666, on_accept, c, &c->listener, e);
	if (rc == OK)
		*control_r = c;
	else
		control_free(c);
	return rc;
}

void
control_free(struct control *c)
{
	if (!c)
		return;
	while (!list_empty(&c->conns))
		conn_end(LIST_ITEM(c->conns.next, struct control_conn, node),
			err_exit_status(ERR_CLOSED),
			"the daemon stops; try again when it runs", -1);
	if (c->listener)
		unlink(c->path);
	listener_free(c->listener);
	free(c->path);
	free(c);
}
