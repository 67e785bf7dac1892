#include "net/loop.h"

#include "base/str.h"
#include "net/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A delay above this (about 68 years) is as good as never. */
#define DELAY_MAX_MS (UINT64_C(0x7fffffff) * 1000)

struct loop {
	struct event_base *base;
	bool stop;
	int wake_fd; /* eventfd: something was posted */
	struct event wake;
	pthread_mutex_t lock;	 /* guards posted */
	struct list_node posted; /* struct post, oldest first */
	struct list_node taken;	 /* struct post in hand, loop thread only */
	struct list_node signals;
	struct list_node wards;
};

struct post {
	struct list_node node;
	loop_fn *fn;
	void *arg;
};

struct signal_watch {
	struct list_node node;
	struct event ev;
	loop_fn *fn;
	void *arg;
};

struct loop_timer {
	struct event ev;
	loop_fn *fn;
	void *arg;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}

static void
post_free_all(struct list_node *head)
{
	LIST_EACH(node, tmp, head)
	{
		list_remove(node);
		free(LIST_ITEM(node, struct post, node));
	}
}

/* Moves all of FROM to the end of TO. */
static void
list_move(struct list_node *to, struct list_node *from)
{
	LIST_EACH(node, tmp, from)
	{
		list_remove(node);
		list_push(to, node);
	}
}

/*
 * Runs what is posted. What its functions post themselves waits for the next
 * round, so that sockets get their turn; a stop leaves the rest for later.
 */
static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&loop->lock);
	list_move(&loop->taken, &loop->posted);
	pthread_mutex_unlock(&loop->lock);
	while (!list_empty(&loop->taken) && !loop->stop) {
		struct post p = *LIST_ITEM(loop->taken.next, struct post, node);
		struct list_node *node = loop->taken.next;

		list_remove(node);
		free(LIST_ITEM(node, struct post, node));
		p.fn(p.arg);
	}
	if (!list_empty(&loop->taken)) {
		count = 1;
		(void)!write(fd, &count, sizeof(count));
	}
}

struct loop *
loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	must(config, "event loop: out of memory");
	/*
	 * Exact timers: with the cached or the coarse clock a timer may fire
	 * some ms before clock_mono_ms() reaches its time.
	 */
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
					      EVENT_BASE_FLAG_NO_CACHE_TIME |
					      EVENT_BASE_FLAG_PRECISE_TIMER);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	must(loop->base, "event loop: cannot be made");
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(loop->wake_fd >= 0, "event loop: no eventfd");
	pthread_mutex_init(&loop->lock, NULL);
	list_init(&loop->posted);
	list_init(&loop->taken);
	list_init(&loop->signals);
	list_init(&loop->wards);
	event_assign(&loop->wake, loop->base, loop->wake_fd,
		EV_READ | EV_PERSIST, on_wake, loop);
	event_add(&loop->wake, NULL);
	/* OpenSSL and libevent write without MSG_NOSIGNAL in some places. */
	signal(SIGPIPE, SIG_IGN);
	return loop;
}

void
loop_run(struct loop *loop)
{
	if (!loop->stop)
		event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	loop->stop = false;
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
	event_base_loopbreak(loop->base);
}

void
loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (!list_empty(&loop->wards)) {
		struct list_node *node = loop->wards.next;
		struct loop_ward *w = LIST_ITEM(node, struct loop_ward, node);

		list_remove(node);
		w->end(w);
	}
	LIST_EACH(node, tmp, &loop->signals)
	{
		struct signal_watch *w =
			LIST_ITEM(node, struct signal_watch, node);

		event_del(&w->ev);
		free(w);
	}
	post_free_all(&loop->posted);
	post_free_all(&loop->taken);
	event_del(&loop->wake);
	close(loop->wake_fd);
	event_base_free(loop->base);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

void
loop_adopt(struct loop *loop, struct loop_ward *w)
{
	list_push(&loop->wards, &w->node);
}

void
loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
	struct post *p = xmalloc(sizeof(*p));
	uint64_t one = 1;

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&loop->lock);
	list_push(&loop->posted, &p->node);
	/* Inside the lock: the loop may be freed as soon as FN has run. */
	(void)!write(loop->wake_fd, &one, sizeof(one));
	pthread_mutex_unlock(&loop->lock);
}

static void
post_forget(struct list_node *head, const void *arg)
{
	LIST_EACH(node, tmp, head)
	{
		struct post *p = LIST_ITEM(node, struct post, node);

		if (p->arg != arg)
			continue;
		list_remove(node);
		free(p);
	}
}

void
loop_unpost(struct loop *loop, const void *arg)
{
	pthread_mutex_lock(&loop->lock);
	post_forget(&loop->posted, arg);
	pthread_mutex_unlock(&loop->lock);
	post_forget(&loop->taken, arg);
}

struct timeval
loop_timeval(uint64_t delay_ms)
{
	if (delay_ms > DELAY_MAX_MS)
		delay_ms = DELAY_MAX_MS;
	return (struct timeval){
		.tv_sec = (time_t)(delay_ms / 1000),
		.tv_usec = (suseconds_t)(delay_ms % 1000) * 1000,
	};
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	t->fn(t->arg);
}

struct loop_timer *
loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	evtimer_assign(&t->ev, loop->base, on_timer, t);
	return t;
}

void
loop_timer_set(struct loop_timer *t, uint64_t delay_ms)
{
	struct timeval tv = loop_timeval(delay_ms);

	event_add(&t->ev, &tv);
}

void
loop_timer_clear(struct loop_timer *t)
{
	event_del(&t->ev);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	event_del(&t->ev);
	free(t);
}

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *w = arg;

	(void)signo;
	(void)what;
	w->fn(w->arg);
}

void
loop_signal(struct loop *loop, int signo, loop_fn *fn, void *arg)
{
	struct signal_watch *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	event_assign(&w->ev, loop->base, signo, EV_SIGNAL | EV_PERSIST,
		on_signal, w);
	must(event_add(&w->ev, NULL) == 0, "event loop: cannot watch signal");
	list_push(&loop->signals, &w->node);
}

const char *
loop_library(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "libevent %s", event_get_version());
	return text;
}
