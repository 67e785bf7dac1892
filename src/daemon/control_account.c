#include "daemon/control_private.h"

#include "base/clock.h"
#include "daemon/accounts.h"
#include "daemon/giveup.h"
#include "daemon/policy.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct account_job {
	struct control_conn *c;
	const char *action;
	bool customer;
	const char *password; /* NULL: none is given */
	struct spool_settings settings;
	char route[SPOOL_NAME_MAX + 1];
	bool returns;	   /* delete: what waits goes back to its senders */
	size_t deliveries; /* that went with the customer they waited for */
};

static enum err_code
take_settings(struct account_job *j, struct err *e)
{
	enum err_code rc =
		control_settings_take(&j->settings, &j->c->request, e);

	for (size_t i = 0; rc == OK && i < j->c->parts_n; i++)
		rc = control_settings_take(&j->settings, &j->c->parts[i], e);
	if (rc != OK)
		return rc;
	return control_settings_domains(j->c->n->conf, &j->settings, e);
}

static enum err_code
apply_password(
	const struct account_job *j, struct spool_account *a, struct err *e)
{
	if (!j->password)
		return OK;
	return verifier_change(&a->verifier, &a->next, j->password,
		conn_get(j->c, KEY_CRAM_MD5) != NULL,
		conn_get(j->c, KEY_NOW) != NULL, e);
}

/* What the request says takes the place of what A has. */
static enum err_code
apply(const struct account_job *j, struct spool_account *a, struct err *e)
{
	spool_settings_apply(&j->settings, a);
	if (strcmp(j->action, ACTION_WORD_SUSPEND) == 0)
		a->suspended = true;
	if (strcmp(j->action, ACTION_WORD_RESUME) == 0)
		a->suspended = false;
	return apply_password(j, a, e);
}

static void
wipe_clear(struct spool_account *a)
{
	spool_account_clear(a);
	explicit_bzero(a, sizeof(*a));
}

static enum err_code
add(struct spool_txn *t, struct account_job *j, const char *name, struct err *e)
{
	struct spool_account a = {
		.kind = j->customer ? ACCOUNT_CUSTOMER : ACCOUNT_USER,
	};
	enum err_code rc;

	str_copyz(a.name, sizeof(a.name), name);
	rc = apply(j, &a, e);
	if (rc == OK)
		rc = spool_account_add(t, &a, e);
	if (rc == OK)
		rc = spool_settings_put_list(t, &j->settings, &a, e);
	wipe_clear(&a);
	return rc;
}

static enum err_code
get(struct spool_txn *t, const struct account_job *j, const char *name,
	struct spool_account *a_r, struct err *e)
{
	enum err_code rc = spool_account_get(t, name, a_r, e);
	enum spool_account_kind kind =
		j->customer ? ACCOUNT_CUSTOMER : ACCOUNT_USER;

	if (rc == OK && a_r->kind == kind)
		return OK;
	if (rc == OK)
		spool_account_clear(a_r);
	else if (rc != ERR_NOTFOUND)
		return rc;
	return err_set(e, ERR_NOTFOUND, "no %s \"%s\"; see: tidepost %s list",
		j->customer ? "customer" : "user", name,
		j->customer ? "customer" : "user");
}

static enum err_code
set(struct spool_txn *t, struct account_job *j, const char *name, struct err *e)
{
	struct spool_account a;
	enum err_code rc = get(t, j, name, &a, e);

	if (rc != OK)
		return rc;
	rc = apply(j, &a, e);
	if (rc == OK)
		rc = spool_account_set(t, &a, e);
	if (rc == OK)
		rc = spool_settings_put_list(t, &j->settings, &a, e);
	wipe_clear(&a);
	return rc;
}

static enum err_code
take_away(struct spool_txn *t, struct account_job *j, const char *name,
	struct err *e)
{
	struct spool_action act = {
		.kind = ACTION_DELETE,
		.filter = {.route = j->route},
		.now = clock_sane_s(),
		.who = "an operator",
	};
	struct spool_account a;
	enum err_code rc = get(t, j, name, &a, e);

	if (rc != OK)
		return rc;
	wipe_clear(&a);
	act.keep_until = act.now + j->c->n->conf->queue.keep_deleted_s;
	if (j->customer && conn_get(j->c, KEY_YES) && !j->returns)
		rc = spool_act(t, &act, &j->deliveries, e);
	return rc == OK ? spool_account_delete(t, name, e) : rc;
}

static enum err_code
write_account(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;
	const char *name = conn_get(j->c, KEY_NAME);

	if (strcmp(j->action, ACTION_WORD_ADD) == 0)
		return add(t, j, name, e);
	if (strcmp(j->action, ACTION_WORD_DELETE) == 0)
		return take_away(t, j, name, e);
	return set(t, j, name, e);
}

static void
end_job(struct account_job *j)
{
	spool_settings_free(&j->settings);
	conn_release(j->c);
	free(j);
}

/* The next RCPT or AUTH sees the change: only now is it told. */
static void
accounts_loaded(void *arg, enum err_code code, const struct err *e)
{
	struct account_job *j = arg;

	if (code == OK) {
		node_reroute(j->c->n);
		conn_end(j->c, 0, NULL, (int64_t)j->deliveries);
	} else {
		conn_end_err(j->c, code, e);
	}
	end_job(j);
}

static void
account_written(void *arg, enum err_code code, const struct err *e)
{
	struct account_job *j = arg;
	struct node *n = j->c->n;

	if (code == OK) {
		accounts_reload(n->accounts, n->spool, accounts_loaded, j);
		return;
	}
	conn_end_err(j->c, code, e);
	end_job(j);
}

/* --- what waits goes back to its senders --- */

static enum err_code
check_there(struct spool_txn *t, void *arg, struct err *e)
{
	struct account_job *j = arg;
	struct spool_account a;
	enum err_code rc = get(t, j, conn_get(j->c, KEY_NAME), &a, e);

	if (rc == OK)
		wipe_clear(&a);
	return rc;
}

static void
returned(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct account_job *j = arg;

	j->deliveries = count;
	if (code == OK)
		spool_submit(j->c->n->spool, write_account, account_written, j);
	else
		account_written(j, code, e);
}

static void
return_waiting(struct account_job *j)
{
	struct spool_filter filter = {.route = j->route};

	giveup(j->c->n,
		&(struct giveup_conf){
			.filters = &filter,
			.filters_n = 1,
			.status = "5.7.0",
			.text = "its recipient is no customer of this node "
				"any more",
			.check = check_there,
			.done = returned,
			.arg = j,
		});
}

/* --- the verb --- */

static bool
is_known(const char *action)
{
	static const char *const words[] = {ACTION_WORD_ADD, ACTION_WORD_SET,
		ACTION_WORD_PASSWD, ACTION_WORD_DELETE, ACTION_WORD_SUSPEND,
		ACTION_WORD_RESUME};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], action) == 0)
			return true;
	return false;
}

static enum err_code
take_password(struct account_job *j, struct err *e)
{
	j->password = conn_get(j->c, KEY_PASSWORD);
	if (!j->password && strcmp(j->action, ACTION_WORD_PASSWD) == 0)
		return err_set(e, ERR_USAGE, "no password was given");
	return OK;
}

void
control_account(struct control_conn *c, bool customer)
{
	struct account_job *j = xcalloc(1, sizeof(*j));
	const char *action = conn_get(c, KEY_ACTION);
	const char *name = conn_get(c, KEY_NAME);
	struct err e = {0};
	enum err_code rc = OK;

	j->c = c;
	j->customer = customer;
	j->action = action ? action : "";
	if (!is_known(j->action))
		rc = err_set(&e, ERR_UNSUPPORTED, "not yet supported: %s",
			j->action);
	else if (!name || !name[0] || strlen(name) > POLICY_CUSTOMER_MAX)
		rc = err_set(&e, ERR_USAGE,
			"a name of 1 to %d octets is needed",
			(int)POLICY_CUSTOMER_MAX);
	else
		rc = take_settings(j, &e);
	if (rc == OK)
		rc = take_password(j, &e);
	if (rc != OK) {
		conn_end_err(c, rc, &e);
		spool_settings_free(&j->settings);
		free(j);
		return;
	}
	conn_hold(c);
	policy_customer_route(name, j->route);
	j->returns = customer && conn_get(c, KEY_RETURN) &&
		     conn_get(c, KEY_YES) &&
		     strcmp(j->action, ACTION_WORD_DELETE) == 0;
	if (j->returns)
		return_waiting(j);
	else
		spool_submit(c->n->spool, write_account, account_written, j);
}
