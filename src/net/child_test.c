#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/child.h"
#include "net/minder.h"
#include "net/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In place of a helper: what it runs. */
struct job {
	const char *command; /* for a shell; NULL: argv */
	const char *const *argv, *const *env;
	const char *folder;
};

static bool
start(void *arg, const struct child_fds *fds, struct err *e)
{
	const struct job *j = arg;
	const char *const shell[] = {"/bin/sh", "-c", j->command, NULL};
	struct spawn s = {
		.argv = j->argv ? j->argv : shell,
		.env = j->env,
		.folder = j->folder,
		.in = fds->io,
		.out = fds->connects ? fds->io : fds->output,
		.err = fds->output,
	};
	pid_t pid = fork();

	(void)e;
	assert_true(pid >= 0);
	if (pid > 0)
		return true;
	for (int fd = 3; fd < 200; fd++) /* as the helper has */
		if (fd != fds->io && fd != fds->output && fd != fds->control)
			close(fd);
	minder_run(&s, fds->control);
}

struct watch {
	struct loop *loop;
	struct child *c;
	struct buf lines; /* "|" behind each */
	int ended;
	bool good;
	enum child_end end;
	char how[MINDER_TEXT_MAX];
};

static void
on_line(void *arg, struct str line)
{
	struct watch *w = arg;

	buf_adds(&w->lines, line);
	buf_addz(&w->lines, "|");
}

static void
on_ended(void *arg, enum child_end end, const char *how)
{
	struct watch *w = arg;

	w->ended++;
	w->good = end == CHILD_GOOD;
	w->end = end;
	str_copyz(w->how, sizeof(w->how), how);
}

static void
begin(struct watch *w, const char *command, uint64_t timeout_ms)
{
	struct err e = {0};

	w->loop = loop_new();
	w->ended = 0;
	buf_init(&w->lines, 0);
	w->c = child_spawn(w->loop,
		&(struct child_conf){.start = start,
			.start_arg = &(struct job){.command = command},
			.timeout_ms = timeout_ms,
			.line = on_line,
			.ended = on_ended,
			.arg = w},
		&e);
	assert_non_null(w->c);
}

static void
end(struct watch *w)
{
	child_free(w->c);
	loop_free(w->loop);
	buf_free(&w->lines);
}

static void
wait_ended(struct watch *w)
{
	RUN_UNTIL(w->loop, w->ended);
	probe_run_ms(w->loop, 20);
	assert_int_equal(w->ended, 1);
}

static void
test_good_and_bad_ends(void **state)
{
	struct watch w;

	(void)state;
	begin(&w, "echo one; echo two >&2; printf three", 0);
	wait_ended(&w);
	assert_true(w.good);
	RUN_UNTIL(w.loop, w.lines.len >= 14);
	assert_string_equal(buf_z(&w.lines), "one|two|three|");
	end(&w);

	begin(&w, "exit 3", 0);
	wait_ended(&w);
	assert_false(w.good);
	assert_string_equal(w.how, "exit status 3");
	end(&w);

	begin(&w, "kill -9 $$", 0);
	wait_ended(&w);
	assert_false(w.good);
	assert_string_equal(w.how, "ended by signal 9");
	end(&w);

	begin(&w, "/nowhere/dial 2>/dev/null", 0);
	wait_ended(&w);
	assert_string_equal(w.how, "exit status 127");
	end(&w);
}

/* A script that hangs, and one that does not listen: the whole group goes. */
static void
test_deadline(void **state)
{
	struct watch w;
	long pid;

	(void)state;
	begin(&w, "sleep 100 & echo $!; wait", 300);
	wait_ended(&w);
	assert_false(w.good);
	assert_non_null(strstr(w.how, "longer"));
	pid = strtol(buf_z(&w.lines), NULL, 10);
	assert_true(pid > 1);
	end(&w);
	/* a zombie of init's at most: it can be told nothing more */
	for (int i = 0; i < 200 && kill((pid_t)pid, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill((pid_t)pid, 0), -1);

	begin(&w, "trap '' TERM; (trap '' TERM; sleep 100) & sleep 100", 200);
	wait_ended(&w);
	assert_false(w.good);
	end(&w);
}

static void
test_told_to_end(void **state)
{
	struct watch w;

	(void)state;
	begin(&w, "trap 'echo bye; exit 0' TERM; echo up; sleep 100 & wait", 0);
	RUN_UNTIL(w.loop, w.lines.len);
	child_kill(w.c);
	child_kill(w.c);
	wait_ended(&w);
	assert_false(w.good);
	assert_string_equal(w.how, "it was told to end");
	assert_string_equal(buf_z(&w.lines), "up|bye|");
	end(&w);
}

/* What it left running lives until child_free, and no longer. */
static void
test_leaves_children(void **state)
{
	struct watch w;
	pid_t pid;

	(void)state;
	begin(&w, "sleep 100 >/dev/null 2>&1 & echo $!", 0);
	wait_ended(&w);
	assert_true(w.good);
	RUN_UNTIL(w.loop, w.lines.len > 1);
	pid = (pid_t)strtol(buf_z(&w.lines), NULL, 10);
	assert_int_equal(kill(pid, 0), 0);
	child_free(w.c);
	w.c = NULL;
	RUN_UNTIL(w.loop, kill(pid, 0) < 0 && errno == ESRCH);
	end(&w);
}

/* Until it is alone, and no longer: it counts as a program that runs. */
static void
minder_of(const char *command, bool stays)
{
	struct minder_report r;
	struct pollfd p = {.events = POLLIN};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	assert_true(start(&(struct job){.command = command},
		&(struct child_fds){
			.control = fds[1], .output = STDOUT_FILENO, .io = -1},
		NULL));
	close(fds[1]);
	p.fd = fds[0];
	assert_int_equal(recv(fds[0], &r, sizeof(r), 0), sizeof(r));
	assert_int_equal(send(fds[0], &(char){MINDER_TERM}, 1, 0), 1);
	if (stays) {
		assert_int_equal(poll(&p, 1, 200), 0);
		assert_int_equal(send(fds[0], &(char){MINDER_KILL}, 1, 0), 1);
	}
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(recv(fds[0], &r, sizeof(r), 0), 0);
	close(fds[0]);
}

static void
test_minder_leaves(void **state)
{
	(void)state;
	minder_of("exit 0", false);
	minder_of("sleep 100 >/dev/null 2>&1 & exit 0", false);
	minder_of("(trap '' TERM; sleep 100; sleep 100) >/dev/null 2>&1 & "
		  "sleep 0.2; exit 0",
		true);
}

/* Also one that runs on when the loop ends, and does not listen. */
static void
test_ends_with_the_loop(void **state)
{
	struct watch w;
	pid_t pid;

	(void)state;
	begin(&w, "trap '' TERM; echo $$; sleep 100; sleep 100", 0);
	RUN_UNTIL(w.loop, w.lines.len > 1);
	pid = (pid_t)strtol(buf_z(&w.lines), NULL, 10);
	end(&w);
	for (int i = 0; i < 200 && kill(pid, 0) == 0; i++)
		usleep(10000);
	/* a zombie is left where it did not end at once */
	assert_int_equal(w.ended, 0);
}

/* A program that is a connection: what it says on stderr are the lines. */
static void
test_connects(void **state)
{
	struct watch w = {.loop = loop_new()};
	struct err e = {0};
	char octets[16];
	int fd = -1;

	(void)state;
	buf_init(&w.lines, 0);
	w.c = child_connect(w.loop,
		&(struct child_conf){.start = start,
			.start_arg =
				&(struct job){.command = "echo hello >&2; cat"},
			.line = on_line,
			.ended = on_ended,
			.arg = &w},
		&fd, &e);
	assert_non_null(w.c);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(read(fd, octets, sizeof(octets)), 3);
	assert_memory_equal(octets, "abc", 3);
	RUN_UNTIL(w.loop, w.lines.len > 5);
	assert_string_equal(buf_z(&w.lines), "hello|");
	close(fd);
	wait_ended(&w);
	assert_true(w.good);
	end(&w);
}

/* Who is left may end by itself first; who does not is told to. */
static void
test_left_to_end(void **state)
{
	static const char *const commands[] = {
		"cat; echo well >FILE", "trap 'echo told >FILE' TERM; sleep 9"};
	static const char *const says[] = {"well\n", "told\n"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char file[] = "/tmp/child-test-XXXXXX", octets[16] = "";
		struct watch w = {.loop = loop_new()};
		struct err e = {0};
		char *command;
		int fd = -1, out = mkstemp(file);
		const char *at = strstr(commands[i], "FILE");

		assert_true(out >= 0);
		buf_init(&w.lines, 0);
		command = str_printf("echo up >&2; %.*s%s%s",
			(int)(at - commands[i]), commands[i], file, at + 4);
		w.c = child_connect(w.loop,
			&(struct child_conf){.start = start,
				.start_arg = &(struct job){.command = command},
				.line = on_line,
				.ended = on_ended,
				.arg = &w},
			&fd, &e);
		assert_non_null(w.c);
		RUN_UNTIL(w.loop, w.lines.len > 2);
		close(fd);
		child_leave(w.c, 300, on_ended, &w);
		w.c = NULL;
		RUN_UNTIL(w.loop,
			lseek(out, 0, SEEK_SET) == 0 &&
				read(out, octets, sizeof(octets) - 1) == 5);
		assert_string_equal(octets, says[i]);
		RUN_UNTIL(w.loop, w.ended);
		/* who had to be told did not end well by itself */
		assert_int_equal(w.end, i == 0 ? CHILD_GOOD : CHILD_BROKEN);
		end(&w);
		assert_int_equal(w.ended, 1);
		free(command);
		close(out);
		unlink(file);
	}
}

static void
test_inherits_nothing(void **state)
{
	struct watch w;
	int fd = open("/dev/null", O_RDONLY); /* as a library would */

	(void)state;
	begin(&w, "ls /proc/self/fd | wc -w", 0);
	wait_ended(&w);
	RUN_UNTIL(w.loop, w.lines.len > 1);
	/* the three, and the one ls opens */
	assert_int_equal(strtol(buf_z(&w.lines), NULL, 10), 4);
	end(&w);
	close(fd);
}

/* No shell looks at its words, and its environment is only what was given. */
static void
test_without_a_shell(void **state)
{
	const char *const argv[] = {"/bin/sh", "-c",
		"pwd; echo \"$1\"; echo \"$A\"; /usr/bin/env | grep -c =",
		"name", "$(id); *", NULL};
	const char *const env[] = {"A=`id`", NULL};
	struct job job = {.argv = argv, .env = env, .folder = "/"};
	struct child_conf conf = {
		.start = start, .start_arg = &job, .line = on_line};
	struct watch w = {.loop = loop_new()};
	struct err e = {0};

	(void)state;
	buf_init(&w.lines, 0);
	conf.ended = on_ended;
	conf.arg = &w;
	w.c = child_spawn(w.loop, &conf, &e);
	assert_non_null(w.c);
	wait_ended(&w);
	/* sh adds PWD, and perhaps SHLVL and _ */
	assert_memory_equal(buf_z(&w.lines), "/|$(id); *|`id`|", 16);
	assert_true(buf_z(&w.lines)[16] <= '4');
	end(&w);
}

static void
test_no_program(void **state)
{
	const char *const argv[] = {"/nowhere/hook", NULL};
	struct job job = {.argv = argv};
	struct watch w = {.loop = loop_new()};
	struct err e = {0};

	(void)state;
	w.c = child_spawn(w.loop,
		&(struct child_conf){.start = start,
			.start_arg = &job,
			.ended = on_ended,
			.arg = &w},
		&e);
	assert_non_null(w.c);
	wait_ended(&w);
	assert_int_equal(w.end, CHILD_NOT_RUN);
	assert_string_equal(w.how, "No such file or directory");
	end(&w);
}

static bool
cannot(void *arg, const struct child_fds *fds, struct err *e)
{
	(void)arg;
	(void)fds;
	err_set(e, ERR_CLOSED, "nobody starts it");
	return false;
}

static void
test_nobody_starts_it(void **state)
{
	struct loop *loop = loop_new();
	struct err e = {0};
	int fd = -1;

	(void)state;
	assert_null(
		child_spawn(loop, &(struct child_conf){.start = cannot}, &e));
	assert_string_equal(e.text, "nobody starts it");
	assert_null(child_connect(
		loop, &(struct child_conf){.start = cannot}, &fd, &e));
	assert_int_equal(fd, -1);
	loop_free(loop);
}

/* The process beside it is killed: it may have done its work. */
static void
test_minder_dies(void **state)
{
	struct watch w;

	(void)state;
	begin(&w, "echo $PPID; exec sleep 100", 0);
	RUN_UNTIL(w.loop, w.lines.len > 1);
	kill((pid_t)strtol(buf_z(&w.lines), NULL, 10), SIGKILL);
	wait_ended(&w);
	assert_int_equal(w.end, CHILD_BROKEN);
	assert_string_equal(w.how, "nobody knows how it ended");
	end(&w);
}

/* We are killed: the program is left to itself, and its minder goes. */
static void
test_left_to_itself(void **state)
{
	struct job job = {.command = "echo $$; exec sleep 100"};
	int control[2], output[2];
	char octets[32] = "";
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control),
		0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	start(&job,
		&(struct child_fds){
			.control = control[1], .output = output[1], .io = -1},
		&e);
	close(control[1]);
	close(output[1]);
	assert_true(read(output[0], octets, sizeof(octets) - 1) > 1);
	pid = (pid_t)strtol(octets, NULL, 10);
	close(control[0]);
	while (waitpid(-1, NULL, 0) < 0 && errno == EINTR)
		; /* the minder */
	assert_int_equal(kill(pid, 0), 0);
	kill(-pid, SIGKILL);
	close(output[0]);
}

/* Whoever frees it when it has ended has had all that it said. */
static void
on_ended_free(void *arg, enum child_end end, const char *how)
{
	struct watch *w = arg;

	on_ended(arg, end, how);
	child_free(w->c);
	w->c = NULL;
}

static void
test_last_words(void **state)
{
	struct watch w = {.loop = loop_new()};
	struct job job = {.command = "seq 100 250; sleep 1 & printf the-end"};
	struct child_conf conf = {.start = start,
		.start_arg = &job,
		.line = on_line,
		.ended = on_ended_free,
		.arg = &w};
	struct err e = {0};

	(void)state;
	buf_init(&w.lines, 0);
	w.c = child_spawn(w.loop, &conf, &e);
	assert_non_null(w.c);
	RUN_UNTIL(w.loop, w.ended);
	assert_int_equal(w.lines.len, 151 * 4 + 8);
	assert_string_equal(buf_z(&w.lines) + 151 * 4, "the-end|");
	end(&w);
}

static void
test_output_has_a_bound(void **state)
{
	struct watch w;
	size_t lines = 0;

	(void)state;
	begin(&w, "head -c 1000 /dev/zero | tr '\\0' x; echo; yes | head -1000",
		0);
	wait_ended(&w);
	probe_run_ms(w.loop, 100);
	for (size_t i = 0; i < w.lines.len; i++)
		lines += buf_z(&w.lines)[i] == '|';
	assert_int_equal(lines, CHILD_LINES_MAX);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_and_bad_ends),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_told_to_end),
		cmocka_unit_test(test_leaves_children),
		cmocka_unit_test(test_ends_with_the_loop),
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_minder_leaves),
		cmocka_unit_test(test_left_to_end),
		cmocka_unit_test(test_inherits_nothing),
		cmocka_unit_test(test_without_a_shell),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_nobody_starts_it),
		cmocka_unit_test(test_minder_dies),
		cmocka_unit_test(test_left_to_itself),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_output_has_a_bound),
	};

	alarm(PROBE_TEST_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
