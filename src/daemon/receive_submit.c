/*
 * Mail of users on a submission port (RFC 6409): its header is held back until
 * it is whole, checked, and completed. A customer's mail is relayed unaltered.
 */
#include "daemon/receive_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/dovecot.h"
#include "mail/submit.h"

#include <stdlib.h>

struct receive_submission {
	struct submit submit;
	bool settled; /* the header was judged, what follows is body */
	bool refused;
	struct reply verdict; /* where it was refused */
};

/* NULL: it went meanwhile. */
static const struct spool_account *
account_of(const struct receive *r)
{
	struct accounts *all = r->n->accounts;
	const struct spool_account *a = accounts_get(all, r->account);

	if (!a && dovecot_is_used(r->n->dovecot))
		a = accounts_guest(all, r->account);
	return a;
}

void
receive_submit_begin(struct receive *r)
{
	const struct spool_account *a = account_of(r);

	receive_submit_forget(r);
	if (r->program ? r->program->transit
		       : r->service != SERVICE_SUBMISSION || r->turned ||
				 r->account[0] == '\0' ||
				 (a && a->kind == ACCOUNT_CUSTOMER))
		return;
	/* What comes back may have to cross a paid link. */
	if (r->params.ret == RET_NONE)
		r->params.ret = RET_HDRS;
	r->submission = xcalloc(1, sizeof(*r->submission));
	submit_init(&r->submission->submit);
}

void
receive_submit_forget(struct receive *r)
{
	if (!r->submission)
		return;
	submit_free(&r->submission->submit);
	free(r->submission);
	r->submission = NULL;
}

/* --- the verdict --- */

static bool
may_send(void *arg, const struct mailbox *address)
{
	const struct receive *r = arg;
	const struct spool_account *a = account_of(r);

	/* Who wrote it stands in Received; cron and forms write for others. */
	return r->program || (a && account_may_send(a, address, r->n->conf));
}

static void
add_header(struct receive *r, struct submit *s)
{
	char date[CLOCK_TEXT_MAX] = "";
	struct submit_facts facts = {
		.sender = r->sender.text,
		.hostname = r->n->conf->hostname,
		.id = r->id,
		.now_s = clock_sane_s(),
		.date = date,
	};

	if (clock_known())
		clock_rfc5322(facts.now_s, date);
	submit_added(s, &facts, &r->body);
	buf_adds(&r->body, buf_view(&s->header));
}

static void
refuse(struct receive *r, struct receive_submission *sub)
{
	char line[256];

	sub->refused = true;
	reply_one_line(&sub->verdict, line, sizeof(line));
	log_info("refused", LOG_INT("session", r->s->id),
		LOG_STR("peer", r->s->peer), LOG_STR("account", r->account),
		LOG_STR("from", r->sender.text), LOG_STR("reply", line));
}

/* The header is whole. */
static void
settle(struct receive *r)
{
	struct receive_submission *sub = r->submission;

	sub->settled = true;
	if (submit_judge(&sub->submit, r->account, may_send, r, &sub->verdict))
		add_header(r, &sub->submit);
	else
		refuse(r, sub);
	submit_free(&sub->submit);
}

/* --- octets on their way --- */

struct str
receive_submit_take(struct receive *r, struct str octets)
{
	struct receive_submission *sub = r->submission;

	if (!sub)
		return octets;
	if (!sub->settled) {
		octets = str_skip(octets, submit_feed(&sub->submit, octets));
		if (sub->submit.state == SUBMIT_DONE)
			settle(r);
	}
	return sub->refused ? (struct str){0} : octets;
}

const struct reply *
receive_submit_end(struct receive *r)
{
	struct receive_submission *sub = r->submission;

	if (!sub)
		return NULL;
	if (!sub->settled) {
		submit_end(&sub->submit);
		settle(r);
	}
	return sub->refused ? &sub->verdict : NULL;
}
