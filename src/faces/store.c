#include "faces/store.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of "sqlite:/path/spool.db"; false: the spool is no file. */
static bool
spool_folder(const char *url, char *out, size_t size)
{
	struct str scheme = STR("sqlite:");
	struct str path = str_of(url);
	char *slash;

	if (!str_starts_nocase(path, scheme) ||
		!str_copy(out, size, str_skip(path, scheme.n)))
		return false;
	slash = strrchr(out, '/');
	if (!slash || slash == out)
		return false;
	*slash = '\0';
	return true;
}

static enum err_code
become(const struct passwd *pw, struct err *e)
{
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		setuid(pw->pw_uid) < 0)
		return err_set(e, ERR_PERM, "becoming %s: %s", pw->pw_name,
			strerror(errno));
	return OK;
}

enum err_code
store_become_owner(const struct conf *conf, struct err *e)
{
	char folder[4096];
	struct stat st;
	const struct passwd *pw;

	if (geteuid() != 0 ||
		!spool_folder(conf->spool, folder, sizeof(folder)))
		return OK;
	if (stat(folder, &st) == 0) {
		pw = st.st_uid ? getpwuid(st.st_uid) : NULL;
		return pw ? become(pw, e) : OK;
	}
	pw = conf->user ? getpwnam(conf->user) : NULL;
	if (!pw || pw->pw_uid == 0)
		return OK;
	if (mkdir(folder, 0750) < 0 ||
		chown(folder, pw->pw_uid, pw->pw_gid) < 0)
		return err_set(e, ERR_IO, "%s: %s", folder, strerror(errno));
	return become(pw, e);
}

/* Says behind a refusal who may. */
static enum err_code
hint(enum err_code code, const char *who, struct err *e)
{
	char text[ERR_TEXT_MAX];

	if (code != ERR_PERM || !e)
		return code;
	str_copyz(text, sizeof(text), e->text);
	return err_set(e, code, "%s (%s)", text, who);
}

enum err_code
store_open(const struct conf *conf, struct spool **spool_r, struct err *e)
{
	struct spool_options options = {.url = conf->spool, .read_only = true};

	return hint(spool_open(&options, spool_r, e),
		"root, the daemon's user and the group tidepost-console may "
		"look",
		e);
}

enum err_code
store_open_alone(const struct conf *conf, struct spool **spool_r, struct err *e)
{
	struct spool_options options = {.url = conf->spool,
		.create = true,
		.daemon = true,
		.events_keep_s = conf->log.keep_s,
		.reserve_bytes = conf->limits.disk_reserve};
	enum err_code code = store_become_owner(conf, e);

	if (code == OK)
		code = spool_open(&options, spool_r, e);
	return hint(code,
		"while the daemon is down only root and its user may change "
		"things",
		e);
}

void
store_who(char *out, size_t size)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw)
		snprintf(out, size, "user %s", pw->pw_name);
	else
		snprintf(out, size, "user %u", (unsigned)getuid());
}
