/* For the tests of net: an owner of a stream that remembers what it is told. */
#ifndef NET_PROBE_H
#define NET_PROBE_H

#include "base/buf.h"
#include "base/clock.h"
#include "net/stream.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROBE_WAIT_MS = 5000, PROBE_TEST_S = 60 };

struct probe {
	struct stream *s;
	struct buf in;	   /* all it got */
	size_t consume_at; /* leave input alone until so much is there */
	bool echo;
	int inputs, drained, tls_ups, closed, moved;
	uint64_t counted, step_most; /* octets, at the last `moved` */
	struct tls_facts facts;
	enum stream_end end;
	char why[400];
	bool in_call; /* the test is inside a call on the stream */
};

static void
probe_input(void *arg)
{
	struct probe *p = arg;
	struct str v = stream_view(p->s);

	assert_false(p->in_call);
	p->inputs++;
	if (v.n < p->consume_at)
		return;
	buf_adds(&p->in, v);
	if (p->echo)
		stream_write(p->s, v);
	stream_consume(p->s, v.n);
}

static void
probe_drained(void *arg)
{
	struct probe *p = arg;

	assert_false(p->in_call);
	assert_int_equal(stream_unsent(p->s), 0);
	p->drained++;
}

static void
probe_tls_up(void *arg, const struct tls_facts *facts)
{
	struct probe *p = arg;

	assert_false(p->in_call);
	p->tls_ups++;
	p->facts = *facts;
}

static void
probe_moved(void *arg)
{
	struct probe *p = arg;
	uint64_t n = stream_counts(p->s).received - p->counted;

	assert_false(p->in_call);
	p->moved++;
	p->counted += n;
	if (n > p->step_most)
		p->step_most = n;
}

static void
probe_closed(void *arg, enum stream_end end, const char *why)
{
	struct probe *p = arg;

	assert_false(p->in_call);
	assert_int_equal(p->closed, 0);
	p->closed++;
	p->end = end;
	str_copyz(p->why, sizeof(p->why), why);
}

static const struct stream_ops probe_ops = {
	.input = probe_input,
	.drained = probe_drained,
	.tls_up = probe_tls_up,
	.moved = probe_moved,
	.closed = probe_closed,
};

static inline void
probe_open(struct probe *p, struct loop *loop, int fd)
{
	*p = (struct probe){0};
	p->s = stream_new(loop, fd, &probe_ops, p);
}

static inline void
probe_end(struct probe *p)
{
	stream_close(p->s, 0);
	p->s = NULL;
	buf_free(&p->in);
}

static inline void
probe_write(struct probe *p, struct str s)
{
	p->in_call = true;
	stream_write(p->s, s);
	p->in_call = false;
}

static inline void
probe_stop(void *arg)
{
	loop_stop(arg);
}

static inline void
probe_run_ms(struct loop *loop, uint64_t ms)
{
	struct loop_timer *t = loop_timer_new(loop, probe_stop, loop);

	loop_timer_set(t, ms);
	loop_run(loop);
	loop_timer_free(t);
}

#define RUN_UNTIL(loop, cond)                                                  \
	do {                                                                   \
		uint64_t until_ms = clock_mono_ms() + PROBE_WAIT_MS;           \
		while (!(cond) && clock_mono_ms() < until_ms)                  \
			probe_run_ms(loop, 1);                                 \
		assert_true(cond);                                             \
	} while (0)

/* Two ends of a TCP connection over loopback. */
static inline void
probe_tcp_pair(int fds_r[2])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(l, (void *)&addr, len), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (void *)&addr, &len), 0);
	fds_r[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds_r[0], (void *)&addr, len), 0);
	fds_r[1] = accept(l, NULL, NULL);
	assert_true(fds_r[1] >= 0);
	close(l);
}

#endif
