#include "daemon/dovecot.h"

#include "base/list.h"
#include "base/log.h"
#include "daemon/dovecot_conn.h"
#include "wire/reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* Dovecot itself waits some seconds before it says that it failed. */
	DOVECOT_STEP_MS = 30000,
	DOVECOT_REQUESTS_MAX = 2000, /* exchanges at once */
	DOVECOT_MECH_MAX = 20,	     /* RFC 4422 3.1 */
	DOVECOT_HEAD_MAX = 512,	     /* octets of a line before resp= */
	DOVECOT_RESPONSE_MAX = DOVECOT_LINE_MAX - DOVECOT_HEAD_MAX,
};

struct mechs {
	char tls[SASL_MECHS_MAX], clear[SASL_MECHS_MAX];
};

struct dovecot {
	struct loop *loop;
	struct dovecot_conn *conn;
	struct mechs mechs, told; /* told: in the handshake so far */
	bool version_seen;
	struct list_node requests;
	size_t requests_n;
	uint32_t last_id; /* of the requests of this connection */
};

struct dovecot_request {
	struct list_node node;
	struct dovecot *d;
	uint32_t id;
	dovecot_fn *fn;
	void *arg;
	struct loop_timer *timer; /* the step's deadline, or what to say now */
	struct buf line;	  /* waits for the handshake */
	bool asked;		  /* it is Dovecot's turn */
	enum dovecot_answer verdict; /* when the timer strikes */
	const char *why;	     /* static */
};

/* --- requests --- */

static void
wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

static void
request_free(struct dovecot_request *q)
{
	list_remove(&q->node);
	q->d->requests_n--;
	loop_timer_free(q->timer);
	wipe(&q->line);
	free(q);
}

static void
finish(struct dovecot_request *q, enum dovecot_answer answer, const char *text)
{
	dovecot_fn *fn = q->fn;
	void *arg = q->arg;

	request_free(q);
	fn(arg, answer, text);
}

/* Says so from the loop, after WAIT_MS. */
static void
verdict_in(struct dovecot_request *q, uint64_t wait_ms,
	enum dovecot_answer verdict, const char *why)
{
	q->verdict = verdict;
	q->why = why;
	loop_timer_set(q->timer, wait_ms);
}

static void
tell_cancel(struct dovecot_request *q)
{
	struct buf line;

	buf_init(&line, 0);
	buf_addf(&line, "CANCEL\t%u\n", q->id);
	dovecot_conn_send(q->d->conn, buf_view(&line));
	buf_free(&line);
}

static void
on_step_timer(void *arg)
{
	struct dovecot_request *q = arg;

	if (q->asked && q->id)
		tell_cancel(q);
	finish(q, q->verdict, q->why);
}

/* Sends what waits, and gives Dovecot its time. */
static void
ask(struct dovecot_request *q)
{
	if (dovecot_conn_send(q->d->conn, buf_view(&q->line)))
		verdict_in(q, DOVECOT_STEP_MS, DOVECOT_TEMP,
			"no answer from Dovecot");
	else
		verdict_in(q, 0, DOVECOT_TEMP, "Dovecot does not read");
	wipe(&q->line);
}

/*
 * Nothing but base64 goes in, so that no client can write a field of its own.
 */
static bool
is_base64(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !strchr("+/=", s.p[i]))
			return false;
	return s.n <= DOVECOT_RESPONSE_MAX;
}

static bool
is_address(const char *text)
{
	return text && text[0] &&
	       strspn(text, "0123456789abcdefABCDEF:.") == strlen(text);
}

/* Only when the handshake is over is an id given: they count a connection. */
static void
begin(struct dovecot_request *q)
{
	struct buf rest = q->line;

	q->id = ++q->d->last_id;
	buf_init(&q->line, 0);
	buf_addf(&q->line, "AUTH\t%u\t", q->id);
	buf_adds(&q->line, buf_view(&rest));
	wipe(&rest);
	ask(q);
}

static void
compose(struct dovecot_request *q, const char *mech,
	const struct dovecot_client *client, struct str initial)
{
	struct buf *b = &q->line;

	buf_addf(b, "%s\tservice=smtp\tnologin", mech);
	if (client->secured)
		buf_addz(b, "\tsecured");
	if (is_address(client->local_address))
		buf_addf(b, "\tlip=%s", client->local_address);
	if (is_address(client->remote_address))
		buf_addf(b, "\trip=%s\trport=%u", client->remote_address,
			client->remote_port);
	/* It must be the last field. */
	if (initial.p) {
		buf_addz(b, "\tresp=");
		buf_adds(b, str_eq(initial, STR("=")) ? STR("") : initial);
	}
	buf_addz(b, "\n");
}

struct dovecot_request *
dovecot_auth(struct dovecot *d, const char *mech,
	const struct dovecot_client *client, struct str initial, dovecot_fn *fn,
	void *arg)
{
	struct dovecot_request *q = xcalloc(1, sizeof(*q));

	q->d = d;
	q->fn = fn;
	q->arg = arg;
	q->asked = true;
	q->timer = loop_timer_new(d->loop, on_step_timer, q);
	buf_init(&q->line, 0);
	list_push(&d->requests, &q->node);
	d->requests_n++;
	if (!is_base64(initial)) {
		verdict_in(q, 0, DOVECOT_SYNTAX, "");
		return q;
	}
	if (d->requests_n > DOVECOT_REQUESTS_MAX) {
		verdict_in(q, 0, DOVECOT_TEMP, "too many ask at once");
		return q;
	}
	if (!dovecot_conn_wake(d->conn)) {
		verdict_in(q, 0, DOVECOT_TEMP, "Dovecot is not there");
		return q;
	}
	compose(q, mech, client, initial);
	if (dovecot_conn_is_up(d->conn))
		begin(q);
	else
		verdict_in(q, DOVECOT_STEP_MS, DOVECOT_TEMP,
			"Dovecot does not greet");
	return q;
}

void
dovecot_continue(struct dovecot_request *q, struct str line)
{
	q->asked = true;
	if (!q->id) {
		verdict_in(q, 0, DOVECOT_TEMP, "Dovecot went away");
		return;
	}
	if (!is_base64(line)) {
		verdict_in(q, 0, DOVECOT_SYNTAX, "");
		return;
	}
	buf_addf(&q->line, "CONT\t%u\t", q->id);
	buf_adds(&q->line, str_eq(line, STR("=")) ? STR("") : line);
	buf_addz(&q->line, "\n");
	ask(q);
}

void
dovecot_cancel(struct dovecot_request *q)
{
	if (!q)
		return;
	if (q->id)
		tell_cancel(q);
	request_free(q);
}

/* --- the handshake --- */

static void
on_greet(void *arg)
{
	struct dovecot *d = arg;
	struct buf b;

	memset(&d->told, 0, sizeof(d->told));
	d->version_seen = false;
	d->last_id = 0;
	buf_init(&b, 0);
	buf_addf(&b, "VERSION\t1\t1\nCPID\t%ld\n", (long)getpid());
	dovecot_conn_send(d->conn, buf_view(&b));
	buf_free(&b);
}

static void
add_word(char list[SASL_MECHS_MAX], const char *word)
{
	size_t n = strlen(list);

	if (n + strlen(word) + 2 > SASL_MECHS_MAX)
		return;
	if (n)
		list[n++] = ' ';
	str_copyz(list + n, SASL_MECHS_MAX - n, word);
}

/* RFC 4422 3.1 */
static bool
is_mech_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n > 0 && n <= DOVECOT_MECH_MAX && name[n] == '\0';
}

/* EXTERNAL and channel bindings need what only our own TLS layer knows. */
static bool
may_be_offered(const char *name)
{
	size_t n = strlen(name);

	return is_mech_name(name) && strcmp(name, "ANONYMOUS") != 0 &&
	       strcmp(name, "EXTERNAL") != 0 &&
	       (n < 5 || strcmp(name + n - 5, "-PLUS") != 0);
}

/* Without TLS only what shows no password, nor lasts as one. */
static bool
is_for_clear(const char *name)
{
	return strcmp(name, "CRAM-MD5") == 0 || strncmp(name, "SCRAM-", 6) == 0;
}

static void
add_mech(struct dovecot *d, char *rest)
{
	const char *field, *name = dovecot_field(&rest);

	if (!name || !may_be_offered(name))
		return;
	while ((field = dovecot_field(&rest)))
		if (strcmp(field, "private") == 0)
			return;
	add_word(d->told.tls, name);
	if (is_for_clear(name))
		add_word(d->told.clear, name);
}

static void
handshake_done(struct dovecot *d)
{
	d->mechs = d->told;
	dovecot_conn_up(d->conn);
	log_debug("dovecot-up", LOG_STR("mechanisms", d->mechs.tls));
	LIST_EACH(node, tmp, &d->requests)
	{
		struct dovecot_request *q =
			LIST_ITEM(node, struct dovecot_request, node);

		if (q->line.len)
			begin(q);
	}
}

/* --- answers --- */

static struct dovecot_request *
request_find(struct dovecot *d, const char *text)
{
	uint64_t id;

	if (!text || !str_u64(str_of(text), &id) || id == 0)
		return NULL;
	LIST_EACH(node, tmp, &d->requests)
	{
		struct dovecot_request *q =
			LIST_ITEM(node, struct dovecot_request, node);

		if (q->id == id && q->asked)
			return q;
	}
	return NULL;
}

/* A name that may go into logs, trace fields and the spool. */
static bool
is_good_name(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (iscntrl((unsigned char)name[n]))
			return false;
	return n > 0 && n <= SASL_NAME_MAX;
}

struct verdict {
	const char *user; /* "" not told */
	bool temporary;
};

static struct verdict
read_verdict(char *rest)
{
	struct verdict v = {.user = ""};
	char *field;

	while ((field = dovecot_field(&rest))) {
		if (strncmp(field, "user=", 5) == 0) {
			dovecot_unescape(field + 5);
			if (is_good_name(field + 5))
				v.user = field + 5;
		} else if (strcmp(field, "temp") == 0 ||
			   strcmp(field, "code=temp_fail") == 0) {
			v.temporary = true;
		}
	}
	return v;
}

static void
on_verdict(struct dovecot_request *q, bool good, char *rest)
{
	struct verdict v = read_verdict(rest);

	if (good && v.user[0])
		finish(q, DOVECOT_OK, v.user);
	else if (good)
		finish(q, DOVECOT_TEMP, "Dovecot named no user");
	else if (v.temporary)
		finish(q, DOVECOT_TEMP, "Dovecot has a fault of its own");
	else
		finish(q, DOVECOT_FAILED, v.user);
}

static void
on_challenge(struct dovecot_request *q, char *rest)
{
	const char *text = dovecot_field(&rest);
	struct str challenge = str_of(text ? text : "");

	if (!is_base64(challenge) || challenge.n > REPLY_TEXT_MAX) {
		tell_cancel(q);
		finish(q, DOVECOT_TEMP, "Dovecot's challenge is too long");
		return;
	}
	q->asked = false;
	loop_timer_clear(q->timer);
	q->fn(q->arg, DOVECOT_MORE, challenge.p);
}

/* What is for nobody (any more) is passed over: it was cancelled. */
static bool
on_answer(struct dovecot *d, const char *verb, char *rest)
{
	struct dovecot_request *q = request_find(d, dovecot_field(&rest));

	if (strcmp(verb, "CONT") == 0) {
		if (q)
			on_challenge(q, rest);
	} else if (strcmp(verb, "OK") == 0 || strcmp(verb, "FAIL") == 0) {
		if (q)
			on_verdict(q, verb[0] == 'O', rest);
	}
	return true; /* newer Dovecots may say more */
}

static bool
on_line(void *arg, char *line)
{
	struct dovecot *d = arg;
	char *rest = line;
	const char *verb = dovecot_field(&rest);

	if (!d->version_seen) {
		const char *major = dovecot_field(&rest);

		d->version_seen = strcmp(verb, "VERSION") == 0 && major &&
				  strcmp(major, "1") == 0;
		return d->version_seen;
	}
	if (dovecot_conn_is_up(d->conn))
		return on_answer(d, verb, rest);
	if (strcmp(verb, "MECH") == 0)
		add_mech(d, rest);
	else if (strcmp(verb, "DONE") == 0)
		handshake_done(d);
	return true;
}

/*
 * Who waited is told at once; who owes a line is told when it comes. The list
 * may change while somebody is told, so each is only given its verdict here.
 */
static void
on_lost(void *arg)
{
	struct dovecot *d = arg;

	LIST_EACH(node, tmp, &d->requests)
	{
		struct dovecot_request *q =
			LIST_ITEM(node, struct dovecot_request, node);

		q->id = 0;
		if (q->asked)
			verdict_in(q, 0, DOVECOT_TEMP, "Dovecot went away");
	}
}

static const struct dovecot_conn_ops conn_ops = {
	.greet = on_greet,
	.line = on_line,
	.lost = on_lost,
};

/* --- beginning and end --- */

struct dovecot *
dovecot_new(struct loop *loop)
{
	struct dovecot *d = xcalloc(1, sizeof(*d));

	d->loop = loop;
	d->conn = dovecot_conn_new(loop, "auth", &conn_ops, d);
	list_init(&d->requests);
	return d;
}

void
dovecot_free(struct dovecot *d)
{
	if (!d)
		return;
	LIST_EACH(node, tmp, &d->requests)
	request_free(LIST_ITEM(node, struct dovecot_request, node));
	dovecot_conn_free(d->conn);
	free(d);
}

void
dovecot_set_auth(struct dovecot *d, const char *auth)
{
	static const char prefix[] = "dovecot:";
	const char *old = dovecot_conn_path(d->conn), *path = NULL;

	if (strncmp(auth, prefix, sizeof(prefix) - 1) == 0)
		path = auth + sizeof(prefix) - 1;
	if (!path || !old || strcmp(path, old) != 0)
		d->mechs = (struct mechs){.tls = "PLAIN LOGIN"};
	dovecot_conn_set_path(d->conn, path);
	if (path)
		dovecot_conn_wake(d->conn);
}

bool
dovecot_is_used(const struct dovecot *d)
{
	return dovecot_conn_path(d->conn) != NULL;
}

void
dovecot_mechs(const struct dovecot *d, bool tls, bool clear_allowed,
	char out[SASL_MECHS_MAX])
{
	out[0] = '\0';
	if (tls)
		str_copyz(out, SASL_MECHS_MAX, d->mechs.tls);
	else if (clear_allowed)
		str_copyz(out, SASL_MECHS_MAX, d->mechs.clear);
}
