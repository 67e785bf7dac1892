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
is_in_text(const char *text, const char *user)
{
	struct str rest = str_behind_mark(str_of(text));

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
is_account(struct accounts *all, const char *user, struct str domain)
{
	char address[WIRE_MAILBOX_MAX + 2];

	snprintf(address, sizeof(address), "%s@%.*s", user, STR_FMT(domain));
	return accounts_has_user(all, user) || accounts_has_user(all, address);
}

enum userlist_answer
userlist_ask_text(const struct conf *c, struct accounts *accounts,
	const char *text, const struct mailbox *recipient)
{
	char user[WIRE_LOCAL_PART_MAX + 1];
	bool there = true;

	if (c->local.users == USERS_DOVECOT ||
		(c->local.users == USERS_FILE && !text))
		return USERLIST_UNSURE;
	if (c->local.users == USERS_ANY ||
		!addressee_user(recipient, c->local.separators, user))
		return USERLIST_THERE;
	if (c->local.users == USERS_FILE)
		there = is_in_text(text, user);
	else
		there = is_account(accounts, user, mailbox_domain(recipient));
	return there ? USERLIST_THERE : USERLIST_NONE;
}

enum userlist_answer
userlist_ask(const struct node *n, const struct mailbox *recipient)
{
	const struct conf *c = n->conf;

	if (c->local.users == USERS_FILE)
		refresh(c->local.users_from);
	return userlist_ask_text(c, n->accounts, list.text, recipient);
}

bool
userlist_has(const struct node *n, const struct mailbox *recipient)
{
	return userlist_ask(n, recipient) != USERLIST_NONE;
}

char *
userlist_read(const struct conf *c)
{
	return c->local.users == USERS_FILE ? read_file(c->local.users_from)
					    : NULL;
}
