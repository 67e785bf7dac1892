#include "conf/build.h"
#include "conf/schema.h"

#include <assert.h>
#include <stdlib.h>

static const struct node *
good_member(const struct node *group, const char *path)
{
	const struct schema_row *row = schema_find(path);
	const struct node *n;

	assert(row);
	n = node_member(group, schema_name(row));
	return n && n->good ? n : NULL;
}

bool
build_has(const struct node *group, const char *path)
{
	return good_member(group, path) != NULL;
}

char *
build_text(const struct node *group, const char *path)
{
	const struct node *n = good_member(group, path);
	const char *fallback = schema_find(path)->fallback;

	if (n)
		return str_dupz(n->text);
	return fallback ? str_dupz(fallback) : NULL;
}

static void
add(struct conf_strings *s, struct str text)
{
	s->v = xrealloc(s->v, (s->n + 1) * sizeof(*s->v));
	s->v[s->n++] = str_dup(text);
}

struct conf_strings
build_strings(const struct node *group, const char *path)
{
	const struct node *n = good_member(group, path);
	struct str rest = str_of(schema_find(path)->fallback);
	struct conf_strings s = {0};

	if (n && n->kind == NODE_STRING)
		add(&s, str_of(n->text));
	for (size_t i = 0; n && n->kind == NODE_LIST && i < n->n; i++)
		add(&s, str_of(n->v[i].text));
	while (!n && rest.n)
		add(&s, str_cut(rest, ' ', &rest));
	return s;
}

/* The schema's own default; zero where it has none. */
static struct value
fallback_value(const struct schema_row *row)
{
	struct value v = {0};

	if (!row->fallback)
		return v;
	if (row->type == SCHEMA_INT)
		v.n = strtoll(row->fallback, NULL, 10);
	else if (row->type == SCHEMA_FLOAT)
		v.x = strtod(row->fallback, NULL);
	else if (row->type == SCHEMA_BOOL)
		v.n = str_eq(str_of(row->fallback), STR("true"));
	else
		schema_parse(row, str_of(row->fallback), &v);
	return v;
}

struct value
build_value(const struct node *group, const char *path)
{
	const struct node *n = good_member(group, path);

	return n ? n->value : fallback_value(schema_find(path));
}

int64_t
build_seconds(const struct node *group, const char *path)
{
	return build_value(group, path).n / 1000;
}
