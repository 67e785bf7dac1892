#include "cli/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/colour.h"
#include "faces/load.h"
#include "faces/text.h"

void
cli_close(struct cli *c)
{
	spool_close(c->spool);
	conf_free(c->conf);
	c->spool = NULL;
	c->conf = NULL;
}

int
cli_fail(const struct err *e)
{
	const char *text = e->text[0] ? e->text : err_text(e->code);

	fflush(stdout);
	colour_print(stderr, COLOUR_BAD, STR("tidepost:"));
	text_printf(stderr, " %s\n", text);
	return err_exit_status(e->code);
}

int
cli_refuse(enum err_code code, const char *fmt, ...)
{
	struct err e = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	return cli_fail(&e);
}

int
cli_load(struct cli *c)
{
	if (!c->conf)
		c->conf = load_conf(c->conf_option);
	return c->conf ? 0 : err_exit_status(ERR_CONFIG);
}

enum err_code
cli_spool_try(struct cli *c, struct err *e)
{
	if (c->spool)
		return OK;
	c->spool_writes = false;
	return store_open(c->conf, &c->spool, e);
}

int
cli_spool_read(struct cli *c)
{
	struct err e;
	enum err_code code;
	int status = cli_load(c);

	if (status != 0)
		return status;
	code = cli_spool_try(c, &e);
	if (code == ERR_NOTFOUND)
		return cli_refuse(ERR_CLOSED,
			"%s (the first start of tidepostd makes the spool)",
			e.text);
	return code == OK ? 0 : cli_fail(&e);
}

enum err_code
cli_spool_alone(struct cli *c, struct err *e)
{
	if (c->spool && c->spool_writes)
		return OK;
	spool_close(c->spool);
	c->spool = NULL;
	c->spool_writes = true;
	return store_open_alone(c->conf, &c->spool, e);
}

int
cli_spool_write(struct cli *c)
{
	struct err e;
	int status = cli_load(c);

	if (status != 0)
		return status;
	return cli_spool_alone(c, &e) == OK ? 0 : cli_fail(&e);
}

int
cli_read(struct cli *c, spool_fn *fn, void *arg)
{
	struct err e = {0};
	int status = cli_spool_read(c);

	if (status != 0)
		return status;
	return spool_read(c->spool, fn, arg, &e) == OK ? 0 : cli_fail(&e);
}

int
cli_write(struct cli *c, spool_fn *fn, void *arg)
{
	struct err e = {0};
	int status = cli_spool_write(c);

	if (status != 0)
		return status;
	return spool_write(c->spool, fn, arg, &e) == OK ? 0 : cli_fail(&e);
}

int
cli_connect(struct cli *c, struct control_client **client_r)
{
	struct err e;
	enum err_code code;
	int status = cli_load(c);

	*client_r = NULL;
	if (status != 0)
		return status;
	code = control_connect(c->conf->run_dir, client_r, &e);
	return code == OK || code == ERR_CLOSED ? 0 : cli_fail(&e);
}

/* The exit status of the last record, its text printed. */
static int
ended(const struct record *r, int64_t *count_r)
{
	const char *text = record_get(r, KEY_TEXT);
	int64_t status = 0;

	if (count_r && !record_get_int(r, KEY_COUNT, count_r))
		*count_r = -1;
	if (!record_get_int(r, KEY_END, &status) || status < 0 || status > 125)
		return cli_refuse(ERR_IO,
			"the daemon's answer has no status; is it of another "
			"version? Start it anew");
	if (text && status) {
		fflush(stdout);
		colour_print(stderr, COLOUR_BAD, STR("tidepost:"));
		text_printf(stderr, " %s\n", text);
	} else if (text) {
		text_printf(stdout, "%s\n", text);
	}
	return (int)status;
}

/* As cli_ask_daemon, with a request of N records. */
static int
ask(struct control_client *client, const struct record *v, size_t n,
	uint64_t silence_ms, cli_answer *each, void *arg, int64_t *count_r)
{
	struct record answer;
	struct err e = {0};
	enum err_code code = OK;
	bool last = false;
	int status;

	record_init(&answer);
	for (size_t i = 0; code == OK && i < n; i++)
		code = control_send(client, &v[i], &e);
	while (code == OK && !last) {
		code = control_receive(client, &answer, &last, silence_ms, &e);
		if (code == OK && !last && each)
			each(arg, &answer);
	}
	status = code == OK ? ended(&answer, count_r) : cli_fail(&e);
	record_free(&answer);
	return status;
}

int
cli_ask_daemon(struct control_client *client, const struct record *request,
	uint64_t silence_ms, cli_answer *each, void *arg, int64_t *count_r)
{
	return ask(client, request, 1, silence_ms, each, arg, count_r);
}

int
cli_parts_to_daemon(struct cli *c, const struct record *v, size_t n,
	cli_answer *each, void *arg, bool *done_r, int64_t *count_r)
{
	struct control_client *client;
	int status = cli_connect(c, &client);

	*done_r = status != 0 || client;
	if (client)
		status = ask(
			client, v, n, PROTOCOL_SILENCE_MS, each, arg, count_r);
	control_close(client);
	return status;
}

int
cli_to_daemon(struct cli *c, const struct record *request, bool *done_r,
	int64_t *count_r)
{
	return cli_parts_to_daemon(c, request, 1, NULL, NULL, done_r, count_r);
}
