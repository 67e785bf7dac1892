#include "conf/aliases_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- looking up --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct alias *)a)->name,
		((const struct alias *)b)->name);
}

const struct alias *
aliases_find(const struct aliases *a, const char *name)
{
	struct alias key = {.name = (char *)(uintptr_t)name};

	return a->n ? bsearch(&key, a->v, a->n, sizeof(*a->v), by_name) : NULL;
}

/* At a local domain, or postmaster of this host (RFC 5321 4.5.1). */
static bool
is_ours(const struct conf *c, const struct mailbox *m)
{
	struct str domain = mailbox_domain(m);

	return conf_is_local(c, domain) ||
	       (mailbox_is_postmaster(m) && c->local.domains.n &&
		       (domain.n == 0 ||
			       str_eq_nocase(domain, str_of(c->hostname))));
}

/* "ann@a.example", or "ann" at any local domain. */
static const struct alias *
find_both(const struct aliases *a, const char *local, struct str domain)
{
	char address[WIRE_MAILBOX_MAX + 2];
	const struct alias *found;

	snprintf(address, sizeof(address), "%s@%.*s", local, STR_FMT(domain));
	str_lower(address);
	found = aliases_find(a, address);
	if (found)
		return found;
	address[strlen(local)] = '\0';
	return aliases_find(a, address);
}

/* With its extension first, then without. */
static const struct alias *
find(const struct conf *c, const struct mailbox *m)
{
	char local[WIRE_LOCAL_PART_MAX + 1];
	const struct alias *found;
	size_t n;

	if (!c->local.alias_table || !is_ours(c, m) ||
		!mailbox_local_plain(m, local, sizeof(local)) || !local[0])
		return NULL;
	found = find_both(c->local.alias_table, local, mailbox_domain(m));
	n = 1 + strcspn(local + 1, c->local.separators);
	if (found || local[n] == '\0')
		return found;
	local[n] = '\0';
	return find_both(c->local.alias_table, local, mailbox_domain(m));
}

bool
aliases_has(const struct conf *c, const struct mailbox *recipient)
{
	return find(c, recipient) != NULL;
}

/* --- following --- */

/* The aliases on the way to where we are. */
struct path {
	const struct alias *alias;
	const struct path *before;
};

struct walk {
	const struct conf *c;
	bool lists;
	struct alias_list *list;
	unsigned looked; /* at addresses, those of aliases within it too */
	bool parted;	 /* its kind is known: it is not one address */
	const struct alias *watched; /* NULL none */
	bool met;		     /* the one that is watched */
	struct err *e;
};

static void
add(struct walk *w, const struct mailbox *to, size_t owner)
{
	struct alias_list *l = w->list;

	if ((l->n & (l->n - 1)) == 0) /* full: a power of two, or none */
		l->v = xrealloc(l->v, (l->n ? l->n * 2 : 1) * sizeof(*l->v));
	l->v[l->n++] = (struct alias_member){*to, owner};
}

/* Of its name, which may be an address, the local part. */
static struct str
local_of(const struct alias *a)
{
	const char *at = strrchr(a->name, '@');

	return at ? (struct str){a->name, (size_t)(at - a->name)}
		  : str_of(a->name);
}

#define OWNER_PREFIX "owner-"

/* The local part is plain, and quoted where it has to be. */
static bool
address_of(const char *local, struct str domain, struct mailbox *out)
{
	struct buf text;
	bool ok;

	buf_init(&text, WIRE_MAILBOX_MAX);
	ok = buf_addf(&text, "%s@%.*s", local, STR_FMT(domain)) &&
	     address_parse(buf_view(&text), true, out);
	if (!ok) {
		buf_clear(&text);
		buf_add(&text, "\"", 1);
		for (const char *p = local; *p; p++) {
			if (*p == '"' || *p == '\\')
				buf_add(&text, "\\", 1);
			buf_add(&text, p, 1);
		}
		ok = buf_addf(&text, "\"@%.*s", STR_FMT(domain)) &&
		     address_parse(buf_view(&text), true, out);
	}
	buf_free(&text);
	return ok;
}

/* Its address at DOMAIN goes to OUT. False: A is no list. */
static bool
owner_of(const struct walk *w, const struct alias *a, struct str domain,
	struct mailbox *out)
{
	char name[WIRE_LOCAL_PART_MAX + sizeof(OWNER_PREFIX)];

	if (!w->lists)
		return false;
	snprintf(name, sizeof(name), OWNER_PREFIX "%.*s", STR_FMT(local_of(a)));
	return find_both(w->c->local.alias_table, name, domain) &&
	       address_of(name, domain, out);
}

/* One more of the list; its number. */
static size_t
add_owner(struct alias_list *l, const struct mailbox *owner)
{
	for (size_t i = 0; i < l->owners_n; i++)
		if (strcmp(l->owners[i].text, owner->text) == 0)
			return i + 1;
	l->owners = xrealloc(l->owners, (l->owners_n + 1) * sizeof(*owner));
	l->owners[l->owners_n++] = *owner;
	return l->owners_n;
}

/* A name without a domain is at DOMAIN. */
static bool
target_of(const char *text, struct str domain, struct mailbox *out)
{
	struct buf whole;
	bool ok;

	if (address_parse(str_of(text), true, out))
		return true;
	buf_init(&whole, WIRE_MAILBOX_MAX);
	ok = buf_addf(&whole, "%s@%.*s", text, STR_FMT(domain)) &&
	     address_parse(buf_view(&whole), true, out);
	buf_free(&whole);
	return ok;
}

static enum err_code follow(struct walk *w, struct str domain,
	const struct alias *alias, const struct path *before, size_t owner,
	int depth);

static enum err_code
follow_target(struct walk *w, const char *text, struct str domain,
	const struct path *path, size_t owner, int depth)
{
	bool last = text[0] == '\\';
	const struct alias *next;
	struct mailbox to;

	if (++w->looked > w->c->limits.alias_addresses)
		return err_set(w->e, ERR_LIMIT,
			"it becomes more than %u addresses "
			"(limits.alias_addresses)",
			w->c->limits.alias_addresses);
	if (!target_of(last ? text + 1 : text, domain, &to))
		return err_set(w->e, ERR_INVALID,
			"%s is too long with its domain", text);
	next = last ? NULL : find(w->c, &to);
	if (next && next != path->alias)
		return follow(
			w, mailbox_domain(&to), next, path, owner, depth + 1);
	add(w, &to, owner); /* itself: its own mailbox */
	return OK;
}

static enum err_code
check_path(struct walk *w, const struct path *path, int depth)
{
	for (const struct path *p = path->before; p; p = p->before)
		if (p->alias == path->alias)
			return err_set(w->e, ERR_INVALID,
				"%s comes back to itself, by %s",
				path->alias->name, path->before->alias->name);
	if (depth > ALIASES_DEPTH_MAX)
		return err_set(w->e, ERR_LIMIT,
			"more than %d aliases behind each other",
			ALIASES_DEPTH_MAX);
	return OK;
}

/* As long as each has one address, the next says what kind the whole is. */
static void
set_kind(struct walk *w, const struct alias *alias, bool list)
{
	if (w->parted || (alias->n == 1 && !list))
		return;
	w->parted = true;
	w->list->kind = list ? ALIAS_LIST : ALIAS_MANY;
}

static enum err_code
follow(struct walk *w, struct str domain, const struct alias *alias,
	const struct path *before, size_t owner, int depth)
{
	struct path path = {alias, before};
	enum err_code rc = check_path(w, &path, depth);
	struct mailbox own;
	bool list;

	if (rc != OK)
		return rc;
	w->met |= alias == w->watched;
	if (!conf_is_local(w->c, domain)) /* postmaster of the host */
		domain = str_of(w->c->local.domains.v[0]);
	list = owner_of(w, alias, domain, &own);
	set_kind(w, alias, list);
	if (list)
		owner = add_owner(w->list, &own);
	for (size_t i = 0; rc == OK && i < alias->n; i++)
		rc = follow_target(
			w, alias->to[i], domain, &path, owner, depth);
	return rc;
}

enum err_code
aliases_expand(const struct conf *c, const struct mailbox *recipient,
	bool lists, struct alias_list *list_r, struct err *e)
{
	const struct alias *alias = find(c, recipient);
	struct walk w = {.c = c, .lists = lists, .list = list_r, .e = e};

	*list_r = (struct alias_list){.n = 0};
	if (!alias)
		return err_set(e, ERR_NOTFOUND, "no such alias");
	return follow(&w, mailbox_domain(recipient), alias, NULL, 0, 0);
}

void
alias_list_free(struct alias_list *l)
{
	free(l->v);
	free(l->owners);
	*l = (struct alias_list){.n = 0};
}

/* --- loading --- */

static void
check_doubles(const struct aliases *a, struct complaints *out)
{
	for (size_t i = 1; i < a->n; i++) {
		const struct alias *one = &a->v[i - 1], *two = &a->v[i];

		if (strcmp(two->name, one->name) != 0)
			continue;
		if (two->at.line < one->at.line) {
			two = one;
			one = &a->v[i];
		}
		complain_error(out, &two->at,
			"alias %s stands here twice, first in line %u",
			two->name, one->at.line);
	}
}

/* The list of which A is the owner; NULL: none. */
static const struct alias *
owned_by(const struct conf *c, const struct alias *a, struct str domain)
{
	size_t n = sizeof(OWNER_PREFIX) - 1;
	char name[WIRE_LOCAL_PART_MAX + 1];

	if (strncmp(a->name, OWNER_PREFIX, n) != 0)
		return NULL;
	str_copy(name, sizeof(name), str_skip(local_of(a), n));
	return find_both(c->local.alias_table, name, domain);
}

static void
check_alias(const struct conf *c, const struct alias *a, struct complaints *out)
{
	const char *at = strrchr(a->name, '@');
	struct str domain = str_of(at ? at + 1 : "");
	struct alias_list list = {.n = 0};
	struct err e = {0};
	struct walk w = {.c = c,
		.lists = true,
		.list = &list,
		.watched = owned_by(c, a, domain),
		.e = &e};

	if (a->n == 0)
		complain_error(out, &a->at,
			"alias %s stands for nobody: its mail would be lost",
			a->name);
	else if (at && !conf_is_local(c, domain))
		complain_warning(out, &a->at,
			"alias %s has no effect: %s is not in local.domains",
			a->name, at + 1);
	else if (follow(&w, domain, a, NULL, 0, 0) != OK)
		complain_error(out, &a->at, "alias %s: %s", a->name, e.text);
	else if (w.met && w.watched)
		complain_warning(out, &a->at,
			"alias %s leads to the list %s itself: what fails would "
			"be told to all of it",
			a->name, w.watched->name);
	alias_list_free(&list);
}

void
aliases_load(struct conf *c, const struct place *at, struct complaints *out)
{
	struct sources sources = {.n = 0};
	size_t errors = out->errors;
	struct aliases *a;

	if (!c->local.aliases)
		return;
	if (c->local.domains.n == 0) {
		complain_warning(out, at,
			"local.aliases has no effect without local.domains");
		return;
	}
	a = xcalloc(1, sizeof(*a));
	aliases_read(a, c->local.aliases, at, &sources, out);
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_name);
	check_doubles(a, out);
	c->local.alias_table = a;
	for (size_t i = 0; c->hostname && i < a->n && out->errors == errors;
		i++)
		check_alias(c, &a->v[i], out);
	sources_list(&sources, &c->alias_files.v, &c->alias_files.n);
	sources_free(&sources);
	for (size_t i = 0; i < a->n; i++)
		a->v[i].at = (struct place){.line = 0};
	if (a->unreadable) {
		aliases_free(a);
		c->local.alias_table = NULL;
	}
}

void
aliases_free(struct aliases *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; j < a->v[i].n; j++)
			free(a->v[i].to[j]);
		free(a->v[i].to);
		free(a->v[i].name);
	}
	free(a->v);
	free(a);
}
