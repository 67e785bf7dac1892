/*
 * RCPT for an alias: what it stands for takes its place, each address with a
 * route of its own, in the transaction that stores the message.
 */
#include "daemon/receive_private.h"

#include "base/log.h"
#include "conf/aliases.h"

#include <stdlib.h>
#include <string.h>

struct receive_rcpt *
receive_alias_find(
	const struct receive *r, const struct mailbox *to, struct str id)
{
	for (size_t i = 0; i < r->rcpts_n; i++) {
		struct receive_rcpt *rcpt = &r->rcpts[i];

		if (rcpt->mailbox.local_n == to->local_n && !rcpt->refusal[0] &&
			str_eq_nocase(
				str_of(rcpt->mailbox.text), str_of(to->text)) &&
			str_eq(str_of(rcpt->ledger), id))
			return rcpt;
	}
	return NULL;
}

/*
 * RFC 3461 5.2.7.3 (b): the first address reports for the alias. Who wants no
 * word of failures gets none of the others either.
 */
static void
set_params(
	struct receive_rcpt *rcpt, const struct rcpt_params *given, bool first)
{
	unsigned notify = given->notify & ~(unsigned)NOTIFY_SUCCESS;

	if (first)
		rcpt->params = *given;
	else if (given->notify)
		rcpt->params.notify = notify ? notify : NOTIFY_NEVER;
}

/* Is there a way to all of them, in time? */
static bool
find_routes(const struct receive *r, const struct alias_list *l,
	struct receive_rcpt *rcpts, struct reply *reply_r)
{
	for (size_t i = 0; i < l->n; i++) {
		rcpts[i].mailbox = l->v[i];
		if (!policy_route_now(r->n, &l->v[i], rcpts[i].route)) {
			log_warning("alias-without-route",
				LOG_INT("session", r->s->id),
				LOG_STR("to", l->v[i].text));
			reply_set(reply_r, 451, "4.4.4",
				"This alias leads to <%s>, to which there is "
				"no route now",
				l->v[i].text);
			return false;
		}
		if (!receive_times_rcpt(r, rcpts[i].route, reply_r))
			return false;
	}
	return true;
}

static void
add_all(struct receive *r, const struct smtp_event *ev,
	const struct receive_rcpt *rcpts, size_t n)
{
	struct str id = receive_rcpt_id(r, ev);

	r->aliases_n++;
	for (size_t i = 0; i < n; i++) {
		struct receive_rcpt *slot;

		if (receive_alias_find(r, &rcpts[i].mailbox, id))
			continue;
		slot = receive_rcpt_push(r);
		slot->mailbox = rcpts[i].mailbox;
		str_copyz(slot->route, sizeof(slot->route), rcpts[i].route);
		str_copy(slot->ledger, sizeof(slot->ledger), id);
		slot->alias = r->aliases_n;
		set_params(slot, ev->rcpt, i == 0);
	}
}

bool
receive_alias(
	struct receive *r, const struct smtp_event *ev, struct reply *reply_r)
{
	const struct conf *conf = r->n->conf;
	struct receive_rcpt *rcpts = NULL;
	struct alias_list list;
	struct err e = {0};
	bool ok = false;

	if (aliases_expand(conf, ev->mailbox, &list, &e) != OK) {
		reply_set(reply_r, 451, "4.3.5", "This alias is wrong: %s",
			e.text);
	} else if (r->rcpts_n + list.n > (size_t)conf->limits.recipients +
						 conf->limits.alias_addresses) {
		reply_set(reply_r, 452, "4.5.3",
			"Too many recipients with those of this alias");
	} else {
		rcpts = xcalloc(list.n, sizeof(*rcpts));
		ok = find_routes(r, &list, rcpts, reply_r);
	}
	if (ok)
		add_all(r, ev, rcpts, list.n);
	free(rcpts);
	alias_list_free(&list);
	return ok;
}
