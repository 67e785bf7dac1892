/* console: starts tidepost-console, which stands beside this program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

#define CONSOLE_PROGRAM "tidepost-console"

enum { PATH_MAX_OCTETS = 4096, WORDS_MAX = 5 };

/* The path of a program NAME in the folder of this one. */
static bool
beside(const char *name, char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	if (n < 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash + 1 - out) + strlen(name) >= size)
		return false;
	strcpy(slash + 1, name);
	return true;
}

static int
run_console(struct cli *c, const struct args *a)
{
	char path[PATH_MAX_OCTETS];
	const char *words[WORDS_MAX] = {CONSOLE_PROGRAM};
	size_t n = 1;

	if (c->conf_option) {
		words[n++] = "-c";
		words[n++] = c->conf_option;
	}
	if (args_has(a, "--plain"))
		words[n++] = "--plain";
	if (beside(CONSOLE_PROGRAM, path, sizeof(path)))
		execv(path, (char *const *)words);
	execvp(CONSOLE_PROGRAM, (char *const *)words);
	return cli_refuse(ERR_NOTFOUND,
		CONSOLE_PROGRAM ": %s; is it installed?", strerror(errno));
}

static const struct option console_options[] = {
	{.name = "--plain", .help = "a line at a time, for screen readers"},
	{.name = NULL},
};

const struct command console_commands[] = {
	{.name = "console",
		.words = "",
		.options = console_options,
		.help = "The node on the terminal: queue, links, log.",
		.example = "tidepost console",
		.run = run_console},
	{.name = NULL},
};
