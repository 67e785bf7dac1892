/* What is done with a spool as a whole, by people. */
#include "spool/private.h"

#include "base/clock.h"

/*
 * Ids begin anew far behind those of the copy: what came after it was made had
 * some, and mailboxes know them.
 */
enum { RESTORE_ID_GAP = 1000000 };

struct copying {
	const char *path;
};

static enum err_code
copy_out(struct spool_txn *t, void *arg, struct err *e)
{
	const struct copying *c = arg;

	return t->spool->ops->copy(t->conn, c->path, e);
}

enum err_code
spool_copy(struct spool *s, const char *path, struct err *e)
{
	struct copying c = {path};

	return spool_read(s, copy_out, &c, e);
}

/* On a connection of its own: the writer's holds statements. */
static enum err_code
alone(struct spool *s, const char *path, struct err *e)
{
	struct engine_conn *conn;
	enum err_code rc = s->ops->connect(s->engine, ENGINE_WRITE, &conn, e);

	if (rc != OK)
		return rc;
	rc = path ? s->ops->replace(conn, path, e) : s->ops->vacuum(conn, e);
	s->ops->disconnect(conn);
	return rc;
}

enum err_code
spool_replace(struct spool *s, const char *path, struct err *e)
{
	return alone(s, path, e);
}

enum err_code
spool_vacuum(struct spool *s, struct err *e)
{
	return alone(s, NULL, e);
}

struct holding {
	const char *who;
	size_t n;
};

static enum err_code
hold_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct holding *h = arg;
	struct spool_action hold = {
		.kind = ACTION_HOLD, .now = clock_sane_s(), .who = h->who};
	int64_t last = spool_new_id(t->spool);
	enum err_code rc = spool_act(t, &hold, &h->n, e);

	return rc == OK ? id_store(t, last + RESTORE_ID_GAP, e) : rc;
}

enum err_code
spool_hold_restored(
	struct spool *s, const char *who, size_t *n_r, struct err *e)
{
	struct holding h = {who, 0};
	enum err_code rc = spool_write(s, hold_all, &h, e);

	*n_r = h.n;
	return rc;
}
