/* The faces' end of the control socket; blocking. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "base/err.h"
#include "control/record.h"

struct control_client;

/* ERR_CLOSED: no daemon listens there. ERR_PERM: not allowed to connect. */
enum err_code control_connect(
	const char *run_dir, struct control_client **client_r, struct err *e);
enum err_code control_send(
	struct control_client *c, const struct record *request, struct err *e);
/*
 * The next record; *last_r: it is the one with "end". Waits at most
 * TIMEOUT_MS (0: for ever). ERR_CLOSED: the daemon went away.
 */
enum err_code control_receive(struct control_client *c, struct record *record_r,
	bool *last_r, uint64_t timeout_ms, struct err *e);
/* At most SIZE octets that came behind the last record; 0: no more. */
size_t control_take_rest(struct control_client *c, char *out, size_t size);
int control_fd(const struct control_client *c); /* for poll */
void control_close(struct control_client *c);	/* NULL is fine */

#endif
