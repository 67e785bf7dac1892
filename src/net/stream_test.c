#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

enum { BIG = 3 * 1000 * 1000 };

struct pair {
	struct loop *loop;
	struct probe a, b;
};

static void
pair_open(struct pair *p, bool tcp)
{
	int fds[2];

	if (tcp)
		probe_tcp_pair(fds);
	else
		socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	p->loop = loop_new();
	probe_open(&p->a, p->loop, fds[0]);
	probe_open(&p->b, p->loop, fds[1]);
}

static void
pair_close(struct pair *p)
{
	probe_end(&p->a);
	probe_end(&p->b);
	loop_free(p->loop);
}

static bool
got(const struct probe *p, const char *text)
{
	return str_eq(buf_view(&p->in), str_of(text));
}

static void
echo(bool tcp)
{
	struct pair p;

	pair_open(&p, tcp);
	p.b.echo = true;
	probe_write(&p.a, STR("hello "));
	probe_write(&p.a, STR("there"));
	assert_int_equal(stream_unsent(p.a.s), 11);
	RUN_UNTIL(p.loop, got(&p.a, "hello there"));
	assert_int_equal(p.a.drained, 1);
	assert_int_equal(stream_unsent(p.a.s), 0);
	assert_int_equal(stream_counts(p.a.s).sent, 11);
	assert_int_equal(stream_counts(p.a.s).received, 11);
	assert_string_equal(
		stream_peer_address(p.a.s), tcp ? "127.0.0.1" : "local");
	assert_string_equal(
		stream_local_address(p.a.s), tcp ? "127.0.0.1" : "local");
	assert_true((stream_peer_port(p.a.s) > 0) == tcp);
	pair_close(&p);
}

static void
test_echo_tcp(void **state)
{
	(void)state;
	echo(true);
}

static void
test_echo_unix(void **state)
{
	(void)state;
	echo(false);
}

/* Much more than any buffer, both ways at once. */
static void
test_big(void **state)
{
	struct pair p;
	char *octets = malloc(BIG);

	(void)state;
	for (size_t i = 0; i < BIG; i++)
		octets[i] = (char)(i * 2654435761u >> 13);
	pair_open(&p, true);
	p.b.echo = true;
	probe_write(&p.a, (struct str){octets, BIG});
	RUN_UNTIL(p.loop, p.a.in.len == BIG);
	assert_memory_equal(buf_view(&p.a.in).p, octets, BIG);
	assert_int_equal(stream_counts(p.b.s).sent, BIG);
	assert_int_equal(p.a.drained, 1);
	pair_close(&p);
	free(octets);
}

/* The owner leaves half of a line where it is. */
static void
test_half_reading(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, false);
	p.b.consume_at = 6;
	probe_write(&p.a, STR("EHL"));
	RUN_UNTIL(p.loop, p.b.inputs == 1);
	probe_run_ms(p.loop, 5);
	assert_int_equal(p.b.inputs, 1); /* not told again and again */
	assert_true(str_eq(stream_view(p.b.s), STR("EHL")));
	stream_consume(p.b.s, 1);
	probe_write(&p.a, STR("O x\r\n"));
	RUN_UNTIL(p.loop, got(&p.b, "HLO x\r\n"));
	pair_close(&p);
}

static void
test_input_is_bounded(void **state)
{
	struct pair p;
	char *octets = calloc(1, BIG);

	(void)state;
	pair_open(&p, true);
	p.b.consume_at = BIG; /* never */
	probe_write(&p.a, (struct str){octets, BIG});
	RUN_UNTIL(p.loop, stream_view(p.b.s).n == STREAM_INPUT_MAX);
	probe_run_ms(p.loop, 20);
	assert_int_equal(stream_view(p.b.s).n, STREAM_INPUT_MAX);
	p.b.consume_at = 0;
	stream_consume(p.b.s, 1000); /* reading goes on by itself */
	RUN_UNTIL(p.loop, p.b.in.len == BIG - 1000);
	pair_close(&p);
	free(octets);
}

static void
test_read_enable(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, true);
	stream_read_enable(p.b.s, false);
	probe_write(&p.a, STR("one"));
	probe_run_ms(p.loop, 20);
	assert_int_equal(p.b.inputs, 0);
	p.b.in_call = true;
	stream_read_enable(p.b.s, true);
	p.b.in_call = false;
	RUN_UNTIL(p.loop, got(&p.b, "one"));

	/* What already waits here is told again after a pause. */
	p.b.consume_at = 100;
	probe_write(&p.a, STR("two"));
	RUN_UNTIL(p.loop, stream_view(p.b.s).n == 3);
	stream_read_enable(p.b.s, false);
	p.b.consume_at = 0;
	probe_run_ms(p.loop, 5);
	assert_true(got(&p.b, "one"));
	stream_read_enable(p.b.s, true);
	RUN_UNTIL(p.loop, got(&p.b, "onetwo"));
	pair_close(&p);
}

/* Input first, then the end; both wait while input is held back. */
static void
test_eof(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, true);
	stream_read_enable(p.b.s, false);
	probe_write(&p.a, STR("QUIT\r\n"));
	stream_close(p.a.s, 1000);
	p.a.s = NULL;
	probe_run_ms(p.loop, 20);
	assert_int_equal(p.b.closed, 0);
	stream_read_enable(p.b.s, true);
	RUN_UNTIL(p.loop, p.b.closed);
	assert_int_equal(p.b.end, STREAM_EOF);
	assert_true(got(&p.b, "QUIT\r\n"));
	pair_close(&p);
}

static void
hold_in_input(void *arg)
{
	struct probe *p = arg;

	p->inputs++;
	stream_read_enable(p->s, false);
}

/* An end that is known already waits, too, until the input is done with. */
static void
test_eof_waits_for_input(void **state)
{
	static const struct stream_ops hold = {
		.input = hold_in_input, .closed = probe_closed};
	struct loop *loop = loop_new();
	struct probe p;
	int fds[2];

	(void)state;
	probe_tcp_pair(fds);
	probe_open(&p, loop, fds[1]);
	stream_set_owner(p.s, &hold, &p);
	assert_int_equal(write(fds[0], "QUIT\r\n", 6), 6);
	close(fds[0]);
	usleep(5000); /* so that one reading finds both */
	RUN_UNTIL(loop, p.inputs == 1);
	probe_run_ms(loop, 10);
	assert_int_equal(p.closed, 0);
	stream_consume(p.s, 6);
	stream_read_enable(p.s, true);
	RUN_UNTIL(loop, p.closed);
	assert_int_equal(p.end, STREAM_EOF);
	probe_end(&p);
	loop_free(loop);
}

/* A client that says all and shuts its side still gets its answers. */
static void
test_half_close(void **state)
{
	struct loop *loop = loop_new();
	struct probe p;
	char text[32];
	int fds[2];

	(void)state;
	probe_tcp_pair(fds);
	probe_open(&p, loop, fds[1]);
	assert_int_equal(write(fds[0], "QUIT\r\n", 6), 6);
	shutdown(fds[0], SHUT_WR);
	RUN_UNTIL(loop, p.closed);
	probe_write(&p, STR("221 bye\r\n"));
	stream_close(p.s, 1000);
	p.s = NULL;
	probe_run_ms(loop, 20);
	assert_int_equal(read(fds[0], text, sizeof(text)), 9);
	assert_int_equal(read(fds[0], text, sizeof(text)), 0);
	close(fds[0]);
	probe_end(&p);
	loop_free(loop);
}

static void
test_reset(void **state)
{
	struct loop *loop = loop_new();
	struct linger hard = {1, 0};
	struct probe p;
	int fds[2];

	(void)state;
	probe_tcp_pair(fds);
	probe_open(&p, loop, fds[1]);
	setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fds[0]);
	RUN_UNTIL(loop, p.closed);
	assert_int_equal(p.end, STREAM_RESET);
	assert_string_equal(p.why, "Connection reset by peer");
	probe_write(&p, STR("nobody hears this"));
	probe_run_ms(loop, 5);
	probe_end(&p);
	loop_free(loop);
}

/* A peer that is gone is noticed by writing, too, and SIGPIPE kills nobody. */
static void
test_write_to_nobody(void **state)
{
	struct loop *loop = loop_new();
	struct probe p;
	int fds[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	probe_open(&p, loop, fds[1]);
	stream_read_enable(p.s, false);
	close(fds[0]);
	probe_write(&p, STR("x"));
	RUN_UNTIL(loop, p.closed);
	assert_int_equal(p.end, STREAM_RESET);
	probe_end(&p);
	loop_free(loop);
}

/*
 * Close with linger: all arrives, though the reader starts late, and input
 * that was never read does not reset the connection.
 */
static void
test_close_with_linger(void **state)
{
	struct loop *loop = loop_new();
	char *octets = calloc(1, BIG), text[4096];
	struct probe p;
	size_t sum = 0;
	int fds[2];
	ssize_t n = 1;

	(void)state;
	probe_tcp_pair(fds);
	probe_open(&p, loop, fds[1]);
	stream_read_enable(p.s, false);
	assert_int_equal(write(fds[0], "unread", 6), 6);
	probe_write(&p, (struct str){octets, BIG});
	stream_close(p.s, 4000);
	p.s = NULL;
	while (n > 0 || (n < 0 && errno == EAGAIN)) {
		probe_run_ms(loop, 1);
		while ((n = recv(fds[0], text, sizeof(text), MSG_DONTWAIT)) > 0)
			sum += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(sum, BIG);
	close(fds[0]);
	probe_run_ms(loop, 5);
	assert_int_equal(p.closed, 0); /* no more calls to the owner */
	probe_end(&p);
	loop_free(loop);
	free(octets);
}

static bool
peer_sees_end(int fd)
{
	char octet;

	return recv(fd, &octet, 1, MSG_DONTWAIT | MSG_PEEK) <= 0 &&
	       errno != EAGAIN;
}

/* The linger has an end, even when the peer never reads. */
static void
test_linger_ends(void **state)
{
	struct loop *loop = loop_new();
	char *octets = calloc(1, BIG);
	struct pollfd gone;
	struct probe p;
	int fds[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	probe_open(&p, loop, fds[1]);
	probe_write(&p, (struct str){octets, BIG});
	stream_close(p.s, 30);
	p.s = NULL;
	gone = (struct pollfd){.fd = fds[0], .events = 0};
	probe_run_ms(loop, 10);
	assert_int_equal(poll(&gone, 1, 0), 0);
	probe_run_ms(loop, 60);
	assert_int_equal(poll(&gone, 1, 0), 1);
	assert_true(gone.revents & POLLHUP);
	close(fds[0]);
	probe_end(&p);
	loop_free(loop);
	free(octets);
}

static void
test_close_at_once(void **state)
{
	struct loop *loop = loop_new();
	struct probe p;
	int fds[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	probe_open(&p, loop, fds[1]);
	probe_write(&p, STR("never sent"));
	stream_close(p.s, 0);
	p.s = NULL;
	errno = 0;
	assert_true(peer_sees_end(fds[0]));
	stream_close(NULL, 0);
	close(fds[0]);
	loop_free(loop);
}

/* A stream that lingers when the loop ends is freed by the loop. */
static void
test_loop_ends_linger(void **state)
{
	struct loop *loop = loop_new();
	struct probe p;
	int fds[2];

	(void)state;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	probe_open(&p, loop, fds[1]);
	probe_write(&p, STR("x"));
	stream_close(p.s, 100000);
	loop_free(loop);
	close(fds[0]);
}

static void
close_in_input(void *arg)
{
	struct probe *p = arg;

	p->inputs++;
	stream_write(p->s, STR("bye"));
	stream_close(p->s, 1000);
	p->s = NULL;
}

static void
drop_in_input(void *arg)
{
	struct probe *p = arg;

	p->inputs++;
	stream_close(p->s, 0);
	p->s = NULL;
}

static void
test_close_inside_callback(void **state)
{
	static const struct stream_ops linger = {.input = close_in_input};
	static const struct stream_ops drop = {.input = drop_in_input};
	struct pair p;

	(void)state;
	pair_open(&p, true);
	stream_set_owner(p.b.s, &linger, &p.b);
	probe_write(&p.a, STR("x"));
	RUN_UNTIL(p.loop, p.a.closed);
	assert_true(got(&p.a, "bye"));
	assert_int_equal(p.b.inputs, 1);
	pair_close(&p);

	pair_open(&p, true);
	stream_set_owner(p.b.s, &drop, &p.b);
	probe_write(&p.a, STR("x"));
	RUN_UNTIL(p.loop, p.a.closed);
	assert_int_equal(p.b.inputs, 1);
	pair_close(&p);
}

/* The turn: the new owner is told of what waits already. */
static void
test_owner_swap(void **state)
{
	struct pair p;
	struct probe next = {0};

	(void)state;
	pair_open(&p, true);
	p.b.consume_at = 100;
	probe_write(&p.a, STR("EHLO turned\r\n"));
	RUN_UNTIL(p.loop, stream_view(p.b.s).n == 13);
	next.s = p.b.s;
	next.in_call = true;
	stream_set_owner(p.b.s, &probe_ops, &next);
	next.in_call = false;
	RUN_UNTIL(p.loop, got(&next, "EHLO turned\r\n"));
	assert_int_equal(p.b.inputs, 1);
	stream_close(p.a.s, 0);
	p.a.s = NULL;
	RUN_UNTIL(p.loop, next.closed);
	assert_int_equal(p.b.closed, 0);
	p.b.s = NULL;
	probe_end(&next);
	pair_close(&p);
}

/* A peer that reads nothing: TCP gives up after the stall time. */
static void
test_stall(void **state)
{
	struct loop *loop = loop_new();
	char *octets = calloc(1, 3 * BIG);
	struct probe p;
	int fds[2];

	(void)state;
	probe_tcp_pair(fds);
	probe_open(&p, loop, fds[1]);
	stream_set_stall_ms(p.s, 300);
	probe_write(&p, (struct str){octets, 3 * BIG});
	RUN_UNTIL(loop, p.closed);
	assert_int_equal(p.end, STREAM_TIMEOUT);
	close(fds[0]);
	probe_end(&p);
	loop_free(loop);
	free(octets);
}

/*
 * A window holds back what the peer has not acknowledged: here a peer that
 * reads late, so that its own buffers are full.
 */
static void
test_window(void **state)
{
	enum { WINDOW = 3000, SMALL = 2048 };
	struct loop *loop = loop_new();
	char *octets = calloc(1, BIG), chunk[4096];
	struct probe p;
	size_t got = 0, most = 0;
	int fds[2], small = SMALL;

	(void)state;
	probe_tcp_pair(fds);
	setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	probe_open(&p, loop, fds[1]);
	stream_set_window(p.s, WINDOW);
	probe_write(&p, (struct str){octets, BIG / 8});
	while (got < BIG / 8 && !p.closed) {
		size_t held = stream_unacked(p.s) - stream_unsent(p.s);
		ssize_t n = read(fds[0], chunk, sizeof(chunk));

		assert_true(held <= WINDOW);
		most = held > most ? held : most;
		got += n > 0 ? (size_t)n : 0;
		probe_run_ms(loop, 1);
	}
	assert_int_equal(got, BIG / 8);
	assert_true(most > 0);
	RUN_UNTIL(loop, stream_unacked(p.s) == 0);
	assert_int_equal(p.drained, 1);
	close(fds[0]);
	probe_end(&p);
	loop_free(loop);
	free(octets);
}

/* The owner counts each piece before the next one is read. */
static void
test_counted(void **state)
{
	enum { PIECE = 100, ALL = 5000 };
	struct pair p;
	char octets[ALL] = {0};

	(void)state;
	pair_open(&p, true);
	stream_count(p.b.s, PIECE);
	probe_write(&p.a, (struct str){octets, ALL});
	RUN_UNTIL(p.loop, p.b.in.len == ALL);
	assert_int_equal(p.b.counted, ALL);
	assert_true(p.b.step_most <= PIECE);
	assert_true(p.b.moved >= ALL / PIECE);
	pair_close(&p);
}

static void
note_gone(void *arg, const struct stream *s)
{
	uint64_t *received = arg;

	*received = stream_counts(s).received;
	assert_true(stream_fd(s) >= 0);
}

/* Who sends on and on does not fill what is counted by our lingering. */
static void
test_counted_linger(void **state)
{
	enum { PIECE = 500 };
	char *octets = calloc(1, BIG);
	uint64_t received = 0;
	struct pair p;

	(void)state;
	pair_open(&p, true);
	stream_count(p.b.s, PIECE);
	stream_on_gone(p.b.s, note_gone, &received);
	stream_close(p.b.s, PROBE_WAIT_MS);
	p.b.s = NULL;
	probe_write(&p.a, (struct str){octets, BIG});
	RUN_UNTIL(p.loop, received > 0);
	assert_true(received <= PIECE);
	pair_close(&p);
	free(octets);
}

/* 10,000 octets a second each way, all streams together. */
static void
test_pace(void **state)
{
	enum { RATE = 80000, ALL = 4000, LEAST_MS = 200 };
	struct pace *pace = pace_new(RATE);
	uint64_t began = clock_mono_ms();
	char octets[ALL] = {0};
	struct pair p, q;

	(void)state;
	pair_open(&p, true);
	pair_open(&q, true);
	stream_set_pace(p.a.s, pace);
	probe_write(&p.a, (struct str){octets, ALL});
	RUN_UNTIL(p.loop, p.b.in.len == ALL); /* sent slowly */
	assert_true(clock_mono_ms() - began >= LEAST_MS);
	assert_int_equal(p.a.drained, 1);

	began = clock_mono_ms();
	probe_write(&p.b, (struct str){octets, ALL});
	RUN_UNTIL(p.loop, p.a.in.len == ALL); /* read slowly */
	assert_true(clock_mono_ms() - began >= LEAST_MS);

	stream_set_pace(q.a.s, pace);
	pace_release(pace);
	probe_write(&p.a, (struct str){octets, ALL});
	RUN_UNTIL(p.loop, stream_unsent(p.a.s) < ALL);
	probe_write(&q.a, (struct str){octets, 10});
	probe_run_ms(q.loop, 10);
	assert_int_equal(q.b.in.len, 0); /* the line is taken */
	RUN_UNTIL(q.loop, q.b.in.len == 10);
	stream_set_pace(p.a.s, NULL);
	RUN_UNTIL(p.loop, p.b.in.len == 2 * ALL);
	pair_close(&p);
	pair_close(&q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_tcp),
		cmocka_unit_test(test_echo_unix),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_half_reading),
		cmocka_unit_test(test_input_is_bounded),
		cmocka_unit_test(test_read_enable),
		cmocka_unit_test(test_eof),
		cmocka_unit_test(test_eof_waits_for_input),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_write_to_nobody),
		cmocka_unit_test(test_close_with_linger),
		cmocka_unit_test(test_linger_ends),
		cmocka_unit_test(test_close_at_once),
		cmocka_unit_test(test_loop_ends_linger),
		cmocka_unit_test(test_close_inside_callback),
		cmocka_unit_test(test_owner_swap),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_counted_linger),
		cmocka_unit_test(test_pace),
	};

	alarm(PROBE_TEST_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
