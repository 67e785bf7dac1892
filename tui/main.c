/*
 * tidepost-console: the node on a terminal.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faces/text.h"
#include "tui/console.h"
#include "tui/draw.h"
#include "tui/loop.h"
#include "tui/plain.h"

enum { REFRESH_MAX_S = 3600, ROWS = 24, COLUMNS = 80 };

struct options {
	const char *conf, *keys;
	bool plain, mono, dump;
	unsigned refresh_s, rows, columns;
};

static const char usage[] =
	"usage: tidepost-console [-c FILE] [--plain] [--mono] [--refresh "
	"SECONDS]\n"
	"                        [--keys KEYS] [--dump] [--size "
	"COLUMNSxROWS]\n"
	"See tidepost-console(1); in the console, ? is help.\n";

static int
refuse(const char *what, const char *value)
{
	text_printf(stderr, "tidepost-console: %s: %s\n", value, what);
	return err_exit_status(ERR_USAGE);
}

static bool
number(struct str text, unsigned least, unsigned most, unsigned *n_r)
{
	uint64_t n;

	if (!str_u64(text, &n) || n < least || n > most)
		return false;
	*n_r = (unsigned)n;
	return true;
}

static bool
parse_size(const char *text, struct options *o)
{
	struct str rows;
	struct str columns = str_cut(str_of(text), 'x', &rows);

	return number(columns, SCREEN_COLUMNS_MIN, SCREEN_COLUMNS_MAX,
		       &o->columns) &&
	       number(rows, SCREEN_ROWS_MIN, SCREEN_ROWS_MAX, &o->rows);
}

/* The exit status, or -1 to go on. */
static int
take_option(int option, struct options *o)
{
	switch (option) {
	case 'c':
		o->conf = optarg;
		return -1;
	case 'p':
		o->plain = true;
		return -1;
	case 'm':
		o->mono = true;
		return -1;
	case 'd':
		o->dump = true;
		return -1;
	case 'k':
		o->keys = optarg;
		return -1;
	case 'r':
		return number(str_of(optarg), 1, REFRESH_MAX_S, &o->refresh_s)
			       ? -1
			       : refuse("not a number of seconds from 1 to "
					"3600",
					 optarg);
	case 's':
		return parse_size(optarg, o)
			       ? -1
			       : refuse("not a size, as 80x24 (40x12 at least)",
					 optarg);
	case 'V':
		puts("tidepost-console " TIDEPOST_VERSION);
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 0;
	default:
		fputs(usage, stderr);
		return err_exit_status(ERR_USAGE);
	}
}

static int
take_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"plain", no_argument, NULL, 'p'},
		{"mono", no_argument, NULL, 'm'},
		{"dump", no_argument, NULL, 'd'},
		{"keys", required_argument, NULL, 'k'},
		{"refresh", required_argument, NULL, 'r'},
		{"size", required_argument, NULL, 's'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, status = -1;

	while (status < 0 &&
		(option = getopt_long(argc, argv, "c:h", names, NULL)) != -1)
		status = take_option(option, o);
	if (status < 0 && optind < argc)
		status = refuse(
			"nothing stands behind the options", argv[optind]);
	return status;
}

static int
fail(const struct err *e)
{
	text_printf(stderr, "tidepost-console: %s\n",
		e->text[0] ? e->text : err_text(e->code));
	return err_exit_status(e->code);
}

static void
print_picture(struct console *c)
{
	struct buf text;
	struct str view;

	buf_init(&text, 0);
	draw(c);
	screen_dump(c->screen, &text);
	view = buf_view(&text);
	fwrite(view.p, 1, view.n, stdout);
	buf_free(&text);
}

/* On a terminal; the signal that ended it, 0: none. */
static int
run(struct console *c, const struct options *o, int *status_r)
{
	struct err e = {0};
	enum err_code code = OK;

	if (o->keys)
		code = loop_feed(c, o->keys, &e);
	if (code != OK) {
		screen_close(c->screen);
		c->screen = NULL;
		*status_r = fail(&e);
	} else if (o->dump) {
		loop_settle(c);
		print_picture(c);
	} else if (!c->quit) {
		return loop_run(c, o->refresh_s);
	}
	return 0;
}

static int
open_screen(struct console *c, const struct options *o)
{
	const struct screen_options options = {
		.terminal = !o->dump,
		.rows = o->rows,
		.columns = o->columns,
		.no_colour = o->mono || getenv("NO_COLOR") != NULL,
	};
	struct err e = {0};

	if (o->dump)
		text_assume_width(o->columns);
	else
		loop_hold_signals();
	return screen_open(&options, &c->screen, &e) == OK ? 0 : fail(&e);
}

int
main(int argc, char **argv)
{
	struct options o = {.rows = ROWS, .columns = COLUMNS};
	struct console c;
	int status, sig = 0;

	text_init();
	status = take_options(argc, argv, &o);
	if (status >= 0)
		return status;
	if (console_init(&c, o.conf) != OK)
		return err_exit_status(ERR_CONFIG);
	status = o.plain ? 0 : open_screen(&c, &o);
	if (status == 0) {
		console_refresh(&c);
		console_show(&c, &overview_view);
		if (o.plain)
			plain_run(&c);
		else
			sig = run(&c, &o, &status);
	}
	console_free(&c);
	if (sig) {
		signal(sig, SIG_DFL);
		sigset_t all;

		sigemptyset(&all);
		sigaddset(&all, sig);
		raise(sig);
		sigprocmask(SIG_UNBLOCK, &all, NULL);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_exit_status(ERR_IO);
	return status;
}
