/* check: every error of a configuration. */
#include <stdio.h>
#include <string.h>

#include "cli/colour.h"
#include "cli/command.h"
#include "faces/text.h"

/* The word "error" or "warning" of LINE in colour; the rest is left in it. */
static void
print_kind(enum complaint_kind kind, struct str *line)
{
	struct str word =
		kind == COMPLAINT_ERROR ? STR("error:") : STR("warning:");
	const char *at = memmem(line->p, line->n, word.p, word.n);

	if (!at)
		return;
	text_print(stdout, (struct str){line->p, (size_t)(at - line->p)});
	colour_print(stdout, kind == COMPLAINT_ERROR ? COLOUR_BAD : COLOUR_NOTE,
		word);
	*line = str_skip(*line, (size_t)(at - line->p) + word.n);
}

static void
print_complaint(const struct complaint *complaint)
{
	struct str rest, line;
	struct buf text;

	buf_init(&text, 0);
	complaint_format(complaint, &text);
	rest = buf_view(&text);
	line = str_cut(rest, '\n', &rest);
	print_kind(complaint->kind, &line);
	text_print(stdout, line);
	putchar('\n');
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
