/* Links: what is recorded of them in the spool. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/links_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link_save {
	struct link_run *r;
	struct spool_link row;
	bool dial; /* dial.up runs when it is on the disk */
};

static enum err_code
write_link(struct spool_txn *t, void *arg, struct err *e)
{
	struct link_save *j = arg;

	return spool_link_put(t, &j->row, e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	struct link_save *j = arg;

	if (code != OK)
		log_error("link-not-recorded", LOG_STR("why", e->text));
	if (j->dial && !j->r->l->n->stopping)
		links_dial_saved(j->r, code, e);
	free(j);
}

void
links_record_save(struct link_run *r, bool dial)
{
	struct link_save *j = xcalloc(1, sizeof(*j));
	struct link_record record = link_record(&r->machine);

	r->row.up = record.up;
	r->row.disabled = record.disabled;
	r->row.dialed = record.dialed;
	r->row.stuck = record.stuck;
	if (dial)
		r->row.called_at = clock_wall_s();
	str_copyz(r->row.boot, sizeof(r->row.boot), r->l->boot);
	j->r = r;
	j->row = r->row;
	j->dial = dial;
	r->dial_waits |= dial; /* what is saved behind it does not undo it */
	spool_submit(r->l->n->spool, write_link, written, j);
}

struct load_job {
	struct spool_link *rows;
	bool *found;
	const struct conf *conf;
};

static enum err_code
read_links(struct spool_txn *t, void *arg, struct err *e)
{
	struct load_job *j = arg;

	for (size_t i = 0; i < j->conf->links_n; i++) {
		enum err_code rc = spool_link_get(
			t, j->conf->links[i].name, &j->rows[i], e);

		if (rc != OK && rc != ERR_NOTFOUND)
			return rc;
		j->found[i] = rc == OK;
	}
	return OK;
}

enum err_code
links_record_load(struct links *l, struct err *e)
{
	struct conf *conf = l->n->conf;
	size_t n = conf->links_n;
	struct load_job j = {
		.rows = xcalloc(n, sizeof(struct spool_link)),
		.found = xcalloc(n, sizeof(bool)),
		.conf = conf,
	};
	enum err_code rc = spool_read(l->n->spool, read_links, &j, e);

	if (rc == OK) {
		l->v = xcalloc(n, sizeof(*l->v));
		for (size_t i = 0; i < n; i++) {
			l->v[i] = links_run_new(l, &conf->links[i]);
			if (j.found[i])
				l->v[i]->row = j.rows[i];
		}
		l->count = n;
	}
	free(j.rows);
	free(j.found);
	return rc;
}
