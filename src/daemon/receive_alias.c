/*
 * RCPT for an alias: what it stands for takes its place, each address with a
 * route of its own, in the transaction that stores the message.
 */
#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void
receive_aliases_free(struct receive_alias *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].owners);
	free(v);
}

void
receive_alias_forget(struct receive *r)
{
	receive_seen_free(r->seen);
	r->seen = NULL;
	r->aliases = NULL;
	r->aliases_n = 0;
}

/* --- may they have it? ---------------------------------------------------- */

struct expansion {
	const struct receive *r;
	struct alias_list list;	    /* owned */
	struct receive_rcpt *rcpts; /* owned; one for each of the list */
	const struct receive_facts *facts;
	size_t facts_at; /* those before are of others */
};

static const struct mailbox *
sender_of(const struct expansion *x, size_t i)
{
	size_t owner = x->list.v[i].owner;

	return owner ? &x->list.owners[owner - 1] : &x->r->sender;
}

static bool
find_route(const struct expansion *x, size_t i, struct reply *reply_r)
{
	const struct mailbox *to = &x->rcpts[i].mailbox;

	if (policy_route_now(x->r->n, to, x->rcpts[i].route))
		return receive_times_rcpt(x->r, x->rcpts[i].route, reply_r);
	log_warning("alias-without-route", LOG_INT("session", x->r->s->id),
		LOG_STR("to", to->text));
	reply_set(reply_r, 451, "4.4.4",
		"This alias leads to <%s>, to which there is no route now",
		to->text);
	return false;
}

/* They were asked for in the order of the list. */
static const struct receive_fact *
fact_for(struct expansion *x, size_t i, const char *customer)
{
	const struct receive_facts *f = x->facts;

	for (size_t k = x->facts_at; f && k < f->n; k++) {
		if (strcmp(f->v[k].mailbox.text, x->rcpts[i].mailbox.text) ||
			strcmp(f->v[k].customer, customer) != 0)
			continue;
		x->facts_at = k + 1;
		return &f->v[k];
	}
	return NULL;
}

/* Those before it on the same route, of the whole transaction. */
static size_t
count_earlier(const struct expansion *x, size_t i)
{
	size_t n = receive_rcpt_count(x->r, x->rcpts[i].route);

	for (size_t k = 0; k < i; k++)
		n += strcmp(x->rcpts[k].route, x->rcpts[i].route) == 0;
	return n;
}

/* As if RCPT had named it: of a customer, who has a say. */
static bool
admit(struct expansion *x, size_t i, struct reply *reply_r)
{
	const struct receive *r = x->r;
	struct receive_rcpt *rcpt = &x->rcpts[i];
	const char *customer = policy_route_customer(rcpt->route);
	const struct receive_fact *fact =
		customer ? fact_for(x, i, customer) : NULL;
	struct policy_recipient q = {.customer = customer};

	if (!customer)
		return true;
	rcpt->earlier_n = count_earlier(x, i);
	q.message = (struct admit_message){
		.recipient = &rcpt->mailbox,
		.sender = sender_of(x, i),
		.has_size = r->params.has_size,
		.size = r->params.size_bytes,
		.pending = rcpt->earlier_n * r->params.size_bytes,
		.now = clock_sane_s(),
	};
	if (fact) {
		rcpt->facts = fact->facts;
		q.facts = &fact->facts;
	}
	policy_admit(r->n, customer, &q, reply_r);
	return reply_r->code == 250;
}

/* The others have it, and who must know is told of this one. */
static void
refuse_one(const struct expansion *x, size_t i, const struct reply *reply)
{
	struct receive_rcpt *rcpt = &x->rcpts[i];

	str_copyz(rcpt->status, sizeof(rcpt->status),
		reply->enhanced[0] ? reply->enhanced : "5.0.0");
	rcpt->status[0] = '5'; /* it is not tried again */
	reply_one_line(reply, rcpt->refusal, sizeof(rcpt->refusal));
	log_info("member-refused", LOG_INT("session", x->r->s->id),
		LOG_STR("from", sender_of(x, i)->text),
		LOG_STR("to", rcpt->mailbox.text),
		LOG_STR("reply", rcpt->refusal));
}

/*
 * What passes is for all of an alias or for none of it: the client comes again.
 * A list goes on without who cannot have it now; its owner hears of that.
 */
static bool
may_have_all(struct expansion *x, struct reply *reply_r)
{
	size_t refused = 0;
	struct reply reply;

	for (size_t i = 0; i < x->list.n; i++) {
		x->rcpts[i].mailbox = x->list.v[i].mailbox;
		if (!find_route(x, i, reply_r))
			return false;
		if (admit(x, i, &reply))
			continue;
		refused++;
		if (refused == x->list.n ||
			(reply_class(&reply) == 4 && !x->list.v[i].owner)) {
			*reply_r = reply;
			return false;
		}
		refuse_one(x, i, &reply);
	}
	return true;
}

/* --- taking them ---------------------------------------------------------- */

/*
 * RFC 3461 5.2.7: what the sender asked of reports ends at a list, goes with
 * the one address of an alias, and with many, but for SUCCESS: who wants no
 * word of failures gets none of the others either.
 */
static void
set_params(struct receive_rcpt *rcpt, const struct rcpt_params *given,
	enum alias_kind kind)
{
	unsigned notify = given->notify & ~(unsigned)NOTIFY_SUCCESS;

	if (rcpt->owner)
		return;
	rcpt->params = *given;
	if (kind != ALIAS_ONE && given->notify)
		rcpt->params.notify = notify ? notify : NOTIFY_NEVER;
}

static void
add_alias(struct receive *r, const struct smtp_event *ev, struct alias_list *l)
{
	struct receive_alias *a;

	r->aliases =
		xrealloc(r->aliases, (r->aliases_n + 1) * sizeof(*r->aliases));
	a = &r->aliases[r->aliases_n++];
	*a = (struct receive_alias){.named = *ev->mailbox,
		.given = *ev->rcpt,
		.kind = l->kind,
		.owners = l->owners,
		.owners_n = l->owners_n,
		.members_n = l->n};
	l->owners = NULL;
	l->owners_n = 0;
}

static void
add_all(struct receive *r, const struct smtp_event *ev, struct expansion *x)
{
	struct str id = receive_rcpt_id(r, ev);

	add_alias(r, ev, &x->list);
	for (size_t i = 0; i < x->list.n; i++) {
		struct receive_rcpt *slot, *from = &x->rcpts[i];

		if (receive_seen_find(r, &from->mailbox, id))
			continue;
		slot = receive_rcpt_push(r);
		from->generation = slot->generation;
		*slot = *from;
		str_copy(slot->ledger, sizeof(slot->ledger), id);
		slot->alias = r->aliases_n;
		slot->owner = x->list.v[i].owner;
		set_params(slot, ev->rcpt, x->list.kind);
	}
}

bool
receive_alias(struct receive *r, const struct smtp_event *ev,
	const struct receive_facts *facts, struct reply *reply_r)
{
	const struct conf *conf = r->n->conf;
	struct expansion x = {.r = r, .facts = facts};
	struct err e = {0};
	bool ok = false;

	if (aliases_expand(conf, ev->mailbox, !mailbox_is_null(&r->sender),
		    &x.list, &e) != OK) {
		reply_set(reply_r, 451, "4.3.5", "This alias is wrong: %s",
			e.text);
	} else if (r->rcpts_n + x.list.n >
		   (size_t)conf->limits.recipients +
			   conf->limits.alias_addresses) {
		reply_set(reply_r, 452, "4.5.3",
			"Too many recipients with those of this alias");
	} else {
		x.rcpts = xcalloc(x.list.n, sizeof(*x.rcpts));
		ok = may_have_all(&x, reply_r);
	}
	if (ok)
		add_all(r, ev, &x);
	free(x.rcpts);
	alias_list_free(&x.list);
	return ok;
}

/* --- what must be asked first --------------------------------------------- */

struct receive_facts *
receive_alias_facts(const struct receive *r, const struct mailbox *named)
{
	struct receive_facts *f = NULL;
	struct alias_list list;
	struct policy_client c;
	struct err e = {0};

	receive_policy_client(r, &c);
	c.turned = false; /* an alias may lead anywhere */
	if (aliases_expand(r->n->conf, named, !mailbox_is_null(&r->sender),
		    &list, &e) != OK)
		list.n = 0; /* the answer says why */
	for (size_t i = 0; i < list.n; i++) {
		const struct alias_member *m = &list.v[i];
		char customer[SASL_NAME_MAX + 1];
		struct receive_fact *fact;

		if (!policy_asks_spool(r->n, &c, &m->mailbox, customer))
			continue;
		if (!f)
			f = xcalloc(
				1, sizeof(*f) + (list.n - i) * sizeof(f->v[0]));
		fact = &f->v[f->n++];
		fact->mailbox = m->mailbox;
		memcpy(fact->customer, customer, sizeof(customer));
		str_copyz(fact->sender, sizeof(fact->sender),
			m->owner ? list.owners[m->owner - 1].text
				 : r->sender.text);
	}
	alias_list_free(&list);
	return f;
}
