/* status: the node at a glance. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/colour.h"
#include "cli/command.h"
#include "cli/facts.h"
#include "cli/link.h"
#include "cli/table.h"
#include "faces/text.h"

/* A clock is said to be off from there on. */
enum {
	CLOCK_OFF_SHOWN_S = 5,
	WATCH_SECONDS = 2,
	STATUS_COLUMN = 11 /* where the facts begin */
};

static const struct record *
only(const struct facts *f, const char *kind)
{
	size_t at = 0;

	return facts_next(f, kind, &at);
}

static void
print_json(const struct facts *f)
{
	struct json j;

	json_init(&j);
	json_begin(&j);
	facts_json(&j, f);
	json_print(&j, stdout);
	json_free(&j);
}

/* --- for people --- */

/* A line of its own, its first word in colour. */
static void
print_warning(const char *word, const char *text)
{
	colour_print(stdout, COLOUR_NOTE, str_of(word));
	text_printf(
		stdout, "%*s%s\n", STATUS_COLUMN - (int)strlen(word), "", text);
}

static void
print_clock(const struct record *node)
{
	bool told = record_get(node, KEY_CLOCK_OFF) != NULL;
	int64_t off = facts_int(node, KEY_CLOCK_OFF);
	char text[TEXT_SHORT_MAX];

	text_duration(off < 0 ? -off : off, text);
	if (strcmp(facts_text(node, KEY_CLOCK), CLOCK_NOT_TRUSTED) == 0)
		print_warning("clock",
			told ? "not trusted: nothing expires, what a peer told "
			       "is gone by"
			     : "not trusted: nothing expires, windows are off");
	else if (told &&
		 (off >= CLOCK_OFF_SHOWN_S || -off >= CLOCK_OFF_SHOWN_S))
		printf("clock      %s %s what a peer told\n", text,
			off < 0 ? "behind" : "ahead of");
}

static void
print_node(const struct facts *f)
{
	const struct record *node = only(f, KIND_NODE);
	char uptime[TEXT_SHORT_MAX];

	text_duration(facts_int(node, KEY_UPTIME), uptime);
	if (f->running) {
		text_printf(stdout,
			"%s  tidepost %s, running for %s (pid %" PRId64 ")\n",
			facts_text(node, KEY_HOSTNAME),
			facts_text(node, KEY_VERSION), uptime,
			facts_int(node, KEY_PID));
	} else {
		text_printf(stdout, "%s  tidepost %s, ",
			facts_text(node, KEY_HOSTNAME),
			facts_text(node, KEY_VERSION));
		colour_print(stdout, COLOUR_BAD, STR("not running"));
		putchar('\n');
	}
	print_clock(node);
	if (f->running)
		text_printf(stdout, "sandbox    %s\n",
			facts_text(node, KEY_SANDBOX));
}

static void
print_warnings(const struct facts *f)
{
	const struct record *r;
	size_t at = 0;

	while ((r = facts_next(f, KIND_WARNING, &at)))
		print_warning("warning", facts_text(r, KEY_TEXT));
}

static void
print_listeners(const struct facts *f)
{
	const struct record *r;
	struct buf line;
	size_t at = 0;

	buf_init(&line, 0);
	while ((r = facts_next(f, KIND_LISTENER, &at))) {
		const char *address = facts_text(r, KEY_ADDRESS);
		bool colon = strchr(address, ':') != NULL;

		if (facts_int(r, KEY_PORT) == 0) {
			/* a path, or a program's: neither has one */
			buf_addf(&line, "%s%s %s", line.len ? ", " : "",
				facts_text(r, KEY_NAME), address);
			continue;
		}
		buf_addf(&line, "%s%s %s%s%s:%s", line.len ? ", " : "",
			facts_text(r, KEY_NAME), colon ? "[" : "", address,
			colon ? "]" : "", facts_text(r, KEY_PORT));
	}
	if (line.len)
		text_printf(stdout, "listeners  %s\n", buf_z(&line));
	buf_free(&line);
}

static void
print_queue(const struct record *queue)
{
	char size[TEXT_SHORT_MAX];

	text_size((uint64_t)facts_int(queue, KEY_BYTES), size);
	printf("queue      %" PRId64 " ready, %" PRId64 " deferred, %" PRId64
	       " held, %" PRId64 " active, %s octets\n",
		facts_int(queue, KEY_READY), facts_int(queue, KEY_DEFERRED),
		facts_int(queue, KEY_HELD), facts_int(queue, KEY_ACTIVE), size);
}

static void
session_row(struct table *t, const struct record *r)
{
	char done[TEXT_SHORT_MAX], total[TEXT_SHORT_MAX], since[TEXT_SHORT_MAX];

	text_size((uint64_t)facts_int(r, KEY_BYTES_DONE), done);
	text_size((uint64_t)facts_int(r, KEY_BYTES_TOTAL), total);
	text_time(facts_int(r, KEY_SINCE), since);
	table_cell(t, facts_text(r, KEY_ID));
	table_cell(t, facts_text(r, KEY_PEER));
	table_cell(t, facts_text(r, KEY_LINK));
	table_cell(t, facts_text(r, KEY_ROLE));
	table_cell(t, facts_text(r, KEY_STATE));
	table_cell(t, facts_text(r, KEY_MESSAGE));
	table_cellf(t, "%s of %s", done, total);
	table_cell(t, since);
}

static void
print_sessions(const struct facts *f)
{
	static const struct table_column columns[] = {
		{.title = "SESSION"},
		{.title = "PEER", .cut = true},
		{.title = "LINK", .cut = true},
		{.title = "ROLE"},
		{.title = "STATE", .cut = true},
		{.title = "MESSAGE"},
		{.title = "BYTES", .right = true},
		{.title = "SINCE", .spare = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));
	const struct record *r;
	size_t at = 0;

	if (only(f, KIND_SESSION))
		putchar('\n');
	while ((r = facts_next(f, KIND_SESSION, &at)))
		session_row(t, r);
	table_end(t);
}

static void
print_plain(const struct facts *f)
{
	print_node(f);
	print_warnings(f);
	print_listeners(f);
	print_queue(only(f, KIND_QUEUE));
	if (only(f, KIND_LINK))
		putchar('\n');
	link_table(f);
	print_sessions(f);
}

static int
show(struct cli *c, bool json)
{
	struct facts f;
	int status = facts_status(c, &f);

	if (status == 0 && json)
		print_json(&f);
	else if (status == 0)
		print_plain(&f);
	facts_free(&f);
	return status;
}

/* Until somebody ends us, or nobody reads any more. */
static int
watch(struct cli *c, bool json)
{
	static const struct timespec pause = {.tv_sec = WATCH_SECONDS};
	bool terminal = isatty(STDOUT_FILENO);
	int status;

	for (;;) {
		if (terminal && !json)
			fputs("\033[H\033[2J", stdout); /* home, clear */
		status = show(c, json);
		if (!terminal && !json)
			putchar('\n');
		fflush(stdout);
		if (status != 0 || ferror(stdout))
			return status;
		nanosleep(&pause, NULL);
	}
}

static int
run_status(struct cli *c, const struct args *a)
{
	bool json = args_has(a, "--json");

	return args_has(a, "--watch") ? watch(c, json) : show(c, json);
}

static const struct option status_options[] = {
	{.name = "--json", .help = "one object"},
	{.name = "--watch", .help = "again every two seconds"},
	{.name = NULL},
};

const struct command status_commands[] = {
	{.name = "status",
		.words = "",
		.options = status_options,
		.help = "The node: listeners, queue, links, running sessions.",
		.example = "tidepost status --json",
		.run = run_status},
	{.name = NULL},
};
