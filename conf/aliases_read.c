/* The text of an aliases file: entries, lists, :include:. */
#include "conf/aliases_private.h"

#include "wire/grammar.h"

#include <stdlib.h>
#include <string.h>

struct reader {
	struct aliases *a;
	struct sources *sources;
	struct complaints *out;
	const struct source *source; /* being read */
	unsigned line;
	const char *line_p;  /* where it begins */
	struct alias *entry; /* to which the list belongs; NULL none */
	bool told;	     /* what is wrong with it, where there is none */
	unsigned depth;	     /* of :include: */
};

static struct place
place_of(const struct reader *r, const char *p)
{
	return (struct place){
		r->source, r->line, (unsigned)(p - r->line_p) + 1};
}

static void read_text(struct reader *r, const struct source *source);

/* --- one address of a list --- */

static bool
is_quoted(struct str s)
{
	return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
}

/* "...|..." in quotes is still a program, and so on. */
static struct str
inside(struct str s)
{
	return is_quoted(s) ? (struct str){s.p + 1, s.n - 2} : s;
}

static void
add_target(struct reader *r, struct str text)
{
	struct alias *e = r->entry;

	if ((e->n & (e->n - 1)) == 0) /* full: a power of two, or none */
		e->to = xrealloc(e->to, (e->n ? e->n * 2 : 1) * sizeof(*e->to));
	e->to[e->n++] = str_dup(text);
}

/* Who may not read it is told; it is the daemon that needs it. */
static void
complain_unread(struct reader *r, const struct place *at, const char *file,
	enum err_code code, const struct err *e)
{
	if (code == ERR_PERM)
		r->a->unreadable = true;
	complain(r->out, code == ERR_PERM ? COMPLAINT_WARNING : COMPLAINT_ERROR,
		at, "local.aliases: %s: %s", file, e->text);
}

static void
include(struct reader *r, struct str path)
{
	struct place at = place_of(r, path.p);
	char *file = str_dup(path);
	const struct source *source;
	struct reader inner = *r;
	struct err e = {0};
	enum err_code rc;

	if (path.n == 0 || path.p[0] != '/') {
		complain_error(r->out, &at,
			":include: wants a path that begins with /");
	} else if (r->depth >= ALIASES_INCLUDE_MAX ||
		   r->sources->n >= SOURCE_FILES_MAX) {
		complain_error(r->out, &at,
			":include: %s: too many files, or one that includes "
			"itself",
			file);
	} else {
		rc = source_read(r->sources, file, &source, &e);
		inner.depth++;
		if (rc == OK)
			read_text(&inner, source);
		else
			complain_unread(r, &at, file, rc, &e);
	}
	free(file);
}

/* A local part, or an address. */
static bool
is_address(struct str text)
{
	struct mailbox m;
	struct buf whole;
	bool ok;

	if (text.n && text.p[0] == '\\')
		text = str_skip(text, 1);
	if (address_parse(text, true, &m))
		return true;
	buf_init(&whole, WIRE_MAILBOX_MAX);
	ok = buf_adds(&whole, text) && buf_addz(&whole, "@a.example") &&
	     address_parse(buf_view(&whole), true, &m) &&
	     mailbox_local(&m).n == text.n;
	buf_free(&whole);
	return ok;
}

static void
take_target(struct reader *r, struct str text)
{
	struct place at = place_of(r, text.p);
	struct str bare;

	if (text.n >= 2 && text.p[0] == '<' && text.p[text.n - 1] == '>')
		text = (struct str){text.p + 1, text.n - 2};
	bare = str_trim(inside(text));
	if (bare.n && bare.p[0] == '|')
		complain_error(r->out, &at,
			"alias %s: no program is run for an alias; name a "
			"mailbox, and see local.deliver = \"pipe:...\"",
			r->entry->name);
	else if (bare.n && bare.p[0] == '/')
		complain_error(r->out, &at,
			"alias %s: no file is written for an alias; name a "
			"mailbox, and see local.deliver = \"mbox:...\"",
			r->entry->name);
	else if (str_starts_nocase(bare, STR(":include:")))
		include(r, str_trim(str_skip(bare, 9)));
	else if (is_address(text))
		add_target(r, text);
	else
		complain_error(r->out, &at,
			"alias %s: %.*s is no address and no name",
			r->entry->name, (int)(text.n < 80 ? text.n : 80),
			text.p);
}

/* The part of *IN before the next comma that is not in quotes. */
static struct str
next_item(struct str *in)
{
	struct str item = {in->p, 0};
	bool quoted = false;

	while (item.n < in->n && (quoted || in->p[item.n] != ',')) {
		if (in->p[item.n] == '"')
			quoted = !quoted;
		else if (quoted && in->p[item.n] == '\\' && item.n + 1 < in->n)
			item.n++;
		item.n++;
	}
	*in = str_skip(*in, item.n < in->n ? item.n + 1 : item.n);
	return str_trim(item);
}

static void
take_list(struct reader *r, struct str list)
{
	while (list.n) {
		struct str item = next_item(&list);

		if (item.n)
			take_target(r, item);
	}
}

/* --- entries --- */

/* "crew", "crew@a.example" or "\"the crew\"", as it is looked for. */
static char *
plain_name(struct str text)
{
	char local[WIRE_LOCAL_PART_MAX + 1], *name;
	struct buf whole;
	struct mailbox m;
	bool address = address_parse(text, true, &m);

	if (!address) {
		buf_init(&whole, WIRE_MAILBOX_MAX);
		buf_adds(&whole, text);
		buf_addz(&whole, "@a.example");
		memset(&m, 0, sizeof(m));
		address_parse(buf_view(&whole), true, &m);
		buf_free(&whole);
	}
	if (!mailbox_local_plain(&m, local, sizeof(local)))
		return NULL;
	name = address ? str_printf(
				 "%s@%.*s", local, STR_FMT(mailbox_domain(&m)))
		       : str_dupz(local);
	str_lower(name);
	return name;
}

static void
begin_entry(struct reader *r, struct str name)
{
	struct place at = place_of(r, name.p);
	struct aliases *a = r->a;

	r->entry = NULL;
	r->told = true;
	if (!is_address(name) || (name.n && name.p[0] == '\\')) {
		complain_error(r->out, &at,
			"%.*s is no name of an alias: it should be a name, or "
			"an address, with a colon behind it",
			(int)(name.n < 80 ? name.n : 80), name.p);
		return;
	}
	if (a->n >= ALIASES_MAX) {
		complain_error(
			r->out, &at, "more than %d aliases", ALIASES_MAX);
		return;
	}
	if ((a->n & (a->n - 1)) == 0) /* full: a power of two */
		a->v = xrealloc(a->v, (a->n ? a->n * 2 : 1) * sizeof(*a->v));
	r->entry = &a->v[a->n++];
	*r->entry = (struct alias){.name = plain_name(name), .at = at};
}

/* The colon behind a name, which may be quoted; "::include" has none. */
static const char *
find_colon(struct str line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		else if (line.p[i] == '\\' && quoted)
			i++;
		else if (line.p[i] == ':' && !quoted)
			return line.p + i;
	}
	return NULL;
}

static void
take_line(struct reader *r, struct str line)
{
	bool blank = line.p[0] == ' ' || line.p[0] == '\t';
	const char *colon = find_colon(line);
	struct place at = place_of(r, line.p);

	if (memchr(line.p, '\0', line.n)) {
		complain_error(
			r->out, &at, "there is a NUL octet in this line");
		r->told = true;
		return;
	}
	if (r->depth > 0 || blank) {
		if (r->entry)
			take_list(r, line);
		else if (!r->told)
			complain_error(r->out, &at,
				"no alias stands before this: a line that "
				"begins with a blank goes on with a list");
		r->told = true;
		return;
	}
	if (!colon) {
		complain_error(r->out, &at,
			"this should be NAME: ADDRESS, ADDRESS...; a line that "
			"goes on with a list begins with a blank");
		r->entry = NULL;
		r->told = true;
		return;
	}
	begin_entry(
		r, str_trim((struct str){line.p, (size_t)(colon - line.p)}));
	if (r->entry)
		take_list(r, (struct str){colon + 1,
				     line.n - (size_t)(colon + 1 - line.p)});
}

static void
read_text(struct reader *r, const struct source *source)
{
	struct str text = {source->text, source->n};

	r->source = source;
	r->line = 0;
	while (text.n) {
		struct str line = str_cut(text, '\n', &text), bare;

		r->line++;
		r->line_p = line.p;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		bare = str_trim(line);
		if (bare.n && bare.p[0] != '#')
			take_line(r, line);
	}
}

void
aliases_read(struct aliases *a, const char *file, const struct place *at,
	struct sources *sources, struct complaints *out)
{
	struct reader r = {.a = a, .sources = sources, .out = out};
	const struct source *source;
	struct err e = {0};
	enum err_code rc = source_read(sources, file, &source, &e);

	if (rc == OK)
		read_text(&r, source);
	else
		complain_unread(&r, at, file, rc, &e);
}
