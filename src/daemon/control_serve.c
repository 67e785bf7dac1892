/* A program at the far end of a line brings a client: tidepost serve. */
#include "base/log.h"
#include "daemon/control_private.h"
#include "daemon/receive.h"
#include "daemon/services.h"

#include <string.h>

static bool
service_parse(const char *name, enum conf_service *service_r)
{
	if (name && strcmp(name, SERVICE_WORD_ODMR) == 0)
		*service_r = SERVICE_ODMR;
	else if (name && strcmp(name, SERVICE_WORD_SUBMISSION) == 0)
		*service_r = SERVICE_SUBMISSION;
	else
		return false;
	return true;
}

/*
 * What the client says is not read before the session has the stream: its
 * first octets may be a TLS handshake.
 */
void
control_serve(struct control_conn *c)
{
	enum conf_service service;
	struct err e = {0};
	struct record r;

	if (!service_parse(conn_get(c, KEY_SERVICE), &service)) {
		conn_end(c, err_exit_status(ERR_USAGE),
			"the service is odmr or submission", -1);
		return;
	}
	c->serve = services_program(c->n, service, &e);
	if (!c->serve) {
		conn_end_err(c, e.code, &e);
		return;
	}
	stream_read_enable(c->stream, false);
	record_init(&r);
	protocol_answer(&r, KIND_SERVING);
	conn_send(c, &r);
	record_free(&r);
}

void
control_serve_begin(struct control_conn *c)
{
	const struct conf_listener *l = c->serve;
	struct node *n = c->n;

	receive_stream(n, l, conn_give_stream(c));
}
