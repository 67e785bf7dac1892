#include "conf/schema.h"
#include "conf/conf.h"

#include <stdio.h>
#include <string.h>

const struct schema_row *
schema_find(const char *path)
{
	for (size_t i = 0; i < schema_rows(); i++)
		if (strcmp(schema_row(i)->path, path) == 0)
			return schema_row(i);
	return NULL;
}

const char *
schema_name(const struct schema_row *row)
{
	const char *dot = strrchr(row->path, '.');

	return dot ? dot + 1 : row->path;
}

bool
schema_is_member(const struct schema_row *row, const char *path)
{
	const char *name = schema_name(row);
	size_t n = strlen(path);

	if (n == 0)
		return name == row->path;
	return (size_t)(name - row->path) == n + 1 &&
	       memcmp(row->path, path, n) == 0;
}

const char *
schema_type_text(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_GROUP:
		return "a group: { name = value; }";
	case SCHEMA_LIST:
		return "a list of groups: ( { ... }, { ... } )";
	case SCHEMA_STRING:
		return "a text in quotes";
	case SCHEMA_STRINGS:
		return "texts in quotes: [ \"...\", \"...\" ]";
	case SCHEMA_WORD:
		return "a word in quotes";
	case SCHEMA_BOOL:
		return "true or false";
	case SCHEMA_INT:
		return "a whole number";
	case SCHEMA_FLOAT:
		return "a number";
	case SCHEMA_SIZE:
		return "a size such as \"20K\" or \"4M\"";
	case SCHEMA_DURATION:
		return "a duration with its unit, such as \"90s\", \"15m\" "
		       "or \"5d\"";
	case SCHEMA_DURATIONS:
		return "durations with their units, such as "
		       "[ \"5m\", \"1h\" ]";
	case SCHEMA_PRIORITY:
		return "a priority: -9 to 9, or bulk, low, normal, urgent, "
		       "flash";
	}
	return "";
}

void
schema_range_text(const struct schema_row *row, char out_r[SCHEMA_RANGE_MAX])
{
	char least[VALUE_TEXT_MAX], most[VALUE_TEXT_MAX];

	out_r[0] = '\0';
	if (row->least == row->most)
		return;
	if (row->type == SCHEMA_SIZE) {
		value_size_text(row->least, least);
		value_size_text(row->most, most);
	} else if (row->type == SCHEMA_DURATION ||
		   row->type == SCHEMA_DURATIONS) {
		value_duration_text(row->least, least);
		value_duration_text(row->most, most);
	} else {
		snprintf(least, sizeof(least), "%lld", (long long)row->least);
		snprintf(most, sizeof(most), "%lld", (long long)row->most);
	}
	snprintf(out_r, SCHEMA_RANGE_MAX, "%s to %s%s%s", least, most,
		row->unit ? " " : "", row->unit ? row->unit : "");
}

static bool
parse_word(const struct schema_row *row, struct str text, int64_t *n_r)
{
	struct str rest = str_of(row->words);

	for (*n_r = 0; rest.n; ++*n_r)
		if (str_eq(str_cut(rest, ' ', &rest), text))
			return true;
	return false;
}

bool
schema_parse(const struct schema_row *row, struct str text, struct value *v_r)
{
	uint64_t octets;
	int priority;

	switch (row->type) {
	case SCHEMA_STRING:
	case SCHEMA_STRINGS:
		return true;
	case SCHEMA_WORD:
		return parse_word(row, text, &v_r->n);
	case SCHEMA_SIZE:
		if (!conf_parse_size(text, &octets))
			return false;
		v_r->n = (int64_t)octets;
		return true;
	case SCHEMA_DURATION:
	case SCHEMA_DURATIONS:
		return conf_parse_duration_ms(text, &v_r->n);
	case SCHEMA_PRIORITY:
		if (!conf_parse_priority(text, &priority))
			return false;
		v_r->n = priority;
		return true;
	case SCHEMA_GROUP:
	case SCHEMA_LIST:
	case SCHEMA_BOOL:
	case SCHEMA_INT:
	case SCHEMA_FLOAT:
		break;
	}
	return false;
}

bool
schema_in_range(const struct schema_row *row, const struct value *v)
{
	if (row->least == row->most)
		return true;
	if (row->type == SCHEMA_FLOAT) /* not a number is not between either */
		return v->x >= (double)row->least && v->x <= (double)row->most;
	return v->n >= row->least && v->n <= row->most;
}
