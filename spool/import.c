#include "spool/import.h"

#include "spool/queue.h"
#include "spool/records.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
entry_clear(struct spool_import_entry *entry)
{
	free(entry->name);
	explicit_bzero(&entry->verifier, sizeof(entry->verifier));
	explicit_bzero(&entry->next, sizeof(entry->next));
	spool_settings_free(&entry->settings);
}

/* Back to N complaints: those of a run that is done again go. */
static void
forget_complaints(struct spool_import *m, size_t n)
{
	while (m->wrong_n > n)
		free(m->wrong[--m->wrong_n].text);
}

void
spool_import_free(struct spool_import *m)
{
	for (size_t i = 0; i < m->n; i++)
		entry_clear(&m->v[i]);
	free(m->v);
	forget_complaints(m, 0);
	free(m->wrong);
	*m = (struct spool_import){0};
}

struct spool_import_entry *
spool_import_entry(struct spool_import *m, struct str name, size_t line)
{
	struct spool_import_entry *entry;

	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->v = xrealloc(m->v, m->cap * sizeof(*m->v));
	}
	entry = &m->v[m->n++];
	*entry = (struct spool_import_entry){
		.name = str_dup(name), .line = line};
	return entry;
}

void
spool_import_complain(struct spool_import *m, size_t line, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m->wrong_n == m->wrong_cap) {
		m->wrong_cap = m->wrong_cap ? m->wrong_cap * 2 : 16;
		m->wrong = xrealloc(m->wrong, m->wrong_cap * sizeof(*m->wrong));
	}
	m->wrong[m->wrong_n++] = (struct spool_complaint){line, str_dupz(text)};
}

/* --- among the entries --- */

/* A name or a domain, and the entry it stands in. */
struct word {
	struct str s;
	const struct spool_import_entry *entry;
};

struct words {
	struct word *v; /* owned */
	size_t n, cap;
};

static void
words_add(struct words *w, struct str s, const struct spool_import_entry *entry)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->v = xrealloc(w->v, w->cap * sizeof(*w->v));
	}
	w->v[w->n++] = (struct word){s, entry};
}

/* By word, then by line, so that the first one keeps it. */
static int
by_word(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	size_t n = x->s.n < y->s.n ? x->s.n : y->s.n;
	int order = memcmp(x->s.p, y->s.p, n);

	if (order == 0)
		order = (x->s.n > y->s.n) - (x->s.n < y->s.n);
	if (order == 0)
		order = (x->entry > y->entry) - (x->entry < y->entry);
	return order;
}

static void
words_check(struct spool_import *m, struct words *w, const char *what)
{
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_word);
	for (size_t i = 1; i < w->n; i++) {
		const struct word *first = &w->v[i - 1], *word = &w->v[i];

		if (!str_eq(first->s, word->s) || first->entry == word->entry)
			continue;
		spool_import_complain(m, word->entry->line,
			"%s %.*s is that of line %zu too (customer %s)", what,
			STR_FMT(word->s), first->entry->line,
			first->entry->name);
	}
	free(w->v);
}

static void
check_entry(struct spool_import *m, const struct spool_import_entry *entry)
{
	const char *domains = entry->settings.text[SETTING_DOMAIN];

	if (!domains || !*domains)
		spool_import_complain(m, entry->line,
			"customer %s needs domain=", entry->name);
}

void
spool_import_check(struct spool_import *m)
{
	struct words names = {0}, domains = {0};

	for (size_t i = 0; i < m->n; i++) {
		struct str rest = str_of(m->v[i].settings.text[SETTING_DOMAIN]);

		check_entry(m, &m->v[i]);
		words_add(&names, str_of(m->v[i].name), &m->v[i]);
		while (rest.n)
			words_add(
				&domains, str_cut(rest, '\n', &rest), &m->v[i]);
	}
	words_check(m, &names, "name");
	words_check(m, &domains, "domain");
}

/* --- in the transaction --- */

/* Is this the fault of the entry, not of the store? */
static bool
is_complaint(enum err_code code)
{
	return code == ERR_EXISTS || code == ERR_INVALID || code == ERR_LIMIT;
}

/*
 * The domains of those who are there are free first: entries may hand them to
 * each other in any order.
 */
static enum err_code
free_domains(struct spool_txn *t, const struct spool_import_entry *entry,
	struct err *e)
{
	struct spool_account a;
	enum err_code rc = spool_account_get(t, entry->name, &a, e);

	if (rc == ERR_NOTFOUND)
		return OK;
	if (rc != OK)
		return rc;
	if (a.kind == ACCOUNT_CUSTOMER && a.domains) {
		free(a.domains);
		a.domains = NULL;
		rc = spool_account_set(t, &a, e);
	}
	spool_account_clear(&a);
	return rc;
}

/* What an entry may say begins at "none". */
static void
empty(struct spool_account *a)
{
	free(a->senders);
	free(a->networks);
	a->senders = a->networks = NULL;
	a->etrn[0] = '\0';
	a->quota = a->max_size = 0;
	a->lifetime_s = 0;
	a->max_priority = 0;
	a->recipients = RECIPIENTS_ANY;
	a->suspended = false;
}

static enum err_code
write_account(struct spool_txn *t, struct spool_account *a, bool is_new,
	struct spool_import_entry *entry, struct err *e)
{
	enum err_code rc;

	empty(a);
	spool_settings_apply(&entry->settings, a);
	entry->settings.has_recipients = true; /* none is said: none is left */
	if (entry->has_verifier) {
		a->verifier = entry->verifier;
		a->next = entry->next;
	}
	rc = is_new ? spool_account_add(t, a, e) : spool_account_set(t, a, e);
	return rc == OK ? spool_settings_put_list(t, &entry->settings, a, e)
			: rc;
}

static enum err_code
write_entry(struct spool_txn *t, struct spool_import *m,
	struct spool_import_entry *entry, struct err *e)
{
	struct spool_account a;
	enum err_code rc = spool_account_get(t, entry->name, &a, e);
	bool is_new = rc == ERR_NOTFOUND;

	if (rc != OK && !is_new)
		return rc;
	if (is_new) {
		a = (struct spool_account){.kind = ACCOUNT_CUSTOMER};
		str_copyz(a.name, sizeof(a.name), entry->name);
	}
	if (a.kind == ACCOUNT_CUSTOMER)
		rc = write_account(t, &a, is_new, entry, e);
	else
		rc = err_set(
			e, ERR_EXISTS, "the name %s is that of a user", a.name);
	m->added += is_new && rc == OK;
	m->changed += !is_new && rc == OK;
	explicit_bzero(&a.verifier, sizeof(a.verifier));
	spool_account_clear(&a);
	return rc;
}

/* Was something of LINE found wrong before? What follows from it is no news. */
static bool
is_wrong(const struct spool_import *m, size_t line)
{
	for (size_t i = 0; i < m->wrong_n; i++)
		if (m->wrong[i].line == line)
			return true;
	return false;
}

enum err_code
spool_import_write(struct spool_txn *t, void *arg, struct err *e)
{
	struct spool_import *m = arg;
	size_t before = m->wrong_n;
	enum err_code rc = OK;

	m->added = m->changed = 0;
	for (size_t i = 0; rc == OK && i < m->n; i++)
		rc = free_domains(t, &m->v[i], e);
	for (size_t i = 0; rc == OK && i < m->n; i++) {
		rc = write_entry(t, m, &m->v[i], e);
		if (!is_complaint(rc))
			continue;
		if (!is_wrong(m, m->v[i].line))
			spool_import_complain(m, m->v[i].line, "%s", e->text);
		rc = OK;
	}
	if (rc != OK) /* it may be run again */
		forget_complaints(m, before);
	if (rc == OK && (m->wrong_n || m->dry_run))
		rc = err_set(e, ERR_INVALID, "nothing was changed");
	return rc;
}
