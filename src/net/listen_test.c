#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "net/listen.h"
#include "net/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

static char dir[] = "/tmp/listen_test.XXXXXX";

struct door {
	struct listener *l;
	int count, last_fd;
	bool free_it, pause_it;
};

static void
on_visitor(void *arg, int fd)
{
	struct door *d = arg;

	d->count++;
	d->last_fd = fd;
	close(fd);
	if (d->pause_it)
		listener_pause(d->l, true);
	if (d->free_it) {
		listener_free(d->l);
		d->l = NULL;
	}
}

static int
knock_tcp(int family, unsigned port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family, SOCK_STREAM, 0);
	int rc = family == AF_INET ? connect(fd, (void *)&v4, sizeof(v4))
				   : connect(fd, (void *)&v6, sizeof(v6));

	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

static int
knock_unix(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	str_copyz(addr.sun_path, sizeof(addr.sun_path), path);
	if (connect(fd, (void *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
has_ipv6(void)
{
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool ok = fd >= 0 && bind(fd, (void *)&v6, sizeof(v6)) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void
test_tcp(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(
		listen_tcp(loop, "127.0.0.1", 0, on_visitor, &d, &d.l, &e), OK);
	assert_true(listener_port(d.l) > 0);
	fd = knock_tcp(AF_INET, listener_port(d.l));
	assert_true(fd >= 0);
	RUN_UNTIL(loop, d.count == 1);
	close(fd);

	listener_pause(d.l, true);
	fd = knock_tcp(AF_INET, listener_port(d.l)); /* into the backlog */
	assert_true(fd >= 0);
	probe_run_ms(loop, 20);
	assert_int_equal(d.count, 1);
	listener_pause(d.l, false);
	RUN_UNTIL(loop, d.count == 2);
	close(fd);
	listener_free(d.l);
	listener_free(NULL);
	loop_free(loop);
}

static void
test_any(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(
		listen_tcp(loop, "*", 0, on_visitor, &d, &d.l, &e), OK);
	fd = knock_tcp(AF_INET, listener_port(d.l));
	assert_true(fd >= 0);
	RUN_UNTIL(loop, d.count == 1);
	close(fd);
	if (has_ipv6()) {
		fd = knock_tcp(AF_INET6, listener_port(d.l));
		assert_true(fd >= 0);
		RUN_UNTIL(loop, d.count == 2);
		close(fd);
	}
	listener_free(d.l);
	loop_free(loop);
}

static void
test_tcp_errors(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0}, second = {0};
	char words[128];
	struct err e;

	(void)state;
	assert_int_equal(
		listen_tcp(loop, "127.0.0.1", 0, on_visitor, &d, &d.l, &e), OK);
	assert_int_equal(listen_tcp(loop, "127.0.0.1", listener_port(d.l),
				 on_visitor, &second, &second.l, &e),
		ERR_LOCKED);
	snprintf(words, sizeof(words),
		"127.0.0.1 port %u: the port is in use by another program: "
		"stop that one, or choose another port",
		listener_port(d.l));
	assert_string_equal(e.text, words);
	assert_int_equal(listen_tcp(loop, "*", listener_port(d.l), on_visitor,
				 &second, &second.l, &e),
		ERR_LOCKED);
	listener_free(d.l);

	assert_int_equal(
		listen_tcp(loop, "192.0.2.77", 0, on_visitor, &d, &d.l, &e),
		ERR_NOTFOUND);
	assert_string_equal(e.text,
		"192.0.2.77 port 0: this host has no such address: set one "
		"that it has, or *");
	assert_int_equal(
		listen_tcp(loop, "mail.example", 25, on_visitor, &d, &d.l, &e),
		ERR_INVALID);
	assert_int_equal(
		listen_tcp(loop, "127.0.0.1", 70000, on_visitor, &d, &d.l, &e),
		ERR_INVALID);
	loop_free(loop);
}

static void
test_privileged_port(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	struct err e;
	unsigned first = 1024;
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");

	(void)state;
	if (f) {
		if (fscanf(f, "%u", &first) != 1)
			first = 1024;
		fclose(f);
	}
	if (geteuid() != 0 || first <= 1) {
		loop_free(loop);
		skip();
	}
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(listen_tcp(loop, "127.0.0.1", first - 1, on_visitor,
				 &d, &d.l, &e),
		ERR_PERM);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(e.text, "no permission"));
	loop_free(loop);
}

static void
test_free_and_pause_inside(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	struct err e;
	int fds[3];

	(void)state;
	assert_int_equal(
		listen_tcp(loop, "127.0.0.1", 0, on_visitor, &d, &d.l, &e), OK);
	for (int i = 0; i < 3; i++)
		fds[i] = knock_tcp(AF_INET, listener_port(d.l));
	d.pause_it = true;
	RUN_UNTIL(loop, d.count == 1);
	probe_run_ms(loop, 10);
	assert_int_equal(d.count, 1);
	d.free_it = true;
	listener_pause(d.l, false);
	RUN_UNTIL(loop, d.count == 2);
	probe_run_ms(loop, 10);
	assert_int_equal(d.count, 2);
	assert_null(d.l);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	loop_free(loop);
}

static int lines;

static void
count_lines(const struct log_fact *fact, const char *line, void *arg)
{
	(void)fact;
	(void)arg;
	assert_non_null(strstr(line, "accept-failed"));
	lines++;
}

/* Out of descriptors: no spinning, and the visitor is let in later. */
static void
test_out_of_descriptors(void **state)
{
	struct loop *loop = loop_new();
	struct rlimit before, tight;
	struct door d = {0};
	struct err e;
	int fd, filler[64], n = 0;

	(void)state;
	log_set_sink(count_lines, NULL);
	assert_int_equal(
		listen_tcp(loop, "127.0.0.1", 0, on_visitor, &d, &d.l, &e), OK);
	fd = knock_tcp(AF_INET, listener_port(d.l));
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = 32;
	setrlimit(RLIMIT_NOFILE, &tight);
	while (n < 64 && (filler[n] = dup(fd)) >= 0)
		n++;
	probe_run_ms(loop, 100);
	assert_int_equal(d.count, 0);
	assert_int_equal(lines, 1);
	while (n > 0)
		close(filler[--n]);
	setrlimit(RLIMIT_NOFILE, &before);
	RUN_UNTIL(loop, d.count == 1);
	log_set_sink(NULL, NULL);
	close(fd);
	listener_free(d.l);
	loop_free(loop);
}

static void
test_unix(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0}, second = {0};
	char path[96];
	struct stat st;
	struct err e;
	mode_t mask = umask(077);
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/control", dir);
	assert_int_equal(
		listen_unix(loop, path, 0660, on_visitor, &d, &d.l, &e), OK);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(listener_port(d.l), 0);
	fd = knock_unix(path);
	assert_true(fd >= 0);
	RUN_UNTIL(loop, d.count == 1);
	close(fd);

	/* Somebody lives there. */
	assert_int_equal(listen_unix(loop, path, 0600, on_visitor, &second,
				 &second.l, &e),
		ERR_LOCKED);
	assert_non_null(strstr(e.text, "in use by another running program"));
	probe_run_ms(loop, 5);
	listener_free(d.l);
	assert_int_not_equal(stat(path, &st), 0); /* and tidied up */
	loop_free(loop);
}

static void
test_unix_give(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	char path[96], away[96];
	struct stat st;
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/given", dir);
	snprintf(away, sizeof(away), "%s/away", dir);
	assert_int_equal(
		listen_unix(loop, path, 0660, on_visitor, &d, &d.l, &e), OK);
	assert_int_equal(listener_give(d.l, getuid(), getgid(), &e), OK);
	if (getuid() == 0) {
		assert_int_equal(listener_give(d.l, 65534, 65533, &e), OK);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 65533);
	}

	/* Somebody put another file there. */
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink(away, path), 0);
	assert_int_equal(
		listener_give(d.l, getuid(), getgid(), &e), ERR_EXISTS);
	assert_non_null(strstr(e.text, "not our socket"));
	listener_free(d.l);
	unlink(path);
	unlink(away);
	loop_free(loop);
}

static void
test_unix_stale(void **state)
{
	struct loop *loop = loop_new();
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct door d = {0};
	char path[96];
	struct stat st;
	struct err e;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(path, sizeof(path), "%s/stale", dir);
	str_copyz(addr.sun_path, sizeof(addr.sun_path), path);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	close(fd); /* the file stays, as after kill -9 */
	assert_int_equal(
		listen_unix(loop, path, 0600, on_visitor, &d, &d.l, &e), OK);

	/* A file that somebody else put there is not ours to remove. */
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	listener_free(d.l);
	assert_int_equal(stat(path, &st), 0);

	assert_int_equal(
		listen_unix(loop, path, 0600, on_visitor, &d, &d.l, &e),
		ERR_EXISTS);
	assert_int_equal(stat(path, &st), 0);
	loop_free(loop);
}

static void
test_unix_errors(void **state)
{
	struct loop *loop = loop_new();
	struct door d = {0};
	char path[256];
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/none/control", dir);
	assert_int_equal(
		listen_unix(loop, path, 0600, on_visitor, &d, &d.l, &e),
		ERR_NOTFOUND);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(
		listen_unix(loop, path, 0600, on_visitor, &d, &d.l, &e),
		ERR_INVALID);
	if (geteuid() == 0) {
		snprintf(path, sizeof(path), "%s/private", dir);
		assert_int_equal(chmod(dir, 0700), 0);
		assert_int_equal(seteuid(65534), 0);
		assert_int_equal(
			listen_unix(loop, path, 0600, on_visitor, &d, &d.l, &e),
			ERR_PERM);
		assert_int_equal(seteuid(0), 0);
	}
	loop_free(loop);
}

static void
test_peer_cred(void **state)
{
	unsigned uid = 1, gid = 1;
	int fds[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	assert_true(listen_peer_cred(fds[0], &uid, &gid));
	assert_int_equal(uid, geteuid());
	assert_int_equal(gid, getegid());
	close(fds[0]);
	close(fds[1]);
	probe_tcp_pair(fds);
	assert_false(listen_peer_cred(fds[0], &uid, &gid));
	close(fds[0]);
	close(fds[1]);
}

static void
test_in_network(void **state)
{
	static const struct {
		const char *address, *cidr;
		bool in;
	} rows[] = {
		{"10.1.2.3", "10.0.0.0/8", true},
		{"11.1.2.3", "10.0.0.0/8", false},
		{"10.1.2.3", "10.9.9.9/8", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.2", "192.0.2.1", false},
		{"192.168.7.31", "192.168.7.20/28", true},
		{"192.168.7.32", "192.168.7.20/28", false},
		{"192.168.7.33", "192.168.7.32/31", true},
		{"192.168.7.34", "192.168.7.32/31", false},
		{"203.0.113.9", "0.0.0.0/0", true},
		{"::1", "0.0.0.0/0", false},
		{"::1", "::1/128", true},
		{"::2", "::1/128", false},
		{"2001:db8::5", "2001:db8::/32", true},
		{"2001:db9::5", "2001:db8::/32", false},
		{"2001:db8:0:7fff::1", "2001:db8::/49", true},
		{"2001:db8:0:8000::1", "2001:db8::/49", false},
		{"203.0.113.9", "::/0", false},
		{"2001:db8::5", "::/0", true},
		{"::ffff:10.1.2.3", "10.0.0.0/8", true},
		{"10.1.2.3", "::ffff:10.0.0.0/104", true},
		{"11.1.2.3", "::ffff:10.0.0.0/104", false},
		{"::ffff:11.1.2.3", "10.0.0.0/8", false},
		{"fe80::1%eth0", "fe80::/10", true},
		{"local", "0.0.0.0/0", false},
		{"10.1.2.3", "10.0.0.0/33", false},
		{"10.1.2.3", "10.0.0.0/", false},
		{"10.1.2.3", "10.0.0.0/x", false},
		{"10.1.2.3", "", false},
		{"", "10.0.0.0/8", false},
		{"10.1.2.3.4", "10.0.0.0/8", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (net_in_network(rows[i].address, rows[i].cidr) != rows[i].in)
			fail_msg("%s in %s", rows[i].address, rows[i].cidr);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_tcp_errors),
		cmocka_unit_test(test_privileged_port),
		cmocka_unit_test(test_free_and_pause_inside),
		cmocka_unit_test(test_out_of_descriptors),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_give),
		cmocka_unit_test(test_unix_stale),
		cmocka_unit_test(test_unix_errors),
		cmocka_unit_test(test_peer_cred),
		cmocka_unit_test(test_in_network),
	};

	alarm(PROBE_TEST_S);
	return cmocka_run_group_tests(tests, setup, teardown);
}
