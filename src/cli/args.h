/*
 * What was typed behind a verb: options and words, checked against the verb's
 * table. "--opt value" and "--opt=value" are the same, "--" ends options, a
 * number below zero is a word. -c FILE, --color WHEN and --help are known
 * everywhere.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "base/err.h"
#include "base/str.h"

struct command;

struct option {
	const char *name;  /* "--json" */
	const char *value; /* "PATTERN"; NULL: a flag */
	const char *help;
	bool many;  /* may be repeated */
	bool later; /* of the interface, but not here yet: refused */
};

struct args_given {
	const char *name; /* of the option's row */
	const char *value;
};

struct args {
	const struct command *command;
	struct args_given *given; /* owned; the values are borrowed */
	size_t given_n;
	const char **words; /* owned; the words are borrowed */
	size_t words_n;
	const char *conf;  /* -c; NULL */
	const char *color; /* NULL */
	bool help;
};

/* ERR_USAGE, ERR_UNSUPPORTED: E says it in a line. Free A in any case. */
enum err_code args_parse(const struct command *command, int argc,
	const char *const *argv, struct args *a, struct err *e);
void args_free(struct args *a);

bool args_has(const struct args *a, const char *name);
/* NULL: not given. */
const char *args_value(const struct args *a, const char *name);
const char *args_nth(const struct args *a, const char *name, size_t i);

#endif
