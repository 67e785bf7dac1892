/*
 * What a hook is told, as variables. The rest of its environment is made where
 * it is started (helper_env.h).
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
/* The same text, where NAME is one; NULL. */
const char *hook_event_find(const char *name);

/* "TIDEPOST_LINK=hf" and so on, NULL at its end; hook_env_free. */
char **hook_env_facts(const struct hook_facts *facts);
void hook_env_free(char **env); /* NULL is fine */
/* Could ROW be of hook_env_facts? */
bool hook_env_is_fact(const char *row);

#endif
