/*
 * How fast a link is: as the configuration says, and as the spool keeps what
 * was measured.
 */
#ifndef OUTLOOK_SPEED_H
#define OUTLOOK_SPEED_H

#include "conf/conf.h"
#include "link/speed.h"
#include "spool/records.h"

/* Its settings; what was measured stays in S. */
void outlook_speed_configure(struct speed *s, const struct conf_link *link);
/* The same, and all samples that are kept. Nothing is kept: OK. */
enum err_code outlook_speed_load(struct spool_txn *t,
	const struct conf_link *link, struct speed *speed_r, struct err *e);
enum err_code outlook_speed_store(struct spool_txn *t, const char *link,
	const struct speed *s, struct err *e);

#endif
