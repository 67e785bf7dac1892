#include "conf/shape.h"
#include "wire/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUESS_DISTANCE_MAX = 3 };

static void check_group(struct node *group, const char *path, bool later,
	struct complaints *out);

/* "limits.line" for line in limits; given to the caller. */
static char *
join(const char *path, const char *name)
{
	return path[0] ? str_printf("%s.%s", path, name) : str_dupz(name);
}

/* The member of PATH that NAME is most like; NULL: none is near. */
static const struct schema_row *
guess_member(const char *path, const char *name)
{
	const struct schema_row *best = NULL;
	unsigned least = GUESS_DISTANCE_MAX + 1;

	for (size_t i = 0; i < schema_rows(); i++) {
		const struct schema_row *row = schema_row(i);
		unsigned d;

		if (!schema_is_member(row, path))
			continue;
		d = str_distance(schema_name(row), name);
		if (d < least && d < strlen(name)) {
			best = row;
			least = d;
		}
	}
	return best;
}

/* A key of just this name that belongs elsewhere. */
static const struct schema_row *
guess_elsewhere(const char *name)
{
	for (size_t i = 0; i < schema_rows(); i++)
		if (strcmp(schema_name(schema_row(i)), name) == 0)
			return schema_row(i);
	return NULL;
}

static void
complain_unknown(const struct node *n, const char *path, struct complaints *out)
{
	const struct schema_row *near = guess_member(path, n->name);
	const struct schema_row *far = near ? NULL : guess_elsewhere(n->name);
	char *full = join(path, n->name);

	if (near)
		complain_error(out, &n->name_at,
			"%s: unknown key, did you mean %s?", full,
			schema_name(near));
	else if (far)
		complain_error(out, &n->name_at,
			"%s: unknown key, did you mean %s?", full, far->path);
	else
		complain_error(out, &n->name_at,
			"%s: unknown key; tidepost.conf(5) has all there are",
			full);
	free(full);
}

static void
complain_type(const struct schema_row *row, const struct node *n,
	struct complaints *out)
{
	complain_error(out, &n->at, "%s: this should be %s", row->path,
		schema_type_text(row));
}

static const char *
nearest_word(const struct schema_row *row, const char *text, char word_r[32])
{
	struct str rest = str_of(row->words);
	unsigned least = GUESS_DISTANCE_MAX;
	const char *found = NULL;

	while (rest.n) {
		char word[32];

		str_copy(word, sizeof(word), str_cut(rest, ' ', &rest));
		if (str_distance(word, text) >= least)
			continue;
		least = str_distance(word, text);
		found = word_r;
		memcpy(word_r, word, sizeof(word));
	}
	return found;
}

static void
complain_word(const struct schema_row *row, const struct node *n,
	struct complaints *out)
{
	char word[32];
	const char *near = nearest_word(row, n->text, word);

	complain_error(out, &n->at, "%s: \"%s\" is none of: %s%s%s%s",
		row->path, n->text, row->words, near ? "; did you mean " : "",
		near ? near : "", near ? "?" : "");
}

static bool
check_range(const struct schema_row *row, const struct node *n,
	struct complaints *out)
{
	char range[SCHEMA_RANGE_MAX];

	if (schema_in_range(row, &n->value))
		return true;
	schema_range_text(row, range);
	complain_error(out, &n->at, "%s: out of range, it may be %s", row->path,
		range);
	return false;
}

/* Control octets in a name or path are a slip, in a header an attack. */
static bool
check_octets(const struct schema_row *row, const struct node *n,
	struct complaints *out)
{
	struct str s = str_of(n->text);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char o = (unsigned char)s.p[i];

		if (o >= 0x20 && o != 0x7f)
			continue;
		complain_error(out, &n->at,
			"%s: there is a control character in this text: take "
			"it out",
			row->path);
		return false;
	}
	if (grammar_is_utf8(s))
		return true;
	complain_error(out, &n->at,
		"%s: this text is not UTF-8: save the file as UTF-8",
		row->path);
	return false;
}

static bool
check_text(const struct schema_row *row, struct node *n, struct complaints *out)
{
	if (!check_octets(row, n, out))
		return false;
	if (n->text[0] == '\0') {
		complain_error(out, &n->at,
			"%s: this text is empty: fill it, or take the setting "
			"away",
			row->path);
		return false;
	}
	if (schema_parse(row, str_of(n->text), &n->value))
		return check_range(row, n, out);
	if (row->type == SCHEMA_WORD)
		complain_word(row, n, out);
	else
		complain_type(row, n, out);
	return false;
}

/* Plain numbers: octets, priorities and money too, but no durations. */
static bool
check_number(
	const struct schema_row *row, struct node *n, struct complaints *out)
{
	n->value = (struct value){n->integer, n->real};
	switch (row->type) {
	case SCHEMA_INT:
	case SCHEMA_SIZE:
	case SCHEMA_PRIORITY:
		if (n->kind == NODE_INT)
			return check_range(row, n, out);
		break;
	case SCHEMA_FLOAT:
		return check_range(row, n, out);
	default:
		break;
	}
	complain_type(row, n, out);
	return false;
}

static bool
check_scalar(
	const struct schema_row *row, struct node *n, struct complaints *out)
{
	if (n->kind == NODE_STRING && row->type != SCHEMA_LIST &&
		row->type != SCHEMA_GROUP)
		return check_text(row, n, out);
	if (n->kind == NODE_INT || n->kind == NODE_FLOAT)
		return check_number(row, n, out);
	if (n->kind == NODE_BOOL && row->type == SCHEMA_BOOL) {
		n->value.n = n->integer;
		return true;
	}
	complain_type(row, n, out);
	return false;
}

static bool
check_items(
	const struct schema_row *row, struct node *n, struct complaints *out)
{
	bool good = true;

	for (size_t i = 0; i < n->n; i++) {
		n->v[i].good = check_scalar(row, &n->v[i], out);
		good = good && n->v[i].good;
	}
	return good;
}

static bool
check_list(const struct schema_row *row, struct node *n, bool later,
	struct complaints *out)
{
	bool good = true;

	for (size_t i = 0; i < n->n; i++) {
		if (n->v[i].kind == NODE_GROUP) {
			check_group(&n->v[i], row->path, later, out);
			n->v[i].good = true;
			continue;
		}
		complain_error(out, &n->v[i].at,
			"%s: each item should be a group: { name = value; }",
			row->path);
		good = false;
	}
	return good;
}

static bool
check_value(const struct schema_row *row, struct node *n, bool later,
	struct complaints *out)
{
	if (row->type == SCHEMA_GROUP && n->kind == NODE_GROUP) {
		check_group(n, row->path, later, out);
		return true;
	}
	if (row->type == SCHEMA_LIST && n->kind == NODE_LIST)
		return check_list(row, n, later, out);
	if (n->kind == NODE_LIST &&
		(row->type == SCHEMA_STRINGS || row->type == SCHEMA_DURATIONS))
		return check_items(row, n, out);
	return check_scalar(row, n, out);
}

static void
warn_later(const struct schema_row *row, const struct node *n,
	struct complaints *out)
{
	complain_warning(out, &n->name_at,
		"%s: not yet supported, has no effect%s%s", row->path,
		row->later[0] ? ": " : "", row->later);
}

static void
check_required(
	const struct node *group, const char *path, struct complaints *out)
{
	for (size_t i = 0; i < schema_rows(); i++) {
		const struct schema_row *row = schema_row(i);

		if (row->required && schema_is_member(row, path) &&
			!node_member(group, schema_name(row)))
			complain_error(out, &group->at,
				"%s is missing here: set it", row->path);
	}
}

/* LATER: said already that all of this has no effect. */
static void
check_group(struct node *group, const char *path, bool later,
	struct complaints *out)
{
	group->good = true;
	check_required(group, path, out);
	for (size_t i = 0; i < group->n; i++) {
		struct node *n = &group->v[i];
		char *full = join(path, n->name);
		const struct schema_row *row = schema_find(full);

		free(full);
		if (!row) {
			complain_unknown(n, path, out);
			continue;
		}
		if (row->later && !later)
			warn_later(row, n, out);
		n->good = check_value(row, n, later || row->later, out);
	}
}

void
shape_check(struct node *root, struct complaints *out)
{
	check_group(root, "", false, out);
}
