#include "conf/conf.h"
#include "conf/aliases.h"
#include "conf/build.h"
#include "conf/check.h"
#include "conf/shape.h"
#include "conf/syntax.h"

#include <libconfig.h>
#include <stdlib.h>

/* Where the next setting of the walk stands. */
struct walk {
	const struct syntax *syntax;
	size_t setting;
};

static void
copy_scalar(const config_setting_t *from, struct node *to)
{
	switch (config_setting_type(from)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		to->kind = NODE_INT;
		to->integer = config_setting_type(from) == CONFIG_TYPE_INT
				      ? config_setting_get_int(from)
				      : config_setting_get_int64(from);
		to->real = (double)to->integer;
		break;
	case CONFIG_TYPE_FLOAT:
		to->kind = NODE_FLOAT;
		to->real = config_setting_get_float(from);
		break;
	case CONFIG_TYPE_BOOL:
		to->kind = NODE_BOOL;
		to->integer = config_setting_get_bool(from);
		break;
	default:
		to->kind = NODE_STRING;
		to->text = str_dupz(config_setting_get_string(from));
		break;
	}
}

/* Depth is bounded: syntax.c refuses what is nested too deep. */
static void
copy_setting(const config_setting_t *from, struct node *to, struct walk *w)
{
	const char *name = config_setting_name(from);

	*to = (struct node){.name = name ? str_dupz(name) : NULL};
	if (!config_setting_is_root(from) && w->setting < w->syntax->settings) {
		to->name_at = w->syntax->setting[w->setting].name;
		to->at = w->syntax->setting[w->setting].value;
		w->setting++;
	}
	if (!config_setting_is_aggregate(from)) {
		copy_scalar(from, to);
		return;
	}
	to->kind = config_setting_is_group(from) ? NODE_GROUP : NODE_LIST;
	to->n = (size_t)config_setting_length(from);
	to->v = xcalloc(to->n, sizeof(*to->v));
	for (size_t i = 0; i < to->n; i++)
		copy_setting(config_setting_get_elem(from, (unsigned)i),
			&to->v[i], w);
}

static void
complain_library(
	const config_t *k, const struct syntax *x, struct complaints *out)
{
	const char *text = config_error_text(k);
	size_t line = (size_t)config_error_line(k);

	if (line < 1 || line > x->lines)
		line = x->lines;
	complain_error(out, line ? &x->line[line - 1] : NULL, "%s",
		text ? text : "syntax error");
}

/* The text, known to be well formed, through the library into a tree. */
static bool
parse(struct syntax *x, struct node *root_r, struct complaints *out)
{
	struct walk w = {.syntax = x};
	config_t k;
	bool ok;

	config_init(&k);
	ok = config_read_string(&k, buf_z(&x->text)) == CONFIG_TRUE;
	if (ok)
		copy_setting(config_root_setting(&k), root_r, &w);
	else
		complain_library(&k, x, out);
	config_destroy(&k);
	return ok;
}

static void
complain_unreadable(
	const struct source *s, const struct err *e, struct complaints *out)
{
	struct place at = {s, 0, 0};

	if (e->code == ERR_NOTFOUND)
		complain_error(out, &at,
			"there is no configuration file here: \"tidepost "
			"setup\" makes one (see tidepost.conf(5)), or name "
			"another with -c FILE or TIDEPOST_CONF");
	else
		complain_error(out, &at, "the configuration file %s", e->text);
}

/* What stands behind the first was included. */
static void
keep_included(const struct sources *s, struct conf *c)
{
	c->included.v = xcalloc(s->n, sizeof(*c->included.v));
	for (size_t i = 1; i < s->n; i++)
		c->included.v[c->included.n++] = str_dupz(s->v[i]->file);
}

static void
load(struct syntax *x, const char *file, const struct sources *sources,
	struct conf **conf_r, struct complaints *out)
{
	const struct source *first = sources->v[0];
	struct node root = {0};

	if (out->errors || !parse(x, &root, out))
		return;
	root.at = root.name_at = (struct place){first, 0, 0};
	shape_check(&root, out);
	*conf_r = build_conf(&root, file);
	keep_included(sources, *conf_r);
	(*conf_r)->text = str_dupz(buf_z(&x->text));
	check_conf(*conf_r, &root, out);
	aliases_load(*conf_r,
		check_at(node_member(&root, "local")
				 ? node_member(&root, "local")
				 : &root,
			"aliases"),
		out);
	node_clear(&root);
}

void
conf_load(const char *file, struct conf **conf_r, struct complaints *c_r)
{
	struct sources sources = {0};
	struct syntax x = {0};
	const struct source *first;
	struct err e;

	*conf_r = NULL;
	*c_r = (struct complaints){0};
	if (source_read(&sources, file, &first, &e) != OK) {
		complain_unreadable(first, &e, c_r);
	} else {
		syntax_read(&x, &sources, first, c_r);
		load(&x, file, &sources, conf_r, c_r);
		syntax_free(&x);
	}
	if (c_r->errors) {
		conf_free(*conf_r);
		*conf_r = NULL;
	}
	complaints_sort(c_r, file);
	sources_free(&sources);
}
