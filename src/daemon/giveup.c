#include "daemon/giveup.h"

#include "daemon/settle.h"

#include <stdlib.h>
#include <string.h>

enum { GIVEUP_PAGE = 500 }; /* deliveries of one filter in one transaction */

struct job {
	struct node *n;
	struct giveup_conf conf;
	struct spool_filter *filters; /* owned */
	char *text;		      /* owned */
	uint64_t owner;
	struct spool_claimed *messages;
	size_t messages_n;
	struct settle **settles;
	size_t page, total; /* deliveries */
	bool more, checked;
};

static void claim_page(struct job *j);

static void
forget_page(struct job *j)
{
	for (size_t i = 0; i < j->messages_n; i++) {
		spool_claimed_clear(&j->messages[i]);
		if (j->settles)
			settle_free(j->settles[i]);
	}
	free(j->messages);
	free(j->settles);
	j->messages = NULL;
	j->settles = NULL;
	j->messages_n = 0;
	j->page = 0;
}

static void
end(struct job *j, enum err_code code, const struct err *e)
{
	j->conf.done(j->conf.arg, code, e, j->total);
	forget_page(j);
	free(j->filters);
	free(j->text);
	free(j);
}

/* --- the transaction that ends them --- */

static enum err_code
write_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->messages_n; i++)
		rc = settle_write(t, j->settles[i], e);
	return rc;
}

static void
page_written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK) {
		settle_release_owner(j->n, j->owner);
		end(j, code, e);
		return;
	}
	for (size_t i = 0; i < j->messages_n; i++)
		settle_written(j->settles[i]);
	j->total += j->page;
	if (j->more)
		claim_page(j);
	else
		end(j, OK, e);
}

/* --- the transaction that claims them --- */

static enum err_code
add_row(struct spool_txn *t, struct job *j, const struct spool_row *row,
	struct err *e)
{
	struct spool_claimed *m =
		j->messages_n ? &j->messages[j->messages_n - 1] : NULL;

	if (!m || m->message.id != row->d.message) {
		enum err_code rc;

		j->messages = xrealloc(j->messages,
			(j->messages_n + 1) * sizeof(*j->messages));
		m = &j->messages[j->messages_n++];
		memset(m, 0, sizeof(*m));
		rc = spool_message_get(t, row->d.message, &m->message, e);
		if (rc != OK)
			return rc;
	}
	m->deliveries =
		xrealloc(m->deliveries, (m->n + 1) * sizeof(*m->deliveries));
	m->deliveries[m->n++] = row->d;
	return OK;
}

static enum err_code
claim_filter(struct spool_txn *t, struct job *j, size_t i, struct err *e)
{
	struct spool_row *rows = NULL;
	size_t n = 0;
	enum err_code rc = spool_claim_rows(
		t, j->owner, &j->filters[i], GIVEUP_PAGE, &rows, &n, e);

	for (size_t k = 0; rc == OK && k < n; k++)
		rc = add_row(t, j, &rows[k], e);
	j->page += n;
	j->more |= n == GIVEUP_PAGE;
	free(rows);
	return rc;
}

static enum err_code
write_claims(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	forget_page(j); /* of an earlier run of this function */
	j->more = false;
	if (j->conf.check && !j->checked)
		rc = j->conf.check(t, j->conf.arg, e);
	for (size_t i = 0; rc == OK && i < j->conf.filters_n; i++)
		rc = claim_filter(t, j, i, e);
	return rc;
}

static void
settle_all(struct job *j, size_t i)
{
	for (size_t k = 0; k < j->messages[i].n; k++) {
		if (j->conf.expired)
			settle_expire(j->settles[i], k, j->text);
		else
			settle_fail(j->settles[i], k, j->conf.status, j->text);
	}
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK || j->messages_n == 0) {
		end(j, code, e);
		return;
	}
	j->checked = true;
	j->settles = xcalloc(j->messages_n, sizeof(struct settle *));
	for (size_t i = 0; i < j->messages_n; i++) {
		j->settles[i] = settle_new(
			j->n, &j->messages[i], j->owner, "", NULL, 0);
		settle_all(j, i);
	}
	spool_submit(j->n->spool, write_page, page_written, j);
}

static void
claim_page(struct job *j)
{
	forget_page(j);
	spool_submit(j->n->spool, write_claims, claimed, j);
}

void
giveup(struct node *n, const struct giveup_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));
	size_t bytes = conf->filters_n * sizeof(*conf->filters);

	j->n = n;
	j->conf = *conf;
	j->filters = xmalloc(bytes);
	if (bytes)
		memcpy(j->filters, conf->filters, bytes);
	j->text = str_dupz(conf->text);
	j->owner = node_new_id(n);
	claim_page(j);
}
