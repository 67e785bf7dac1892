/*
 * The store. One spool holds messages, deliveries, accounts, links, peers and
 * the event log; three programs share it.
 *
 * All work is done in transactions, as functions that get a struct spool_txn.
 * Writing: spool_submit() hands a function to the one writer thread, which
 * runs all that are waiting inside one transaction of the store, each in a
 * savepoint of its own (so one that fails undoes only itself), commits, and
 * only then reports: when DONE says OK, the facts are on the disk. Reading:
 * spool_submit_read() runs a function on a reader thread with a snapshot.
 * spool_write() and spool_read() do the same and wait (for the command line
 * and tests).
 *
 * DONE functions run on the thread that calls spool_dispatch(); the
 * notify function of the options (called from the spool's threads) tells when
 * there is something to dispatch.
 *
 * A function passed in must not keep the txn, must not wait, and may be
 * run again from its start (after BUSY): it works on its ARG idempotently.
 */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "spool/types.h"

struct spool;
struct spool_txn;

struct spool_options {
	const char *url; /* "sqlite:/path" or "memory:" */
	bool create;	 /* make it (and its folder) where it does not exist */
	bool read_only;
	/*
	 * The daemon: takes the lock file beside the spool (ERR_LOCKED if
	 * another has it), checks the ballast, releases claims of earlier
	 * starts.
	 */
	bool daemon;
	void (*notify)(void *arg); /* from any thread; may be NULL */
	void *notify_arg;
	uint64_t reserve_bytes; /* disk space kept free; 0: default 16 MB */
	uint64_t events_max;	/* rows of the event log; 0: default */
	int64_t events_keep_s;	/* age of the event log; 0: default 90 d */
};

/*
 * ERR_NOTFOUND, ERR_PERM, ERR_READONLY, ERR_VERSION (newer than we are),
 * ERR_CORRUPT, ERR_LOCKED, ERR_FULL; E says where and what to do.
 */
enum err_code spool_open(const struct spool_options *options,
	struct spool **spool_r, struct err *e);
/* Finishes what was submitted (DONE is called), then closes. NULL is fine. */
void spool_close(struct spool *s);

typedef enum err_code spool_fn(struct spool_txn *t, void *arg, struct err *e);
/* CODE OK: durable. ERR_UNCERTAIN: the commit failed half-way, ask again. */
typedef void spool_done(void *arg, enum err_code code, const struct err *e);

void spool_submit(struct spool *s, spool_fn *fn, spool_done *done, void *arg);
void spool_submit_read(
	struct spool *s, spool_fn *fn, spool_done *done, void *arg);
void spool_dispatch(struct spool *s);
enum err_code spool_write(
	struct spool *s, spool_fn *fn, void *arg, struct err *e);
enum err_code spool_read(
	struct spool *s, spool_fn *fn, void *arg, struct err *e);

/* Jobs submitted and not yet reported: for back-pressure. */
size_t spool_backlog(const struct spool *s);
/* Will a message of SIZE octets fit beside the reserve? (statvfs) */
bool spool_has_room(const struct spool *s, uint64_t size);
/* A message id nobody has had, at once (daemon or exclusive use). */
int64_t spool_new_id(struct spool *s);
/* Integrity of the whole store. */
enum err_code spool_check(struct spool *s, struct err *e);
/* All of it as of now into a new file (0600); others go on. */
enum err_code spool_copy(struct spool *s, const char *path, struct err *e);
/*
 * The store becomes what the file at PATH holds, at one stroke: a crash leaves
 * the old or the new. S is the daemon's or in exclusive use; close it then.
 */
enum err_code spool_replace(struct spool *s, const char *path, struct err *e);
/*
 * Of a copy that is to be used again: what waits is held (*n_r deliveries), and
 * new ids begin far behind the old ones.
 */
enum err_code spool_hold_restored(
	struct spool *s, const char *who, size_t *n_r, struct err *e);
/* Gives free room back to the disk. In exclusive use. */
enum err_code spool_vacuum(struct spool *s, struct err *e);
/* "sqlite 3.40.1" */
const char *spool_engine_version(void);

/*
 * For tests: the next COUNT primitive operations after SKIP of them fail with
 * CODE (fault countdown). Both engines.
 */
void spool_inject_fault(
	struct spool *s, unsigned skip, unsigned count, enum err_code code);

#endif
