#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/dial.h"
#include "net/listen.h"
#include "net/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

struct call {
	int told, fd;
	enum err_code code;
	char why[512];
	bool in_call;
};

static void
on_dialled(void *arg, int fd, enum err_code code, const char *why)
{
	struct call *c = arg;

	assert_false(c->in_call);
	c->told++;
	c->fd = fd;
	c->code = code;
	str_copyz(c->why, sizeof(c->why), why);
}

static void
on_visitor(void *arg, int fd)
{
	++*(int *)arg;
	close(fd);
}

struct scene {
	struct loop *loop;
	struct pool *pool;
	struct listener *l;
	int visitors;
	unsigned port, closed_port;
};

static void
scene_open(struct scene *s)
{
	struct listener *gone;
	struct err e;

	*s = (struct scene){0};
	s->loop = loop_new();
	s->pool = pool_new(s->loop, 1);
	assert_int_equal(listen_tcp(s->loop, "127.0.0.1", 0, on_visitor,
				 &s->visitors, &s->l, &e),
		OK);
	s->port = listener_port(s->l);
	assert_int_equal(listen_tcp(s->loop, "127.0.0.1", 0, on_visitor,
				 &s->visitors, &gone, &e),
		OK);
	s->closed_port = listener_port(gone);
	listener_free(gone);
}

static void
scene_close(struct scene *s)
{
	listener_free(s->l);
	pool_free(s->pool);
	loop_free(s->loop);
}

static struct dial *
dial_begin(struct scene *s, struct call *c, const struct dial_conf *conf)
{
	struct dial *d;

	*c = (struct call){.fd = -1, .in_call = true};
	d = dial_start(s->loop, s->pool, conf, on_dialled, c);
	c->in_call = false;
	return d;
}

static void
dial_it(struct scene *s, struct call *c, const struct dial_conf *conf)
{
	dial_begin(s, c, conf);
	RUN_UNTIL(s->loop, c->told);
	probe_run_ms(s->loop, 2);
	assert_int_equal(c->told, 1);
}

/* A bare tree of a system has no /etc/hosts, and then no such name. */
static void
need_localhost(void)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found)) {
		print_message("skip: this system knows no localhost\n");
		skip();
	}
	freeaddrinfo(found);
}

static void
test_connects(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};
	struct scene s;
	struct call c;

	(void)state;
	need_localhost();
	scene_open(&s);
	for (int i = 0; i < 2; i++) {
		struct dial_conf conf = {
			.host = hosts[i], .port = s.port, .timeout_ms = 3000};

		dial_it(&s, &c, &conf);
		if (c.code != OK)
			fail_msg("%s: %s", hosts[i], c.why);
		assert_true(fcntl(c.fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(c.fd, F_GETFD) & FD_CLOEXEC);
		RUN_UNTIL(s.loop, s.visitors == i + 1);
		close(c.fd);
	}
	scene_close(&s);
}

static void
test_refused(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf conf = {.host = "127.0.0.1", .timeout_ms = 3000};
	char words[96];

	(void)state;
	scene_open(&s);
	conf.port = s.closed_port;
	dial_it(&s, &c, &conf);
	assert_int_equal(c.fd, -1);
	assert_int_equal(c.code, ERR_CLOSED);
	snprintf(words, sizeof(words),
		"connection refused by 127.0.0.1 port %u", s.closed_port);
	assert_string_equal(c.why, words);
	scene_close(&s);
}

static void
test_no_such_host(void **state)
{
	struct scene s;
	struct call c;
	/* No label is so long, so no name server is asked. */
	struct dial_conf conf = {
		.host = "a-label-of-more-than-sixty-three-octets-is-never-"
			"sent-to-a-name-server.invalid",
		.port = 25,
		.timeout_ms = 4000};

	(void)state;
	scene_open(&s);
	dial_it(&s, &c, &conf);
	assert_int_equal(c.fd, -1);
	assert_int_equal(c.code, ERR_NOTFOUND);
	assert_int_equal(strncmp(c.why, "no such host: a-label-", 22), 0);
	scene_close(&s);
}

static void
test_bind_address(void **state)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct scene s;
	struct call c;
	struct dial_conf conf = {.host = "127.0.0.1",
		.address = "127.0.0.9",
		.timeout_ms = 3000};

	(void)state;
	scene_open(&s);
	conf.port = s.port;
	dial_it(&s, &c, &conf);
	assert_string_equal(c.why, "");
	assert_int_equal(getsockname(c.fd, (void *)&from, &len), 0);
	assert_int_equal(from.sin_addr.s_addr, inet_addr("127.0.0.9"));
	close(c.fd);

	conf.address = "192.0.2.77";
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_NOTFOUND);
	assert_string_equal(
		c.why, "from address 192.0.2.77: this host does not have it");

	conf.address = "::1";
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_NOTFOUND);
	assert_string_equal(c.why, "the host has no IPv6 address");

	conf.address = "eth0";
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_INVALID);
	scene_close(&s);
}

static void
test_interface(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf conf = {.host = "127.0.0.1",
		.interface = "nosuchif0",
		.timeout_ms = 3000};

	(void)state;
	scene_open(&s);
	conf.port = s.port;
	dial_it(&s, &c, &conf);
	assert_int_not_equal(c.code, OK);
	assert_int_equal(strncmp(c.why, "interface nosuchif0: ", 21), 0);

	conf.interface = "lo";
	dial_it(&s, &c, &conf);
	if (c.code != ERR_PERM) { /* needs a right on old kernels */
		assert_string_equal(c.why, "");
		close(c.fd);
	}
	scene_close(&s);
}

/* A listener whose backlog is full takes no more and says nothing. */
static int
silent_listener(unsigned *port_r, int fillers_r[8])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(l, (void *)&addr, len), 0);
	assert_int_equal(listen(l, 0), 0);
	getsockname(l, (void *)&addr, &len);
	*port_r = ntohs(addr.sin_port);
	for (int i = 0; i < 8; i++) {
		fillers_r[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fillers_r[i], (void *)&addr, sizeof(addr));
	}
	usleep(10000);
	return l;
}

static void
test_timeout(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf conf = {.host = "127.0.0.1", .timeout_ms = 200};
	uint64_t start;
	int fillers[8], l;

	(void)state;
	scene_open(&s);
	l = silent_listener(&conf.port, fillers);
	start = clock_mono_ms();
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_TIMEOUT);
	assert_int_equal(
		strncmp(c.why, "no answer from 127.0.0.1 port ", 30), 0);
	assert_true(clock_mono_ms() - start >= 190);
	assert_true(clock_mono_ms() - start < 2000);
	for (int i = 0; i < 8; i++)
		close(fillers[i]);
	close(l);
	scene_close(&s);
}

static void
test_cancel(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf name = {.host = "localhost", .timeout_ms = 3000};
	struct dial_conf literal = {.host = "127.0.0.1", .timeout_ms = 3000};

	(void)state;
	scene_open(&s);
	name.port = literal.port = s.port;
	dial_cancel(dial_begin(&s, &c, &name));
	dial_cancel(NULL);
	probe_run_ms(s.loop, 20);
	assert_int_equal(c.told, 0);
	dial_cancel(dial_begin(&s, &c, &literal));
	probe_run_ms(s.loop, 20);
	assert_int_equal(c.told, 0);
	scene_close(&s);
}

static void
slow(void *arg)
{
	(void)arg;
	usleep(300000);
}

/* The look-up has a deadline, also while no helper is free. */
static void
test_lookup_timeout(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf conf = {
		.host = "localhost", .port = 25, .timeout_ms = 50};

	(void)state;
	scene_open(&s);
	pool_submit(s.pool, slow, NULL, NULL);
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_BUSY);
	assert_string_equal(c.why, "no answer to the look-up of localhost");
	scene_close(&s); /* the look-up that never began leaks nothing */
}

/* All addresses of a name are tried; each refusal is told. */
static void
test_next_address(void **state)
{
	struct scene s;
	struct call c;
	struct dial_conf conf = {.host = "localhost", .timeout_ms = 3000};

	(void)state;
	need_localhost();
	scene_open(&s);
	conf.port = s.closed_port;
	dial_it(&s, &c, &conf);
	assert_int_equal(c.code, ERR_CLOSED);
	assert_non_null(strstr(c.why, "refused by 127.0.0.1 port "));
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_such_host),
		cmocka_unit_test(test_bind_address),
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_lookup_timeout),
		cmocka_unit_test(test_next_address),
	};

	alarm(PROBE_TEST_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
