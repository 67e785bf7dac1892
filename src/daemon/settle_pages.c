#include "daemon/settle_pages.h"

#include "daemon/claims.h"
#include "daemon/crash.h"

#include <stdlib.h>
#include <string.h>

struct job {
	struct node *n;
	struct settle_pages_conf conf;
	uint64_t owner;
	struct settle_page page;
	struct settle **settles; /* one for each of its messages; or NULL */
	size_t total;
};

static void claim_page(struct job *j);

void
settle_page_add(struct settle_page *p, const struct spool_claimed *m)
{
	p->messages = xrealloc(p->messages, (p->n + 1) * sizeof(*p->messages));
	p->messages[p->n++] = *m;
	p->deliveries += m->n;
}

static void
forget_page(struct job *j)
{
	for (size_t i = 0; i < j->page.n; i++) {
		spool_claimed_clear(&j->page.messages[i]);
		if (j->settles)
			settle_free(j->settles[i]);
	}
	free(j->page.messages);
	free(j->settles);
	j->page = (struct settle_page){.n = 0};
	j->settles = NULL;
}

static void
end(struct job *j, enum err_code code, const struct err *e)
{
	j->conf.done(j->conf.arg, code, e, j->total);
	forget_page(j);
	free(j);
}

/* --- the transaction that ends them --- */

static enum err_code
write_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->page.n; i++)
		rc = settle_write(t, j->settles[i], e);
	return rc;
}

static void
page_written(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK) {
		claims_release(j->n, j->owner);
		end(j, code, e);
		return;
	}
	crash_point("pages-committed");
	for (size_t i = 0; i < j->page.n; i++)
		settle_written(j->settles[i]);
	j->total += j->page.deliveries;
	if (j->page.more)
		claim_page(j);
	else
		end(j, OK, e);
}

/* --- the transaction that claims them --- */

static enum err_code
write_claims(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;

	forget_page(j); /* of an earlier run of this function */
	return j->conf.claim(t, j->conf.arg, j->owner, &j->page, e);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;
	const struct settle_page *p = &j->page;

	if (code == ERR_UNCERTAIN)
		claims_release(j->n, j->owner);
	if (code != OK || p->n == 0) {
		end(j, code, e);
		return;
	}
	j->settles = xcalloc(p->n, sizeof(struct settle *));
	for (size_t i = 0; i < p->n; i++) {
		const struct spool_claimed *m = &p->messages[i];

		j->settles[i] =
			settle_new(j->n, m, j->owner, j->conf.peer, NULL, 0);
		for (size_t k = 0; k < m->n; k++)
			j->conf.verdict(j->conf.arg, j->settles[i], m, k);
	}
	settle_join(j->settles, p->n);
	crash_point("pages-claimed");
	spool_submit(j->n->spool, write_page, page_written, j);
}

static void
claim_page(struct job *j)
{
	forget_page(j);
	spool_submit(j->n->spool, write_claims, claimed, j);
}

void
settle_pages(struct node *n, const struct settle_pages_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->n = n;
	j->conf = *conf;
	j->owner = node_new_id(n);
	claim_page(j);
}
