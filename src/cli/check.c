/* check: every error of a configuration. */
#include <stdio.h>

#include "cli/command.h"
#include "faces/text.h"

static void
print_complaint(const struct complaint *complaint)
{
	struct buf text;
	struct str rest;

	buf_init(&text, 0);
	complaint_format(complaint, &text);
	rest = buf_view(&text);
	while (rest.n) {
		text_print(stdout, str_cut(rest, '\n', &rest));
		putchar('\n');
	}
	buf_free(&text);
}

static int
run_check(struct cli *c, const struct args *a)
{
	const char *file = a->words_n ? a->words[0] : conf_path(c->conf_option);
	struct complaints found = {0};
	struct conf *conf;
	int status;

	conf_load(file, &conf, &found);
	for (size_t i = 0; i < found.n; i++)
		print_complaint(&found.v[i]);
	if (!found.errors)
		text_printf(stdout, "%s: ok\n", file);
	status = found.errors ? err_exit_status(ERR_CONFIG) : 0;
	complaints_free(&found);
	conf_free(conf);
	return status;
}

const struct command check_commands[] = {
	{.name = "check",
		.words = "[FILE]",
		.most = 1,
		.help = "Every error of a configuration, with its line.",
		.example = "tidepost check /etc/tidepost/tidepost.conf",
		.run = run_check},
	{.name = NULL},
};
