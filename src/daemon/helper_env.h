/*
 * The environment of programs: where programs are found, language and time
 * zone, who they are, and whose they are. Nothing else of ours is passed on, so
 * no secret, and no socket of the service manager.
 */
#ifndef DAEMON_HELPER_ENV_H
#define DAEMON_HELPER_ENV_H

#include "conf/conf.h"

#include <pwd.h>

/*
 * EVENT: of a hook; NULL. ROWS, NULL at their end: of hook_env_facts; NULL. PW:
 * who it became; NULL: who we always were. NULL at its end; helper_env_free.
 */
char **helper_env_new(const struct conf *conf, const struct passwd *pw,
	const char *event, const char *const *rows);
void helper_env_free(char **env); /* NULL is fine */

#endif
