#include "cli/ask.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/text.h"

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

/*
 * One line of standard input, octet by octet so that nothing behind it is
 * taken and no copy stays in a buffer of stdio.
 */
static enum err_code
read_line(char *out, size_t size, struct err *e)
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (c == '\0')
			return err_set(
				e, ERR_INVALID, "a password holds no NUL");
		if (n + 1 >= size)
			return err_set(e, ERR_LIMIT,
				"a password has at most %zu octets", size - 1);
		out[n++] = c;
	}
	if (got < 0)
		return err_set(e, ERR_IO, "the password could not be read");
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (n == 0)
		return err_set(e, ERR_INVALID, "the password is empty");
	return OK;
}

/* Asks without echo; a signal that ends us first gives the terminal back. */
static enum err_code
read_hidden(const char *prompt, char *out, size_t size, struct err *e)
{
	struct sigaction action = {.sa_handler = remember}, old[FATAL_N];
	struct termios before, hidden;
	enum err_code code;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return err_set(e, ERR_IO, "standard input is no terminal");
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	caught = 0;
	for (size_t i = 0; i < FATAL_N; i++)
		sigaction(fatal_signals[i], &action, &old[i]);
	text_print(stderr, str_of(prompt));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	code = read_line(out, size, e);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	for (size_t i = 0; i < FATAL_N; i++)
		sigaction(fatal_signals[i], &old[i], NULL);
	if (caught)
		raise(caught);
	return code;
}

static enum err_code
ask_twice(const char *name, char *password_r, size_t size, struct err *e)
{
	char again[SASL_SECRET_MAX + 1] = "";
	char prompt[SASL_NAME_MAX + 40];
	enum err_code code;

	snprintf(prompt, sizeof(prompt), "Password for %s: ", name);
	code = read_hidden(prompt, password_r, size, e);
	if (code == OK)
		code = read_hidden("The same again: ", again, sizeof(again), e);
	if (code == OK && strcmp(again, password_r) != 0)
		code = err_set(e, ERR_INVALID, "the two differ");
	explicit_bzero(again, sizeof(again));
	return code;
}

enum err_code
ask_password(bool from_stdin, const char *name,
	char password_r[SASL_SECRET_MAX + 1], struct err *e)
{
	if (from_stdin)
		return read_line(password_r, SASL_SECRET_MAX + 1, e);
	if (!ask_possible())
		return err_set(e, ERR_USAGE,
			"no terminal to ask for a password on; give it with "
			"--password-stdin");
	return ask_twice(name, password_r, SASL_SECRET_MAX + 1, e);
}
