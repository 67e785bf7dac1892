/*
 * Telling the service manager how we are: the datagram protocol of systemd
 * (sd_notify(3)), spoken directly; nothing happens without NOTIFY_SOCKET.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

/* A parent waits at FD for one octet (-D); given. */
void notify_set_parent(int fd);
/* With a parent set: also lets go of the terminal. */
void notify_ready(void);
void notify_stopping(void);
/* In a process that is forked: the terminal and the parent are not its own. */
void notify_let_go(void);
/* Would somebody start us again? */
bool notify_is_managed(void);

#endif
