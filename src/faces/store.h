/*
 * The spool as a face opens it, and who works at the face.
 */
#ifndef FACES_STORE_H
#define FACES_STORE_H

#include "conf/conf.h"
#include "spool/spool.h"

/* To look at. ERR_NOTFOUND: the node never ran. */
enum err_code store_open(
	const struct conf *conf, struct spool **spool_r, struct err *e);
/*
 * Alone: the daemon cannot start meanwhile. Root becomes the one whom the spool
 * belongs to, for good, so that no file ends up with an owner the daemon is
 * locked out by. ERR_LOCKED: the daemon runs.
 */
enum err_code store_open_alone(
	const struct conf *conf, struct spool **spool_r, struct err *e);

/* Root becomes the one whom the spool belongs to, or will. Others stay. */
enum err_code store_become_owner(const struct conf *conf, struct err *e);

/* Who does this, for the event log: "user root". */
void store_who(char *out, size_t size);

#endif
