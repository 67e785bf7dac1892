/*
 * A message as a file without a name, for a process that has no spool: whole
 * before it is handed over, so a program never takes half of one for all of it,
 * however this daemon ends.
 */
#ifndef DAEMON_STAGE_H
#define DAEMON_STAGE_H

#include "conf/conf.h"
#include "daemon/letter.h"

/*
 * The octets of L's body; FOR_PROGRAM: with LF, behind Return-Path and
 * Delivered-To. In the spool's folder. *fd_r (given) stands at its beginning,
 * only for reading.
 */
enum err_code stage_new(const struct conf *conf, const struct letter *l,
	bool for_program, int *fd_r, struct err *e);

/* Such a file, empty, for anything else that has no name. *fd_r is given. */
enum err_code stage_open(const struct conf *conf, int *fd_r, struct err *e);

/* The body of a letter in such a file, FD: where this is in *fd_arg. */
enum err_code stage_read(void *fd_arg, uint64_t offset, char *out, size_t size,
	size_t *n_r, struct err *e);

#endif
