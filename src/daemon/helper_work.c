/* One request of the helper, in a process of its own, as the user it is for. */
#include "base/file.h"
#include "conf/writable.h"
#include "daemon/helper_private.h"

#include "daemon/identity.h"
#include "daemon/program.h"
#include "daemon/putting.h"
#include "daemon/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- who --- */

/* "{user}", a fixed name, or who the daemon becomes. */
static enum err_code
name_of(const struct conf *conf, const struct letter *l, struct buf *out,
	struct err *e)
{
	const struct addressee_words words = {&l->to, NULL, NULL};
	const char *as = conf->local.deliver_as;

	if (addressee_expand(str_of(as ? as : conf->user), &words, out))
		return OK;
	return err_set(e, ERR_INVALID, "%s is no user", l->to.user);
}

/* Not started as root, it stays who it is; it may be without a name. */
static const struct passwd *
who_we_are(void)
{
	static char nobody[] = "", root[] = "/", shell[] = "/bin/sh";
	static struct passwd nameless = {
		.pw_name = nobody, .pw_dir = root, .pw_shell = shell};
	const struct passwd *pw = getpwuid(geteuid());

	nameless.pw_uid = geteuid();
	return pw ? pw : &nameless;
}

/*
 * Whom an address names must be a person; a fixed user was chosen by the
 * configuration, but is never root.
 */
static enum err_code
check_user(const struct conf *conf, const struct passwd *pw, struct err *e)
{
	const char *as = conf->local.deliver_as;
	uid_t least = as && strchr(as, '{') ? conf->local.min_uid : 1;

	if (!as || pw->pw_uid >= least)
		return OK;
	return err_set(e, ERR_PERM,
		"%s is a user of the system (number %lu, local.min_uid is "
		"%u) and gets no mail; name another mailbox in local.aliases",
		pw->pw_name, (unsigned long)pw->pw_uid, conf->local.min_uid);
}

static enum err_code
find_user(const struct conf *conf, const struct letter *l,
	const struct passwd **pw_r, struct err *e)
{
	struct buf name;
	enum err_code rc;

	if (!conf->local.deliver_as && geteuid() != 0) {
		*pw_r = who_we_are();
		return OK;
	}
	buf_init(&name, WIRE_LOCAL_PART_MAX);
	rc = name_of(conf, l, &name, e);
	if (rc == OK) {
		errno = 0;
		*pw_r = getpwnam(buf_z(&name));
		if (*pw_r)
			rc = check_user(conf, *pw_r, e);
		else if (errno == 0 || errno == ENOENT)
			rc = err_set(e, ERR_INVALID,
				"%s is no user of this "
				"host",
				buf_z(&name));
		else
			rc = letter_errno(e, "look up user", buf_z(&name));
	}
	buf_free(&name);
	return rc;
}

/* --- what --- */

/* Only what is local, and a body that is what it says. */
static enum err_code
check_request(const struct conf *conf, const struct letter *l, int body,
	struct err *e)
{
	bool postmaster = strcmp(l->to.user, "postmaster") == 0;
	struct stat st;

	if (!conf_is_local(conf, str_of(l->to.domain)) && !postmaster)
		return err_set(e, ERR_INVALID, "%s is no domain of this host",
			l->to.domain);
	if (fstat(body, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "the message is no file");
	if (conf->local.deliver != DELIVER_PIPE &&
		(uint64_t)st.st_size != l->body.size)
		return err_set(e, ERR_IO, "the message is not whole");
	return OK;
}

/*
 * Where the daemon could put another program in its place, who takes the daemon
 * over could become everybody who has mail. Seen by root, who can look.
 */
static enum err_code
check_program(const struct conf *conf, struct err *e)
{
	const char *command = conf->local.deliver_to;
	const struct passwd *daemon;
	enum err_code rc = OK;
	char *path, *found;

	if (conf->local.deliver != DELIVER_PIPE || !conf->local.deliver_as ||
		geteuid() != 0)
		return OK;
	daemon = getpwnam(conf->user);
	if (!daemon || daemon->pw_uid == 0)
		return OK;
	path = str_dup((struct str){command, strcspn(command, " ")});
	found = writable_by(path, daemon);
	if (found)
		rc = err_set(e, ERR_PERM,
			"%s could be changed by %s, who the daemon is, so the "
			"program is not run as anybody else: chown or chmod it",
			found, conf->user);
	free(path);
	free(found);
	return rc;
}

static void
run_program(const struct conf *conf, const struct letter *l,
	const struct passwd *pw, int body, int reply, struct letter_end *end_r)
{
	const struct program p = {
		.command = conf->local.deliver_to,
		.home = conf->local.deliver_as ? pw->pw_dir : "",
		.login = pw->pw_name,
		.shell = pw->pw_shell && pw->pw_shell[0] ? pw->pw_shell
							 : "/bin/sh",
		.input = body,
		.watch = reply,
		.timeout_ms = (uint64_t)conf->local.timeout_s * 1000,
	};

	program_run(&p, l, end_r);
}

static void
put(const struct conf *conf, const struct letter *l, int body, int reply,
	struct letter_end *end_r)
{
	const struct passwd *pw = NULL;
	struct err e = {0};
	enum err_code rc = check_request(conf, l, body, &e);

	if (rc == OK)
		rc = check_program(conf, &e);
	if (rc == OK)
		rc = find_user(conf, l, &pw, &e);
	if (rc == OK)
		rc = identity_become(pw, &e);
	if (rc != OK)
		letter_end_by(end_r, rc, &e);
	else if (conf->local.deliver == DELIVER_PIPE)
		run_program(conf, l, pw, body, reply, end_r);
	else
		putting_do(conf, l, pw->pw_dir, end_r);
}

void
helper_work(const struct conf *conf, const struct helper_letter *q, int body,
	int reply)
{
	struct letter_end end = {0};
	struct letter l = {
		.id = q->id,
		.n = q->n,
		.received_at = q->received_at,
		.hostname = conf->hostname,
		.sender = q->sender,
		.again = q->again != 0,
	};
	struct err e = {0};
	sigset_t none;
	enum err_code rc;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	umask(077);
	l.body = (struct letter_body){q->size, stage_read, &body};
	rc = addressee_set(&l.to, q->recipient, putting_domain(conf),
		conf->local.separators, &e);
	if (rc == OK)
		put(conf, &l, body, reply, &end);
	else
		letter_end_by(&end, rc, &e);
	_exit(file_put(reply, (struct str){(const char *)&end, sizeof(end)})
			? 0
			: 1);
}
