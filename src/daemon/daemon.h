/* What main does at start and node again at reload. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/node.h"

/* Prints every complaint to the log; E has the first error. */
enum err_code daemon_load_conf(
	const char *file, struct conf **conf_r, struct err *e);

/* TLS for both roles; *server_r NULL where no certificate is set. */
enum err_code daemon_make_tls(struct node *n, const struct conf *conf,
	struct tls_server **server_r, struct tls_client **client_r,
	struct err *e);

/*
 * With the configuration in N: opens spool and sockets, drops rights, runs
 * until told to stop. Returns OK after a good end.
 */
enum err_code daemon_run(struct node *n, struct err *e);

#endif
