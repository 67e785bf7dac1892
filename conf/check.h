/*
 * What only the whole shows: references, doubles, contradictions, and what
 * is well formed but not yet supported.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include "conf/complaint.h"
#include "conf/tree.h"

/* Of struct sockaddr_un, less its NUL. */
enum { CHECK_SOCKET_PATH_MAX = 107 };

/* One look at a configuration. */
struct check {
	const struct conf *conf;
	const struct node *root;
	struct complaints *out;
};

/* C was built from ROOT; bad settings have been complained about. */
void check_conf(
	const struct conf *c, const struct node *root, struct complaints *out);

void check_listeners(const struct check *k);
void check_local(const struct check *k);
void check_peers(const struct check *k);
void check_routes(const struct check *k);
void check_batches(const struct check *k);
void check_links(const struct check *k);
void check_report(const struct check *k);

/* The group NAME of the file, or the file itself. */
const struct node *check_group(const struct check *k, const char *name);
/* The path behind "dovecot:"; AT is the value, KEY its name. */
void check_dovecot(const struct check *k, const struct place *at,
	const char *key, const char *path);
/*
 * A file with a secret, the value of KEY, at AT: its path and mode alone; the
 * daemon reads it when it needs it.
 */
void check_secret_file(const struct check *k, const char *key, const char *file,
	const struct place *at);
/* Item I of the list LIST ("peers"). */
const struct node *check_item(
	const struct check *k, const char *list, size_t i);
/* Where the member NAME of GROUP is, or else the group itself. */
const struct place *check_at(const struct node *group, const char *name);
/* Where string I of the member NAME is. */
const struct place *check_at_string(
	const struct node *group, const char *name, size_t i);
/* Was NAME given, well formed? */
bool check_given(const struct node *group, const char *name);
/* A name for use on command lines: letters, digits, . _ and -. */
void check_name(const struct check *k, const struct node *group,
	const char *path, const char *name);

#endif
