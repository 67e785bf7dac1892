/* log: the event log that the spool keeps. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "cli/colour.h"
#include "cli/command.h"
#include "base/json.h"
#include "faces/text.h"

enum {
	LOG_PAGE = 200,
	FOLLOW_FIRST = 20, /* events shown before those to come */
	FOLLOW_SECONDS = 1,
};

struct log_page {
	struct spool_event_filter filter;
	size_t limit;
	struct spool_event *events; /* owned */
	size_t n;
};

static enum err_code
read_page(struct spool_txn *t, void *arg, struct err *e)
{
	struct log_page *p = arg;

	free(p->events);
	p->events = NULL;
	p->n = 0;
	return spool_event_list(t, &p->filter, p->limit, &p->events, &p->n, e);
}

static void
print_json(struct json *j, const struct spool_event *ev)
{
	char id[PROTOCOL_ID_TEXT_MAX];

	json_begin(j);
	json_time(j, "time", ev->time);
	json_text(j, "level", log_level_name((enum log_level)ev->level));
	json_text(j, "event", ev->event);
	snprintf(id, sizeof(id), "%" PRIu64, ev->session);
	json_text(j, "session", ev->session ? id : NULL);
	protocol_id_format(ev->message, 0, id);
	json_text(j, "message", ev->message ? id : NULL);
	protocol_id_format(ev->message, ev->n, id);
	json_text(j, "delivery", ev->message && ev->n ? id : NULL);
	json_word(j, "link", ev->link);
	json_word(j, "peer", ev->peer);
	json_word(j, "text", ev->text);
	json_print(j, stdout);
}

static enum colour
colour_of_level(int level)
{
	return level >= LOG_ERROR     ? COLOUR_BAD
	       : level >= LOG_WARNING ? COLOUR_NOTE
				      : COLOUR_PLAIN;
}

static void
print_plain(const struct spool_event *ev)
{
	char time[TEXT_SHORT_MAX], id[PROTOCOL_ID_TEXT_MAX];
	struct buf line;

	text_time(ev->time, time);
	printf("%s ", time);
	protocol_id_format(ev->message, ev->n, id);
	buf_init(&line, 0);
	text_clean(&line, str_of(ev->event));
	colour_print(stdout, colour_of_level(ev->level), buf_view(&line));
	buf_clear(&line);
	if (ev->message)
		log_add_field(&line, &LOG_STR("msg", id));
	if (ev->session)
		log_add_field(&line, &LOG_INT("session", ev->session));
	if (ev->link[0])
		log_add_field(&line, &LOG_STR("link", ev->link));
	if (ev->peer[0])
		log_add_field(&line, &LOG_STR("peer", ev->peer));
	if (ev->text[0])
		log_add_field(&line, &LOG_STR("text", ev->text));
	if (line.len)
		putchar(' ');
	text_print(stdout, buf_view(&line));
	putchar('\n');
	buf_free(&line);
}

/* What P holds; the next page begins behind it. */
static void
print_page(struct log_page *p, struct json *json)
{
	for (size_t i = 0; i < p->n; i++) {
		if (json)
			print_json(json, &p->events[i]);
		else
			print_plain(&p->events[i]);
		p->filter.after_id = p->events[i].id;
	}
	fflush(stdout);
}

static int
print_rest(struct cli *c, struct log_page *p, struct json *json)
{
	int status;

	p->limit = LOG_PAGE;
	do {
		status = cli_read(c, read_page, p);
		if (status == 0)
			print_page(p, json);
	} while (status == 0 && p->n == p->limit);
	return status;
}

/* Until somebody ends us, or nobody reads any more. */
static int
follow(struct cli *c, struct log_page *p, struct json *json)
{
	static const struct timespec pause = {.tv_sec = FOLLOW_SECONDS};
	int status;

	p->filter.newest = true;
	p->limit = FOLLOW_FIRST;
	status = cli_read(c, read_page, p);
	if (status == 0)
		print_page(p, json);
	p->filter.newest = false;
	while (status == 0 && !ferror(stdout)) {
		status = print_rest(c, p, json);
		nanosleep(&pause, NULL);
	}
	return status;
}

static enum err_code
parse_filter(const struct args *a, struct spool_event_filter *f, struct err *e)
{
	const char *message = args_value(a, "--message");
	const char *session = args_value(a, "--session");

	if (message && !protocol_id_parse(str_of(message), &f->message, &f->n))
		return err_set(e, ERR_USAGE,
			"--message %s: ids look like 4711 or 4711.2", message);
	if (session &&
		(!str_u64(str_of(session), &f->session) || f->session == 0))
		return err_set(e, ERR_USAGE,
			"--session %s: not a session's number; see: tidepost "
			"log",
			session);
	return OK;
}

static int
run_log(struct cli *c, const struct args *a)
{
	struct log_page p = {0};
	struct json json;
	struct json *j = args_has(a, "--json") ? &json : NULL;
	struct err e;
	int status;

	if (parse_filter(a, &p.filter, &e) != OK)
		return cli_fail(&e);
	json_init(&json);
	status = args_has(a, "--follow") ? follow(c, &p, j)
					 : print_rest(c, &p, j);
	if (status == 0 && !j && p.filter.after_id == 0)
		puts("none");
	json_free(&json);
	free(p.events);
	return status;
}

static const struct option log_options[] = {
	{.name = "--follow", .help = "the newest, and then what comes"},
	{.name = "--json", .help = "an object a line"},
	{.name = "--message", .value = "ID", .help = "of this message only"},
	{.name = "--session", .value = "ID", .help = "of this session only"},
	{.name = NULL},
};

const struct command log_commands[] = {
	{.name = "log",
		.words = "",
		.options = log_options,
		.help = "The event log.",
		.example = "tidepost log --message 4711",
		.run = run_log},
	{.name = NULL},
};
