#include "net/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <unistd.h>

extern char **environ;

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

static void
add_files(posix_spawn_file_actions_t *files, const struct spawn *s)
{
	if (s->in < 0)
		posix_spawn_file_actions_addopen(
			files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	else
		posix_spawn_file_actions_adddup2(files, s->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(files, s->out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(files, s->err, STDERR_FILENO);
#ifdef __GLIBC__
	/* ours are all closed by exec; those of libraries may not be */
	posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#endif
	if (s->folder)
		posix_spawn_file_actions_addchdir_np(files, s->folder);
}

int
spawn_start(const struct spawn *s, pid_t *pid_r)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	add_files(&files, s);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	default_signals(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(pid_r, s->argv[0], &files, &attr, unchanged(s->argv),
		s->env ? unchanged(s->env) : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static void
on_child(int signo)
{
	(void)signo;
}

void
spawn_keeper_signals(sigset_t *inside_r)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction child = {.sa_handler = on_child};
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigemptyset(inside_r);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}
