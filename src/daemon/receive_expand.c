/* EXPN (RFC 5321 3.5): what an alias stands for, to those who may relay. */
#include "daemon/receive_private.h"

#include "base/log.h"
#include "wire/grammar.h"

#include <string.h>

bool
receive_expand_is_offered(const struct receive *r)
{
	const struct conf *c = r->n->conf;

	return c->local.alias_table && c->local.expn && !r->turned &&
	       !r->program &&
	       (r->service == SERVICE_SMTP || r->service == SERVICE_SUBMISSION);
}

/* "crew", at the first of our domains, or "crew@a.example". */
static bool
name_of(const struct conf *c, struct str text, struct mailbox *m_r)
{
	struct buf whole;
	bool ok;

	if (address_parse(text, true, m_r))
		return true;
	buf_init(&whole, WIRE_MAILBOX_MAX);
	ok = c->local.domains.n && buf_adds(&whole, text) &&
	     buf_addf(&whole, "@%s", c->local.domains.v[0]) &&
	     address_parse(buf_view(&whole), true, m_r);
	buf_free(&whole);
	return ok;
}

/* "250-2.1.5 <...>", a line each */
static void
line_of(const struct alias_list *l, size_t i, struct reply *reply_r)
{
	reply_set(reply_r, 250, "2.1.5", "<%s>", l->v[i].mailbox.text);
}

static bool
fits(const struct alias_list *l, size_t *octets_r)
{
	enum { AROUND = sizeof("250-2.1.5 <>\r\n") - 1 };

	*octets_r = 0;
	for (size_t i = 0; i < l->n; i++)
		*octets_r += strlen(l->v[i].mailbox.text) + AROUND;
	return *octets_r <= SMTP_SERVER_MORE_MAX;
}

static bool
is_ascii(const struct alias_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!grammar_is_ascii(str_of(l->v[i].mailbox.text)))
			return false;
	return true;
}

/* All lines but the last go out; REPLY_R is the last one, or a refusal. */
static void
show(struct receive *r, const struct alias_list *l, bool utf8,
	struct reply *reply_r)
{
	size_t octets;

	if (!utf8 && !is_ascii(l)) { /* RFC 6531 3.7.4.2 */
		reply_set(reply_r, 550, "5.6.8",
			"There are UTF-8 addresses in it: ask with SMTPUTF8");
		return;
	}
	if (!fits(l, &octets)) {
		reply_set(reply_r, 550, "5.3.4",
			"It has %zu addresses, too many to be shown here",
			l->n);
		return;
	}
	line_of(l, 0, reply_r);
	for (size_t i = 1; i < l->n; i++) {
		smtp_server_more(r->server, reply_r);
		line_of(l, i, reply_r);
	}
}

void
receive_expand(struct receive *r, const struct smtp_event *ev)
{
	struct alias_list list = {.n = 0};
	struct policy_client c;
	struct mailbox name;
	struct reply reply;
	struct err e = {0};

	receive_policy_client(r, &c);
	if (!policy_may_expand(r->n, &c))
		reply_set(&reply, 550, "5.7.1", "Access denied to you");
	else if (!name_of(r->n->conf, ev->text, &name) ||
		 aliases_expand(r->n->conf, &name, true, &list, &e) != OK)
		reply_set(&reply, 550, "5.1.1",
			"No alias or list of this name here");
	else
		show(r, &list, ev->utf8, &reply);
	log_info("expn", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_VIEW("name", ev->text),
		LOG_INT("code", reply.code), LOG_INT("addresses", list.n));
	alias_list_free(&list);
	machine_answer(r->s->machine, &reply);
}
