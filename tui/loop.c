#include "tui/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "tui/draw.h"
#include "tui/prompt.h"
#include "tui/search.h"

enum {
	WORK_MS = 20,	 /* in the background, between two looks for keys */
	FIRST_MS = 60,	 /* after a key, before the picture is shown */
	FRESH_MS = 3000, /* after a key, all is shown as it comes */
	REDRAW_MS = 250, /* but not more often than that */
	SETTLE_MS = 20000,
	KEYS_AT_ONCE = 100,
	EMPTY_READS_MAX = 3, /* readable without a key: the terminal is gone */
};

struct loop {
	struct console *c;
	uint64_t refresh_ms;
	uint64_t next_ms; /* the next refresh */
	uint64_t key_ms;  /* when the last key came */
	uint64_t drawn_ms;
	bool changed; /* facts came: to be shown, sparingly */
	bool shown;   /* since the last refresh */
	unsigned empty_reads;
};

static volatile sig_atomic_t ended_by;
static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { FATAL_N = sizeof(fatal_signals) / sizeof(*fatal_signals) };

static void
remember(int sig)
{
	ended_by = sig;
}

static sigset_t waiting; /* the mask while we wait: fatal ones get in then */

void
loop_hold_signals(void)
{
	struct sigaction action = {.sa_handler = remember};
	sigset_t fatal;

	sigemptyset(&fatal);
	for (size_t i = 0; i < FATAL_N; i++) {
		sigaddset(&fatal, fatal_signals[i]);
		sigaction(fatal_signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &fatal, &waiting);
}

/* --- work in the background --- */

static bool
work_once(struct console *c)
{
	bool more = false;

	if (c->searching.view)
		more = search_work(c);
	if (c->view->ops->work)
		more |= c->view->ops->work(c->view);
	return more;
}

/* For MS; true: there is more. */
static bool
work_for(struct console *c, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;
	bool more;

	do
		more = work_once(c);
	while (more && clock_mono_ms() < until);
	return more;
}

static bool
under_way(const struct console *c)
{
	return c->status || c->work;
}

static int
add_fds(const struct console *c, struct pollfd *fds)
{
	int n = 0;

	if (c->status)
		fds[n++] = (struct pollfd){ask_fd(c->status), POLLIN, 0};
	if (c->work)
		fds[n++] = (struct pollfd){ask_fd(c->work), POLLIN, 0};
	return n;
}

void
loop_settle(struct console *c)
{
	uint64_t until = clock_mono_ms() + SETTLE_MS;
	struct pollfd fds[2];

	while (clock_mono_ms() < until) {
		bool more = work_once(c);

		if (!more && !under_way(c))
			return;
		if (under_way(c)) {
			poll(fds, (nfds_t)add_fds(c, fds), more ? 0 : 50);
			console_step(c);
		}
	}
}

/* --- keys --- */

static void
press(struct console *c, int key)
{
	enum tui_request r;

	c->note[0] = '\0';
	search_stop(c);
	if (key == KEYS_RESIZE) {
		if (c->view->ops->load)
			c->view->ops->load(c->view, draw_width(c));
		return;
	}
	if (c->prompt.label) {
		prompt_key(c, key);
		return;
	}
	r = request_of_key(key, c->view->ops->in);
	if (r == REQUEST_NONE && key > ' ')
		console_say(c, TONE_WARN,
			"that key means nothing here; ? is "
			"help");
	console_request(c, r);
}

enum err_code
loop_feed(struct console *c, const char *keys, struct err *e)
{
	struct str rest = str_of(keys);

	loop_settle(c);
	while (rest.n && !c->quit) {
		struct str name = str_cut(rest, ' ', &rest);
		int key = key_of_name(name);

		if (name.n == 0)
			continue;
		if (key == KEYS_NONE)
			return err_set(e, ERR_USAGE, "\"%.*s\" is no key",
				STR_FMT(name));
		if (c->screen)
			draw(c); /* moving needs to know what is seen */
		press(c, key);
		loop_settle(c);
	}
	return OK;
}

/* What was typed; false: the terminal is gone. */
static bool
take_keys(struct loop *l, bool readable)
{
	struct console *c = l->c;
	unsigned n = 0;
	int key;

	while (n < KEYS_AT_ONCE && !c->quit &&
		(key = screen_key(c->screen)) != KEYS_NONE) {
		press(c, key);
		work_for(c, FIRST_MS); /* what is typed ahead may need it */
		n++;
	}
	if (n) {
		l->key_ms = clock_mono_ms();
		c->dirty = true;
		l->empty_reads = 0;
	} else if (readable) {
		l->empty_reads++;
	}
	return l->empty_reads < EMPTY_READS_MAX;
}

/* --- showing --- */

static bool
is_fresh(const struct loop *l)
{
	return clock_mono_ms() - l->key_ms < FRESH_MS;
}

/*
 * After a key all is shown; later one picture a refresh, within a budget, when
 * the daemon has answered.
 */
static void
show(struct loop *l)
{
	struct console *c = l->c;
	uint64_t now = clock_mono_ms();
	bool fresh = is_fresh(l);

	if (!c->dirty && (!l->changed || (fresh ? now - l->drawn_ms < REDRAW_MS
						: l->shown || c->status)))
		return;
	draw(c);
	screen_show(c->screen, c->dirty || fresh ? 0 : LOOP_IDLE_OCTETS);
	c->dirty = l->changed = false;
	l->shown = true;
	l->drawn_ms = now;
}

/* The state of the node anew, and one picture of it. */
static void
refresh(struct loop *l)
{
	uint64_t now = clock_mono_ms();

	if (now < l->next_ms)
		return;
	l->next_ms = now + l->refresh_ms;
	l->shown = false;
	console_refresh(l->c);
	if (!l->c->status)
		l->changed = true;
}

static int
patience(const struct loop *l, bool more)
{
	uint64_t now = clock_mono_ms(), until = l->next_ms;

	if (more)
		return 0;
	if (l->changed && is_fresh(l) && l->drawn_ms + REDRAW_MS < until)
		until = l->drawn_ms + REDRAW_MS;
	return until > now ? (int)(until - now) : 0;
}

/* False: the terminal is gone. */
static bool
wait_once(struct loop *l, bool more)
{
	struct console *c = l->c;
	struct pollfd fds[3] = {{STDIN_FILENO, POLLIN, 0}};
	int ms = patience(l, more), n = 1 + add_fds(c, fds + 1);
	struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
	bool had_work = c->work != NULL, readable;

	if (ppoll(fds, (nfds_t)n, &time, &waiting) < 0 && errno != EINTR)
		return false;
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	readable = fds[0].revents & POLLIN;
	if (!take_keys(l, readable))
		return false;
	if (under_way(c) && console_step(c)) {
		l->changed = true;
		c->dirty |= had_work && !c->work;
	}
	return true;
}

static uint64_t
refresh_ms(unsigned refresh_s)
{
	struct termios t;
	speed_t speed;

	if (refresh_s)
		return (uint64_t)refresh_s * 1000;
	if (tcgetattr(STDOUT_FILENO, &t) < 0)
		return LOOP_REFRESH_S * 1000;
	speed = cfgetospeed(&t);
	return (speed != B0 && speed <= B9600 ? LOOP_REFRESH_SLOW_S
					      : LOOP_REFRESH_S) *
	       1000;
}

int
loop_run(struct console *c, unsigned refresh_s)
{
	struct loop l = {.c = c, .refresh_ms = refresh_ms(refresh_s)};
	bool there = true;

	l.key_ms = clock_mono_ms();
	c->dirty = true;
	while (there && !c->quit && !ended_by) {
		bool more;

		refresh(&l);
		more = work_for(c, c->dirty ? FIRST_MS : WORK_MS);
		if (c->view->ops->work && more)
			l.changed = true;
		show(&l);
		there = wait_once(&l, more);
	}
	return ended_by ? ended_by : there ? 0 : SIGHUP;
}
