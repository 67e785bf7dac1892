/* One program of the helper, in a process of its own, as the daemon's user. */
#include "daemon/helper_private.h"

#include "daemon/helper_env.h"
#include "daemon/hook_dir.h"
#include "daemon/identity.h"
#include "net/minder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not started as root, it stays who it is: *pw_r NULL. */
static enum err_code
become(const struct conf *conf, const struct passwd **pw_r, struct err *e)
{
	*pw_r = NULL;
	if (geteuid() != 0 || strcmp(conf->user, "root") == 0)
		return OK;
	*pw_r = getpwnam(conf->user);
	if (!*pw_r)
		return err_set(
			e, ERR_PERM, "user %s does not exist", conf->user);
	return identity_become(*pw_r, e);
}

/* Seen by the user who runs it: nothing that others could have written. */
static enum err_code
look_at_file(
	const struct conf *conf, const struct helper_request *q, struct err *e)
{
	if (q->kind != HELPER_HOOK ||
		hook_dir_may_run(conf->hooks, q->name, q->command, e))
		return OK;
	return e->code;
}

static void run(const struct conf *conf, const struct permit *permit,
	const struct helper_request *q, const struct passwd *pw, const int *fds,
	size_t fds_n) __attribute__((noreturn));

static void
run(const struct conf *conf, const struct permit *permit,
	const struct helper_request *q, const struct passwd *pw, const int *fds,
	size_t fds_n)
{
	bool hook = permit->event != NULL;
	const char *const shell[] = {"/bin/sh", "-c", permit->command, NULL};
	const char *const plain[] = {permit->command, NULL};
	struct spawn s = {
		.argv = hook ? plain : shell,
		.env = (const char *const *)helper_env_new(
			conf, pw, permit->event, hook ? q->words : NULL),
		.folder = hook ? "/" : NULL,
		.in = fds_n == HELPER_PROGRAM_FDS ? fds[2] : -1,
		.err = fds[1],
	};

	s.out = permit->connects ? s.in : s.err;
	minder_run(&s, fds[0]);
}

void
helper_run(const struct conf *conf, const struct permit *permit,
	const struct helper_request *q, const int *fds, size_t fds_n)
{
	const struct passwd *pw = NULL;
	struct err e = {0};

	if (become(conf, &pw, &e) == OK && look_at_file(conf, q, &e) == OK)
		run(conf, permit, q, pw, fds, fds_n);
	minder_refuse(fds[0], e.text);
	_exit(0);
}
