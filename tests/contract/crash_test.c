/*
 * A child that stores, claims and delivers is killed at random moments. What
 * it was told to be on the disk is there, and the store is whole.
 */
#include "tests/contract/contract.h"

#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 25, MESSAGES_MAX = 200000 };

/* What the child reports over a pipe, after the commit. */
struct report {
	int64_t id;
	enum { ADDED, DELIVERED } what;
};

static struct {
	bool added, delivered;
} known[MESSAGES_MAX];

/* --- the child --- */

struct work {
	struct box *b;
	int fd;
	unsigned in_flight;
};

struct one {
	struct letter letter; /* first: the job's argument */
	struct work *w;
};

static void
tell(struct work *w, int64_t id, int what)
{
	struct report r = {.id = id};

	r.what = what ? DELIVERED : ADDED;
	if (write(w->fd, &r, sizeof(r)) != sizeof(r))
		_exit(1);
}

static void
added(void *arg, enum err_code code, const struct err *e)
{
	struct one *o = arg;

	(void)e;
	if (code != OK)
		_exit(2);
	tell(o->w, o->letter.id, 0);
	o->w->in_flight--;
	free(o);
}

static void
child_add(struct work *w)
{
	struct one *o = calloc(1, sizeof(*o));

	o->w = w;
	o->letter.id = spool_new_id(w->b->spool);
	o->letter.size = o->letter.id % 7 ? 300 : 150000;
	w->in_flight++;
	spool_submit(w->b->spool, add_letter, added, o);
}

static void
child_deliver(struct work *w)
{
	struct claim_job j = {.claim = {.owner = 1}};
	struct owner_job d = {.owner = 1};

	d.id = claim(w->b, &j);
	spool_claimed_clear(&j.got);
	if (!d.id)
		return;
	WRITE(w->b, do_in_doubt, &d);
	if (outcome(w->b, (struct spool_outcome){.message = d.id}) != OK)
		_exit(3);
	tell(w, d.id, 1);
}

static void
child(struct box *b, int fd)
{
	struct work w = {.b = b, .fd = fd};

	box_open_with(b, true);
	for (unsigned i = 0;; i++) {
		while (w.in_flight < 8)
			child_add(&w);
		spool_dispatch(b->spool);
		if (i % 2)
			child_deliver(&w);
	}
}

/* --- the parent --- */

static void
read_reports(int fd)
{
	struct report r;

	while (read(fd, &r, sizeof(r)) == sizeof(r)) {
		assert_in_range(r.id, 1, MESSAGES_MAX - 1);
		if (r.what == ADDED) {
			assert_false(known[r.id].added); /* ids are new */
			known[r.id].added = true;
		} else {
			known[r.id].delivered = true;
		}
	}
}

static void
run_and_kill(struct box *b, unsigned round)
{
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child(b, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	usleep(20000 + (round * 7919) % 60000);
	kill(pid, SIGKILL);
	read_reports(fds[0]);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
check(struct box *b, size_t *waiting_r)
{
	struct list_job j = {.limit = MESSAGES_MAX};
	static bool there[MESSAGES_MAX];

	memset(there, 0, sizeof(there));
	box_open_with(b, true);
	assert_sound(b);
	READ(b, do_list, &j);
	for (size_t i = 0; i < j.n; i++) {
		assert_int_equal(j.rows[i].d.state, SPOOL_READY);
		there[j.rows[i].d.message] = true;
		assert_false(known[j.rows[i].d.message].delivered);
	}
	for (int64_t id = 1; id < MESSAGES_MAX; id++)
		if (known[id].added && !there[id] && !known[id].delivered)
			/* the report of its delivery may have been lost */
			assert_int_equal(count_events(b, id, "delivered"), 1);
	*waiting_r = j.n;
	free(j.rows);
	spool_close(b->spool);
	b->spool = NULL;
}

static void
killed_at_random(void **state)
{
	struct box *b = *state;
	size_t waiting = 0;

	spool_close(b->spool);
	b->spool = NULL;
	for (unsigned round = 0; round < ROUNDS; round++) {
		run_and_kill(b, round);
		check(b, &waiting);
	}
	assert_true(waiting > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(killed_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
