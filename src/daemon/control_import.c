/* customer import: one request of many records, one transaction. */
#include "daemon/control_private.h"

#include "daemon/accounts.h"
#include "daemon/policy.h"
#include "spool/import.h"

#include <stdlib.h>
#include <string.h>

struct import_job {
	struct control_conn *c;
	struct spool_import import;
};

static void
end_job(struct import_job *j)
{
	spool_import_free(&j->import);
	conn_release(j->c);
	free(j);
}

/* --- the request --- */

static enum err_code
take_verifier(const struct record *r, const char *key, const char *secret_key,
	struct verifier *v_r, struct err *e)
{
	const char *text = record_get(r, key);
	const char *secret = record_get(r, secret_key);

	if (!text)
		return OK;
	if (!verifier_parse(str_of(text), v_r) ||
		!str_copyz(
			v_r->secret, sizeof(v_r->secret), secret ? secret : ""))
		return err_set(e, ERR_INVALID, "%s: not a verifier", key);
	return OK;
}

static enum err_code
begin_entry(struct spool_import *m, const struct record *r, const char *name,
	struct err *e)
{
	struct spool_import_entry *entry;
	enum err_code rc;
	int64_t line = 0;

	if (!name[0] || strlen(name) > POLICY_CUSTOMER_MAX)
		return err_set(e, ERR_USAGE,
			"a name of 1 to %d octets is needed",
			(int)POLICY_CUSTOMER_MAX);
	record_get_int(r, KEY_LINE, &line);
	entry = spool_import_entry(m, str_of(name), (size_t)line);
	entry->has_verifier = record_get(r, KEY_VERIFIER) != NULL;
	rc = take_verifier(r, KEY_VERIFIER, KEY_SECRET, &entry->verifier, e);
	if (rc != OK)
		return rc;
	return take_verifier(r, KEY_NEXT, KEY_NEXT_SECRET, &entry->next, e);
}

static enum err_code
take_part(struct spool_import *m, const struct record *r, struct err *e)
{
	const char *name = record_get(r, KEY_NAME);
	enum err_code rc = OK;

	if (name)
		rc = begin_entry(m, r, name, e);
	else if (m->n == 0)
		rc = err_set(e, ERR_USAGE, "settings without a name");
	if (rc != OK)
		return rc;
	return control_settings_take(&m->v[m->n - 1].settings, r, e);
}

static enum err_code
take_request(struct import_job *j, struct err *e)
{
	struct spool_import *m = &j->import;
	const struct conf *conf = j->c->n->conf;
	enum err_code rc = OK;

	m->dry_run = conn_get(j->c, KEY_DRY_RUN) != NULL;
	for (size_t i = 0; rc == OK && i < j->c->parts_n; i++)
		rc = take_part(m, &j->c->parts[i], e);
	if (rc == OK)
		spool_import_check(m);
	for (size_t i = 0; rc == OK && i < m->n; i++)
		if (control_settings_domains(conf, &m->v[i].settings, e) != OK)
			spool_import_complain(m, m->v[i].line, "%s", e->text);
	return rc;
}

/* --- the answer --- */

static void
send_wrong(struct import_job *j)
{
	struct record r;

	record_init(&r);
	for (size_t i = 0; i < j->import.wrong_n; i++) {
		protocol_answer(&r, KIND_WRONG);
		record_add_int(&r, KEY_LINE, (int64_t)j->import.wrong[i].line);
		record_add(&r, KEY_TEXT, j->import.wrong[i].text);
		conn_send(j->c, &r);
	}
	record_free(&r);
}

static void
send_counts(struct import_job *j)
{
	struct record r;

	record_init(&r);
	protocol_answer(&r, KIND_IMPORTED);
	record_add_int(&r, KEY_ADDED, (int64_t)j->import.added);
	record_add_int(&r, KEY_CHANGED, (int64_t)j->import.changed);
	conn_send(j->c, &r);
	record_free(&r);
}

static void
loaded(void *arg, enum err_code code, const struct err *e)
{
	struct import_job *j = arg;

	if (code == OK) {
		node_reroute(j->c->n);
		send_counts(j);
		conn_end(j->c, 0, NULL, -1);
	} else {
		conn_end_err(j->c, code, e);
	}
	end_job(j);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct import_job *j = arg;
	struct node *n = j->c->n;

	if (code == OK) {
		accounts_reload(n->accounts, n->spool, loaded, j);
		return;
	}
	send_wrong(j);
	if (code == ERR_INVALID && j->import.wrong_n == 0) {
		send_counts(j); /* a dry run that went well */
		conn_end(j->c, 0, NULL, -1);
	} else if (j->import.wrong_n) {
		conn_end(j->c, err_exit_status(code), NULL, -1);
	} else {
		conn_end_err(j->c, code, e);
	}
	end_job(j);
}

static enum err_code
write_import(struct spool_txn *t, void *arg, struct err *e)
{
	struct import_job *j = arg;

	return spool_import_write(t, &j->import, e);
}

void
control_import(struct control_conn *c)
{
	struct import_job *j = xcalloc(1, sizeof(*j));
	struct err e = {0};
	enum err_code rc;

	j->c = c;
	conn_hold(c);
	rc = take_request(j, &e);
	if (rc != OK) {
		conn_end_err(c, rc, &e);
		end_job(j);
		return;
	}
	spool_submit(c->n->spool, write_import, written, j);
}
