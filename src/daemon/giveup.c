#include "daemon/giveup.h"

#include "daemon/settle_pages.h"

#include <stdlib.h>
#include <string.h>

enum { GIVEUP_PAGE = 500 }; /* deliveries of one filter in one transaction */

struct job {
	struct giveup_conf conf;
	struct spool_filter *filters; /* owned */
	char *text;		      /* owned */
	bool checked;
};

/* --- in the transaction --- */

/*
 * The first of ROWS with those of its message that follow it and have the same
 * sender.
 */
static enum err_code
take_message(struct spool_txn *t, const struct spool_row *rows, size_t rows_n,
	struct spool_claimed *m, struct err *e)
{
	enum err_code rc =
		spool_message_get(t, rows[0].d.message, &m->message, e);

	spool_message_for(&m->message, &rows[0].d);
	while (m->n < rows_n && rows[m->n].d.message == rows[0].d.message &&
		spool_is_sent_as(&rows[m->n].d, &rows[0].d))
		m->n++;
	m->deliveries = xcalloc(m->n, sizeof(*m->deliveries));
	for (size_t i = 0; i < m->n; i++)
		m->deliveries[i] = rows[i].d;
	return rc;
}

static enum err_code
claim_filter(struct spool_txn *t, const struct spool_filter *f, uint64_t owner,
	struct settle_page *page, struct err *e)
{
	struct spool_row *rows = NULL;
	size_t n = 0;
	enum err_code rc =
		spool_claim_rows(t, owner, f, GIVEUP_PAGE, &rows, &n, e);

	for (size_t at = 0; rc == OK && at < n;) {
		struct spool_claimed m = {.n = 0};

		rc = take_message(t, &rows[at], n - at, &m, e);
		at += m.n;
		settle_page_add(page, &m);
	}
	page->more |= n == GIVEUP_PAGE;
	free(rows);
	return rc;
}

static enum err_code
claim(struct spool_txn *t, void *arg, uint64_t owner, struct settle_page *page,
	struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	if (j->conf.check && !j->checked)
		rc = j->conf.check(t, j->conf.arg, e);
	for (size_t i = 0; rc == OK && i < j->conf.filters_n; i++)
		rc = claim_filter(t, &j->filters[i], owner, page, e);
	return rc;
}

/* --- on the loop --- */

static void
verdict(void *arg, struct settle *st, const struct spool_claimed *m, size_t i)
{
	struct job *j = arg;

	j->checked = true;
	if (j->conf.untold && settle_is_untold(&m->deliveries[i]))
		settle_tell_now(st, i);
	else if (j->conf.untold)
		settle_release(st, i, "held for another reason");
	else if (j->conf.expired)
		settle_expire(st, i, j->text);
	else
		settle_fail(st, i, j->conf.status, j->text);
}

static void
done(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct job *j = arg;

	j->conf.done(j->conf.arg, code, e, count);
	free(j->filters);
	free(j->text);
	free(j);
}

void
giveup(struct node *n, const struct giveup_conf *conf)
{
	struct job *j = xcalloc(1, sizeof(*j));
	size_t bytes = conf->filters_n * sizeof(*conf->filters);

	j->conf = *conf;
	j->filters = xmalloc(bytes);
	if (bytes)
		memcpy(j->filters, conf->filters, bytes);
	j->text = str_dupz(conf->text);
	settle_pages(n, &(struct settle_pages_conf){.claim = claim,
				.verdict = verdict,
				.done = done,
				.arg = j,
				.peer = ""});
}
