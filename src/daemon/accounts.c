#include "daemon/accounts.h"

#include "net/listen.h"
#include "spool/records.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ACCOUNT_NETWORK_MAX = 64 }; /* of one network as text */

/* A customer's domain, sorted for the look-up of every RCPT. */
struct domain_row {
	const char *domain; /* owned, lower case */
	size_t account;
};

struct accounts {
	pthread_mutex_t lock;
	struct spool_account *list; /* by name */
	size_t n;
	struct domain_row *domains;
	size_t domains_n;
	bool cram, etrn; /* is there an account that has it? */
	/* Of the loads that were begun, and the last that was put to use. */
	uint64_t begun, installed;
	struct spool_account guest;
};

struct accounts *
accounts_new(void)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	return a;
}

static void
free_list(struct spool_account *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		spool_account_clear(&list[i]);
	free(list);
}

static void
free_domains(struct domain_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)rows[i].domain);
	free(rows);
}

void
accounts_free(struct accounts *a)
{
	if (!a)
		return;
	free_list(a->list, a->n);
	free_domains(a->domains, a->domains_n);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* --- loading --- */

struct load {
	struct accounts *a;
	uint64_t number;
	struct spool_account *list;
	size_t n;
	spool_done *done; /* NULL: somebody waits */
	void *arg;
};

static enum err_code
read_all(struct spool_txn *t, void *arg, struct err *e)
{
	struct load *l = arg;

	free_list(l->list, l->n); /* of an earlier run of this function */
	l->list = NULL;
	l->n = 0;
	return spool_account_list(t, &l->list, &l->n, e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct spool_account *)a)->name,
		((const struct spool_account *)b)->name);
}

static int
by_domain(const void *a, const void *b)
{
	return strcmp(((const struct domain_row *)a)->domain,
		((const struct domain_row *)b)->domain);
}

static void
add_domains(struct domain_row **rows, size_t *n, const char *text, size_t i)
{
	struct str rest = str_of(text);

	while (rest.n) {
		struct str d = str_cut(rest, '\n', &rest);
		char *copy;

		if (d.n == 0)
			continue;
		copy = str_dup(d);
		str_lower(copy);
		*rows = xrealloc(*rows, (*n + 1) * sizeof(**rows));
		(*rows)[(*n)++] = (struct domain_row){copy, i};
	}
}

/*
 * Two loads may end in another order than they were begun in; of the one begun
 * later it is sure that it saw whatever the other was begun for.
 */
static void
install(struct load *l)
{
	struct accounts *a = l->a;
	struct spool_account *old = a->list;
	struct domain_row *old_domains = a->domains, *domains = NULL;
	size_t old_n = a->n, old_domains_n = a->domains_n, domains_n = 0;
	bool cram = false, etrn = false;

	if (l->number < a->installed) {
		free_list(l->list, l->n);
		return;
	}
	a->installed = l->number;
	if (l->n)
		qsort(l->list, l->n, sizeof(*l->list), by_name);
	for (size_t i = 0; i < l->n; i++) {
		cram |= l->list[i].verifier.secret[0] != '\0' ||
			l->list[i].next.secret[0] != '\0';
		etrn |= l->list[i].etrn[0] != '\0';
		add_domains(&domains, &domains_n, l->list[i].domains, i);
	}
	if (domains_n)
		qsort(domains, domains_n, sizeof(*domains), by_domain);
	pthread_mutex_lock(&a->lock);
	a->list = l->list;
	a->n = l->n;
	a->domains = domains;
	a->domains_n = domains_n;
	a->cram = cram;
	a->etrn = etrn;
	pthread_mutex_unlock(&a->lock);
	free_list(old, old_n);
	free_domains(old_domains, old_domains_n);
}

enum err_code
accounts_load(struct accounts *a, struct spool *spool, struct err *e)
{
	struct load l = {.a = a, .number = ++a->begun};
	enum err_code rc = spool_read(spool, read_all, &l, e);

	if (rc == OK)
		install(&l);
	else
		free_list(l.list, l.n);
	return rc;
}

static void
loaded(void *arg, enum err_code code, const struct err *e)
{
	struct load *l = arg;

	if (code == OK)
		install(l);
	else
		free_list(l->list, l->n);
	l->done(l->arg, code, e);
	free(l);
}

void
accounts_reload(
	struct accounts *a, struct spool *spool, spool_done *done, void *arg)
{
	struct load *l = xcalloc(1, sizeof(*l));

	l->a = a;
	l->number = ++a->begun;
	l->done = done;
	l->arg = arg;
	spool_submit_read(spool, read_all, loaded, l);
}

/* --- looking --- */

const struct spool_account *
accounts_get(const struct accounts *a, const char *name)
{
	struct spool_account key;

	if (a->n == 0 || !str_copyz(key.name, sizeof(key.name), name))
		return NULL;
	return bsearch(&key, a->list, a->n, sizeof(*a->list), by_name);
}

const struct spool_account *
accounts_nth(const struct accounts *a, size_t i)
{
	return i < a->n ? &a->list[i] : NULL;
}

struct account_mark
accounts_mark(const struct accounts *a, const char *name)
{
	const struct spool_account *found = accounts_get(a, name);
	struct account_mark mark = {{0}};

	if (found)
		memcpy(mark.salt, found->verifier.salt, sizeof(mark.salt));
	return mark;
}

bool
accounts_is_same(const struct accounts *a, const char *name,
	const struct account_mark *mark)
{
	struct account_mark now = accounts_mark(a, name);

	return memcmp(now.salt, mark->salt, sizeof(now.salt)) == 0;
}

bool
accounts_have_etrn(const struct accounts *a)
{
	return a->etrn;
}

const struct spool_account *
accounts_guest(struct accounts *a, const char *name)
{
	str_copyz(a->guest.name, sizeof(a->guest.name), name);
	a->guest.kind = ACCOUNT_USER;
	return &a->guest;
}

bool
accounts_verifiers(void *arg, const char *name, struct verifier_pair *pair_r)
{
	struct accounts *a = arg;
	const struct spool_account *found;

	pthread_mutex_lock(&a->lock);
	found = accounts_get(a, name);
	if (found) {
		pair_r->present = found->verifier;
		pair_r->next = found->next;
	}
	pthread_mutex_unlock(&a->lock);
	return found != NULL;
}

bool
accounts_has_user(struct accounts *a, const char *name)
{
	bool found = false;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->n && !found; i++)
		found = a->list[i].kind == ACCOUNT_USER &&
			str_eq_nocase(str_of(a->list[i].name), str_of(name));
	pthread_mutex_unlock(&a->lock);
	return found;
}

bool
accounts_have_cram(struct accounts *a)
{
	bool cram;

	pthread_mutex_lock(&a->lock);
	cram = a->cram;
	pthread_mutex_unlock(&a->lock);
	return cram;
}

bool
accounts_customer_name(
	struct accounts *a, struct str domain, char name_r[SASL_NAME_MAX + 1])
{
	char key[WIRE_DOMAIN_MAX + 1];
	struct domain_row want = {key, 0}, *found = NULL;

	if (!str_copy(key, sizeof(key), domain))
		return false;
	str_lower(key);
	pthread_mutex_lock(&a->lock);
	if (a->domains_n)
		found = bsearch(&want, a->domains, a->domains_n, sizeof(want),
			by_domain);
	if (found)
		str_copyz(name_r, SASL_NAME_MAX + 1,
			a->list[found->account].name);
	pthread_mutex_unlock(&a->lock);
	return found != NULL;
}

bool
account_has_domain(const struct spool_account *a, struct str domain)
{
	struct str rest = str_of(a->domains);

	while (rest.n)
		if (str_eq_nocase(str_cut(rest, '\n', &rest), domain))
			return true;
	return false;
}

bool
account_may_come_from(const struct spool_account *a, const char *address)
{
	struct str rest = str_of(a->networks);
	char network[ACCOUNT_NETWORK_MAX];

	if (rest.n == 0)
		return true;
	while (rest.n)
		if (str_copy(network, sizeof(network),
			    str_cut(rest, '\n', &rest)) &&
			net_in_network(address, network))
			return true;
	return false;
}

/* Without patterns: its own name at the local domains and the host name. */
static bool
is_own_address(const struct spool_account *a, const struct mailbox *sender,
	const struct conf *conf)
{
	struct str domain = mailbox_domain(sender);
	struct mailbox whole;

	if (address_parse(str_of(a->name), true, &whole))
		return mailbox_eq(&whole, sender);
	return str_eq_nocase(mailbox_local(sender), str_of(a->name)) &&
	       (conf_is_local(conf, domain) ||
		       str_eq_nocase(domain, str_of(conf->hostname)));
}

bool
account_may_send(const struct spool_account *a, const struct mailbox *sender,
	const struct conf *conf)
{
	struct str rest = str_of(a->senders);

	if (mailbox_is_null(sender))
		return true;
	if (a->kind == ACCOUNT_CUSTOMER &&
		account_has_domain(a, mailbox_domain(sender)))
		return true;
	if (a->kind == ACCOUNT_USER && rest.n == 0)
		return is_own_address(a, sender, conf);
	while (rest.n)
		if (str_glob(str_cut(rest, '\n', &rest), str_of(sender->text)))
			return true;
	return false;
}
