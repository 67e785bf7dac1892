/* serve: standard input and output become a session of the daemon. */
#include <signal.h>
#include <string.h>

#include "cli/command.h"
#include "cli/relay.h"
#include "cli/serving.h"

/* True: the session begins. */
static bool
is_served(struct control_client *client, const char *service, int *status_r)
{
	struct record request;
	struct err e = {0};
	enum err_code code;

	protocol_request(&request, VERB_SERVE, NULL);
	record_add(&request, KEY_SERVICE, service);
	code = serving_begin(client, &request, status_r, &e);
	if (code != OK)
		cli_refuse(code, "%s: %s", service, e.text);
	record_free(&request);
	return code == OK;
}

int
serve_relay(struct control_client *client)
{
	char first[RELAY_BUFFER];
	size_t n = control_take_rest(client, first, sizeof(first));
	struct err e = {0};

	signal(SIGPIPE, SIG_IGN);
	if (relay_run(control_fd(client), first, n, &e) != OK)
		return cli_fail(&e);
	return 0;
}

static int
run_serve(struct cli *c, const struct args *a)
{
	const char *service = args_value(a, "--service");
	struct control_client *client = NULL;
	int status = 0;

	if (!service || (strcmp(service, SERVICE_WORD_ODMR) != 0 &&
				strcmp(service, SERVICE_WORD_SUBMISSION) != 0))
		return cli_refuse(ERR_USAGE,
			"serve needs --service odmr or --service submission");
	status = cli_connect(c, &client);
	if (status == 0 && !client)
		status = cli_refuse(ERR_CLOSED,
			"the daemon is not running: start tidepostd");
	else if (status == 0 && is_served(client, service, &status))
		status = serve_relay(client);
	control_close(client);
	return status;
}

static const struct option serve_options[] = {
	{.name = "--service", .value = "SERVICE", .help = "odmr or submission"},
	{.name = NULL},
};

const struct command serve_commands[] = {
	{.name = "serve",
		.words = "",
		.options = serve_options,
		.help = "Standard input and output become a session of the "
			"daemon: the far end of a peer that is a command.",
		.example = "tidepost serve --service submission",
		.run = run_serve},
	{.name = NULL},
};
