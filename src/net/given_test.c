#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/given.h"
#include "net/listen.h"
#include "net/probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* As the service manager does it: from descriptor 3 on. Port of the first. */
enum { FIRST = 3 };

static unsigned
put_tcp(int at)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&to, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (void *)&to, &len), 0);
	if (fd != at) {
		assert_int_equal(dup2(fd, at), at);
		close(fd);
	}
	return ntohs(to.sin_port);
}

static void
put_unix(int at, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copyz(to.sun_path, sizeof(to.sun_path), path);
	unlink(path);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 4), 0);
	if (fd != at) {
		assert_int_equal(dup2(fd, at), at);
		close(fd);
	}
}

static void
say(const char *pid, const char *count, const char *names)
{
	char own[24];

	snprintf(own, sizeof(own), "%d", (int)getpid());
	setenv("LISTEN_PID", pid ? pid : own, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static void
count_unused(void *arg, const char *name, const char *where)
{
	(void)where;
	assert_string_equal(name, "extra");
	++*(int *)arg;
}

static void
on_visitor(void *arg, int fd)
{
	++*(int *)arg;
	close(fd);
}

static void
knock(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (void *)&to, sizeof(to)), 0);
	close(fd);
}

/* What was meant for another process, or is no number, is not taken. */
static void
not_for_us(void **state)
{
	(void)state;
	say("1", "2", "a:b");
	assert_int_equal(given_look(), 0);
	assert_null(getenv("LISTEN_FDS"));
	say(NULL, "-3", "");
	assert_int_equal(given_look(), 0);
	say(NULL, "many", "");
	assert_int_equal(given_look(), 0);
	say("", "1", "");
	assert_int_equal(given_look(), 0);
}

static void
found_by_address_and_name(void **state)
{
	unsigned port;
	int unused = 0, visitors = 0;
	struct loop *loop;
	struct listener *l;
	char path[] = "/tmp/given_test.sock";

	(void)state;
	port = put_tcp(FIRST);
	put_unix(FIRST + 1, path);
	put_tcp(FIRST + 2);
	assert_int_equal(dup2(STDIN_FILENO, FIRST + 3), FIRST + 3);
	loop = loop_new();
	say(NULL, "4", "lan:local:extra");
	assert_int_equal(given_look(), 3); /* the fourth is no socket */
	assert_null(getenv("LISTEN_FDNAMES"));
	assert_int_equal(given_tcp("127.0.0.1", port, ""), FIRST);
	assert_int_equal(given_tcp("*", port, ""), -1);
	assert_int_equal(given_tcp("127.0.0.2", port, ""), -1);
	assert_int_equal(given_tcp("*", 0, "lan"), FIRST);
	assert_int_equal(given_unix(path), FIRST + 1);
	assert_int_equal(given_unix("/tmp/other"), -1);
	assert_true(fcntl(FIRST, F_GETFD) & FD_CLOEXEC);
	given_each_unused(count_unused, &unused);
	assert_int_equal(unused, 1);

	/* let go of and taken again, it is the same socket */
	for (int i = 1; i <= 2; i++) {
		l = listen_given(loop, FIRST, on_visitor, &visitors);
		assert_int_equal(listener_port(l), port);
		knock(port);
		probe_run_ms(loop, 50);
		assert_int_equal(visitors, i);
		listener_free(l);
	}
	loop_free(loop);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_for_us),
		cmocka_unit_test(found_by_address_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
