/* Which recipients a customer has: those of its list, and those its host told
 * of. Addresses stand in lower case. */
#include "spool/private.h"

#include <stdlib.h>
#include <string.h>

enum {
	LEARNT_MAX = 20000, /* addresses of one customer */
	LEARNT_KEEP_S = 31 * 86400,
	LEARNT_EVICT = 10, /* at once; one is the rule */
};

static bool
fold(char *out, size_t size, const char *address)
{
	bool fits = str_copyz(out, size, address);

	if (fits)
		str_lower(out);
	return fits;
}

/* --- the list --- */

static enum err_code
recipients_page(struct spool_txn *t, const char *name,
	const struct recipient_row *after, struct rows *page, struct err *e)
{
	struct query q = {.table = T_RECIPIENT,
		.index = BY_KEY,
		.after = after,
		.limit = SPOOL_PAGE};

	query_text(&q, RECIPIENT_ACCOUNT, OP_EQ, name);
	rows_init(page, T_RECIPIENT);
	return tx_query(t, &q, page, e);
}

static enum err_code
recipient_insert(struct spool_txn *t, const char *name, const char *address,
	struct err *e)
{
	struct recipient_row r;

	memset(&r, 0, sizeof(r));
	str_copyz(r.account, sizeof(r.account), name);
	str_copyz(r.recipient, sizeof(r.recipient), address);
	return tx_insert(t, T_RECIPIENT, &r, e);
}

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The list as it shall be: folded, in order, each address once. */
struct wanted {
	char **list; /* owned, and each */
	size_t n, next;
};

static void
wanted_free(struct wanted *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->list[i]);
	free(w->list);
}

static void
wanted_sort(struct wanted *w)
{
	size_t kept = 0;

	if (w->n)
		qsort(w->list, w->n, sizeof(*w->list), by_octets);
	for (size_t i = 0; i < w->n; i++) {
		if (kept && !strcmp(w->list[kept - 1], w->list[i]))
			free(w->list[i]);
		else
			w->list[kept++] = w->list[i];
	}
	w->n = kept;
}

static enum err_code
wanted_make(
	struct wanted *w, const char *const *addresses, size_t n, struct err *e)
{
	char folded[WIRE_MAILBOX_MAX + 1];

	*w = (struct wanted){xcalloc(n + 1, sizeof(*w->list)), 0, 0};
	for (size_t i = 0; i < n; i++) {
		if (!fold(folded, sizeof(folded), addresses[i]))
			return err_set(e, ERR_INVALID,
				"recipient %.60s...: longer than %d octets",
				addresses[i], WIRE_MAILBOX_MAX);
		w->list[w->n++] = str_dupz(folded);
	}
	wanted_sort(w);
	return OK;
}

/* Those that stand before BEHIND and are not there; NULL: all that are left. */
static enum err_code
wanted_insert_until(struct spool_txn *t, struct wanted *w, const char *name,
	const char *behind, struct err *e)
{
	enum err_code rc = OK;

	while (rc == OK && w->next < w->n &&
		(!behind || strcmp(w->list[w->next], behind) < 0))
		rc = recipient_insert(t, name, w->list[w->next++], e);
	return rc;
}

/* The stored list and the wanted one are walked side by side. */
static enum err_code
wanted_merge_page(struct spool_txn *t, struct wanted *w, const char *name,
	const struct rows *page, struct err *e)
{
	enum err_code rc = OK;

	for (size_t i = 0; i < page->n && rc == OK; i++) {
		const struct recipient_row *r = rows_at(page, i);

		rc = wanted_insert_until(t, w, name, r->recipient, e);
		if (rc != OK)
			break;
		if (w->next < w->n && !strcmp(w->list[w->next], r->recipient))
			w->next++;
		else
			rc = tx_remove(t, T_RECIPIENT, r, e);
	}
	return rc;
}

static enum err_code
wanted_put(
	struct spool_txn *t, struct wanted *w, const char *name, struct err *e)
{
	struct recipient_row after = {.recipient = ""};
	enum err_code rc = OK;
	bool more = true;

	while (rc == OK && more) {
		struct rows page;

		rc = recipients_page(t, name, &after, &page, e);
		if (rc == OK)
			rc = wanted_merge_page(t, w, name, &page, e);
		more = page.n == SPOOL_PAGE;
		if (more)
			after = *(struct recipient_row *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	return rc == OK ? wanted_insert_until(t, w, name, NULL, e) : rc;
}

static enum err_code
list_put(struct spool_txn *t, const char *name, const char *const *addresses,
	size_t n, struct err *e)
{
	struct wanted w;
	enum err_code rc = wanted_make(&w, addresses, n, e);

	if (rc == OK)
		rc = wanted_put(t, &w, name, e);
	wanted_free(&w);
	return rc;
}

enum err_code
spool_recipients_put(struct spool_txn *t, const char *name,
	const char *const *addresses, size_t n, struct err *e)
{
	enum err_code rc = customer_exists(t, name, e);

	if (rc != OK)
		return rc;
	if (n > SPOOL_RECIPIENTS_MAX)
		return err_set(e, ERR_LIMIT,
			"customer %s: %zu recipients, more than %d", name, n,
			SPOOL_RECIPIENTS_MAX);
	return list_put(t, name, addresses, n, e);
}

static void
add_lines(struct buf *text, const struct rows *page)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct recipient_row *r = rows_at(page, i);

		buf_addf(text, "%s%s", text->len ? "\n" : "", r->recipient);
	}
}

enum err_code
spool_recipients_get(
	struct spool_txn *t, const char *name, char **lines_r, struct err *e)
{
	struct recipient_row after = {.recipient = ""};
	struct buf text;
	enum err_code rc = OK;
	bool more = true;

	buf_init(&text, 0);
	while (rc == OK && more) {
		struct rows page;

		rc = recipients_page(t, name, &after, &page, e);
		add_lines(&text, &page);
		more = page.n == SPOOL_PAGE;
		if (more)
			after = *(struct recipient_row *)rows_at(
				&page, page.n - 1);
		rows_free(&page);
	}
	*lines_r = rc == OK && text.len ? str_dup(buf_view(&text)) : NULL;
	buf_free(&text);
	return rc;
}

/* --- what was learnt --- */

/*
 * Where a new address stands. Places rise, so those too far behind are more
 * than LEARNT_MAX addresses ago, and make room.
 */
static enum err_code
learnt_place(
	struct spool_txn *t, const char *name, int64_t *place_r, struct err *e)
{
	struct query q = {
		.table = T_LEARNT, .index = LEARNT_BY_PLACE, .backward = true};
	struct learnt_row last = {.place = 0};
	enum err_code rc;

	query_text(&q, LEARNT_ACCOUNT, OP_EQ, name);
	rc = tx_first(t, &q, &last, e);
	*place_r = last.place + 1;
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
learnt_remove_matching(
	struct spool_txn *t, const struct query *q, size_t *n_r, struct err *e)
{
	struct rows list;
	enum err_code rc;

	rows_init(&list, T_LEARNT);
	rc = tx_query(t, q, &list, e);
	for (size_t i = 0; i < list.n && rc == OK; i++)
		rc = tx_remove(t, T_LEARNT, rows_at(&list, i), e);
	*n_r = list.n;
	rows_free(&list);
	return rc;
}

static enum err_code
learnt_evict(
	struct spool_txn *t, const char *name, int64_t place, struct err *e)
{
	struct query q = {.table = T_LEARNT,
		.index = LEARNT_BY_PLACE,
		.limit = LEARNT_EVICT};
	size_t n;

	if (place <= LEARNT_MAX)
		return OK;
	query_text(&q, LEARNT_ACCOUNT, OP_EQ, name);
	query_number(&q, LEARNT_PLACE, OP_LE, place - LEARNT_MAX);
	return learnt_remove_matching(t, &q, &n, e);
}

static enum err_code
learnt_insert(struct spool_txn *t, struct learnt_row *r, struct err *e)
{
	enum err_code rc = learnt_place(t, r->account, &r->place, e);

	if (rc == OK)
		rc = learnt_evict(t, r->account, r->place, e);
	return rc == OK ? tx_insert(t, T_LEARNT, r, e) : rc;
}

static bool
learnt_key(struct learnt_row *r, const char *name, const char *recipient)
{
	memset(r, 0, sizeof(*r));
	return str_copyz(r->account, sizeof(r->account), name) &&
	       fold(r->recipient, sizeof(r->recipient), recipient);
}

enum err_code
spool_recipient_learn(struct spool_txn *t, const char *name,
	const char *recipient, bool exists, int64_t now, struct err *e)
{
	struct learnt_row old, r;
	enum err_code rc = customer_exists(t, name, e), found;

	if (rc != OK)
		return rc;
	if (!learnt_key(&old, name, recipient))
		return err_set(e, ERR_INVALID,
			"recipient %.60s...: longer than %d octets", recipient,
			WIRE_MAILBOX_MAX);
	found = tx_get(t, T_LEARNT, &old, e);
	if (found != OK && found != ERR_NOTFOUND)
		return found;
	r = old;
	r.known = exists ? KNOWN_ACCEPTED : KNOWN_REFUSED;
	r.learnt_at = now;
	return found == OK ? tx_update(t, T_LEARNT, &old, &r, e)
			   : learnt_insert(t, &r, e);
}

enum err_code
recipients_sweep(struct spool_txn *t, int64_t now, size_t limit, struct err *e)
{
	struct query q = {
		.table = T_LEARNT, .index = LEARNT_BY_AGE, .limit = limit};
	size_t n;

	query_number(&q, LEARNT_AT, OP_LT, now - LEARNT_KEEP_S);
	return learnt_remove_matching(t, &q, &n, e);
}

enum err_code
recipients_forget(struct spool_txn *t, const char *name, struct err *e)
{
	struct query q = {
		.table = T_LEARNT, .index = BY_KEY, .limit = SPOOL_PAGE};
	enum err_code rc = list_put(t, name, NULL, 0, e);
	size_t n = SPOOL_PAGE;

	query_text(&q, LEARNT_ACCOUNT, OP_EQ, name);
	while (rc == OK && n == SPOOL_PAGE)
		rc = learnt_remove_matching(t, &q, &n, e);
	return rc;
}

/* --- for the answer to RCPT --- */

static enum err_code
facts_known(struct spool_txn *t, const char *name, const char *recipient,
	struct spool_customer_facts *f, struct err *e)
{
	struct recipient_row listed;
	struct learnt_row learnt;
	enum err_code rc;

	if (!learnt_key(&learnt, name, recipient))
		return OK;
	memset(&listed, 0, sizeof(listed));
	memcpy(listed.account, learnt.account, sizeof(listed.account));
	memcpy(listed.recipient, learnt.recipient, sizeof(listed.recipient));
	rc = tx_get(t, T_RECIPIENT, &listed, e);
	if (rc == OK)
		f->known = KNOWN_LISTED;
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = tx_get(t, T_LEARNT, &learnt, e);
	if (rc == OK) {
		f->known = learnt.known;
		f->learnt_at = learnt.learnt_at;
	}
	return rc == ERR_NOTFOUND ? OK : rc;
}

static enum err_code
facts_sender(struct spool_txn *t, const char *name, const char *sender,
	struct spool_customer_facts *f, struct err *e)
{
	char *route = str_printf(CUSTOMER_PREFIX "%s", name);
	struct sender_row r = {.bytes = 0};
	enum err_code rc = ERR_NOTFOUND;

	if (str_copyz(r.route, sizeof(r.route), route) &&
		fold(r.sender, sizeof(r.sender), sender))
		rc = tx_get(t, T_SENDER, &r, e);
	if (rc == OK)
		f->sender_bytes = r.bytes;
	free(route);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_customer_facts(struct spool_txn *t, const char *name,
	const char *recipient, const char *sender,
	struct spool_customer_facts *facts_r, struct err *e)
{
	enum err_code rc;

	memset(facts_r, 0, sizeof(*facts_r));
	rc = spool_customer_waiting(t, name, &facts_r->waiting, e);
	if (rc == OK)
		rc = facts_sender(t, name, sender, facts_r, e);
	return rc == OK ? facts_known(t, name, recipient, facts_r, e) : rc;
}
