#include "cli/version.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/completion.h"
#include "faces/text.h"

int
version_print(void)
{
	printf("tidepost %s\n%s\nglibc %s\n", TIDEPOST_VERSION,
		spool_engine_version(), gnu_get_libc_version());
	return 0;
}

/* The libraries that only the daemon has, said by itself. */
static void
print_daemon(void *arg, const struct record *r)
{
	const char *kind = record_get(r, KEY_KIND);
	const char *version = record_get(r, KEY_VERSION);
	const char *library;

	(void)arg;
	if (!kind || strcmp(kind, KIND_NODE) != 0)
		return;
	text_printf(stdout, "tidepostd %s, running\n", version ? version : "?");
	for (size_t i = 0; (library = record_get_nth(r, KEY_LIBRARY, i)); i++)
		text_printf(stdout, "%s\n", library);
}

static int
run_version(struct cli *c, const struct args *a)
{
	struct complaints found = {0};
	struct control_client *client = NULL;
	struct record request;
	struct err e;

	(void)a;
	version_print();
	conf_load(conf_path(c->conf_option), &c->conf, &found);
	complaints_free(&found);
	if (c->conf && control_connect(c->conf->run_dir, &client, &e) == OK) {
		protocol_request(&request, VERB_STATUS, NULL);
		cli_ask_daemon(client, &request, PROTOCOL_SILENCE_MS,
			print_daemon, NULL, NULL);
		record_free(&request);
	}
	control_close(client);
	return 0;
}

static void
print_usage(const struct command *command)
{
	struct buf usage;

	buf_init(&usage, 0);
	command_usage(command, &usage);
	printf("usage: tidepost [-c FILE] %s\n\n%s\n", buf_z(&usage),
		command->help);
	buf_free(&usage);
}

static int
print_help(const struct command *command)
{
	bool first = true;

	print_usage(command);
	for (const struct option *o = command->options; o && o->name; o++) {
		char name[64];

		if (o->later)
			continue;
		if (first)
			putchar('\n');
		first = false;
		snprintf(name, sizeof(name), "%s%s%s", o->name,
			o->value ? " " : "", o->value ? o->value : "");
		printf("  %-24s %s\n", name, o->help);
	}
	printf("\nexample: %s\n", command->example);
	return 0;
}

static int
print_overview(void)
{
	printf("usage: tidepost [-c FILE] VERB [options]\n\n");
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++)
			printf("  %-18s %s\n", c->name, c->help);
	printf("\n\"tidepost help VERB\" says more; so does tidepost(1).\n");
	return 0;
}

/* Every verb and every option of it, a line each. */
static int
print_list(void)
{
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			printf("%s\n", c->name);
			for (const struct option *o = c->options; o && o->name;
				o++)
				if (!o->later)
					printf("%s %s\n", c->name, o->name);
		}
	return 0;
}

/* The configuration's, for its manual page. */
static int
print_keys(void)
{
	struct buf item;

	buf_init(&item, 0);
	for (size_t i = 0; conf_manual_item(i, &item); i++) {
		fputs(buf_z(&item), stdout);
		buf_clear(&item);
	}
	buf_free(&item);
	return 0;
}

/* All verbs of a family, where WORDS name one: "queue". */
static bool
print_family(const char *word)
{
	bool any = false;

	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			struct str second;
			struct str first =
				str_cut(str_of(c->name), ' ', &second);

			if (second.n == 0 || !str_eq(first, str_of(word)))
				continue;
			printf("  %-18s %s\n", c->name, c->help);
			any = true;
		}
	return any;
}

int
help_print(const char *const *words, int n)
{
	const struct command *command;
	struct err e;
	int used;

	if (n == 0)
		return print_overview();
	if (n == 1 && print_family(words[0]))
		return 0;
	command = command_find(words, n, &used, &e);
	return command ? print_help(command) : cli_fail(&e);
}

static int
run_help(struct cli *c, const struct args *a)
{
	(void)c;
	if (args_has(a, "--completion"))
		return completion_print(args_value(a, "--completion"));
	if (args_has(a, "--keys"))
		return print_keys();
	if (args_has(a, "--list"))
		return print_list();
	return help_print(a->words, (int)a->words_n);
}

static const struct option help_options[] = {
	{.name = "--completion",
		.value = "SHELL",
		.help = "a script of completions, for bash or zsh"},
	{.name = "--keys",
		.help = "every key of the configuration, as items of mdoc(7)"},
	{.name = "--list", .help = "every verb and option, a line each"},
	{.name = NULL},
};

const struct command version_commands[] = {
	{.name = "version",
		.words = "",
		.help = "The version, and the libraries it runs with.",
		.example = "tidepost version",
		.run = run_version},
	{.name = "help",
		.words = "[VERB]",
		.most = 2,
		.options = help_options,
		.help = "The verbs; or one verb, its options and an example.",
		.example = "tidepost help queue list",
		.run = run_help},
	{.name = NULL},
};
