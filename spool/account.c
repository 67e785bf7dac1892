#include "spool/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a customer's domains --- */

static enum err_code
domain_add(struct spool_txn *t, const char *account, struct str domain,
	int64_t position, struct err *e)
{
	struct domain_row r = {.position = position}, other;
	enum err_code rc;

	if (!str_copy(r.domain, sizeof(r.domain), domain))
		return err_set(e, ERR_INVALID, "domain %.*s: too long",
			STR_FMT(domain));
	str_lower(r.domain);
	str_copyz(r.account, sizeof(r.account), account);
	other = r;
	rc = tx_get(t, T_DOMAIN, &other, e);
	if (rc == ERR_NOTFOUND)
		return tx_insert(t, T_DOMAIN, &r, e);
	if (rc != OK || !strcmp(other.account, account))
		return rc; /* named twice is named once */
	return err_set(e, ERR_EXISTS,
		"domain %s belongs to customer %s; one domain has one customer",
		r.domain, other.account);
}

static enum err_code
domains_add(struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	struct str rest = str_of(a->domains);
	enum err_code rc = OK;
	int64_t n = 0;

	while (rest.n && rc == OK) {
		struct str domain = str_trim(str_cut(rest, '\n', &rest));

		if (n == SPOOL_DOMAINS_MAX)
			return err_set(e, ERR_LIMIT,
				"customer %s: more than %d domains", a->name,
				SPOOL_DOMAINS_MAX);
		if (domain.n)
			rc = domain_add(t, a->name, domain, n++, e);
	}
	return rc;
}

static enum err_code
domains_query(struct spool_txn *t, const char *account, struct rows *out,
	struct err *e)
{
	struct query q = {.table = T_DOMAIN,
		.index = DOMAIN_BY_ACCOUNT,
		.limit = SPOOL_DOMAINS_MAX};

	query_text(&q, DOMAIN_ACCOUNT, OP_EQ, account);
	rows_init(out, T_DOMAIN);
	return tx_query(t, &q, out, e);
}

static enum err_code
domains_remove(struct spool_txn *t, const char *account, struct err *e)
{
	struct rows list;
	enum err_code rc = domains_query(t, account, &list, e);

	for (size_t i = 0; i < list.n && rc == OK; i++)
		rc = tx_remove(t, T_DOMAIN, rows_at(&list, i), e);
	rows_free(&list);
	return rc;
}

static enum err_code
domains_load(struct spool_txn *t, struct spool_account *a, struct err *e)
{
	struct buf text;
	struct rows list;
	enum err_code rc = domains_query(t, a->name, &list, e);

	buf_init(&text, 0);
	for (size_t i = 0; i < list.n; i++) {
		const struct domain_row *r = rows_at(&list, i);

		buf_addf(&text, "%s%s", i ? "\n" : "", r->domain);
	}
	a->domains = list.n ? str_dup(buf_view(&text)) : NULL;
	buf_free(&text);
	rows_free(&list);
	return rc;
}

/* --- accounts --- */

static enum err_code
no_account(enum err_code rc, const char *name, struct err *e)
{
	if (rc == ERR_NOTFOUND)
		err_set(e, rc, "no user or customer %s", name);
	return rc;
}

/* Why a customer's mail waits; of a suspended one no call changes that. */
static enum err_code
mark_route(struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	char route[SPOOL_NAME_MAX + 1], waits[SPOOL_TEXT_MAX + 1];

	if (a->kind != ACCOUNT_CUSTOMER)
		return OK;
	snprintf(route, sizeof(route), CUSTOMER_PREFIX "%s", a->name);
	snprintf(waits, sizeof(waits), "%s%s", a->name,
		a->suspended ? " is resumed and" : "");
	return spool_route_reason_put(t, route, REASON_CUSTOMER_CALL, waits, e);
}

/* What else is kept of it, behind its row. */
static enum err_code
put_rest(struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	enum err_code rc = domains_add(t, a, e);

	return rc == OK ? mark_route(t, a, e) : rc;
}

enum err_code
spool_account_add(
	struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	struct spool_account row = *a;
	enum err_code rc = tx_insert(t, T_ACCOUNT, &row, e);

	if (rc == ERR_EXISTS)
		return err_set(e, rc,
			"the name %s is taken; choose another, or change its "
			"settings with set",
			a->name);
	return rc == OK ? put_rest(t, a, e) : rc;
}

static enum err_code
account_row(struct spool_txn *t, const char *name, struct spool_account *a_r,
	struct err *e)
{
	memset(a_r, 0, sizeof(*a_r));
	if (!str_copyz(a_r->name, sizeof(a_r->name), name))
		return no_account(ERR_NOTFOUND, name, e);
	return no_account(tx_get(t, T_ACCOUNT, a_r, e), name, e);
}

enum err_code
customer_exists(struct spool_txn *t, const char *name, struct err *e)
{
	struct spool_account a;
	enum err_code rc = account_row(t, name, &a, e);

	if (rc == OK && a.kind != ACCOUNT_CUSTOMER)
		rc = err_set(
			e, ERR_NOTFOUND, "%s is a user, no customer", name);
	spool_account_clear(&a);
	return rc;
}

enum err_code
spool_account_set(
	struct spool_txn *t, const struct spool_account *a, struct err *e)
{
	struct spool_account old;
	enum err_code rc = account_row(t, a->name, &old, e);

	if (rc == OK)
		rc = tx_update(t, T_ACCOUNT, &old, a, e);
	spool_account_clear(&old);
	if (rc == OK)
		rc = domains_remove(t, a->name, e);
	return rc == OK ? put_rest(t, a, e) : rc;
}

enum err_code
spool_account_get(struct spool_txn *t, const char *name,
	struct spool_account *a_r, struct err *e)
{
	enum err_code rc = account_row(t, name, a_r, e);

	if (rc == OK)
		rc = domains_load(t, a_r, e);
	if (rc != OK)
		spool_account_clear(a_r);
	return rc;
}

static enum err_code
check_nothing_waits(struct spool_txn *t, const char *name, struct err *e)
{
	struct spool_waiting w;
	enum err_code rc = spool_customer_waiting(t, name, &w, e);

	if (rc == OK && w.deliveries)
		return err_set(e, ERR_BUSY,
			"%llu deliveries wait for customer %s: deliver, return "
			"or delete them first",
			(unsigned long long)w.deliveries, name);
	return rc;
}

enum err_code
spool_account_delete(struct spool_txn *t, const char *name, struct err *e)
{
	struct spool_account a;
	enum err_code rc = account_row(t, name, &a, e);

	if (rc == OK)
		rc = check_nothing_waits(t, name, e);
	if (rc == OK)
		rc = domains_remove(t, name, e);
	if (rc == OK)
		rc = recipients_forget(t, name, e);
	if (rc == OK)
		rc = tally_forget(t, name, e);
	if (rc == OK)
		rc = tx_remove(t, T_ACCOUNT, &a, e);
	spool_account_clear(&a);
	return rc;
}

static enum err_code
accounts_load(struct spool_txn *t, struct rows *all, struct err *e)
{
	struct query q = {
		.table = T_ACCOUNT, .index = BY_KEY, .limit = SIZE_MAX / 2};
	enum err_code rc = tx_query(t, &q, all, e);

	for (size_t i = 0; i < all->n && rc == OK; i++)
		rc = domains_load(t, rows_at(all, i), e);
	return rc;
}

enum err_code
spool_account_list(struct spool_txn *t, struct spool_account **list_r,
	size_t *n_r, struct err *e)
{
	struct rows all;
	enum err_code rc;

	rows_init(&all, T_ACCOUNT);
	rc = accounts_load(t, &all, e);
	if (rc != OK) {
		for (size_t i = 0; i < all.n; i++)
			spool_account_clear(rows_at(&all, i));
		free(all.data);
		all.data = NULL;
		all.n = 0;
	}
	*list_r = (struct spool_account *)(void *)all.data;
	*n_r = all.n;
	return rc;
}

enum err_code
spool_customer_of(struct spool_txn *t, const char *domain,
	char name_r[SASL_NAME_MAX + 1], struct err *e)
{
	struct domain_row r = {.position = 0};
	enum err_code rc = ERR_NOTFOUND;

	if (str_copyz(r.domain, sizeof(r.domain), domain))
		rc = tx_get(t, T_DOMAIN, &r, e);
	if (rc == OK)
		str_copyz(name_r, SASL_NAME_MAX + 1, r.account);
	if (rc == ERR_NOTFOUND)
		err_set(e, rc, "no customer has the domain %s", domain);
	return rc;
}

/* --- what happened to it --- */

enum err_code
spool_account_login(struct spool_txn *t, const char *name, int64_t now,
	bool used_next, struct err *e)
{
	struct spool_account old, a;
	enum err_code rc = account_row(t, name, &old, e);

	if (rc != OK)
		return rc;
	a = old;
	a.last_login = now;
	if (used_next && a.next.iterations) {
		a.verifier = a.next;
		memset(&a.next, 0, sizeof(a.next));
	}
	rc = tx_update(t, T_ACCOUNT, &old, &a, e);
	spool_account_clear(&old);
	return rc;
}

enum err_code
spool_customer_called(struct spool_txn *t, const char *name, int64_t now,
	const char *result, struct err *e)
{
	struct spool_account old, a;
	enum err_code rc = account_row(t, name, &old, e);

	if (rc != OK)
		return rc;
	a = old;
	a.last_call = now;
	memset(a.last_result, 0, sizeof(a.last_result));
	str_copy(a.last_result, sizeof(a.last_result),
		(struct str){result, strnlen(result, SPOOL_TEXT_MAX)});
	rc = tx_update(t, T_ACCOUNT, &old, &a, e);
	spool_account_clear(&old);
	return rc;
}
