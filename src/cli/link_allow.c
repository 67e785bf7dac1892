/* link allow: raises today's budget of a link, once. */
#include "cli/link.h"

#include "faces/allow.h"
#include "outlook/budget.h"

static int
allow_directly(struct cli *c, struct allow *al, const char *name)
{
	al->link = conf_link(c->conf, name);
	if (!al->link)
		return cli_refuse(ERR_NOTFOUND,
			"no link \"%s\" in %s; see: tidepost link list", name,
			c->conf->file);
	if (!outlook_has_budget(al->link))
		return cli_refuse(ERR_USAGE,
			"link %s has no budget to raise: links.budget sets one",
			name);
	return cli_write(c, allow_in_spool, al);
}

static int
allow_by_daemon(
	struct control_client *client, const struct allow *al, const char *name)
{
	struct request request;
	int status;

	allow_request(al, name, &request);
	status = cli_ask_daemon(
		client, request.v, PROTOCOL_SILENCE_MS, NULL, NULL, NULL);
	request_free(&request);
	return status;
}

int
link_allow(struct cli *c, const struct args *a)
{
	struct allow al = {.link = NULL};
	const char *name = a->words[0];
	struct control_client *client;
	struct err e;
	int status;

	if (allow_parse(args_value(a, "--time"), args_value(a, "--bytes"),
		    args_value(a, "--cost"), &al, &e) != OK)
		return cli_fail(&e);
	store_who(al.who, sizeof(al.who));
	status = cli_connect(c, &client);
	if (status != 0)
		return status;
	status = client ? allow_by_daemon(client, &al, name)
			: allow_directly(c, &al, name);
	control_close(client);
	if (status == 0)
		text_printf(stdout, "%s: %s, today and this month\n", name,
			al.text);
	return status;
}
