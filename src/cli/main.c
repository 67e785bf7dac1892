/*
 * tidepost: looks at a node and changes it, from the command line. Facts at
 * rest come from the spool, facts in flight and changes go through the
 * daemon where it runs.
 */
#include <unistd.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/colour.h"
#include "cli/command.h"
#include "cli/sendmail.h"
#include "faces/text.h"
#include "cli/version.h"

/* Options before the verb; *at_r: where the verb stands. -1: go on. */
static int
leading_options(struct cli *c, int argc, char **argv, int *at_r)
{
	static const char color[] = "--color=";
	struct err e;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
			strcmp(argv[i], "-h") == 0)
			return help_print(NULL, 0);
		if (strcmp(argv[i], "--version") == 0)
			return version_print();
		if (strncmp(argv[i], color, strlen(color)) == 0) {
			if (colour_init(argv[i] + strlen(color), &e) != OK)
				return cli_fail(&e);
			continue;
		}
		if (strcmp(argv[i], "-c") != 0)
			return cli_refuse(ERR_USAGE,
				"no option \"%s\" before the verb; only -c FILE "
				"and --color=WHEN",
				argv[i]);
		if (++i == argc)
			return cli_refuse(ERR_USAGE,
				"-c needs a FILE; see: tidepost help");
		c->conf_option = argv[i];
	}
	*at_r = i;
	return -1;
}

int
command_run(struct cli *c, int argc, const char *const *argv)
{
	const struct command *command;
	struct args a = {0};
	struct err e;
	int used, status;

	command = command_find(argv, argc, &used, &e);
	if (!command)
		return cli_fail(&e);
	if (args_parse(command, argc - used, argv + used, &a, &e) != OK ||
		colour_init(a.color, &e) != OK) {
		status = cli_fail(&e);
	} else if (a.help) {
		status = help_print(argv, used);
	} else {
		if (a.conf)
			c->conf_option = a.conf;
		status = command->run(c, &a);
	}
	args_free(&a);
	return status;
}

/* What could not be printed was not done, for a script that reads us. */
static int
flush_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return status ? status
		      : cli_refuse(ERR_IO,
				"standard output: write failed; is the disk "
				"full, or did its reader end?");
}

/* The links that callers know by name. NULL: the verbs. */
static int (*link_of(const char *path))(struct cli *c, char **argv)
{
	static const struct {
		const char *name;
		int (*main)(struct cli *c, char **argv);
	} links[] = {
		{"sendmail", sendmail_main},
		{"mailq", mailq_main},
		{"rmail", rmail_main},
		{"rsmtp", rsmtp_main},
	};
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (strcmp(slash ? slash + 1 : path, links[i].name) == 0)
			return links[i].main;
	return NULL;
}

static int
run_verb(struct cli *c, int argc, char **argv)
{
	int at = 0, status;

	status = leading_options(c, argc, argv, &at);
	if (status < 0 && at == argc)
		status =
			cli_refuse(ERR_USAGE, "which verb? See: tidepost help");
	else if (status < 0)
		status = command_run(
			c, argc - at, (const char *const *)argv + at);
	return status;
}

int
main(int argc, char **argv)
{
	int (*link_main)(struct cli * c, char **argv) =
		argc ? link_of(argv[0]) : NULL;
	struct cli c = {0};
	int status;

	file_keep_standard_streams();
	text_init();
	if (link_main)
		status = link_main(&c, argv + 1);
	else
		status = run_verb(&c, argc, argv);
	cli_close(&c);
	return flush_output(status);
}
