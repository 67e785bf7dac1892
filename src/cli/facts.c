#include "cli/facts.h"

static void
keep(void *arg, const struct record *r)
{
	facts_keep(arg, r);
}

static int
at_rest(struct cli *c, struct facts *f)
{
	struct err e = {0};
	enum err_code code = cli_spool_try(c, &e);

	if (code == OK || code == ERR_NOTFOUND)
		code = facts_at_rest(c->conf, c->spool, f, &e);
	return code == OK ? 0 : cli_fail(&e);
}

static int
gather(struct cli *c, struct facts *f, const struct record *request)
{
	struct control_client *client;
	int status = cli_connect(c, &client);

	*f = (struct facts){.running = client != NULL};
	if (client)
		status = cli_ask_daemon(
			client, request, PROTOCOL_SILENCE_MS, keep, f, NULL);
	else if (status == 0)
		status = at_rest(c, f);
	control_close(client);
	return status;
}

int
facts_status(struct cli *c, struct facts *f)
{
	struct record request;
	int status;

	protocol_request(&request, VERB_STATUS, NULL);
	status = gather(c, f, &request);
	record_free(&request);
	return status;
}

int
facts_links(struct cli *c, struct facts *f)
{
	struct record request;
	int status;

	protocol_request(&request, VERB_LINK, ACTION_WORD_LIST);
	status = gather(c, f, &request);
	record_free(&request);
	return status;
}
