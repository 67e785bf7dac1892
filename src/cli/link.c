/* link: looking at links, and telling that they come and go. */
#include "cli/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "faces/linkchange.h"
#include "faces/text.h"

enum {
	/* Beyond --deadline the daemon is given so long to say so. */
	DEADLINE_GRACE_MS = 15000,
	DEADLINE_MAX_S = 366 * 86400,
	/* How long a daemon that starts or ends is waited for. */
	BETWEEN_MS = 10000,
	BETWEEN_STEP_NS = 100 * 1000 * 1000,
};

/* --- list --- */

static void
table_row(struct table *t, const struct record *r)
{
	char since[TEXT_SHORT_MAX], size[TEXT_SHORT_MAX];

	text_time(facts_int(r, KEY_SINCE), since);
	text_size((uint64_t)facts_int(r, KEY_WAITING_BYTES), size);
	table_cell(t, facts_text(r, KEY_NAME));
	table_state(t, facts_text(r, KEY_STATE));
	table_cell(t, since);
	table_cell(t, facts_text(r, KEY_INTERFACE));
	table_cellf(t, "%" PRId64, facts_int(r, KEY_WAITING_MESSAGES));
	table_cell(t, size);
	text_size((uint64_t)facts_int(r, KEY_BYTES_SENT), size);
	table_cell(t, size);
	text_size((uint64_t)facts_int(r, KEY_BYTES_RECEIVED), size);
	table_cell(t, size);
	table_cell(t, facts_text(r, KEY_REASON));
}

void
link_table(const struct facts *f)
{
	static const struct table_column columns[] = {
		{.title = "LINK"},
		{.title = "STATE"},
		{.title = "SINCE"},
		{.title = "INTERFACE", .spare = true},
		{.title = "WAITING", .right = true},
		{.title = "SIZE", .right = true},
		{.title = "SENT", .right = true, .spare = true},
		{.title = "RECEIVED", .right = true, .spare = true},
		{.title = "WHY", .cut = true},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));
	const struct record *r;
	size_t at = 0;

	while ((r = facts_next(f, KIND_LINK, &at)))
		table_row(t, r);
	table_end(t);
}

static void
list_json(const struct facts *f)
{
	const struct record *r;
	struct json j;
	size_t at = 0;

	json_init(&j);
	while ((r = facts_next(f, KIND_LINK, &at))) {
		json_begin(&j);
		facts_json_link(&j, r);
		json_print(&j, stdout);
	}
	json_free(&j);
}

static int
run_list(struct cli *c, const struct args *a)
{
	struct facts f;
	size_t at = 0;
	int status = facts_links(c, &f);

	if (status == 0 && args_has(a, "--json"))
		list_json(&f);
	else if (status == 0 && !facts_next(&f, KIND_LINK, &at))
		puts("none");
	else if (status == 0)
		link_table(&f);
	facts_free(&f);
	return status;
}

/* --- up, down, enable, disable --- */

struct change {
	struct link_change to;
	const struct args *a;
};

static const struct {
	const char *action, *done;
} words[] = {
	{ACTION_WORD_UP, "up"},
	{ACTION_WORD_DOWN, "down"},
	{ACTION_WORD_CALL, "called"},
	{ACTION_WORD_HANGUP, "hung up"},
	{ACTION_WORD_ENABLE, "enabled"},
	{ACTION_WORD_DISABLE, "disabled"},
};

static void
say_done(const struct change *ch, const char *where)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].action, ch->to.action) == 0)
			text_printf(stdout, "%s: %s%s\n", ch->to.name,
				words[i].done, where);
}

static int
change_directly(struct cli *c, struct change *ch)
{
	int status;

	if (strcmp(ch->to.action, ACTION_WORD_CALL) == 0 ||
		strcmp(ch->to.action, ACTION_WORD_HANGUP) == 0)
		return cli_refuse(ERR_CLOSED,
			"the daemon is not running: only it calls and hangs "
			"up; what it left open it hangs up when it starts");
	if (args_has(ch->a, "--wait"))
		return cli_refuse(ERR_CLOSED,
			"the daemon is not running: there is nothing to wait "
			"for, nothing moves; start tidepostd");
	ch->to.interface = args_value(ch->a, "--interface");
	ch->to.address = args_value(ch->a, "--address");
	ch->to.reason = args_value(ch->a, "--reason");
	store_who(ch->to.who, sizeof(ch->to.who));
	status = cli_write(c, link_change_in_spool, &ch->to);
	if (status == 0)
		say_done(ch, " (recorded; the daemon is not running)");
	return status;
}

/* *deadline_r: seconds; 0: none. */
static enum err_code
parse_deadline(const struct args *a, int64_t *deadline_r, struct err *e)
{
	const char *text = args_value(a, "--deadline");
	int64_t ms;

	*deadline_r = 0;
	if (!text)
		return OK;
	if (!args_has(a, "--wait"))
		return err_set(e, ERR_USAGE,
			"--deadline belongs to --wait: give both, or none of "
			"them");
	if (!conf_parse_duration_ms(str_of(text), &ms) || ms < 1000 ||
		ms / 1000 > DEADLINE_MAX_S)
		return err_set(e, ERR_USAGE,
			"--deadline %s: not a duration of at least a second "
			"(as 90s, 15m)",
			text);
	*deadline_r = ms / 1000;
	return OK;
}

static int
wait_for_end(struct control_client *client, const struct record *request,
	int64_t deadline_s)
{
	uint64_t began_ms = clock_mono_ms();
	struct progress p;
	int status;

	progress_init(&p);
	status = cli_ask_daemon(client, request,
		deadline_s ? (uint64_t)deadline_s * 1000 + DEADLINE_GRACE_MS
			   : 0,
		progress_record, &p, NULL);
	progress_end(&p);
	/* the daemon says "try later" with the same status, but at once */
	if (deadline_s && status == err_exit_status(ERR_TIMEOUT) &&
		clock_mono_ms() - began_ms >= (uint64_t)deadline_s * 1000)
		return PROTOCOL_WAIT_DEADLINE;
	return status;
}

static int
change_by_daemon(struct change *ch, struct control_client *client)
{
	bool wait = args_has(ch->a, "--wait");
	struct record request;
	int64_t deadline_s;
	struct err e;
	int status;

	if (parse_deadline(ch->a, &deadline_s, &e) != OK)
		return cli_fail(&e);
	protocol_request(&request, VERB_LINK, ch->to.action);
	record_add(&request, KEY_NAME, ch->to.name);
	record_add(&request, KEY_INTERFACE, args_value(ch->a, "--interface"));
	record_add(&request, KEY_ADDRESS, args_value(ch->a, "--address"));
	record_add(&request, KEY_REASON, args_value(ch->a, "--reason"));
	record_add(&request, KEY_WAIT, wait ? "1" : NULL);
	if (deadline_s)
		record_add_int(&request, KEY_DEADLINE, deadline_s);
	status = wait ? wait_for_end(client, &request, deadline_s)
		      : cli_ask_daemon(client, &request, PROTOCOL_SILENCE_MS,
				NULL, NULL, NULL);
	if (status == 0 && !wait)
		say_done(ch, "");
	record_free(&request);
	return status;
}

/* Without a daemon it is written down for the next one. */
static bool
can_be_recorded(const struct cli *c, const struct change *ch)
{
	return strcmp(ch->to.action, ACTION_WORD_CALL) != 0 &&
	       strcmp(ch->to.action, ACTION_WORD_HANGUP) != 0 &&
	       !args_has(ch->a, "--wait") && conf_link(c->conf, ch->to.name);
}

/*
 * A daemon that starts or ends has the spool and does not listen. What a hook
 * of the system tells then must not be lost: it tells it once.
 */
static int
connect_or_own(struct cli *c, const struct change *ch,
	struct control_client **client_r)
{
	const struct timespec pause = {.tv_nsec = BETWEEN_STEP_NS};
	uint64_t end_ms = clock_mono_ms() + BETWEEN_MS;
	struct err e;
	int status;

	while ((status = cli_connect(c, client_r)) == 0 && !*client_r &&
		can_be_recorded(c, ch) && clock_mono_ms() < end_ms &&
		cli_spool_alone(c, &e) == ERR_LOCKED)
		nanosleep(&pause, NULL);
	return status;
}

static int
change_one(struct cli *c, const struct args *a, const char *name)
{
	struct change ch = {.a = a, .to = {.name = name}};
	struct control_client *client;
	int status;

	ch.to.action = strrchr(a->command->name, ' ') + 1;
	status = connect_or_own(c, &ch, &client);
	if (status != 0)
		return status;
	if (!client && !conf_link(c->conf, ch.to.name))
		status = cli_refuse(ERR_NOTFOUND,
			"no link \"%s\" in %s; see: tidepost link list",
			ch.to.name, c->conf->file);
	else if (client)
		status = change_by_daemon(&ch, client);
	else
		status = change_directly(c, &ch);
	control_close(client);
	return status;
}

/* What a hook of the system knows is the interface. */
static int
change_by_interface(struct cli *c, const struct args *a, const char *interface)
{
	bool any = false;
	int status;

	if (args_has(a, "--wait"))
		return cli_refuse(ERR_USAGE,
			"--wait needs the name of a link; see: tidepost link "
			"list");
	status = cli_load(c);
	for (size_t i = 0; status == 0 && i < c->conf->links_n; i++) {
		const struct conf_link *l = &c->conf->links[i];

		if (!l->interface || strcmp(l->interface, interface) != 0)
			continue;
		any = true;
		status = change_one(c, a, l->name);
	}
	if (any || status != 0)
		return status;
	return cli_refuse(ERR_NOTFOUND,
		"no link in %s has interface = \"%s\"; see: tidepost link list",
		c->conf->file, interface);
}

static int
run_change(struct cli *c, const struct args *a)
{
	const char *interface = args_value(a, "--interface");
	struct err e;
	int64_t deadline_s;

	if (parse_deadline(a, &deadline_s, &e) != OK)
		return cli_fail(&e);
	if (a->words_n)
		return change_one(c, a, a->words[0]);
	if (interface)
		return change_by_interface(c, a, interface);
	return cli_refuse(ERR_USAGE,
		"name a link, or say --interface; see: tidepost "
		"link list");
}

static const struct option list_options[] = {
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

static const struct option up_options[] = {
	{.name = "--interface", .value = "NAME", .help = "that carries it"},
	{.name = "--address", .value = "ADDRESS", .help = "of ours, on it"},
	{.name = "--wait",
		.help = "until all has moved; the exit status tells"},
	{.name = "--deadline", .value = "DURATION", .help = "wait no longer"},
	{.name = NULL},
};

static const struct option down_options[] = {
	{.name = "--interface",
		.value = "NAME",
		.help = "in place of a name: the links that have it"},
	{.name = NULL},
};

static const struct option call_options[] = {
	{.name = "--wait",
		.help = "until all has moved; the exit status tells"},
	{.name = "--deadline", .value = "DURATION", .help = "wait no longer"},
	{.name = NULL},
};

static const struct option allow_options[] = {
	{.name = "--time", .value = "DURATION", .help = "so much more time"},
	{.name = "--bytes", .value = "SIZE", .help = "so many more octets"},
	{.name = "--cost", .value = "AMOUNT", .help = "so much more money"},
	{.name = NULL},
};

static const struct option reason_options[] = {
	{.name = "--reason", .value = "TEXT", .help = "shown with the link"},
	{.name = NULL},
};

const struct command link_commands[] = {
	{.name = "link list",
		.words = "",
		.options = list_options,
		.help = "Each link: its state, and what waits for it.",
		.example = "tidepost link list",
		.run = run_list},
	{.name = "link up",
		.words = "[NAME]",
		.most = 1,
		.options = up_options,
		.help = "Reports: this link carries packets now.",
		.example = "tidepost link up iridium --wait --deadline 15m",
		.run = run_change},
	{.name = "link down",
		.words = "[NAME]",
		.most = 1,
		.options = down_options,
		.help = "Reports: this link carries no packets any more.",
		.example = "tidepost link down iridium",
		.run = run_change},
	{.name = "link call",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = call_options,
		.help = "Dials the link, exchanges mail, and hangs up.",
		.example = "tidepost link call iridium --wait --deadline 15m",
		.run = run_change},
	{.name = "link hangup",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.help = "Ends a call now.",
		.example = "tidepost link hangup iridium",
		.run = run_change},
	{.name = "link allow",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = allow_options,
		.help = "Raises today's budget of the link, once.",
		.example = "tidepost link allow iridium --bytes 500K",
		.run = link_allow},
	{.name = "link plan",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = list_options,
		.help = "What would move now, in which order; sends nothing.",
		.example = "tidepost link plan iridium",
		.run = link_plan},
	{.name = "link disable",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = reason_options,
		.help = "No use of this link until it is enabled.",
		.example = "tidepost link disable vsat --reason 'in dock'",
		.run = run_change},
	{.name = "link enable",
		.words = "NAME",
		.least = 1,
		.most = 1,
		.options = reason_options,
		.help = "Ends disable.",
		.example = "tidepost link enable vsat",
		.run = run_change},
	{.name = NULL},
};
