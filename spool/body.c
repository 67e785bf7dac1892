/*
 * Bodies, in rows of 64 KiB: constant memory, and each piece that was committed
 * is there after a crash. What has no message yet stands in T_RECEIVING.
 */
#include "spool/private.h"

#include <string.h>

static int64_t
chunk_id(int64_t message, uint64_t number)
{
	return message * CHUNKS_PER_MESSAGE + (int64_t)number;
}

/* On a disk that was full, mail only comes in when there is room again. */
static enum err_code
check_room(struct spool_txn *t, uint64_t size, struct err *e)
{
	struct spool *s = t->spool;

	if (!atomic_load(&s->tight))
		return OK;
	if (!s->ops->has_room(s->engine, size))
		return err_set(e, ERR_FULL, "no space left for new mail");
	atomic_store(&s->tight, false);
	return OK;
}

static enum err_code
receiving_start(struct spool_txn *t, struct receiving_row *r, struct err *e)
{
	struct spool_message m = {.id = r->id};
	enum err_code rc = tx_get(t, T_MESSAGE, &m, e);

	if (rc == OK)
		return err_set(e, ERR_EXISTS, "message %lld is complete",
			(long long)r->id);
	if (rc == ERR_NOTFOUND)
		rc = id_used(t, r->id, e);
	if (rc == OK)
		rc = tx_insert(t, T_RECEIVING, r, e);
	return rc;
}

/* Fills up the last chunk; *OCTETS is moved behind what fitted. */
static enum err_code
chunk_extend(struct spool_txn *t, const struct receiving_row *r,
	struct str *octets, struct err *e)
{
	char whole[SPOOL_CHUNK_BYTES];
	struct chunk_row old = {
		.id = chunk_id(r->id, r->octets / SPOOL_CHUNK_BYTES)};
	struct chunk_row longer = {.id = old.id, .octets = {whole, 0}};
	size_t have = r->octets % SPOOL_CHUNK_BYTES, take;
	enum err_code rc;

	if (!have)
		return OK;
	rc = tx_get(t, T_CHUNK, &old, e);
	if (rc == OK && old.octets.n != have)
		rc = err_set(e, ERR_CORRUPT,
			"body %lld: a piece has %zu "
			"octets for %zu",
			(long long)r->id, old.octets.n, have);
	if (rc == OK) {
		take = SPOOL_CHUNK_BYTES - have;
		take = take < octets->n ? take : octets->n;
		memcpy(whole, old.octets.p, have);
		memcpy(whole + have, octets->p, take);
		longer.octets.n = have + take;
		*octets = str_skip(*octets, take);
		rc = tx_update(t, T_CHUNK, &old, &longer, e);
	}
	row_clear(T_CHUNK, &old);
	return rc;
}

static enum err_code
chunks_add(struct spool_txn *t, int64_t id, uint64_t number, struct str octets,
	struct err *e)
{
	enum err_code rc = OK;

	while (octets.n && rc == OK) {
		size_t n = octets.n < SPOOL_CHUNK_BYTES ? octets.n
							: SPOOL_CHUNK_BYTES;
		/* only read from */
		struct chunk_row c = {.id = chunk_id(id, number++),
			.octets = {(char *)(uintptr_t)octets.p, n}};

		rc = tx_insert(t, T_CHUNK, &c, e);
		octets = str_skip(octets, n);
	}
	return rc;
}

enum err_code
spool_body_append(
	struct spool_txn *t, int64_t id, struct str octets, struct err *e)
{
	struct receiving_row old = {.id = id}, r;
	size_t n = octets.n;
	enum err_code rc;

	if (!n)
		return OK;
	rc = check_room(t, n, e);
	if (rc == OK)
		rc = tx_get(t, T_RECEIVING, &old, e);
	if (rc == ERR_NOTFOUND)
		rc = receiving_start(t, &old, e);
	if (rc == OK && old.octets + n > (uint64_t)CHUNKS_PER_MESSAGE *
						 SPOOL_CHUNK_BYTES)
		rc = err_set(
			e, ERR_LIMIT, "body %lld: too large", (long long)id);
	r = old;
	if (rc == OK)
		rc = chunk_extend(t, &old, &octets, e);
	if (rc == OK)
		rc = chunks_add(t, id,
			(old.octets + (n - octets.n)) / SPOOL_CHUNK_BYTES,
			octets, e);
	r.octets += n;
	return rc == OK ? tx_update(t, T_RECEIVING, &old, &r, e) : rc;
}

enum err_code
body_complete(struct spool_txn *t, int64_t id, uint64_t size, struct err *e)
{
	struct receiving_row r = {.id = id};
	enum err_code rc = check_room(t, size, e);

	if (rc == OK)
		rc = tx_get(t, T_RECEIVING, &r, e);
	if (rc == ERR_NOTFOUND && !size)
		return id_used(t, id, e);
	if (rc != OK && rc != ERR_NOTFOUND)
		return rc;
	if (rc == ERR_NOTFOUND || r.octets != size)
		return err_set(e, ERR_INVALID,
			"message %lld: %llu octets are announced, %llu stored",
			(long long)id, (unsigned long long)size,
			(unsigned long long)r.octets);
	return tx_remove(t, T_RECEIVING, &r, e);
}

enum err_code
spool_body_drop(struct spool_txn *t, int64_t id, struct err *e)
{
	struct receiving_row r = {.id = id};
	enum err_code rc = OK;

	for (uint64_t number = 0; rc == OK; number++) {
		struct chunk_row c = {.id = chunk_id(id, number)};

		rc = tx_remove(t, T_CHUNK, &c, e);
	}
	if (rc == ERR_NOTFOUND)
		rc = tx_remove(t, T_RECEIVING, &r, e);
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
spool_body_read(struct spool_txn *t, int64_t id, uint64_t offset, char *out,
	size_t size, size_t *n_r, struct err *e)
{
	enum err_code rc = OK;

	*n_r = 0;
	while (*n_r < size && rc == OK) {
		struct chunk_row c = {
			.id = chunk_id(id, offset / SPOOL_CHUNK_BYTES)};
		size_t skip = offset % SPOOL_CHUNK_BYTES, n;

		rc = tx_get(t, T_CHUNK, &c, e);
		if (rc != OK || c.octets.n <= skip) {
			row_clear(T_CHUNK, &c);
			break;
		}
		n = c.octets.n - skip;
		n = n < size - *n_r ? n : size - *n_r;
		memcpy(out + *n_r, c.octets.p + skip, n);
		*n_r += n;
		offset += n;
		row_clear(T_CHUNK, &c);
	}
	return rc == ERR_NOTFOUND ? OK : rc;
}
