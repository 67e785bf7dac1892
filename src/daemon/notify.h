/*
 * Telling the service manager how we are: the datagram protocol of systemd
 * (sd_notify(3)), spoken directly; nothing happens without NOTIFY_SOCKET.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);

#endif
