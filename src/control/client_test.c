#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A daemon that is one listening socket; the test plays it by hand. */
struct fixture {
	char dir[32];
	char path[64];
	int listener, peer;
	struct control_client *client;
};

enum { PATIENCE_MS = 5000, SHORT_MS = 30 };

static void
listen_at(struct fixture *f)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	strcpy(at.sun_path, f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(f->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(f->listener, 1), 0);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e;

	strcpy(f->dir, "/tmp/control-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/control", f->dir);
	listen_at(f);
	assert_int_equal(control_connect(f->dir, &f->client, &e), OK);
	f->peer = accept(f->listener, NULL, NULL);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	control_close(f->client);
	close(f->peer);
	close(f->listener);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
say(struct fixture *f, const char *text)
{
	assert_int_equal(
		write(f->peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void
test_no_daemon(void **state)
{
	struct fixture *f = *state;
	struct control_client *c;
	char long_dir[200];
	struct err e;

	close(f->listener);
	assert_int_equal(control_connect(f->dir, &c, &e), ERR_CLOSED);
	assert_null(c);
	assert_non_null(strstr(e.text, f->path));
	unlink(f->path);
	assert_int_equal(control_connect(f->dir, &c, &e), ERR_CLOSED);
	memset(long_dir, 'x', sizeof(long_dir) - 1);
	long_dir[sizeof(long_dir) - 1] = '\0';
	assert_int_equal(control_connect(long_dir, &c, &e), ERR_INVALID);
	f->listener = -1;
}

static void
test_request_and_answers(void **state)
{
	struct fixture *f = *state;
	struct record r;
	struct err e;
	char line[100] = "";
	bool last;

	record_init(&r);
	record_add(&r, "verb", "status");
	assert_int_equal(control_send(f->client, &r, &e), OK);
	assert_int_equal(read(f->peer, line, sizeof(line) - 1), 12);
	assert_string_equal(line, "verb=status\n");
	say(f, "kind=node hostname=a\nkind=queue ready=3\nend=0 text=fine\n");
	assert_int_equal(
		control_receive(f->client, &r, &last, PATIENCE_MS, &e), OK);
	assert_string_equal(record_get(&r, "hostname"), "a");
	assert_false(last);
	assert_int_equal(
		control_receive(f->client, &r, &last, PATIENCE_MS, &e), OK);
	assert_false(last);
	assert_int_equal(
		control_receive(f->client, &r, &last, PATIENCE_MS, &e), OK);
	assert_true(last);
	assert_string_equal(record_get(&r, "text"), "fine");
	record_free(&r);
}

/* The same answer arrives in two pieces, cut at every octet. */
static void
test_every_split(void **state)
{
	static const char answer[] = "kind=x a=1\nend=0 text=b%20c\n";
	struct fixture *f = *state;
	struct record r;
	struct err e;
	bool last;

	record_init(&r);
	for (size_t cut = 0; cut < sizeof(answer); cut++) {
		enum err_code code = OK;
		unsigned got = 0, ends = 0;

		assert_int_equal(write(f->peer, answer, cut), (ssize_t)cut);
		while (code == OK) {
			code = control_receive(f->client, &r, &last, 1, &e);
			got += code == OK;
			ends += last;
		}
		assert_int_equal(code, ERR_TIMEOUT);
		say(f, answer + cut);
		for (; got < 2; got++) {
			code = control_receive(
				f->client, &r, &last, PATIENCE_MS, &e);
			assert_int_equal(code, OK);
			ends += last;
		}
		assert_string_equal(record_get(&r, "text"), "b c");
		assert_int_equal(ends, 1);
	}
	record_free(&r);
}

static void
test_silence_times_out(void **state)
{
	struct fixture *f = *state;
	struct record r;
	struct err e;
	bool last;

	record_init(&r);
	assert_int_equal(control_receive(f->client, &r, &last, SHORT_MS, &e),
		ERR_TIMEOUT);
	record_free(&r);
}

static void
test_daemon_goes_away(void **state)
{
	struct fixture *f = *state;
	struct record r;
	struct err e;
	bool last;

	say(f, "kind=node");
	shutdown(f->peer, SHUT_RDWR);
	record_init(&r);
	assert_int_equal(control_receive(f->client, &r, &last, PATIENCE_MS, &e),
		ERR_CLOSED);
	record_clear(&r);
	record_add(&r, "verb", "status");
	assert_int_equal(control_send(f->client, &r, &e), ERR_CLOSED);
	record_free(&r);
}

static void
test_garbage_is_refused(void **state)
{
	struct fixture *f = *state;
	struct record r;
	struct err e;
	bool last;

	say(f, "HTTP/1.1 400 Bad Request\r\n");
	record_init(&r);
	assert_int_equal(control_receive(f->client, &r, &last, PATIENCE_MS, &e),
		ERR_CORRUPT);
	record_free(&r);
}

/* A daemon that talks without ever ending a line. */
static void *
babble(void *arg)
{
	struct fixture *f = arg;
	char text[4096];

	memset(text, 'x', sizeof(text));
	while (send(f->peer, text, sizeof(text), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void
test_endless_line_is_refused(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	struct record r;
	struct err e;
	bool last;

	record_init(&r);
	assert_int_equal(pthread_create(&thread, NULL, babble, f), 0);
	assert_int_equal(control_receive(f->client, &r, &last, PATIENCE_MS, &e),
		ERR_LIMIT);
	control_close(f->client);
	f->client = NULL;
	pthread_join(thread, NULL);
	record_free(&r);
}

static void
test_too_long_is_not_sent(void **state)
{
	struct fixture *f = *state;
	struct record r;
	struct err e;

	record_init(&r);
	for (size_t i = 0; i <= RECORD_FIELDS_MAX; i++)
		record_add(&r, "a", "1");
	assert_int_equal(control_send(f->client, &r, &e), ERR_LIMIT);
	record_free(&r);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_daemon),
		TEST(test_request_and_answers),
		TEST(test_every_split),
		TEST(test_silence_times_out),
		TEST(test_daemon_goes_away),
		TEST(test_garbage_is_refused),
		TEST(test_endless_line_is_refused),
		TEST(test_too_long_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
