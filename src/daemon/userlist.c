#include "daemon/userlist.h"

#include "base/log.h"
#include "daemon/accounts.h"
#include "daemon/addressee.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { USERLIST_BYTES_MAX = 4 * 1024 * 1024 };

/* The one list of this process; the loop's. */
static struct {
	char *path;
	struct timespec mtime;
	char *text; /* NULL: could not be read */
} list;

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n;

	if (!f)
		return NULL;
	text = xmalloc(USERLIST_BYTES_MAX + 1);
	n = fread(text, 1, USERLIST_BYTES_MAX, f);
	text[n] = '\0';
	if (ferror(f)) {
		free(text);
		text = NULL;
	}
	fclose(f);
	return text ? xrealloc(text, n + 1) : NULL;
}

static bool
is_current(const char *path, const struct stat *st)
{
	return list.path && strcmp(list.path, path) == 0 && list.text &&
	       list.mtime.tv_sec == st->st_mtim.tv_sec &&
	       list.mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static void
refresh(const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) == 0 && is_current(path, &st))
		return;
	free(list.path);
	free(list.text);
	list.path = str_dupz(path);
	list.text = read_file(path);
	list.mtime = st.st_mtim;
	if (!list.text)
		log_warning("users-unreadable", LOG_STR("file", path),
			LOG_STR("what", "every local recipient is taken"));
}

static bool
is_in_file(const struct conf *conf, const char *user)
{
	struct str rest;

	refresh(conf->local.users_from);
	if (!list.text)
		return true;
	rest = str_of(list.text);
	while (rest.n) {
		struct str comment, line = str_cut(rest, '\n', &rest);

		line = str_trim(str_cut(line, '#', &comment));
		if (line.n && str_eq_nocase(line, str_of(user)))
			return true;
	}
	return false;
}

/* "ann", or "ann@a.example" where it has several domains. */
static bool
is_account(const struct accounts *all, const char *user, struct str domain)
{
	char address[WIRE_MAILBOX_MAX + 2];
	const struct spool_account *a;

	snprintf(address, sizeof(address), "%s@%.*s", user, STR_FMT(domain));
	for (size_t i = 0; (a = accounts_nth(all, i)) != NULL; i++)
		if (a->kind == ACCOUNT_USER &&
			(str_eq_nocase(str_of(a->name), str_of(user)) ||
				str_eq_nocase(
					str_of(a->name), str_of(address))))
			return true;
	return false;
}

bool
userlist_has(const struct node *n, const struct mailbox *recipient)
{
	char user[WIRE_LOCAL_PART_MAX + 1];

	if (n->conf->local.users != USERS_FILE &&
		n->conf->local.users != USERS_SPOOL)
		return true;
	if (!addressee_user(recipient, n->conf->local.separators, user))
		return true;
	if (n->conf->local.users == USERS_FILE)
		return is_in_file(n->conf, user);
	return is_account(n->accounts, user, mailbox_domain(recipient));
}
