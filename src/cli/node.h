/*
 * A whole node in one archive (cli/tar.h): first the spool as spool.db, then by
 * their paths, without the first slash, the configuration and the files it
 * names, each with its owner and rights.
 *
 * It is as trusted as who made it: put back, its files go where it says. What
 * it would replace is shown and asked for; --to unpacks it to be looked at.
 */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include "cli/context.h"
#include "cli/tar.h"

/* C's node into FILE, at one stroke. Its spool is open. */
enum err_code node_write(struct cli *c, const char *file, struct err *e);

/* Does FROM begin with a spool? */
bool node_has_spool(int from, struct tar_member *m);
/* All of FROM (the archive FILE) into TO, a folder that is new or empty. */
int node_unpack(int from, const char *file, const char *to);
/*
 * All but the spool to where it was; C then works with that configuration.
 * Nothing is replaced before all of it is on the disk, beside its place.
 */
int node_put_back(struct cli *c, int from, const char *file, bool yes);

#endif
