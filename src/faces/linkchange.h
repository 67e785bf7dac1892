/*
 * What a person says of a link while no daemon runs: recorded in the spool,
 * where the next start of the daemon finds it.
 */
#ifndef FACES_LINKCHANGE_H
#define FACES_LINKCHANGE_H

#include "spool/records.h"

struct link_change {
	const char *action; /* ACTION_WORD_UP, _DOWN, _ENABLE, _DISABLE */
	const char *name;
	const char *interface, *address, *reason; /* NULL: none */
	char who[SPOOL_NAME_MAX + 1];
	struct spool_link row; /* as it becomes */
	bool changed;
};

/* A spool_fn, for a struct link_change. Twice up or down changes nothing. */
enum err_code link_change_in_spool(
	struct spool_txn *t, void *change, struct err *e);

#endif
