/* The daemon asked to make of a control connection a session. */
#ifndef CLI_SERVING_H
#define CLI_SERVING_H

#include "control/client.h"
#include "control/protocol.h"

/*
 * OK: the daemon said "serving", and from the next octet on CLIENT is a session
 * (control_take_rest has what came with it). Else E has its words; *status_r
 * is the exit status that it gave, or that of E.
 */
enum err_code serving_begin(struct control_client *client,
	const struct record *request, int *status_r, struct err *e);

/* Standard input and output are that session now; the exit status (serve.c). */
int serve_relay(struct control_client *client);

#endif
