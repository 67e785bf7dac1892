/* Mail that said it may not use a link, when links may carry more. */
#ifndef DAEMON_LEFTOVER_H
#define DAEMON_LEFTOVER_H

#include "daemon/node.h"

/* Takes the reasons of what was left away; the next look says them anew. */
void leftover_clear(struct node *n);

#endif
