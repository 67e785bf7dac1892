#include "daemon/bodyread.h"

/* One piece at a time: the reader of the spool is shared, so not for long. */
struct piece {
	int64_t id;
	uint64_t offset;
	char *out;
	size_t size, n;
};

static enum err_code
read_piece(struct spool_txn *t, void *arg, struct err *e)
{
	struct piece *p = arg;

	return spool_body_read(t, p->id, p->offset, p->out, p->size, &p->n, e);
}

enum err_code
bodyread(struct spool *s, int64_t id, uint64_t offset, char *out, size_t size,
	size_t *n_r, struct err *e)
{
	struct piece p = {id, offset, out, size, 0};
	enum err_code rc = spool_read(s, read_piece, &p, e);

	*n_r = p.n;
	return rc;
}
