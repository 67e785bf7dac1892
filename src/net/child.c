#include "net/child.h"

#include "net/loop_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { CHILD_LAST_READS = 17 }; /* of 4096 octets: a pipe, and one more */

struct child {
	struct loop_ward ward; /* after child_free */
	struct loop *loop;     /* borrowed */
	struct child_conf conf;
	struct event reaped; /* SIGCHLD */
	struct event output;
	struct loop_timer *timer; /* the timeout, then the grace */
	pid_t pid;		  /* and of its group */
	int fd;			  /* -1: its end was read */
	bool exited;		  /* its first process is a zombie */
	bool late, killed;	  /* told to end, by the timeout or us */
	bool told;
	bool left;  /* child_free: nobody is told any more */
	bool waits; /* left, and not yet told to end */
	int status;
	char line[CHILD_LINE_MAX];
	size_t line_n, lines;
};

/* --- its output --- */

static void
tell_line(struct child *c)
{
	size_t n = c->line_n;

	c->line_n = 0;
	if (n > 0 && c->lines < CHILD_LINES_MAX && c->conf.line) {
		c->lines++;
		c->conf.line(c->conf.arg, (struct str){c->line, n});
	}
}

static void
close_output(struct child *c)
{
	if (c->fd < 0)
		return;
	event_del(&c->output);
	close(c->fd);
	c->fd = -1;
	tell_line(c);
}

static void
take_octets(struct child *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			tell_line(c);
			continue;
		}
		c->line[c->line_n++] = p[i];
		if (c->line_n == sizeof(c->line))
			tell_line(c);
	}
}

/*
 * What is there now; a program that never stops writing has its turns. False:
 * there was nothing.
 */
static bool
read_output(struct child *c)
{
	char octets[4096];
	ssize_t n;

	if (c->fd < 0)
		return false;
	n = read(c->fd, octets, sizeof(octets));
	if (n > 0)
		take_octets(c, octets, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(c);
	return n > 0;
}

/*
 * What a program said that is gone: as much as a pipe holds, since what it left
 * running may go on writing.
 */
static void
read_rest(struct child *c)
{
	for (size_t i = 0; i < CHILD_LAST_READS && read_output(c); i++)
		;
	tell_line(c);
}

/* --- its end --- */

static void
describe(const struct child *c, char *out, size_t size)
{
	if (c->late)
		snprintf(out, size, "it took longer than %llu s",
			(unsigned long long)(c->conf.timeout_ms / 1000));
	else if (c->killed)
		str_copyz(out, size, "it was told to end");
	else if (WIFSIGNALED(c->status))
		snprintf(out, size, "ended by signal %d", WTERMSIG(c->status));
	else
		snprintf(out, size, "exit status %d", WEXITSTATUS(c->status));
}

static void
tell_ended(struct child *c)
{
	bool good = !c->killed && WIFEXITED(c->status) &&
		    WEXITSTATUS(c->status) == 0;
	char how[80];

	if (c->told)
		return;
	c->told = true;
	loop_timer_clear(c->timer);
	if (c->killed)
		kill(-c->pid, SIGKILL);
	read_rest(c);
	describe(c, how, sizeof(how));
	c->conf.ended(c->conf.arg, good, how);
}

static void
destroy(struct child *c)
{
	kill(-c->pid, SIGKILL);
	waitpid(c->pid, NULL, WNOHANG);
	if (!c->exited)
		event_del(&c->reaped);
	close_output(c);
	loop_timer_free(c->timer);
	free(c);
}

/* Who was told to end has the grace for it, as long as any of them writes. */
static void
look(struct child *c)
{
	if (!c->exited)
		return;
	if (c->left && (c->killed || c->waits)) {
		list_remove(&c->ward.node);
		destroy(c);
	} else if (!c->left && (!c->killed || c->fd < 0)) {
		tell_ended(c);
	}
}

static void
on_output(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	read_output(c);
	if (!c->told)
		look(c);
}

/* Looks without taking: the number of the group stays ours. */
static void
look_for_exit(struct child *c)
{
	siginfo_t info = {0};

	if (c->exited ||
		waitid(P_PID, (id_t)c->pid, &info,
			WEXITED | WNOWAIT | WNOHANG) < 0 ||
		info.si_pid != c->pid)
		return;
	c->exited = true;
	c->status = info.si_code == CLD_EXITED ? info.si_status << 8
					       : info.si_status;
	event_del(&c->reaped);
	look(c);
}

static void
on_sigchld(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	look_for_exit(arg);
}

static void
on_timer(void *arg)
{
	struct child *c = arg;

	if (c->waits) {
		c->waits = false;
		kill(-c->pid, SIGTERM);
		loop_timer_set(c->timer, CHILD_GRACE_MS);
		return;
	}
	if (!c->killed && !c->left) {
		c->late = true;
		child_kill(c);
		return;
	}
	kill(-c->pid, SIGKILL);
	c->killed = true;
	close_output(c); /* who holds it is gone, or not of this group */
	look(c);
}

void
child_kill(struct child *c)
{
	if (c->killed || c->told)
		return;
	c->killed = true;
	kill(-c->pid, SIGTERM);
	loop_timer_set(c->timer, CHILD_GRACE_MS);
}

/* --- beginning --- */

static void
default_signals(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
}

/* posix_spawn wants pointers to what it does not change. */
static char *const *
unchanged(const char *const *v)
{
	return (char *const *)(uintptr_t)v;
}

/* IN: its standard input, -1: none. OUT, ERR: what it says. */
static int
spawn(const struct child_conf *conf, int in, int out, int err, pid_t *pid_r)
{
	const char *const shell[] = {"/bin/sh", "-c", conf->command, NULL};
	const char *const *argv = conf->argv ? conf->argv : shell;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	if (in < 0)
		posix_spawn_file_actions_addopen(
			&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	else
		posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
#ifdef __GLIBC__
	/* ours are all closed by exec; those of libraries may not be */
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
#endif
	if (conf->folder)
		posix_spawn_file_actions_addchdir_np(&files, conf->folder);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	default_signals(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(pid_r, argv[0], &files, &attr, unchanged(argv),
		conf->env ? unchanged(conf->env) : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static const char *
name_of(const struct child_conf *conf)
{
	return conf->argv ? conf->argv[0] : conf->command;
}

static struct child *
start(struct loop *loop, const struct child_conf *conf, int io, struct err *e)
{
	struct child *c;
	int fds[2], rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		err_set(e, ERR_IO, "%s: %s", name_of(conf), strerror(errno));
		return NULL;
	}
	rc = spawn(conf,
		io >= 0		  ? io
		: conf->has_input ? conf->input
				  : -1,
		io >= 0 ? io : fds[1], fds[1], &pid);
	close(fds[1]);
	if (rc != 0) {
		close(fds[0]);
		err_set(e, ERR_IO, "%s: %s", name_of(conf), strerror(rc));
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->loop = loop;
	c->conf = *conf;
	c->conf.command = c->conf.folder = NULL;
	c->conf.argv = c->conf.env = NULL;
	c->pid = pid;
	c->fd = fds[0];
	evutil_make_socket_nonblocking(c->fd);
	event_assign(&c->output, loop_base(loop), c->fd, EV_READ | EV_PERSIST,
		on_output, c);
	event_add(&c->output, NULL);
	event_assign(&c->reaped, loop_base(loop), SIGCHLD,
		EV_SIGNAL | EV_PERSIST, on_sigchld, c);
	event_add(&c->reaped, NULL);
	c->timer = loop_timer_new(loop, on_timer, c);
	if (conf->timeout_ms)
		loop_timer_set(c->timer, conf->timeout_ms);
	/* it may have ended before we listened */
	event_active(&c->reaped, EV_SIGNAL, 1);
	return c;
}

struct child *
child_spawn(struct loop *loop, const struct child_conf *conf, struct err *e)
{
	return start(loop, conf, -1, e);
}

struct child *
child_connect(struct loop *loop, const struct child_conf *conf, int *fd_r,
	struct err *e)
{
	struct child *c;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		err_set(e, ERR_IO, "%s: %s", name_of(conf), strerror(errno));
		return NULL;
	}
	c = start(loop, conf, fds[1], e);
	close(fds[1]);
	if (c)
		*fd_r = fds[0];
	else
		close(fds[0]);
	return c;
}

static void
end_ward(struct loop_ward *w)
{
	destroy(LIST_ITEM(w, struct child, ward));
}

/* Nobody is told any more; the loop ends it when it ends itself. */
static void
leave(struct child *c)
{
	c->conf.line = NULL;
	c->left = true;
	c->ward.end = end_ward;
	loop_adopt(c->loop, &c->ward);
}

void
child_free(struct child *c)
{
	if (!c)
		return;
	c->conf.line = NULL;
	close_output(c);
	if (c->told && c->killed) {
		destroy(c);
		return;
	}
	kill(-c->pid, SIGTERM);
	leave(c);
	loop_timer_set(c->timer, CHILD_GRACE_MS);
}

void
child_leave(struct child *c, uint64_t wait_ms)
{
	if (!c || c->exited || c->killed) {
		child_free(c);
		return;
	}
	leave(c);
	c->waits = true;
	loop_timer_set(c->timer, wait_ms);
}
