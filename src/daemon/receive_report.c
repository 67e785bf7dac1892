/*
 * What the sender and the log hear of the aliases of a message: that it was
 * delivered to a list, or expanded (RFC 3461 5.2.7), in the transaction that
 * stores it.
 */
#include "daemon/receive_private.h"

#include "base/log.h"
#include "daemon/bounce.h"
#include "spool/records.h"

#include <stdio.h>

#define LIST_TEXT "It is a list, and sends your message on to its members."

/* No delivery stands for it, but the notice tells of one. */
static void
delivery_of(const struct receive_alias *a, const struct spool_message *m,
	struct spool_delivery *d)
{
	*d = (struct spool_delivery){.message = m->id, .params = a->given};
	str_copyz(d->recipient, sizeof(d->recipient), a->named.text);
}

struct bounce *
receive_report_new(struct node *n, const struct spool_message *m,
	const struct receive_alias *aliases, size_t aliases_n)
{
	struct bounce *b = NULL;

	for (size_t i = 0; i < aliases_n; i++) {
		bool list = aliases[i].kind == ALIAS_LIST;
		struct bounce_row row = {
			.action = list ? DSN_DELIVERED : DSN_EXPANDED,
			.status = "2.0.0",
			.reply = list ? LIST_TEXT : "",
			.peer = "",
			.last_attempt = m->received_at,
		};
		struct spool_delivery d;

		delivery_of(&aliases[i], m, &d);
		if (aliases[i].kind == ALIAS_ONE || aliases[i].known ||
			!bounce_wanted(n, m, &d, row.action))
			continue;
		if (!b)
			b = bounce_new(n, m);
		bounce_add(b, &d, &row);
	}
	return b;
}

/* "list crew@a.example, 12 addresses, as owner-crew@a.example" */
static void
say(const struct receive_alias *a, char *out, size_t size)
{
	bool list = a->kind == ALIAS_LIST;

	snprintf(out, size, "%s <%s>: %zu address%s%s%s%s",
		list ? "list" : "alias", a->named.text, a->members_n,
		a->members_n == 1 ? "" : "es", list ? ", sent on as <" : "",
		list ? a->owners[0].text : "", list ? ">" : "");
}

enum err_code
receive_report_write(struct spool_txn *t, const struct spool_message *m,
	const struct receive_alias *aliases, size_t aliases_n, uint64_t session,
	struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < aliases_n && rc == OK; i++) {
		struct spool_event ev = {
			.time = m->received_at,
			.level = LOG_INFO,
			.event = "expanded",
			.session = session,
			.message = m->id,
		};

		say(&aliases[i], ev.text, sizeof(ev.text));
		rc = spool_event_add(t, &ev, e);
	}
	return rc;
}

void
receive_report_log(const struct spool_message *m,
	const struct receive_alias *aliases, size_t aliases_n)
{
	char text[SPOOL_TEXT_MAX + 1];

	for (size_t i = 0; i < aliases_n; i++) {
		say(&aliases[i], text, sizeof(text));
		log_info("expanded", LOG_INT("msg", m->id),
			LOG_STR("what", text));
	}
}
