#include "daemon/dovecot_users.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "daemon/addressee.h"
#include "daemon/dovecot_conn.h"

#include <stdlib.h>
#include <string.h>

enum {
	USERS_KEEP_MS = 60000,
	USERS_KEPT_MAX = 1000,	/* names */
	USERS_ASKED_MAX = 2000, /* look-ups at once */
	USERS_ANSWER_MS = 10000,
};

/* What is known of a name; a ring, the oldest is overwritten. */
struct known {
	char name[WIRE_MAILBOX_MAX + 1];
	uint64_t until_ms;
	bool there;
};

struct dovecot_users {
	struct loop *loop;
	struct dovecot_conn *conn;
	bool version_seen;
	struct list_node lookups;
	size_t lookups_n;
	uint32_t last_id;
	struct known *known;
	size_t known_n, known_next;
	char *separators; /* owned; local.separator */
};

struct dovecot_lookup {
	struct list_node node;
	struct dovecot_users *u;
	char name[WIRE_MAILBOX_MAX + 1];
	uint32_t id; /* 0: not asked yet */
	dovecot_users_fn *fn;
	void *arg;
	struct loop_timer *timer;
};

/*
 * As Dovecot's users write it: no quotes, no extension, the domain in lower
 * case.
 */
static bool
name_of(const struct dovecot_users *u, const struct mailbox *m,
	char name_r[WIRE_MAILBOX_MAX + 1])
{
	size_t n;

	if (!addressee_user(m, u->separators, name_r))
		return false;
	n = strlen(name_r);
	name_r[n++] = '@';
	if (!str_copy(name_r + n, WIRE_MAILBOX_MAX + 1 - n, mailbox_domain(m)))
		return false;
	str_lower(name_r + n);
	return true;
}

/* --- what is known --- */

static struct known *
find_known(struct dovecot_users *u, const char *name)
{
	for (size_t i = 0; i < u->known_n; i++)
		if (strcmp(u->known[i].name, name) == 0)
			return &u->known[i];
	return NULL;
}

static void
keep(struct dovecot_users *u, const char *name, bool there)
{
	struct known *k = find_known(u, name);

	if (!k) {
		k = &u->known[u->known_next];
		u->known_next = (u->known_next + 1) % USERS_KEPT_MAX;
		if (u->known_n < USERS_KEPT_MAX)
			u->known_n++;
	}
	str_copyz(k->name, sizeof(k->name), name);
	k->there = there;
	k->until_ms = clock_mono_ms() + USERS_KEEP_MS;
}

enum dovecot_user
dovecot_users_cached(struct dovecot_users *u, const struct mailbox *m)
{
	char name[WIRE_MAILBOX_MAX + 1];
	const struct known *k;

	if (!name_of(u, m, name))
		return DOVECOT_USER_NONE;
	k = find_known(u, name);
	if (!k || clock_mono_ms() >= k->until_ms)
		return DOVECOT_USER_UNKNOWN;
	return k->there ? DOVECOT_USER_THERE : DOVECOT_USER_NONE;
}

/* --- asking --- */

static void
lookup_free(struct dovecot_lookup *q)
{
	list_remove(&q->node);
	q->u->lookups_n--;
	loop_timer_free(q->timer);
	free(q);
}

static void
finish(struct dovecot_lookup *q, enum dovecot_user user)
{
	dovecot_users_fn *fn = q->fn;
	void *arg = q->arg;

	lookup_free(q);
	fn(arg, user);
}

static void
on_lookup_timer(void *arg)
{
	finish(arg, DOVECOT_USER_TEMP);
}

static void
send_lookup(struct dovecot_lookup *q)
{
	struct buf b;

	q->id = ++q->u->last_id;
	buf_init(&b, 0);
	buf_addf(&b, "USER\t%u\t", q->id);
	dovecot_escape(str_of(q->name), &b);
	buf_addz(&b, "\tservice=smtp\n");
	if (!dovecot_conn_send(q->u->conn, buf_view(&b)))
		loop_timer_set(q->timer, 0);
	buf_free(&b);
}

struct dovecot_lookup *
dovecot_users_ask(struct dovecot_users *u, const struct mailbox *m,
	dovecot_users_fn *fn, void *arg)
{
	struct dovecot_lookup *q = xcalloc(1, sizeof(*q));
	bool fits = name_of(u, m, q->name);

	q->u = u;
	q->fn = fn;
	q->arg = arg;
	q->timer = loop_timer_new(u->loop, on_lookup_timer, q);
	list_push(&u->lookups, &q->node);
	u->lookups_n++;
	if (!fits || u->lookups_n > USERS_ASKED_MAX ||
		!dovecot_conn_wake(u->conn)) {
		loop_timer_set(q->timer, 0);
		return q;
	}
	loop_timer_set(q->timer, USERS_ANSWER_MS);
	if (dovecot_conn_is_up(u->conn))
		send_lookup(q);
	return q;
}

void
dovecot_users_cancel(struct dovecot_lookup *q)
{
	if (q)
		lookup_free(q);
}

/* --- what Dovecot says --- */

static void
on_greet(void *arg)
{
	struct dovecot_users *u = arg;

	u->version_seen = false;
	u->last_id = 0;
	dovecot_conn_send(u->conn, STR("VERSION\t1\t1\n"));
}

static bool
on_version(struct dovecot_users *u, const char *verb, char *rest)
{
	const char *major = dovecot_field(&rest);

	if (strcmp(verb, "VERSION") != 0 || !major || strcmp(major, "1") != 0)
		return false;
	u->version_seen = true;
	return true;
}

static void
handshake_done(struct dovecot_users *u)
{
	dovecot_conn_up(u->conn);
	LIST_EACH(node, tmp, &u->lookups)
	send_lookup(LIST_ITEM(node, struct dovecot_lookup, node));
}

static struct dovecot_lookup *
find_lookup(struct dovecot_users *u, const char *text)
{
	uint64_t id;

	if (!text || !str_u64(str_of(text), &id) || id == 0)
		return NULL;
	LIST_EACH(node, tmp, &u->lookups)
	{
		struct dovecot_lookup *q =
			LIST_ITEM(node, struct dovecot_lookup, node);

		if (q->id == id)
			return q;
	}
	return NULL;
}

static void
on_answer(struct dovecot_users *u, const char *verb, char *rest)
{
	struct dovecot_lookup *q = find_lookup(u, dovecot_field(&rest));
	bool there = strcmp(verb, "USER") == 0;

	if (!q)
		return;
	if (there || strcmp(verb, "NOTFOUND") == 0) {
		keep(u, q->name, there);
		finish(q, there ? DOVECOT_USER_THERE : DOVECOT_USER_NONE);
	} else if (strcmp(verb, "FAIL") == 0) {
		finish(q, DOVECOT_USER_TEMP);
	}
}

static bool
on_line(void *arg, char *line)
{
	struct dovecot_users *u = arg;
	char *rest = line;
	const char *verb = dovecot_field(&rest);

	if (!u->version_seen)
		return on_version(u, verb, rest);
	if (dovecot_conn_is_up(u->conn))
		on_answer(u, verb, rest);
	else if (strcmp(verb, "SPID") == 0)
		handshake_done(u);
	return true;
}

static void
on_lost(void *arg)
{
	struct dovecot_users *u = arg;

	LIST_EACH(node, tmp, &u->lookups)
	{
		struct dovecot_lookup *q =
			LIST_ITEM(node, struct dovecot_lookup, node);

		q->id = 0;
		loop_timer_set(q->timer, 0);
	}
}

static const struct dovecot_conn_ops conn_ops = {
	.greet = on_greet,
	.line = on_line,
	.lost = on_lost,
};

/* --- beginning and end --- */

struct dovecot_users *
dovecot_users_new(struct loop *loop)
{
	struct dovecot_users *u = xcalloc(1, sizeof(*u));

	u->loop = loop;
	u->conn = dovecot_conn_new(loop, "users", &conn_ops, u);
	u->separators = str_dupz("");
	list_init(&u->lookups);
	return u;
}

void
dovecot_users_free(struct dovecot_users *u)
{
	if (!u)
		return;
	LIST_EACH(node, tmp, &u->lookups)
	lookup_free(LIST_ITEM(node, struct dovecot_lookup, node));
	dovecot_conn_free(u->conn);
	free(u->separators);
	free(u->known);
	free(u);
}

void
dovecot_users_set_conf(struct dovecot_users *u, const struct conf *conf)
{
	bool used = conf->local.users == USERS_DOVECOT;

	/* A reload forgets: it is how an operator says "look again". */
	u->known_n = u->known_next = 0;
	free(u->separators);
	u->separators = str_dupz(conf->local.separators);
	if (used && !u->known)
		u->known = xcalloc(USERS_KEPT_MAX, sizeof(*u->known));
	dovecot_conn_set_path(u->conn, used ? conf->local.users_from : NULL);
	if (used)
		dovecot_conn_wake(u->conn);
}

bool
dovecot_users_is_used(const struct dovecot_users *u)
{
	return dovecot_conn_path(u->conn) != NULL;
}
