#include "net/child.h"

#include "net/loop_private.h"
#include "net/minder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_LAST_READS = 17 }; /* of 4096 octets: a pipe, and one more */

struct child {
	struct loop_ward ward; /* after child_free */
	struct loop *loop;     /* borrowed */
	struct child_conf conf;
	struct event reports;
	struct event output;
	struct loop_timer *timer; /* the timeout, then the grace */
	int control;		  /* to its minder */
	int fd;			  /* -1: its end was read */
	bool exited;		  /* its minder told, or is gone */
	bool lost;		  /* it is gone */
	bool late, killed;	  /* told to end, by the timeout or us */
	bool told;
	bool left;  /* child_free: nobody is told any more */
	bool waits; /* left, and not yet told to end */
	struct minder_report report;
	char line[CHILD_LINE_MAX];
	size_t line_n, lines;
};

/* --- its output --- */

static void
tell_line(struct child *c)
{
	size_t n = c->line_n;

	c->line_n = 0;
	if (n > 0 && c->lines < CHILD_LINES_MAX && c->conf.line) {
		c->lines++;
		c->conf.line(c->conf.arg, (struct str){c->line, n});
	}
}

static void
close_output(struct child *c)
{
	if (c->fd < 0)
		return;
	event_del(&c->output);
	close(c->fd);
	c->fd = -1;
	tell_line(c);
}

static void
take_octets(struct child *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			tell_line(c);
			continue;
		}
		c->line[c->line_n++] = p[i];
		if (c->line_n == sizeof(c->line))
			tell_line(c);
	}
}

/*
 * What is there now; a program that never stops writing has its turns. False:
 * there was nothing.
 */
static bool
read_output(struct child *c)
{
	char octets[4096];
	ssize_t n;

	if (c->fd < 0)
		return false;
	n = read(c->fd, octets, sizeof(octets));
	if (n > 0)
		take_octets(c, octets, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(c);
	return n > 0;
}

/*
 * What a program said that is gone: as much as a pipe holds, since what it left
 * running may go on writing.
 */
static void
read_rest(struct child *c)
{
	for (size_t i = 0; i < CHILD_LAST_READS && read_output(c); i++)
		;
	tell_line(c);
}

/* --- its end --- */

static enum child_end
judge(const struct child *c)
{
	if (c->report.why[0])
		return CHILD_NOT_RUN;
	if (c->killed || c->lost || !WIFEXITED(c->report.status))
		return CHILD_BROKEN;
	return WEXITSTATUS(c->report.status) == 0 ? CHILD_GOOD : CHILD_FAILED;
}

static void
describe(const struct child *c, char *out, size_t size)
{
	if (c->report.why[0])
		str_copyz(out, size, c->report.why);
	else if (c->late)
		snprintf(out, size, "it took longer than %llu s",
			(unsigned long long)(c->conf.timeout_ms / 1000));
	else if (c->killed)
		str_copyz(out, size, "it was told to end");
	else if (c->lost)
		str_copyz(out, size, "nobody knows how it ended");
	else if (WIFSIGNALED(c->report.status))
		snprintf(out, size, "ended by signal %d",
			WTERMSIG(c->report.status));
	else
		snprintf(out, size, "exit status %d",
			WEXITSTATUS(c->report.status));
}

/* It takes what stands in its socket even when we are gone. */
static void
tell_minder(const struct child *c, char word)
{
	ssize_t n = send(c->control, &word, 1, MSG_NOSIGNAL);

	(void)n; /* it is gone, and the program with it or left to itself */
}

static void
tell_ended(struct child *c)
{
	char how[MINDER_TEXT_MAX];

	if (c->told)
		return;
	c->told = true;
	loop_timer_clear(c->timer);
	if (c->killed)
		tell_minder(c, MINDER_KILL);
	read_rest(c);
	describe(c, how, sizeof(how));
	c->conf.ended(c->conf.arg, judge(c), how);
}

/* Who was left is told of by who left it. */
static void
part(struct child *c)
{
	char how[MINDER_TEXT_MAX];

	if (!c->left || !c->conf.ended)
		return;
	c->late = false;
	describe(c, how, sizeof(how));
	c->conf.ended(c->conf.arg, judge(c), how);
}

static void
destroy(struct child *c)
{
	part(c);
	tell_minder(c, MINDER_END);
	event_del(&c->reports);
	close(c->control);
	close_output(c);
	loop_timer_free(c->timer);
	free(c);
}

/* Who was told to end has the grace for it, as long as any of them writes. */
static void
look(struct child *c)
{
	if (!c->exited)
		return;
	if (c->left && (c->killed || c->waits)) {
		list_remove(&c->ward.node);
		destroy(c);
	} else if (!c->left && (!c->killed || c->fd < 0)) {
		tell_ended(c);
	}
}

static void
on_output(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	read_output(c);
	if (!c->told)
		look(c);
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct minder_report report = {0};
	ssize_t n = recv(fd, &report, sizeof(report), 0);

	(void)what;
	/* what it did not read comes as an error before what it told */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return;
	c->exited = true;
	c->lost = n != (ssize_t)sizeof(report) ||
		  !memchr(report.why, 0, sizeof(report.why));
	if (!c->lost)
		c->report = report;
	event_del(&c->reports);
	look(c);
}

static void
on_timer(void *arg)
{
	struct child *c = arg;

	if (c->waits) {
		c->waits = false;
		tell_minder(c, MINDER_TERM);
		loop_timer_set(c->timer, CHILD_GRACE_MS);
		return;
	}
	if (!c->killed && !c->left) {
		c->late = true;
		child_kill(c);
		return;
	}
	tell_minder(c, MINDER_KILL);
	c->killed = true;
	close_output(c); /* who holds it is gone, or not of this group */
	look(c);
}

void
child_kill(struct child *c)
{
	if (c->killed || c->told)
		return;
	c->killed = true;
	tell_minder(c, MINDER_TERM);
	loop_timer_set(c->timer, CHILD_GRACE_MS);
}

/* --- beginning --- */

static void
watch(struct child *c)
{
	event_assign(&c->output, loop_base(c->loop), c->fd,
		EV_READ | EV_PERSIST, on_output, c);
	event_add(&c->output, NULL);
	event_assign(&c->reports, loop_base(c->loop), c->control,
		EV_READ | EV_PERSIST, on_report, c);
	event_add(&c->reports, NULL);
	c->timer = loop_timer_new(c->loop, on_timer, c);
	if (c->conf.timeout_ms)
		loop_timer_set(c->timer, c->conf.timeout_ms);
}

static struct child *
child_new(struct loop *loop, const struct child_conf *conf, int control, int fd)
{
	struct child *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->conf = *conf;
	c->conf.start = NULL;
	c->control = control;
	c->fd = fd;
	evutil_make_socket_nonblocking(c->control);
	evutil_make_socket_nonblocking(c->fd);
	watch(c);
	return c;
}

/* IO: as in struct child_fds. */
static struct child *
start(struct loop *loop, const struct child_conf *conf, int io, bool connects,
	struct err *e)
{
	struct child *c = NULL;
	int control[2] = {-1, -1}, output[2] = {-1, -1};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) <
			0 ||
		pipe2(output, O_CLOEXEC) < 0)
		err_set(e, ERR_IO, "%s", strerror(errno));
	else if (conf->start(conf->start_arg,
			 &(struct child_fds){.control = control[1],
				 .output = output[1],
				 .io = io,
				 .connects = connects},
			 e))
		c = child_new(loop, conf, control[0], output[0]);
	close(control[1]);
	close(output[1]);
	if (!c) {
		close(control[0]);
		close(output[0]);
	}
	return c;
}

struct child *
child_spawn(struct loop *loop, const struct child_conf *conf, struct err *e)
{
	return start(loop, conf, conf->has_input ? conf->input : -1, false, e);
}

struct child *
child_connect(struct loop *loop, const struct child_conf *conf, int *fd_r,
	struct err *e)
{
	struct child *c;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		err_set(e, ERR_IO, "%s", strerror(errno));
		return NULL;
	}
	c = start(loop, conf, fds[1], true, e);
	close(fds[1]);
	if (c)
		*fd_r = fds[0];
	else
		close(fds[0]);
	return c;
}

static void
end_ward(struct loop_ward *w)
{
	destroy(LIST_ITEM(w, struct child, ward));
}

/* Nobody is told any more; the loop ends it when it ends itself. */
static void
leave(struct child *c)
{
	c->conf.line = NULL;
	c->conf.ended = NULL;
	c->left = true;
	c->ward.end = end_ward;
	loop_adopt(c->loop, &c->ward);
}

void
child_free(struct child *c)
{
	if (!c)
		return;
	c->conf.line = NULL;
	close_output(c);
	if (c->told && c->killed) {
		destroy(c);
		return;
	}
	tell_minder(c, MINDER_TERM);
	leave(c);
	loop_timer_set(c->timer, CHILD_GRACE_MS);
}

void
child_leave(struct child *c, uint64_t wait_ms, child_ended_fn *ended, void *arg)
{
	if (!c || c->exited || c->killed) {
		child_free(c);
		ended(arg, CHILD_GOOD, ""); /* it was told before */
		return;
	}
	leave(c);
	c->conf.ended = ended;
	c->conf.arg = arg;
	c->waits = true;
	loop_timer_set(c->timer, wait_ms);
}
