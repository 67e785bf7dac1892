#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Folders of a test: "in" and "read" are named, "out" is not. */
static char top[] = "/tmp/landlock-XXXXXX";

static char *
in_top(const char *path)
{
	return str_printf("%s/%s", top, path);
}

static int
make_folders(void **state)
{
	static const char *const folders[] = {
		"in", "in/one", "in/two", "read", "out"};

	(void)state;
	if (!mkdtemp(top))
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = in_top(folders[i]);

		if (mkdir(path, 0700) != 0)
			return -1;
		free(path);
	}
	return 0;
}

static int
drop_folders(void **state)
{
	char *command = str_printf("rm -r %s", top);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

/* --- what is tried inside: 0, or errno --- */

static int
tried(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
opened(const char *name, int flags)
{
	char *path = in_top(name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int rc = tried(fd);

	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int
make(const char *name)
{
	return opened(name, O_WRONLY | O_CREAT);
}

static int
look_at(const char *name)
{
	return opened(name, O_RDONLY);
}

static int
cut(const char *name)
{
	char *path = in_top(name);
	int rc = tried(truncate(path, 0));

	free(path);
	return rc;
}

static int
move(const char *from, const char *to)
{
	char *a = in_top(from), *b = in_top(to);
	int rc = tried(rename(a, b));

	free(a);
	free(b);
	return rc;
}

static int
execute(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	execv("/bin/true", argv);
	return errno;
}

/* In a process of its own, since there is no way back. True: all as it should
 * be. */
static bool
inside(bool (*fn)(void))
{
	char *in = in_top("in"), *read_only = in_top("read");
	const struct landlock_path paths[] = {{in, LANDLOCK_WRITE},
		{read_only, LANDLOCK_READ}, {"/dev/null", LANDLOCK_WRITE},
		{"/nowhere/at/all", LANDLOCK_WRITE}};
	struct err e = {0};
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (landlock_apply(paths, 4, &e) != OK) {
			fprintf(stderr, "%s\n", e.text);
			_exit(2);
		}
		_exit(fn() ? 0 : 1);
	}
	free(in);
	free(read_only);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define NEED_LANDLOCK()                                                        \
	do {                                                                   \
		if (landlock_version() == 0) {                                 \
			print_message("this kernel has no Landlock\n");        \
			skip();                                                \
		}                                                              \
	} while (0)

/* All that a mailbox needs, and a file that was there before. */
static bool
writes(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return make("in/one/a") == 0 && look_at("in/one/a") == 0 &&
	       move("in/one/a", "in/two/a") == 0 && cut("in/two/a") == 0 &&
	       look_at("read") == 0 && null >= 0;
}

static void
test_inside_is_open(void **state)
{
	(void)state;
	NEED_LANDLOCK();
	assert_true(inside(writes));
}

static bool
is_shut(void)
{
	return make("out/a") == EACCES && look_at("out") == EACCES &&
	       make("read/a") == EACCES && look_at("out/there") == EACCES &&
	       make("in/one/b") == 0 && move("in/one/b", "out/b") != 0 &&
	       move("out/there", "in/one/there") != 0;
}

static void
test_outside_is_shut(void **state)
{
	(void)state;
	NEED_LANDLOCK();
	assert_int_equal(make("out/there"), 0);
	assert_true(inside(is_shut));
	assert_int_equal(look_at("out/there"), 0);
}

/* Also what it could read, and what it has made itself. */
static bool
runs_nothing(void)
{
	char *own = in_top("in/one/run");
	int fd = open(own, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	char *const argv[] = {own, NULL};

	close(fd);
	execv(own, argv);
	return errno == EACCES && execute() == EACCES;
}

static void
test_runs_nothing(void **state)
{
	(void)state;
	NEED_LANDLOCK();
	assert_true(inside(runs_nothing));
}

/* A link is no way out. */
static bool
follows(void)
{
	return look_at("in/link") == EACCES && make("in/away/b") == EACCES;
}

static void
test_links_lead_nowhere(void **state)
{
	char *there = in_top("out/there"), *out = in_top("out");
	char *link = in_top("in/link"), *away = in_top("in/away");

	(void)state;
	NEED_LANDLOCK();
	make("out/there");
	assert_int_equal(symlink(there, link), 0);
	assert_int_equal(symlink(out, away), 0);
	assert_true(inside(follows));
	free(there);
	free(out);
	free(link);
	free(away);
}

static bool
signals_nobody(void)
{
	return kill(getppid(), 0) < 0 && errno == EPERM &&
	       kill(getpid(), 0) == 0;
}

static void
test_signals_nobody(void **state)
{
	(void)state;
	if (landlock_version() < 6) {
		print_message("this kernel's Landlock knows no signals\n");
		skip();
	}
	assert_true(inside(signals_nobody));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside_is_open),
		cmocka_unit_test(test_outside_is_shut),
		cmocka_unit_test(test_runs_nothing),
		cmocka_unit_test(test_links_lead_nowhere),
		cmocka_unit_test(test_signals_nobody),
	};

	return cmocka_run_group_tests(tests, make_folders, drop_folders);
}
