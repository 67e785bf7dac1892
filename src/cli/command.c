#include "cli/command.h"

#include <stdio.h>
#include <string.h>

const struct command *const command_tables[] = {
	status_commands,
	queue_commands,
	queue_act_commands,
	link_commands,
	link_history_commands,
	peer_commands,
	user_commands,
	customer_commands,
	customer_import_commands,
	statement_commands,
	serve_commands,
	send_commands,
	log_commands,
	console_commands,
	check_commands,
	spool_commands,
	setup_commands,
	cert_commands,
	version_commands,
	NULL,
};

enum { GUESS_DISTANCE = 2 };

static void
add_option(const struct option *o, struct buf *out)
{
	buf_addf(out, " [%s%s%s]%s", o->name, o->value ? " " : "",
		o->value ? o->value : "", o->many ? "..." : "");
}

void
command_usage(const struct command *command, struct buf *out)
{
	buf_addz(out, command->name);
	for (const struct option *o = command->options; o && o->name; o++)
		if (!o->later)
			add_option(o, out);
	if (command->words[0])
		buf_addf(out, " %s", command->words);
}

/* How many of WORDS spell NAME ("queue list" is two); 0: they do not. */
static int
words_spell(const char *name, const char *const *words, int n)
{
	struct str second;
	struct str first = str_cut(str_of(name), ' ', &second);

	if (n < 1 || !str_eq(first, str_of(words[0])))
		return 0;
	if (second.n == 0)
		return 1;
	return n >= 2 && str_eq(second, str_of(words[1])) ? 2 : 0;
}

static const struct command *
look_up(const char *const *words, int n, int *n_r)
{
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			*n_r = words_spell(c->name, words, n);
			if (*n_r)
				return c;
		}
	return NULL;
}

/* "list, show, hold": what may follow FAMILY; empty: it is no family. */
static void
members(const char *family, struct buf *out)
{
	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			struct str second;
			struct str first =
				str_cut(str_of(c->name), ' ', &second);

			if (second.n && str_eq(first, str_of(family)))
				buf_addf(out, "%s%s", out->len ? ", " : "",
					second.p);
		}
}

/* The name nearest to TYPED, or NULL. */
static const char *
guess(const char *typed)
{
	const char *best = NULL;
	size_t half = strlen(typed) / 2; /* of "foo" there is no "log" */
	unsigned least =
		(half < GUESS_DISTANCE ? (unsigned)half : GUESS_DISTANCE) + 1;

	for (const struct command *const *t = command_tables; *t; t++)
		for (const struct command *c = *t; c->name; c++) {
			unsigned distance = str_distance(c->name, typed);

			if (distance < least) {
				least = distance;
				best = c->name;
			}
		}
	return best;
}

static void
refuse_words(const char *const *words, int n, struct err *e)
{
	struct buf list;
	char typed[64];
	const char *near;

	snprintf(typed, sizeof(typed), "%s%s%s", words[0], n > 1 ? " " : "",
		n > 1 ? words[1] : "");
	near = guess(typed);
	if (!near)
		near = guess(words[0]);
	buf_init(&list, 0);
	members(words[0], &list);
	if (near)
		err_set(e, ERR_USAGE, "no verb \"%s\"; did you mean %s?", typed,
			near);
	else if (list.len)
		err_set(e, ERR_USAGE, "%s what? One of: %s", words[0],
			buf_z(&list));
	else
		err_set(e, ERR_USAGE, "no verb \"%s\"; see: tidepost help",
			words[0]);
	buf_free(&list);
}

const struct command *
command_find(const char *const *words, int n, int *n_r, struct err *e)
{
	const struct command *found = look_up(words, n, n_r);

	if (found)
		return found;
	refuse_words(words, n, e);
	return NULL;
}
