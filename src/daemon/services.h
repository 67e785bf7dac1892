/*
 * The listeners of the configuration, and the limits on who may connect.
 */
#ifndef DAEMON_SERVICES_H
#define DAEMON_SERVICES_H

#include "daemon/node.h"

#include <pwd.h>

struct services;

/* Opens all listeners; E names the one that cannot be. */
enum err_code services_new(
	struct node *n, struct services **services_r, struct err *e);
/* Unix sockets made as root are given to whom the daemon becomes. */
enum err_code services_give(
	struct services *s, const struct passwd *pw, struct err *e);
/*
 * Opens those that are new, keeps those that stay. On error nothing has
 * changed.
 */
enum err_code services_reload(
	struct services *s, struct conf *next, struct err *e);
/* The port that listener I of the configuration really has; 0: closed. */
unsigned services_port(const struct services *s, size_t i);
/*
 * The listener whose settings a connection brought by a program has; NULL: it
 * is not served now, E says why.
 */
const struct conf_listener *services_program(
	struct node *n, enum conf_service service, struct err *e);
/* Of new connections, on all listeners: as listener_window. NULL is fine. */
void services_window(struct services *s, uint32_t octets);
void services_free(struct services *s); /* NULL is fine */

#endif
