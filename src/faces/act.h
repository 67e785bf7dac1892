/*
 * What people do to deliveries: the words, and the work where no daemon runs.
 * With one, act_request says the same to it.
 */
#ifndef FACES_ACT_H
#define FACES_ACT_H

#include "faces/request.h"
#include "spool/queue.h"

struct act {
	const char *word;  /* of verb and request: "hold" */
	const char *asked; /* "Hold", of a question */
	const char *done;  /* "held" */
	enum spool_action_kind kind;
	bool always_ask;
	bool daemon_only;
};

/* NULL: there is none. */
const struct act *act_find(struct str word);

struct act_job {
	const struct act *act;
	struct spool_filter *filters; /* owned: one per id, or one */
	size_t filters_n;
	bool by_id;
	bool skip_gone; /* ids that are no delivery any more are passed over */
	int priority;
	int *priorities; /* of each filter; owned; NULL: PRIORITY for all */
	char who[SPOOL_NAME_MAX + 1];
	int64_t now_s, keep_until;
	size_t changed;
};

/*
 * A spool_fn, for a struct act_job: all of it in this transaction.
 * ERR_NOTFOUND: an id is no delivery, and nothing was changed.
 */
enum err_code act_in_spool(struct spool_txn *t, void *job, struct err *e);

void act_job_clear(struct act_job *job);

/* The request to the daemon, begun; filters other than ids are the caller's. */
void act_request(const struct act_job *job, struct request *r);

#endif
