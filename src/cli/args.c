#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

enum { GUESS_DISTANCE = 2 }; /* letters that may differ in "did you mean" */

static const struct option no_options[] = {{.name = NULL}};

static const struct option *
options_of(const struct command *command)
{
	return command->options ? command->options : no_options;
}

static const struct option *
find_option(const struct command *command, struct str name)
{
	const struct option *o = options_of(command);

	while (o->name && !str_eq(str_of(o->name), name))
		o++;
	return o->name ? o : NULL;
}

static enum err_code
unknown_option(const struct command *command, struct str name, struct err *e)
{
	const struct option *best = NULL;
	unsigned least = GUESS_DISTANCE + 1;
	char typed[64];

	if (!str_copy(typed, sizeof(typed), name))
		return err_set(e, ERR_USAGE,
			"%s: no option \"%.60s...\"; see: tidepost help %s",
			command->name, name.p, command->name);
	for (const struct option *o = options_of(command); o->name; o++) {
		unsigned distance = str_distance(o->name, typed);

		if (distance < least) {
			least = distance;
			best = o;
		}
	}
	if (best)
		return err_set(e, ERR_USAGE,
			"%s: no option \"%s\"; did you mean %s?", command->name,
			typed, best->name);
	return err_set(e, ERR_USAGE,
		"%s: no option \"%s\"; see: tidepost help %s", command->name,
		typed, command->name);
}

static bool
is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' &&
	       !(word[1] >= '0' && word[1] <= '9');
}

/* The value behind "=" or in the next word, which is then taken. */
static enum err_code
take_value(const struct command *command, const char *name, struct str behind,
	bool joined, const char *const **next, const char **value_r,
	struct err *e)
{
	if (joined)
		*value_r = behind.p;
	else if (**next)
		*value_r = *(*next)++;
	else
		return err_set(e, ERR_USAGE,
			"%s: %s needs a value; see: tidepost help %s",
			command->name, name, command->name);
	return OK;
}

static enum err_code
check_option(const struct command *command, const struct args *a,
	const struct option *o, bool joined, struct err *e)
{
	if (o->later)
		return err_set(e, ERR_UNSUPPORTED,
			"%s: %s is not yet supported", command->name, o->name);
	if (!o->value && joined)
		return err_set(e, ERR_USAGE,
			"%s: %s takes no value; see: tidepost help %s",
			command->name, o->name, command->name);
	if (!o->many && args_has(a, o->name))
		return err_set(e, ERR_USAGE,
			"%s: %s was given twice; give it once", command->name,
			o->name);
	return OK;
}

static enum err_code
parse_option(struct args *a, const char *const **next, struct err *e)
{
	const struct command *command = a->command;
	const char *word = *(*next)++;
	struct str behind;
	struct str name = str_cut(str_of(word), '=', &behind);
	bool joined = word[name.n] == '=';
	const struct option *o;
	enum err_code code;

	if (strcmp(word, "-c") == 0)
		return take_value(
			command, "-c", behind, false, next, &a->conf, e);
	if (str_eq(name, STR("--color")))
		return take_value(
			command, "--color", behind, joined, next, &a->color, e);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		a->help = true;
		return OK;
	}
	o = find_option(command, name);
	if (!o)
		return unknown_option(command, name, e);
	code = check_option(command, a, o, joined, e);
	if (code != OK)
		return code;
	a->given[a->given_n] = (struct args_given){o->name, NULL};
	if (o->value)
		code = take_value(command, o->name, behind, joined, next,
			&a->given[a->given_n].value, e);
	a->given_n += code == OK;
	return code;
}

static enum err_code
check_words(const struct args *a, struct err *e)
{
	const struct command *command = a->command;

	if (a->words_n < command->least)
		return err_set(e, ERR_USAGE,
			"%s needs %s; see: tidepost help %s", command->name,
			command->words, command->name);
	if (a->words_n > command->most)
		return err_set(e, ERR_USAGE,
			"%s: \"%s\" is one word too many; see: tidepost help "
			"%s",
			command->name, a->words[command->most], command->name);
	return OK;
}

/* All are words, but -c FILE and --help at the front. */
static enum err_code
take_raw(struct args *a, const char *const *next)
{
	if (*next && strcmp(*next, "--help") == 0)
		a->help = true;
	if (*next && strcmp(*next, "-c") == 0 && next[1]) {
		a->conf = next[1];
		next += 2;
	}
	while (*next)
		a->words[a->words_n++] = *next++;
	return OK;
}

enum err_code
args_parse(const struct command *command, int argc, const char *const *argv,
	struct args *a, struct err *e)
{
	const char *const *next = argv;
	bool words_only = false;

	*a = (struct args){.command = command};
	a->given = xcalloc((size_t)argc + 1, sizeof(*a->given));
	a->words = xcalloc((size_t)argc + 1, sizeof(*a->words));
	if (command->raw)
		return take_raw(a, next);
	while (*next) {
		if (!words_only && strcmp(*next, "--") == 0) {
			words_only = true;
			next++;
		} else if (!words_only && is_option(*next)) {
			enum err_code code = parse_option(a, &next, e);

			if (code != OK)
				return code;
		} else {
			a->words[a->words_n++] = *next++;
		}
	}
	return a->help ? OK : check_words(a, e);
}

void
args_free(struct args *a)
{
	free(a->given);
	free(a->words);
	*a = (struct args){0};
}

const char *
args_nth(const struct args *a, const char *name, size_t i)
{
	for (size_t at = 0; at < a->given_n; at++)
		if (strcmp(a->given[at].name, name) == 0 && i-- == 0)
			return a->given[at].value;
	return NULL;
}

const char *
args_value(const struct args *a, const char *name)
{
	return args_nth(a, name, 0);
}

bool
args_has(const struct args *a, const char *name)
{
	for (size_t at = 0; at < a->given_n; at++)
		if (strcmp(a->given[at].name, name) == 0)
			return true;
	return false;
}
