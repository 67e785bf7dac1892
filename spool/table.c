#include "spool/table.h"

#include <stdlib.h>
#include <string.h>

const char *
route_customer(const char *route)
{
	size_t n = sizeof(CUSTOMER_PREFIX) - 1;

	return strncmp(route, CUSTOMER_PREFIX, n) ? NULL : route + n;
}

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define COLUMN(type, name, kind, member)                                       \
	{                                                                      \
		name, kind, offsetof(type, member),                            \
			sizeof(((type *)0)->member)                            \
	}

/* --- message --- */

#define C(name, kind, member) COLUMN(struct spool_message, name, kind, member)
static const struct column message_columns[] = {
	[MESSAGE_ID] = C("id", COL_I64, id),
	C("sender", COL_TEXT, sender),
	C("received_at", COL_I64, received_at),
	C("received_from", COL_TEXT, received_from),
	C("account", COL_TEXT, account),
	C("size", COL_U64, size),
	C("has_8bit", COL_BOOL, has_8bit),
	C("priority", COL_INT, priority),
	C("is_notice", COL_BOOL, is_notice),
	C("vouched", COL_BOOL, vouched),
	C("deliver_by", COL_I64, deliver_by),
	C("param_has_size", COL_BOOL, params.has_size),
	C("param_size", COL_U64, params.size_bytes),
	C("param_body", COL_INT, params.body),
	C("param_smtputf8", COL_BOOL, params.smtputf8),
	C("param_requiretls", COL_BOOL, params.requiretls),
	C("param_ret", COL_INT, params.ret),
	C("param_envid", COL_TEXT, params.envid),
	C("param_has_auth", COL_BOOL, params.has_auth),
	C("param_auth", COL_TEXT, params.auth),
	C("param_has_priority", COL_BOOL, params.has_priority),
	C("param_priority", COL_INT, params.priority),
	C("param_has_by", COL_BOOL, params.has_deliver_by),
	C("param_by_s", COL_I64, params.deliver_by_s),
	C("param_by_mode", COL_CHAR, params.deliver_by_mode),
	C("param_by_trace", COL_BOOL, params.deliver_by_trace),
	C("param_hold_for_s", COL_I64, params.hold_for_s),
	C("param_hold_until", COL_TEXT, params.hold_until),
};
#undef C

/* --- delivery --- */

#define C(name, kind, member) COLUMN(struct delivery_row, name, kind, member)
static const struct column delivery_columns[] = {
	[DELIVERY_MESSAGE] = C("message", COL_I64, d.message),
	[DELIVERY_N] = C("n", COL_UINT, d.n),
	[DELIVERY_RECIPIENT] = C("recipient", COL_TEXT, d.recipient),
	[DELIVERY_STATE] = C("state", COL_INT, d.state),
	[DELIVERY_ROUTE] = C("route", COL_TEXT, d.route),
	[DELIVERY_GENERATION] =
		C("route_generation", COL_I64, d.route_generation),
	[DELIVERY_RANK] = C("rank", COL_I64, rank),
	[DELIVERY_SIZE_CLASS] = C("size_class", COL_INT, d.order.size_class),
	[DELIVERY_TURN] = C("turn", COL_I64, d.order.turn),
	[DELIVERY_PRIORITY] = C("priority", COL_INT, d.priority),
	[DELIVERY_LINKS] = C("links", COL_TEXT, d.links),
	[DELIVERY_QUEUED_AT] = C("queued_at", COL_I64, d.queued_at),
	[DELIVERY_NEXT_ATTEMPT] = C("next_attempt", COL_I64, d.next_attempt),
	[DELIVERY_OWNER] = C("owner", COL_U64, d.owner),
	[DELIVERY_DELETED_UNTIL] = C("deleted_until", COL_I64, d.deleted_until),
	[DELIVERY_SENDER] = C("sender", COL_TEXT, sender),
	[DELIVERY_SIZE] = C("size", COL_U64, size),
	[DELIVERY_NEEDS] = C("needs", COL_UINT, needs),
	[DELIVERY_RIPE] = C("ripe", COL_BOOL, ripe),
	[DELIVERY_DOMAIN] = C("domain", COL_TEXT, domain),
	[DELIVERY_REASON] = C("reason", COL_INT, d.reason),
	[DELIVERY_WARNED_AT] = C("warned_at", COL_I64, d.warned_at),
	[DELIVERY_STEADY_AT] = C("steady_at", COL_I64, d.steady_at),
	[DELIVERY_RETURN_AT] = C("return_at", COL_I64, d.return_at),
	[DELIVERY_TELL_AT] = C("tell_at", COL_I64, d.tell_at),
	[DELIVERY_RELEASE_AT] = C("release_at", COL_I64, d.release_at),
	[DELIVERY_RELEASE_WALL] = C("release_wall", COL_BOOL, d.release_wall),
	C("param_notify", COL_UINT, d.params.notify),
	C("param_orcpt", COL_TEXT, d.params.orcpt),
	C("reason_arg", COL_TEXT, d.reason_arg),
	C("link", COL_TEXT, d.link),
	C("age", COL_I64, d.order.age),
	C("attempts", COL_UINT, d.attempts),
	C("days_attempted", COL_UINT, d.days_attempted),
	C("last_attempt", COL_I64, d.last_attempt),
	C("in_doubt", COL_BOOL, d.in_doubt),
	C("came_from", COL_INT, came_from),
	C("alias", COL_TEXT, d.alias),
	C("list_owner", COL_TEXT, d.list_owner),
};
#undef C

static bool
is_ripe(const void *row)
{
	return ((const struct delivery_row *)row)->ripe;
}

static bool
is_ripe_with_domain(const void *row)
{
	const struct delivery_row *r = row;

	return r->ripe && r->domain[0];
}

static bool
is_waiting_for_time(const void *row)
{
	const struct delivery_row *r = row;

	return r->d.state == SPOOL_DEFERRED && !r->ripe;
}

static bool
is_owned(const void *row)
{
	return ((const struct delivery_row *)row)->d.owner != 0;
}

static bool
is_deleted(const void *row)
{
	return ((const struct delivery_row *)row)->d.state == SPOOL_DELETED;
}

/* The numbers of states in partial indexes, here and in schema.sql. */
_Static_assert(SPOOL_ACTIVE == 2 && SPOOL_DEFERRED == 3 && SPOOL_HELD == 4 &&
		       SPOOL_DELETED == 5 && REASON_RELEASE_TIME == 10,
	"schema.sql names states and reasons by these numbers");

/* Kept back from a customer, which does not know it yet. */
static bool
is_untold(const void *row)
{
	const struct delivery_row *r = row;

	return r->d.warned_at == 0 && r->d.reason != REASON_NONE &&
	       r->d.state != SPOOL_DELETED && r->domain[0];
}

/* What a clock ends may be in a session or deleted: it is left alone then. */
static bool
is_to_return(const void *row)
{
	const struct delivery_row *r = row;

	return r->d.return_at > 0 && r->d.state != SPOOL_ACTIVE &&
	       r->d.state != SPOOL_DELETED;
}

static bool
is_to_tell(const void *row)
{
	const struct delivery_row *r = row;

	return r->d.tell_at > 0 && r->d.state != SPOOL_ACTIVE &&
	       r->d.state != SPOOL_DELETED;
}

static bool
is_to_release(const void *row)
{
	const struct delivery_row *r = row;

	return r->d.release_at > 0 && r->d.state == SPOOL_HELD &&
	       r->d.reason == REASON_RELEASE_TIME;
}

static const struct index delivery_indexes[] = {
	[BY_KEY] = {.columns_n = 2, .columns = {DELIVERY_MESSAGE, DELIVERY_N}},
	[DELIVERY_BY_STATE] = {"delivery_by_state", 3,
		{DELIVERY_STATE, DELIVERY_MESSAGE, DELIVERY_N}, NULL, NULL},
	[DELIVERY_BY_ROUTE] = {"delivery_by_route", 4,
		{DELIVERY_ROUTE, DELIVERY_STATE, DELIVERY_MESSAGE, DELIVERY_N},
		NULL, NULL},
	[DELIVERY_BY_CLAIM] = {"delivery_by_claim", 9,
		{DELIVERY_ROUTE, DELIVERY_LINKS, DELIVERY_NEEDS, DELIVERY_RANK,
			DELIVERY_SIZE_CLASS, DELIVERY_TURN, DELIVERY_SIZE,
			DELIVERY_MESSAGE, DELIVERY_N},
		"ripe = 1", is_ripe},
	[DELIVERY_BY_CLAIM_DOMAIN] = {"delivery_by_claim_domain", 9,
		{DELIVERY_ROUTE, DELIVERY_DOMAIN, DELIVERY_NEEDS, DELIVERY_RANK,
			DELIVERY_SIZE_CLASS, DELIVERY_TURN, DELIVERY_SIZE,
			DELIVERY_MESSAGE, DELIVERY_N},
		"ripe = 1 AND domain <> ''", is_ripe_with_domain},
	[DELIVERY_BY_DUE] = {"delivery_by_due", 4,
		{DELIVERY_ROUTE, DELIVERY_NEXT_ATTEMPT, DELIVERY_MESSAGE,
			DELIVERY_N},
		"state = 3 AND ripe = 0", is_waiting_for_time},
	[DELIVERY_BY_OWNER] = {"delivery_by_owner", 3,
		{DELIVERY_OWNER, DELIVERY_MESSAGE, DELIVERY_N}, "owner <> 0",
		is_owned},
	[DELIVERY_BY_GENERATION] = {"delivery_by_generation", 3,
		{DELIVERY_GENERATION, DELIVERY_MESSAGE, DELIVERY_N}, NULL,
		NULL},
	[DELIVERY_BY_DELETED] = {"delivery_by_deleted", 3,
		{DELIVERY_DELETED_UNTIL, DELIVERY_MESSAGE, DELIVERY_N},
		"state = 5", is_deleted},
	[DELIVERY_BY_UNTOLD] = {"delivery_by_untold", 3,
		{DELIVERY_ROUTE, DELIVERY_MESSAGE, DELIVERY_N},
		"warned_at = 0 AND reason <> 0 AND state <> 5 AND domain <> ''",
		is_untold},
	[DELIVERY_BY_TURN] = {"delivery_by_turn", 6,
		{DELIVERY_ROUTE, DELIVERY_RANK, DELIVERY_SENDER, DELIVERY_TURN,
			DELIVERY_MESSAGE, DELIVERY_N},
		"ripe = 1", is_ripe},
	[DELIVERY_BY_RETURN] = {"delivery_by_return", 3,
		{DELIVERY_RETURN_AT, DELIVERY_MESSAGE, DELIVERY_N},
		"return_at > 0 AND state <> 2 AND state <> 5", is_to_return},
	[DELIVERY_BY_TELL] = {"delivery_by_tell", 3,
		{DELIVERY_TELL_AT, DELIVERY_MESSAGE, DELIVERY_N},
		"tell_at > 0 AND state <> 2 AND state <> 5", is_to_tell},
	[DELIVERY_BY_RELEASE] = {"delivery_by_release", 4,
		{DELIVERY_RELEASE_WALL, DELIVERY_RELEASE_AT, DELIVERY_MESSAGE,
			DELIVERY_N},
		"release_at > 0 AND state = 4 AND reason = 10", is_to_release},
};

/* --- bodies --- */

static const struct column receiving_columns[] = {
	COLUMN(struct receiving_row, "id", COL_I64, id),
	COLUMN(struct receiving_row, "octets", COL_U64, octets),
};

static const struct column chunk_columns[] = {
	[CHUNK_ID] = COLUMN(struct chunk_row, "id", COL_I64, id),
	COLUMN(struct chunk_row, "octets", COL_HEAP_OCTETS, octets),
};

/* --- routes and counters --- */

#define C(name, kind, member) COLUMN(struct route_row, name, kind, member)
static const struct column route_columns[] = {
	[ROUTE_ROUTE] = C("route", COL_TEXT, route),
	[ROUTE_REASON] = C("reason", COL_INT, reason),
	C("reason_arg", COL_TEXT, reason_arg),
	C("blocked", COL_UINT, blocked),
	C("blocked_peer", COL_TEXT, blocked_peer),
};
#undef C

#define C(name, kind, member) COLUMN(struct counter_row, name, kind, member)
static const struct column counter_columns[] = {
	[COUNTER_ROUTE] = C("route", COL_TEXT, route),
	[COUNTER_STATE] = C("state", COL_INT, state),
	[COUNTER_DELIVERIES] = C("deliveries", COL_U64, deliveries),
	C("bytes", COL_U64, bytes),
};
#undef C

static const struct index counter_indexes[] = {
	{.columns_n = 2, .columns = {COUNTER_ROUTE, COUNTER_STATE}},
};

#define C(name, kind, member) COLUMN(struct sender_row, name, kind, member)
static const struct column sender_columns[] = {
	[SENDER_ROUTE] = C("route", COL_TEXT, route),
	[SENDER_SENDER] = C("sender", COL_TEXT, sender),
	C("deliveries", COL_U64, deliveries),
	C("bytes", COL_U64, bytes),
};
#undef C

/* --- accounts --- */

#define C(name, kind, member) COLUMN(struct spool_account, name, kind, member)
static const struct column account_columns[] = {
	C("name", COL_TEXT, name),
	C("kind", COL_INT, kind),
	C("iterations", COL_UINT, verifier.iterations),
	C("salt", COL_OCTETS, verifier.salt),
	C("stored_key", COL_OCTETS, verifier.stored_key),
	C("server_key", COL_OCTETS, verifier.server_key),
	C("secret", COL_TEXT, verifier.secret),
	C("next_iterations", COL_UINT, next.iterations),
	C("next_salt", COL_OCTETS, next.salt),
	C("next_stored_key", COL_OCTETS, next.stored_key),
	C("next_server_key", COL_OCTETS, next.server_key),
	C("next_secret", COL_TEXT, next.secret),
	C("senders", COL_HEAP_TEXT, senders),
	C("max_priority", COL_INT, max_priority),
	C("last_login", COL_I64, last_login),
	C("networks", COL_HEAP_TEXT, networks),
	C("quota", COL_U64, quota),
	C("max_size", COL_U64, max_size),
	C("lifetime_s", COL_I64, lifetime_s),
	C("etrn", COL_TEXT, etrn),
	C("suspended", COL_BOOL, suspended),
	C("last_call", COL_I64, last_call),
	C("last_result", COL_TEXT, last_result),
	C("recipients", COL_INT, recipients),
};
#undef C

static const struct column domain_columns[] = {
	[DOMAIN_DOMAIN] = COLUMN(struct domain_row, "domain", COL_TEXT, domain),
	[DOMAIN_ACCOUNT] =
		COLUMN(struct domain_row, "account", COL_TEXT, account),
	[DOMAIN_POSITION] =
		COLUMN(struct domain_row, "position", COL_I64, position),
};

static const struct index domain_indexes[] = {
	[BY_KEY] = {.columns_n = 1, .columns = {DOMAIN_DOMAIN}},
	[DOMAIN_BY_ACCOUNT] = {"customer_domain_by_account", 3,
		{DOMAIN_ACCOUNT, DOMAIN_POSITION, DOMAIN_DOMAIN}, NULL, NULL},
};

static const struct column recipient_columns[] = {
	[RECIPIENT_ACCOUNT] =
		COLUMN(struct recipient_row, "account", COL_TEXT, account),
	[RECIPIENT_RECIPIENT] =
		COLUMN(struct recipient_row, "recipient", COL_TEXT, recipient),
};

#define C(name, kind, member) COLUMN(struct learnt_row, name, kind, member)
static const struct column learnt_columns[] = {
	[LEARNT_ACCOUNT] = C("account", COL_TEXT, account),
	[LEARNT_RECIPIENT] = C("recipient", COL_TEXT, recipient),
	[LEARNT_PLACE] = C("place", COL_I64, place),
	[LEARNT_AT] = C("learnt_at", COL_I64, learnt_at),
	C("known", COL_INT, known),
};
#undef C

static const struct index learnt_indexes[] = {
	[BY_KEY] = {.columns_n = 2,
		.columns = {LEARNT_ACCOUNT, LEARNT_RECIPIENT}},
	[LEARNT_BY_PLACE] = {"customer_learnt_by_place", 3,
		{LEARNT_ACCOUNT, LEARNT_PLACE, LEARNT_RECIPIENT}, NULL, NULL},
	[LEARNT_BY_AGE] = {"customer_learnt_by_age", 3,
		{LEARNT_AT, LEARNT_ACCOUNT, LEARNT_RECIPIENT}, NULL, NULL},
};

#define C(name, kind, member) COLUMN(struct tally_row, name, kind, member)
static const struct column tally_columns[] = {
	[TALLY_ACCOUNT] = C("account", COL_TEXT, account),
	[TALLY_MONTH] = C("month", COL_I64, month),
	[TALLY_KIND] = C("kind", COL_INT, kind),
	C("deliveries", COL_U64, deliveries),
	C("bytes", COL_U64, bytes),
};
#undef C

static const struct index tally_indexes[] = {
	{.columns_n = 3, .columns = {TALLY_ACCOUNT, TALLY_MONTH, TALLY_KIND}},
};

/* --- links, sessions, peers --- */

#define C(name, kind, member) COLUMN(struct spool_link, name, kind, member)
static const struct column link_columns[] = {
	C("name", COL_TEXT, name),
	C("up", COL_BOOL, up),
	C("disabled", COL_BOOL, disabled),
	C("reason", COL_TEXT, reason),
	C("interface", COL_TEXT, interface),
	C("address", COL_TEXT, address),
	C("boot", COL_TEXT, boot),
	C("since", COL_I64, since),
	C("verified", COL_BOOL, verified),
	C("dialed", COL_BOOL, dialed),
	C("stuck", COL_BOOL, stuck),
	C("called_at", COL_I64, called_at),
};
#undef C

#define C(name, kind, member) COLUMN(struct spool_budget, name, kind, member)
static const struct column budget_columns[] = {
	[BUDGET_LINK] = C("link", COL_TEXT, link),
	C("period", COL_TEXT, period),
	C("starts_at", COL_I64, starts_at),
	C("seconds", COL_I64, seconds),
	C("bytes", COL_U64, bytes),
	C("cost", COL_REAL, cost),
	C("extra_seconds", COL_I64, extra_seconds),
	C("extra_bytes", COL_U64, extra_bytes),
	C("extra_cost", COL_REAL, extra_cost),
};
#undef C

static const struct index budget_indexes[] = {
	{.columns_n = 3, .columns = {0, 1, 2}},
};

#define C(name, kind, member) COLUMN(struct spool_session, name, kind, member)
static const struct column session_columns[] = {
	[SESSION_ID] = C("id", COL_I64, id),
	[SESSION_LINK] = C("link", COL_TEXT, link),
	[SESSION_STARTED] = C("started", COL_I64, started),
	[SESSION_PEER] = C("peer", COL_TEXT, peer),
	[SESSION_ENDED] = C("ended", COL_I64, ended),
	C("bytes_sent", COL_U64, bytes_sent),
	C("bytes_received", COL_U64, bytes_received),
	C("messages_sent", COL_UINT, messages_sent),
	C("messages_received", COL_UINT, messages_received),
	C("turnarounds", COL_UINT, turnarounds),
	C("cost", COL_REAL, cost),
	C("estimate_s", COL_I64, estimate_s),
	C("result", COL_TEXT, result),
};
#undef C

static bool
is_of_customer(const void *row)
{
	return !((const struct spool_session *)row)->link[0];
}

static const struct index session_indexes[] = {
	[BY_KEY] = {.columns_n = 1, .columns = {SESSION_ID}},
	[SESSION_BY_LINK] = {"session_by_link", 2, {SESSION_LINK, SESSION_ID},
		NULL, NULL},
	[SESSION_BY_CUSTOMER] = {"session_by_customer", 3,
		{SESSION_PEER, SESSION_ENDED, SESSION_ID}, "link = ''",
		is_of_customer},
};

#define C(name, kind, member) COLUMN(struct spool_peer, name, kind, member)
static const struct column peer_columns[] = {
	C("name", COL_TEXT, name),
	C("address", COL_TEXT, address),
	C("keywords", COL_TEXT, keywords),
	C("fingerprint", COL_OCTETS, fingerprint),
	C("has_fingerprint", COL_BOOL, has_fingerprint),
	C("last_success", COL_I64, last_success),
	C("last_result", COL_TEXT, last_result),
};
#undef C

#define C(name, kind, member) COLUMN(struct spool_share, name, kind, member)
static const struct column share_columns[] = {
	[SHARE_SESSION] = C("session", COL_I64, session),
	[SHARE_WHO] = C("who", COL_TEXT, who),
	C("messages", COL_UINT, messages),
	C("bytes", COL_U64, bytes),
};
#undef C

static const struct column ticket_columns[] = {
	[TICKET_ID] = COLUMN(struct ticket_row, "id", COL_I64, id),
	[TICKET_PEER] = COLUMN(struct ticket_row, "peer", COL_TEXT, peer),
	COLUMN(struct ticket_row, "policy", COL_HEAP_TEXT, policy),
	COLUMN(struct ticket_row, "ticket", COL_HEAP_OCTETS, ticket),
};

static const struct index ticket_indexes[] = {
	[BY_KEY] = {.columns_n = 1, .columns = {TICKET_ID}},
	[TICKET_BY_PEER] = {"tls_ticket_by_peer", 2, {TICKET_PEER, TICKET_ID},
		NULL, NULL},
};

static const struct column meta_columns[] = {
	COLUMN(struct meta_row, "key", COL_TEXT, key),
	COLUMN(struct meta_row, "value", COL_HEAP_OCTETS, value),
};

/* --- events --- */

#define C(name, kind, member) COLUMN(struct spool_event, name, kind, member)
static const struct column event_columns[] = {
	[EVENT_ID] = C("id", COL_I64, id),
	[EVENT_TIME] = C("time", COL_I64, time),
	[EVENT_MESSAGE] = C("message", COL_I64, message),
	[EVENT_N] = C("n", COL_UINT, n),
	[EVENT_SESSION] = C("session", COL_U64, session),
	C("level", COL_INT, level),
	C("event", COL_TEXT, event),
	C("link", COL_TEXT, link),
	C("peer", COL_TEXT, peer),
	C("text", COL_TEXT, text),
};
#undef C

static bool
has_message(const void *row)
{
	return ((const struct spool_event *)row)->message != 0;
}

static bool
has_session(const void *row)
{
	return ((const struct spool_event *)row)->session != 0;
}

static const struct index event_indexes[] = {
	[BY_KEY] = {.columns_n = 1, .columns = {EVENT_ID}},
	[EVENT_BY_MESSAGE] = {"event_by_message", 2, {EVENT_MESSAGE, EVENT_ID},
		"message <> 0", has_message},
	[EVENT_BY_SESSION] = {"event_by_session", 2, {EVENT_SESSION, EVENT_ID},
		"session <> 0", has_session},
};

#define C(name, kind, member) COLUMN(struct ledger_row, name, kind, member)
static const struct column ledger_columns[] = {
	[LEDGER_ID] = C("id", COL_TEXT, id),
	[LEDGER_PLACE] = C("place", COL_I64, place),
};
#undef C

static const struct index ledger_indexes[] = {
	[BY_KEY] = {.columns_n = 1, .columns = {LEDGER_ID}},
	[LEDGER_BY_PLACE] = {"ledger_by_place", 2, {LEDGER_PLACE, LEDGER_ID},
		NULL, NULL},
};

/* --- all --- */

static const struct index first_column[] = {{.columns_n = 1}};
static const struct index first_two_columns[] = {
	{.columns_n = 2, .columns = {0, 1}},
};

#define TABLE(sql, type, columns, is_auto, indexes)                            \
	{                                                                      \
		sql, sizeof(type), columns, N_OF(columns), is_auto, indexes,   \
			N_OF(indexes)                                          \
	}

const struct table tables[TABLES_N] = {
	[T_MESSAGE] = TABLE("message", struct spool_message, message_columns,
		false, first_column),
	[T_DELIVERY] = TABLE("delivery", struct delivery_row, delivery_columns,
		false, delivery_indexes),
	[T_RECEIVING] = TABLE("receiving", struct receiving_row,
		receiving_columns, false, first_column),
	[T_CHUNK] = TABLE(
		"chunk", struct chunk_row, chunk_columns, false, first_column),
	[T_ROUTE] = TABLE(
		"route", struct route_row, route_columns, false, first_column),
	[T_COUNTER] = TABLE("counter", struct counter_row, counter_columns,
		false, counter_indexes),
	[T_SENDER] = TABLE("sender_counter", struct sender_row, sender_columns,
		false, first_two_columns),
	[T_ACCOUNT] = TABLE("account", struct spool_account, account_columns,
		false, first_column),
	[T_DOMAIN] = TABLE("customer_domain", struct domain_row, domain_columns,
		false, domain_indexes),
	[T_RECIPIENT] = TABLE("customer_recipient", struct recipient_row,
		recipient_columns, false, first_two_columns),
	[T_LEARNT] = TABLE("customer_learnt", struct learnt_row, learnt_columns,
		false, learnt_indexes),
	[T_TALLY] = TABLE(
		"tally", struct tally_row, tally_columns, false, tally_indexes),
	[T_LINK] = TABLE(
		"link", struct spool_link, link_columns, false, first_column),
	[T_BUDGET] = TABLE("budget", struct spool_budget, budget_columns, false,
		budget_indexes),
	[T_SESSION] = TABLE("session", struct spool_session, session_columns,
		true, session_indexes),
	[T_SHARE] = TABLE("session_share", struct spool_share, share_columns,
		false, first_two_columns),
	[T_PEER] = TABLE(
		"peer", struct spool_peer, peer_columns, false, first_column),
	[T_TICKET] = TABLE("tls_ticket", struct ticket_row, ticket_columns,
		true, ticket_indexes),
	[T_META] = TABLE(
		"meta", struct meta_row, meta_columns, false, first_column),
	[T_LEDGER] = TABLE("ledger", struct ledger_row, ledger_columns, false,
		ledger_indexes),
	[T_EVENT] = TABLE("event", struct spool_event, event_columns, true,
		event_indexes),
};

/* --- queries --- */

static struct pred *
query_pred(struct query *q, unsigned column, enum pred_op op)
{
	struct pred *p = &q->preds[q->preds_n++];

	*p = (struct pred){0};
	p->column = (unsigned char)column;
	p->op = (unsigned char)op;
	return p;
}

void
query_number(struct query *q, unsigned column, enum pred_op op, int64_t number)
{
	query_pred(q, column, op)->number = number;
}

void
query_text(struct query *q, unsigned column, enum pred_op op, const char *text)
{
	query_pred(q, column, op)->text = text;
}

static bool
query_fixes(const struct query *q, unsigned column)
{
	for (unsigned i = 0; i < q->preds_n; i++)
		if (q->preds[i].column == column && q->preds[i].op == OP_EQ)
			return true;
	return false;
}

unsigned
query_fixed(const struct query *q)
{
	const struct index *x = &tables[q->table].indexes[q->index];
	unsigned n = 0;

	while (n < x->columns_n && query_fixes(q, x->columns[n]))
		n++;
	return n;
}

/* --- result rows --- */

void
rows_init(struct rows *r, enum table_id table)
{
	*r = (struct rows){.table = table};
}

void
rows_init_one(struct rows *r, enum table_id table, void *row)
{
	*r = (struct rows){
		.table = table, .data = row, .cap = 1, .fixed = true};
}

void *
rows_push(struct rows *r)
{
	size_t size = tables[r->table].row_size;
	char *row;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 8;
		r->data = xrealloc(r->data, r->cap * size);
	}
	row = r->data + r->n++ * size;
	memset(row, 0, size);
	return row;
}

void *
rows_at(const struct rows *r, size_t i)
{
	return r->data + i * tables[r->table].row_size;
}

void
rows_free(struct rows *r)
{
	if (r->fixed)
		return;
	for (size_t i = 0; i < r->n; i++)
		row_clear(r->table, rows_at(r, i));
	free(r->data);
	rows_init(r, r->table);
}

/* --- columns --- */

bool
column_is_text(const struct column *c)
{
	return c->kind == COL_TEXT || c->kind == COL_HEAP_TEXT;
}

bool
column_is_bytes(const struct column *c)
{
	return c->kind == COL_OCTETS || c->kind == COL_HEAP_OCTETS;
}

int64_t
column_number(const struct column *c, const void *row)
{
	const char *at = (const char *)row + c->offset;
	int64_t i64;
	int i;
	bool b;

	switch (c->kind) {
	case COL_I64:
	case COL_U64:
		memcpy(&i64, at, sizeof(i64));
		return i64;
	case COL_INT:
		memcpy(&i, at, sizeof(i));
		return i;
	case COL_UINT:
		memcpy(&i, at, sizeof(i));
		return (unsigned)i;
	case COL_BOOL:
		memcpy(&b, at, sizeof(b));
		return b;
	case COL_CHAR:
		return (unsigned char)*at;
	default:
		return 0;
	}
}

void
column_set_number(const struct column *c, void *row, int64_t number)
{
	char *at = (char *)row + c->offset;
	int i = (int)number;
	bool b = number != 0;

	switch (c->kind) {
	case COL_I64:
	case COL_U64:
		memcpy(at, &number, sizeof(number));
		break;
	case COL_INT:
	case COL_UINT:
		memcpy(at, &i, sizeof(i));
		break;
	case COL_BOOL:
		memcpy(at, &b, sizeof(b));
		break;
	case COL_CHAR:
		*at = (char)number;
		break;
	default:
		break;
	}
}

struct str
column_view(const struct column *c, const void *row)
{
	const char *at = (const char *)row + c->offset;
	struct heap_bytes bytes;
	char *text;

	switch (c->kind) {
	case COL_TEXT:
		return str_of(at);
	case COL_OCTETS:
		return (struct str){at, c->size};
	case COL_HEAP_TEXT:
		memcpy(&text, at, sizeof(text));
		return str_of(text);
	case COL_HEAP_OCTETS:
		memcpy(&bytes, at, sizeof(bytes));
		return (struct str){bytes.p, bytes.n};
	default:
		return (struct str){NULL, 0};
	}
}

void
column_set_view(const struct column *c, void *row, struct str s)
{
	char *at = (char *)row + c->offset;
	struct heap_bytes bytes = {NULL, 0};
	char *text = NULL;
	size_t n = s.n < c->size ? s.n : c->size;

	switch (c->kind) {
	case COL_TEXT:
		n = s.n < c->size ? s.n : c->size - 1;
		if (n)
			memcpy(at, s.p, n);
		at[n] = '\0';
		break;
	case COL_OCTETS:
		memset(at, 0, c->size);
		if (n)
			memcpy(at, s.p, n);
		break;
	case COL_HEAP_TEXT:
		if (s.n)
			text = str_dup(s);
		memcpy(at, &text, sizeof(text));
		break;
	case COL_HEAP_OCTETS:
		if (s.n) {
			bytes.p = xmalloc(s.n);
			bytes.n = s.n;
			memcpy(bytes.p, s.p, s.n);
		}
		memcpy(at, &bytes, sizeof(bytes));
		break;
	default:
		break;
	}
}

static int
str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int rc = n ? memcmp(a.p, b.p, n) : 0;

	return rc ? rc : (a.n > b.n) - (a.n < b.n);
}

static double
column_real(const struct column *c, const void *row)
{
	double d;

	memcpy(&d, (const char *)row + c->offset, sizeof(d));
	return d;
}

int
column_compare(const struct column *c, const void *a, const void *b)
{
	int64_t x, y;
	double u, v;

	if (column_is_text(c) || column_is_bytes(c))
		return str_compare(column_view(c, a), column_view(c, b));
	if (c->kind == COL_REAL) {
		u = column_real(c, a);
		v = column_real(c, b);
		return (u > v) - (u < v);
	}
	x = column_number(c, a);
	y = column_number(c, b);
	return (x > y) - (x < y);
}

/* --- whole rows --- */

void
row_clear(enum table_id table, void *row)
{
	const struct table *t = &tables[table];
	char *p;

	for (unsigned i = 0; i < t->columns_n; i++) {
		if (t->columns[i].kind != COL_HEAP_TEXT &&
			t->columns[i].kind != COL_HEAP_OCTETS)
			continue;
		memcpy(&p, (char *)row + t->columns[i].offset, sizeof(p));
		free(p);
		column_set_view(&t->columns[i], row, (struct str){NULL, 0});
	}
}

static bool
is_heap(const struct column *c)
{
	return c->kind == COL_HEAP_TEXT || c->kind == COL_HEAP_OCTETS;
}

/* Columns only: a struct may have members that are kept elsewhere. */
void
row_copy(enum table_id table, void *to, const void *from)
{
	const struct table *t = &tables[table];

	memset(to, 0, t->row_size);
	for (unsigned i = 0; i < t->columns_n; i++) {
		const struct column *c = &t->columns[i];

		if (is_heap(c))
			column_set_view(c, to, column_view(c, from));
		else
			memcpy((char *)to + c->offset,
				(const char *)from + c->offset, c->size);
	}
}

uint64_t
row_diff(enum table_id table, const void *a, const void *b)
{
	const struct table *t = &tables[table];
	uint64_t mask = 0;

	for (unsigned i = 0; i < t->columns_n; i++)
		if (column_compare(&t->columns[i], a, b))
			mask |= UINT64_C(1) << i;
	return mask;
}
