/*
 * The control socket: answers the command line and the console. What is
 * said there stands in control/protocol.h; who may say it is checked by the
 * credentials of the process at the other end.
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "control/protocol.h"
#include "daemon/node.h"

struct control;

enum err_code control_new(
	struct node *n, struct control **control_r, struct err *e);
void control_free(struct control *c); /* NULL is fine */

#endif
