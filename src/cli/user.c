/* user: who may submit with AUTH. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/account.h"
#include "cli/command.h"
#include "base/json.h"
#include "cli/table.h"
#include "faces/text.h"

static int
run_change(struct cli *c, const struct args *a)
{
	return account_run(c, a, ACCOUNT_USER);
}

static void
print_json(const struct account_list *list)
{
	struct json j;

	json_init(&j);
	for (size_t i = 0; i < list->n; i++) {
		const struct spool_account *u = &list->v[i];

		json_begin(&j);
		json_text(&j, "name", u->name);
		json_lines(&j, "senders", u->senders);
		json_int(&j, "max_priority", u->max_priority);
		json_time(&j, "last_login", u->last_login);
		json_print(&j, stdout);
	}
	json_free(&j);
}

static void
print_table(const struct account_list *list)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .cut = true},
		{.title = "SENDERS", .cut = true},
		{.title = "MAX PRIORITY", .right = true},
		{.title = "LAST LOGIN"},
	};
	struct table *t =
		table_new(stdout, columns, sizeof(columns) / sizeof(*columns));

	for (size_t i = 0; i < list->n; i++) {
		const struct spool_account *u = &list->v[i];
		char *senders = account_commas(u->senders);
		char time[TEXT_SHORT_MAX];

		text_time(u->last_login, time);
		table_cell(t, u->name);
		table_cell(t, senders);
		table_cellf(t, "%d", u->max_priority);
		table_cell(t, time);
		free(senders);
	}
	if (list->n == 0)
		puts("none");
	table_end(t);
}

static int
run_list(struct cli *c, const struct args *a)
{
	struct account_list list;
	int status = account_list(c, ACCOUNT_USER, NULL, &list);

	if (status == 0 && args_has(a, "--json"))
		print_json(&list);
	else if (status == 0)
		print_table(&list);
	account_list_free(&list);
	return status;
}

#define SENDER_OPTION                                                          \
	{                                                                      \
		.name = "--sender", .value = "PATTERN", .many = true,          \
		.help = "sender it may use; default: its name, here"           \
	}
#define PRIORITY_OPTION                                                        \
	{                                                                      \
		.name = "--max-priority", .value = "N",                        \
		.help = "most urgent priority it may give (0)"                 \
	}
#define PASSWORD_OPTION                                                        \
	{                                                                      \
		.name = "--password-stdin",                                    \
		.help = "the password is the line on standard input"           \
	}

static const struct option add_options[] = {
	SENDER_OPTION,
	PRIORITY_OPTION,
	PASSWORD_OPTION,
	{.name = NULL},
};

static const struct option set_options[] = {
	SENDER_OPTION,
	PRIORITY_OPTION,
	{.name = NULL},
};

static const struct option passwd_options[] = {
	PASSWORD_OPTION,
	{.name = "--now", .help = "the old password ends at once"},
	{.name = NULL},
};

static const struct option delete_options[] = {
	{.name = "--yes", .help = "do not ask"},
	{.name = NULL},
};

static const struct option list_options[] = {
	{.name = "--json", .help = "an object a line"},
	{.name = NULL},
};

/* clang-format off */
#define CHANGE(verb, table, sentence, line)                                    \
	{.name = "user " verb, .words = "NAME", .least = 1, .most = 1,         \
		.options = table, .help = sentence,                            \
		.example = "tidepost user " line, .run = run_change}
/* clang-format on */

const struct command user_commands[] = {
	CHANGE("add", add_options, "A new user, who may submit with AUTH.",
		"add captain --sender 'captain@aurora.example.org'"),
	CHANGE("set", set_options, "Changes a user; what is given replaces.",
		"set captain --max-priority 4"),
	CHANGE("passwd", passwd_options, "Gives a user a new password.",
		"passwd captain"),
	CHANGE("delete", delete_options, "Takes a user away.",
		"delete captain"),
	{.name = "user list",
		.words = "",
		.options = list_options,
		.help = "All users.",
		.example = "tidepost user list",
		.run = run_list},
	{.name = NULL},
};
