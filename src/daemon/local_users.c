#include "daemon/local_users.h"

#include "daemon/userlist.h"

#include <stdlib.h>

struct local_users {
	struct node *n;
	const struct spool_claimed *claimed; /* borrowed */
	local_users_fn *done;
	void *arg;
	struct dovecot_lookup *lookup; /* NULL: none is under way */
	size_t at;		       /* the recipient in hand */
	enum dovecot_user *users;      /* owned; one a recipient */
};

static void ask_on(struct local_users *q);

static void
answered(void *arg, enum dovecot_user user)
{
	struct local_users *q = arg;

	q->lookup = NULL;
	q->users[q->at++] = user;
	ask_on(q);
}

/* UNKNOWN: Dovecot has to be asked. */
static enum dovecot_user
known(const struct local_users *q, const struct spool_delivery *d,
	struct mailbox *m_r)
{
	struct dovecot_users *dovecot = q->n->dovecot_users;

	if (!address_parse(str_of(d->recipient), true, m_r) ||
		mailbox_is_postmaster(m_r))
		return DOVECOT_USER_THERE;
	if (dovecot_users_is_used(dovecot))
		return d->alias[0] ? dovecot_users_cached(dovecot, m_r)
				   : DOVECOT_USER_THERE;
	return userlist_has(q->n, m_r) ? DOVECOT_USER_THERE : DOVECOT_USER_NONE;
}

static void
ask_on(struct local_users *q)
{
	const struct spool_claimed *c = q->claimed;

	for (; q->at < c->n; q->at++) {
		struct mailbox m;

		q->users[q->at] = known(q, &c->deliveries[q->at], &m);
		if (q->users[q->at] != DOVECOT_USER_UNKNOWN)
			continue;
		q->lookup =
			dovecot_users_ask(q->n->dovecot_users, &m, answered, q);
		return;
	}
	q->done(q->arg);
}

void
local_users_ask(struct node *n, const struct spool_claimed *c,
	local_users_fn *done, void *arg, struct local_users **asked_r)
{
	struct local_users *q = xcalloc(1, sizeof(*q));

	q->n = n;
	q->claimed = c;
	q->done = done;
	q->arg = arg;
	q->users = xcalloc(c->n, sizeof(*q->users));
	*asked_r = q;
	ask_on(q);
}

enum dovecot_user
local_users_of(const struct local_users *q, size_t i)
{
	return q->users[i];
}

void
local_users_free(struct local_users *q)
{
	if (!q)
		return;
	dovecot_users_cancel(q->lookup);
	free(q->users);
	free(q);
}
