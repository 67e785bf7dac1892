/* What the files of the hooks share. */
#ifndef DAEMON_HOOK_PRIVATE_H
#define DAEMON_HOOK_PRIVATE_H

#include "daemon/hook.h"
#include "daemon/hook_dir.h"
#include "net/child.h"

struct hook_item {
	struct list_node node; /* in items */
	enum hook_event what;
	char **env;
};

struct hook_lane {
	struct list_node node; /* in lanes */
	struct hooks *h;
	char link[SPOOL_NAME_MAX + 1]; /* "": events of no link */
	struct list_node items;	       /* that wait */
	size_t items_n, link_items_n;
	unsigned dropped[HOOK_EVENTS_N];
	bool up; /* link-up was begun, and link-down was not */
	/* what runs */
	struct hook_item *now; /* NULL: nothing */
	struct hook_dir dir;
	size_t at; /* the program of it */
	unsigned lines;
	struct child *child;
};

struct hooks {
	struct node *n;
	struct list_node lanes;
	size_t running;			 /* lanes */
	uint64_t none_ms[HOOK_EVENTS_N]; /* it had no program then; 0 never */
	char *complaints[HOOK_COMPLAINTS_MAX];
	size_t complaints_n;
	bool quitting;
	void (*quit)(void *arg);
	void *quit_arg;
};

static inline bool
hook_is_of_link(enum hook_event what)
{
	return what == HOOK_LINK_UP || what == HOOK_LINK_DOWN;
}

/* --- hook.c --- */

/* That of LINK; made where there is none. */
struct hook_lane *hook_lane_of(struct hooks *h, const char *link);
/* The event it ran is over: whose turn is it? */
void hook_end_event(struct hook_lane *lane);

/* --- hook_mark.c --- */

/* Its `up` is put on the disk, then hook_run. */
void hook_mark(struct hook_lane *lane);

/* --- hook_run.c --- */

/* Looks for the programs of the event in hand and runs them; then
 * hook_end_event. */
void hook_run(struct hook_lane *lane);

#endif
