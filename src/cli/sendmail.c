/*
 * sendmail and "tidepost send": a message from standard input, with the options
 * that programs pass to sendmail(8). tidepost-sendmail(1) lists them.
 */
#include "cli/sendmail_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/command.h"
#include "cli/serving.h"
#include "cli/submit.h"

/* -bs: SMTP on standard input and output. */
static int
speak_smtp(struct cli *c)
{
	struct control_client *client = NULL;
	struct submit_place place;
	struct record request;
	struct err e = {0};
	int status = EX_TEMPFAIL;

	if (submit_place_find(c, &place) != 0) {
		puts("421 4.3.5 the configuration has errors\r");
		return EX_TEMPFAIL;
	}
	protocol_request(&request, VERB_SUBMIT, NULL);
	if (control_connect(place.run_dir, &client, &e) == OK &&
		serving_begin(client, &request, &status, &e) == OK) {
		status = serve_relay(client);
	} else {
		printf("421 4.3.2 %s\r\n",
			e.text[0] ? e.text : "the daemon is not running");
		status = EX_TEMPFAIL;
	}
	record_free(&request);
	control_close(client);
	submit_place_free(&place);
	return status;
}

int
sendmail_main(struct cli *c, char **argv)
{
	static char list[] = "list", retry[] = "retry", all[] = "--all",
		    yes[] = "--yes", queue[] = "queue";
	const char *const mailq[] = {queue, list, NULL};
	const char *const flush[] = {queue, retry, all, yes, NULL};
	struct sendmail_options o = {.mode = SENDMAIL_SEND};
	size_t n = 0;
	int status = EX_USAGE;

	while (argv[n])
		n++;
	o.words = xcalloc(n + 1, sizeof(*o.words));
	if (sendmail_parse(c, argv, &o))
		switch (o.mode) {
		case SENDMAIL_SEND:
			status = sendmail_send(c, &o);
			break;
		case SENDMAIL_SMTP:
			status = speak_smtp(c);
			break;
		case SENDMAIL_QUEUE:
			status = command_run(c, 2, mailq);
			break;
		case SENDMAIL_FLUSH:
			status = command_run(c, 4, flush);
			break;
		case SENDMAIL_NOTHING:
			status = 0;
			break;
		}
	free(o.words);
	return status;
}

/* mailq: sendmail -bp. */
int
mailq_main(struct cli *c, char **argv)
{
	static char bp[] = "-bp";
	char **with = NULL;
	size_t n = 0;
	int status;

	while (argv[n])
		n++;
	with = xcalloc(n + 2, sizeof(*with));
	memcpy(with, argv, n * sizeof(*with));
	with[n] = bp;
	status = sendmail_main(c, with);
	free(with);
	return status;
}

static int
run_send(struct cli *c, const struct args *a)
{
	char **argv = xcalloc(a->words_n + 1, sizeof(*argv));
	int status;

	for (size_t i = 0; i < a->words_n; i++)
		argv[i] = str_dupz(a->words[i]);
	status = sendmail_main(c, argv);
	for (size_t i = 0; i < a->words_n; i++)
		free(argv[i]);
	free(argv);
	return status;
}

const struct command send_commands[] = {
	{.name = "send",
		.words = "[sendmail options] [address ...]",
		.most = COMMAND_WORDS_MANY,
		.raw = true,
		.help = "Submits a message from standard input, with the "
			"options of sendmail; see tidepost-sendmail(1).",
		.example = "tidepost send -t -i <message",
		.run = run_send},
	{.name = NULL},
};
