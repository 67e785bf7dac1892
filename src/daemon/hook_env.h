/*
 * The environment of a hook: what it is told, and little else. Nothing of ours
 * is passed on but where programs are found, language and time zone, so no
 * secret, and no socket of the service manager.
 *
 * Much of it was written by strangers (addresses, replies of peers). There is
 * no control octet in it, so none of it is ever more than one line.
 */
#ifndef DAEMON_HOOK_ENV_H
#define DAEMON_HOOK_ENV_H

#include "daemon/hook_facts.h"

enum { HOOK_VALUE_MAX = 1000 }; /* octets; what is longer is cut */

/* "link-up"; also the name of its folder, with ".d". */
const char *hook_event_name(enum hook_event what);

/*
 * NULL at its end; hook_env_free. HOST: of this node; CONF: the file of its
 * configuration.
 */
char **hook_env_new(enum hook_event what, const char *host, const char *conf,
	const struct hook_facts *facts);
void hook_env_free(char **env); /* NULL is fine */

#endif
