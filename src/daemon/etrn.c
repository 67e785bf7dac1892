#include "daemon/etrn.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/ashore.h"
#include "daemon/etrn_private.h"
#include "daemon/policy.h"
#include "daemon/serve.h"
#include "net/listen.h"
#include "sched/rate.h"
#include "spool/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Deliveries looked at for the number in a reply; beyond: not told. */
	ETRN_COUNT_MAX = 1000,
	ETRN_COUNT_PAGE = 100,
};

/* --- what is asked for --- */

void
etrn_want_add(struct etrn_want *w, struct str domain)
{
	w->domains =
		xrealloc(w->domains, (w->domains_n + 1) * sizeof(*w->domains));
	w->domains[w->domains_n++] = str_dup(domain);
}

void
etrn_want_clear(struct etrn_want *w)
{
	for (size_t i = 0; i < w->domains_n; i++)
		free(w->domains[i]);
	free(w->domains);
	w->domains = NULL;
	w->domains_n = 0;
}

static bool
is_wanted(const struct etrn_want *w, struct str domain)
{
	for (size_t i = 0; i < w->domains_n; i++)
		if (str_eq_nocase(str_of(w->domains[i]), domain))
			return true;
	return !w->domains;
}

void
etrn_want_join(struct etrn_want *w, const struct etrn_want *more)
{
	if (!w->domains)
		return;
	if (!more->domains)
		etrn_want_clear(w);
	for (size_t i = 0; i < more->domains_n; i++)
		if (!is_wanted(w, str_of(more->domains[i])))
			etrn_want_add(w, str_of(more->domains[i]));
}

/* --- who may ask for what --- */

/* RFC 1985 5.3: foo.example and all below it, never barfoo.example */
static bool
is_at_or_below(struct str domain, struct str top)
{
	struct str tail;

	if (domain.n <= top.n)
		return str_eq_nocase(domain, top);
	tail = str_skip(domain, domain.n - top.n);
	return tail.p[-1] == '.' && str_eq_nocase(tail, top);
}

static bool
has_address(const struct spool_account *a, const char *address)
{
	struct str rest = str_of(a->networks);
	char cidr[NET_ADDRESS_MAX + sizeof("/128")];

	while (rest.n)
		if (str_copy(cidr, sizeof(cidr), str_cut(rest, '\n', &rest)) &&
			net_in_network(address, cidr))
			return true;
	return false;
}

/* The domains of A that WHAT names; false: none. */
static bool
matches(const struct spool_account *a, struct str what, struct etrn_want *want)
{
	struct str rest = str_of(a->domains);
	size_t n = 0;

	str_copyz(want->name, sizeof(want->name), a->name);
	if (what.p[0] == '#')
		return str_eq(str_skip(what, 1), str_of(a->name));
	for (; rest.n; n++) {
		struct str domain = str_cut(rest, '\n', &rest);

		if (what.p[0] == '@' ? is_at_or_below(domain, str_skip(what, 1))
				     : str_eq_nocase(domain, what))
			etrn_want_add(want, domain);
	}
	if (want->domains_n == 0)
		return false;
	if (want->domains_n == n)
		etrn_want_clear(want); /* all it has */
	return true;
}

static bool
is_customer(const struct spool_account *a)
{
	return a && a->kind == ACCOUNT_CUSTOMER && !a->suspended;
}

/*
 * The one customer whose mail this client may ask for as WHAT: itself, where
 * it logged in, else one whose network it is in. NULL: none.
 */
static const struct spool_account *
find_customer(struct node *n, const char *account, const char *address,
	struct str what, struct etrn_want *want)
{
	const struct spool_account *a = NULL;

	if (account[0])
		a = accounts_get(n->accounts, account);
	if (is_customer(a) && matches(a, what, want))
		return a;
	for (size_t i = 0; (a = accounts_nth(n->accounts, i)); i++)
		if (is_customer(a) && has_address(a, address) &&
			matches(a, what, want))
			return a;
	return NULL;
}

/* --- what waits --- */

/* A look at the queue for who asked, or for a run that begins anew. */
struct look {
	struct etrn *e;
	struct session *s; /* held; NULL: nobody waits for an answer */
	struct etrn_want want;
	struct ashore_call *ashore;
	char target[SPOOL_NAME_MAX + 1];
	char route[SPOOL_NAME_MAX + 1];
	int64_t now, refused_before;
	uint64_t due, later; /* messages */
	bool busy;	     /* a session that just ends still has some */
	bool more;	     /* than were counted */
};

static void
free_look(struct look *l)
{
	if (l->s)
		session_release(l->s);
	etrn_want_clear(&l->want);
	ashore_call_free(l->ashore);
	free(l);
}

/* Counts messages: the rows of one stand side by side. */
static void
count_rows(struct look *l, const struct spool_row *rows, size_t n,
	int64_t *due_id, int64_t *later_id)
{
	for (size_t i = 0; i < n; i++) {
		const struct spool_delivery *d = &rows[i].d;
		const char *at = strrchr(d->recipient, '@');
		bool due = d->state == SPOOL_READY ||
			   (d->state == SPOOL_DEFERRED &&
				   d->next_attempt <= l->now);

		if (!at || !is_wanted(&l->want, str_of(at + 1)))
			continue;
		l->busy |= d->state == SPOOL_ACTIVE;
		if (due && d->message != *due_id) {
			*due_id = d->message;
			l->due++;
		} else if (d->state == SPOOL_DEFERRED &&
			   d->message != *later_id) {
			*later_id = d->message;
			l->later++;
		}
	}
}

static enum err_code
count(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *l = arg;
	struct spool_filter f = {.route = l->route};
	struct spool_cursor at = {0, 0};
	int64_t due_id = 0, later_id = 0;
	size_t looked = 0, n = ETRN_COUNT_PAGE;
	enum err_code rc = OK;

	l->due = l->later = 0;
	l->busy = false;
	for (; rc == OK && n == ETRN_COUNT_PAGE && looked < ETRN_COUNT_MAX;
		looked += n) {
		struct spool_row *rows = NULL;

		n = 0;
		rc = spool_list(t, &f, &at, ETRN_COUNT_PAGE, &rows, &n, e);
		if (rc == OK)
			count_rows(l, rows, n, &due_id, &later_id);
		free(rows);
	}
	l->more = n == ETRN_COUNT_PAGE;
	return rc;
}

static enum err_code
wake(struct spool_txn *t, void *arg, struct err *e)
{
	struct look *l = arg;
	const struct spool_wake all = {.route = l->route,
		.now = l->now,
		.refused_before = l->refused_before};
	enum err_code rc = spool_route_wake(t, &all, NULL, e);

	return rc == OK ? ashore_tell(t, l->ashore, e) : rc;
}

static void
say_running(struct reply *r)
{
	reply_set(r, 252, "2.0.0",
		"Messages are being delivered now; what waits goes with them");
}

/* RFC 1985 5.1: what is true now */
static void
say_counted(const struct look *l, struct reply *r)
{
	if (l->due && !l->more)
		reply_set(r, 253, "2.0.0",
			"%llu message%s waiting, delivery started",
			(unsigned long long)l->due, l->due == 1 ? "" : "s");
	else if (l->due || l->more)
		reply_set(r, 250, "2.0.0", "Delivery started");
	else if (l->busy)
		say_running(r);
	else if (l->later)
		reply_set(r, 458, "4.3.0",
			"%llu message%s waiting that your host refused just "
			"now; tried again later",
			(unsigned long long)l->later, l->later == 1 ? "" : "s");
	else
		reply_set(r, 251, "2.0.0", "No messages waiting");
}

static void
answer(const struct look *l, const struct reply *r)
{
	char line[256];

	if (!l->s)
		return;
	reply_one_line(r, line, sizeof(line));
	log_info("etrn", LOG_INT("session", l->s->id),
		LOG_STR("account", l->want.name), LOG_STR("reply", line));
	session_answer(l->s, r);
}

static void
cannot_read(struct look *l, const struct err *e)
{
	struct reply r;

	log_error("queue-unreadable", LOG_STR("account", l->want.name),
		LOG_STR("why", e->text));
	reply_set(&r, 458, "4.3.0", "The queue cannot be read now");
	answer(l, &r);
	free_look(l);
}

static void
counted(void *arg, enum err_code code, const struct err *e)
{
	struct look *l = arg;
	struct etrn_run *run = etrn_run_find(l->e, l->want.name);
	struct reply r;

	if (code != OK) {
		cannot_read(l, e);
		return;
	}
	if (run) {
		etrn_run_again(run, &l->want);
		say_running(&r);
	} else {
		say_counted(l, &r);
		if (l->due || l->more)
			etrn_run_start(l->e, &l->want, l->target);
	}
	answer(l, &r);
	free_look(l);
}

static void
woken(void *arg, enum err_code code, const struct err *e)
{
	struct look *l = arg;

	if (code != OK) {
		cannot_read(l, e);
		return;
	}
	ashore_told(l->ashore);
	spool_submit_read(l->e->n->spool, count, counted, l);
}

/* WANT is the look's from now on. */
static void
look(struct etrn *e, struct session *s, const struct spool_account *a,
	struct etrn_want *want)
{
	struct look *l = xcalloc(1, sizeof(*l));

	l->e = e;
	l->s = s;
	if (s)
		session_hold(s);
	l->want = *want;
	*want = (struct etrn_want){.domains = NULL};
	str_copyz(l->target, sizeof(l->target), a->etrn);
	policy_customer_route(a->name, l->route);
	l->ashore = ashore_call_new(e->n, a->name,
		(const char *const *)l->want.domains, l->want.domains_n);
	l->now = clock_sane_s();
	l->refused_before = l->now - e->n->conf->queue.retry_s[0];
	spool_submit(e->n->spool, wake, woken, l);
}

void
etrn_restart(struct etrn *e, struct etrn_want *want)
{
	const struct spool_account *a =
		accounts_get(e->n->accounts, want->name);

	if (!e->stopping && is_customer(a) && a->etrn[0])
		look(e, NULL, a, want);
	etrn_want_clear(want);
}

/* --- the command --- */

static bool
is_too_often(struct node *n, const char *name, struct reply *r)
{
	char key[SASL_NAME_MAX + sizeof("etrn ")];
	unsigned most = n->conf->limits.etrn_per_hour, wait_s;

	snprintf(key, sizeof(key), "etrn %s", name);
	if (rate_take(n->rate, key, most, clock_mono_ms(), &wait_s))
		return false;
	reply_set(r, 458, "4.7.0",
		"More than %u ETRN within an hour; again in %u s", most,
		wait_s);
	return true;
}

static void
refuse(struct session *s, const char *account, struct str what,
	const struct reply *r)
{
	char line[256];

	reply_one_line(r, line, sizeof(line));
	log_info("etrn-refused", LOG_INT("session", s->id),
		LOG_STR("peer", s->peer), LOG_STR("account", account),
		LOG_VIEW("asked", what), LOG_STR("reply", line));
	machine_answer(s->machine, r);
}

void
etrn_ask(struct session *s, const char *account, struct str what)
{
	struct node *n = s->n;
	struct etrn_want want = {.domains = NULL};
	const struct spool_account *a = find_customer(
		n, account, stream_peer_address(s->stream), what, &want);
	struct etrn_run *run;
	struct reply r;

	if (!a) {
		reply_set(&r, 459, "4.7.1",
			"You may not ask for this: log in as the customer");
		refuse(s, account, what, &r);
	} else if (is_too_often(n, a->name, &r)) {
		refuse(s, a->name, what, &r);
	} else if (!a->etrn[0]) {
		reply_set(&r, 458, "4.3.0",
			"No host is known to deliver to; collect by ATRN");
		refuse(s, a->name, what, &r);
	} else if ((run = etrn_run_find(n->etrn, a->name)) ||
		   serve_is_taken(n, a->name)) {
		if (run)
			etrn_run_again(run, &want);
		say_running(&r);
		machine_answer(s->machine, &r);
	} else {
		look(n->etrn, s, a, &want);
	}
	etrn_want_clear(&want);
}

bool
etrn_is_offered(const struct node *n)
{
	return accounts_have_etrn(n->accounts);
}

struct etrn *
etrn_new(struct node *n)
{
	struct etrn *e = xcalloc(1, sizeof(*e));

	e->n = n;
	list_init(&e->runs);
	return e;
}

void
etrn_stop(struct etrn *e)
{
	e->stopping = true;
	etrn_run_stop_all(e);
}

void
etrn_free(struct etrn *e)
{
	free(e);
}
