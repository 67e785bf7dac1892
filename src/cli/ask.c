#include "cli/ask.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "faces/text.h"

static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { FATAL_N = sizeof(fatal_signals) / sizeof(*fatal_signals) };

static volatile sig_atomic_t caught;

static void
remember(int sig)
{
	caught = sig;
}

bool
ask_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool
ask_yes(const char *question)
{
	char line[64];

	fflush(stdout);
	text_print(stderr, str_of(question));
	fputs(" [y/N] ", stderr);
	return fgets(line, sizeof(line), stdin) &&
	       (line[0] == 'y' || line[0] == 'Y');
}

enum err_code
ask_line(const char *question, const char *proposed, char *out, size_t size,
	struct err *e)
{
	size_t n;

	fflush(stdout);
	if (proposed)
		text_printf(stderr, "%s [%s]: ", question, proposed);
	else
		text_printf(stderr, "%s: ", question);
	if (!fgets(out, (int)size, stdin))
		return err_set(e, ERR_USAGE,
			"no answer; nothing was changed: answer y or n, or add "
			"--yes");
	n = strcspn(out, "\n");
	if (out[n] != '\n')
		return err_set(e, ERR_INVALID,
			"the answer is too long; nothing was changed");
	out[n] = '\0';
	if (n == 0 && !str_copyz(out, size, proposed ? proposed : ""))
		return err_set(e, ERR_INVALID,
			"the answer is too long; nothing was changed");
	return OK;
}

/*
 * The next octet of standard input, alone, so that nothing behind the line is
 * taken and no copy stays in a buffer of stdio. With WAITING signals get in
 * only while it waits. 0: the end; -1: an error, or a signal.
 */
static int
read_octet(const sigset_t *waiting, char *c_r)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	if (waiting && ppoll(&p, 1, NULL, waiting) < 0)
		return -1;
	return (int)read(STDIN_FILENO, c_r, 1);
}

static enum err_code
read_line(const sigset_t *waiting, char *out, size_t size, struct err *e)
{
	size_t n = 0;
	int got;
	char c;

	while ((got = read_octet(waiting, &c)) == 1 && c != '\n') {
		if (c == '\0')
			return err_set(e, ERR_INVALID,
				"a password holds no NUL; nothing was changed");
		if (n + 1 >= size)
			return err_set(e, ERR_LIMIT,
				"a password has at most %zu octets", size - 1);
		out[n++] = c;
	}
	if (got < 0)
		return err_set(e, ERR_IO,
			"the password could not be read; nothing was changed");
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (n == 0)
		return err_set(e, ERR_INVALID,
			"the password is empty; nothing was changed");
	return OK;
}

/* Asks without echo. */
static enum err_code
read_hidden(const sigset_t *waiting, const char *prompt, char *out, size_t size,
	struct err *e)
{
	struct termios before, hidden;
	enum err_code code;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return err_set(e, ERR_IO,
			"standard input is no terminal; give the password with "
			"--password-stdin");
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	/* What was typed before the question is no answer to it. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	text_print(stderr, str_of(prompt));
	code = read_line(waiting, out, size, e);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return code;
}

static enum err_code
ask_twice(const sigset_t *waiting, const char *name, char *password_r,
	size_t size, struct err *e)
{
	char again[SASL_SECRET_MAX + 1] = "";
	char prompt[SASL_NAME_MAX + 40];
	enum err_code code;

	snprintf(prompt, sizeof(prompt), "Password for %s: ", name);
	code = read_hidden(waiting, prompt, password_r, size, e);
	if (code == OK)
		code = read_hidden(
			waiting, "The same again: ", again, sizeof(again), e);
	if (code == OK && strcmp(again, password_r) != 0)
		code = err_set(e, ERR_INVALID,
			"the two differ; nothing was changed, try again");
	explicit_bzero(again, sizeof(again));
	return code;
}

/*
 * The signals that end us are held back but while we wait for a key, so that
 * the terminal has its echo again before we go.
 */
static enum err_code
ask_terminal(const char *name, char *password_r, size_t size, struct err *e)
{
	struct sigaction action = {.sa_handler = remember}, old[FATAL_N];
	sigset_t fatal, before;
	enum err_code code;

	sigemptyset(&fatal);
	for (size_t i = 0; i < FATAL_N; i++)
		sigaddset(&fatal, fatal_signals[i]);
	sigprocmask(SIG_BLOCK, &fatal, &before);
	caught = 0;
	for (size_t i = 0; i < FATAL_N; i++)
		sigaction(fatal_signals[i], &action, &old[i]);
	code = ask_twice(&before, name, password_r, size, e);
	for (size_t i = 0; i < FATAL_N; i++)
		sigaction(fatal_signals[i], &old[i], NULL);
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

enum err_code
ask_password(bool from_stdin, const char *name,
	char password_r[SASL_SECRET_MAX + 1], struct err *e)
{
	if (from_stdin)
		return read_line(NULL, password_r, SASL_SECRET_MAX + 1, e);
	if (!ask_possible())
		return err_set(e, ERR_USAGE,
			"no terminal to ask for a password on; give it with "
			"--password-stdin");
	return ask_terminal(name, password_r, SASL_SECRET_MAX + 1, e);
}
