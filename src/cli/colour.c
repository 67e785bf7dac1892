#include "cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum { AUTO, ALWAYS, NEVER } wanted;

enum err_code
colour_init(const char *when, struct err *e)
{
	static const char *const words[] = {
		[AUTO] = "auto", [ALWAYS] = "always", [NEVER] = "never"};

	for (size_t i = 0; when && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(when, words[i]) == 0) {
			wanted = i == ALWAYS  ? ALWAYS
				 : i == NEVER ? NEVER
					      : AUTO;
			return OK;
		}
	if (when)
		return err_set(e, ERR_USAGE,
			"--color %s: it is always, never or auto", when);
	return OK;
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

static bool
has_colour(FILE *to)
{
	const char *term = getenv("TERM");

	if (wanted != AUTO)
		return wanted == ALWAYS;
	return !is_set("NO_COLOR") && is_set("TERM") &&
	       strcmp(term, "dumb") != 0 && isatty(fileno(to));
}

const char *
colour_begin(FILE *to, enum colour colour)
{
	static const char *const codes[] = {
		[COLOUR_PLAIN] = "",
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_NOTE] = "\033[33m",
		[COLOUR_BAD] = "\033[31m",
	};

	return colour != COLOUR_PLAIN && has_colour(to) ? codes[colour] : "";
}

const char *
colour_end(FILE *to, enum colour colour)
{
	return colour != COLOUR_PLAIN && has_colour(to) ? "\033[0m" : "";
}

void
colour_print(FILE *to, enum colour colour, struct str clean)
{
	fputs(colour_begin(to, colour), to);
	fwrite(clean.p, 1, clean.n, to);
	fputs(colour_end(to, colour), to);
}

enum colour
colour_of_state(const char *state)
{
	static const struct {
		const char *state;
		enum colour colour;
	} states[] = {
		/* of deliveries */
		{"active", COLOUR_GOOD},
		{"deferred", COLOUR_NOTE},
		{"held", COLOUR_BAD},
		/* of links */
		{"up", COLOUR_GOOD},
		{"exchanging", COLOUR_GOOD},
		{"idle", COLOUR_GOOD},
		{"dialing", COLOUR_NOTE},
		{"hanging-up", COLOUR_NOTE},
		{"disabled", COLOUR_NOTE},
		{"failed", COLOUR_BAD},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].colour;
	return COLOUR_PLAIN;
}
