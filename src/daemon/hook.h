/*
 * Hooks: programs of the owner that run at events (tidepost-hooks(7)).
 *
 * Events stand in lanes, one for each link and one for what belongs to none. Of
 * a lane one event runs at a time, its programs one after the other, at most
 * HOOK_TIMEOUT_MS each; lanes do not wait for each other. Nothing waits for
 * hooks: what comes while a lane is full is dropped, and that is logged.
 *
 * link-up and link-down of a link alternate, whatever happens: what would not
 * change anything is not queued, and when too many wait, a pair goes. Which
 * of them was begun last is in the spool (meta `hooks-up`) before it is, so
 * that the next start of the daemon goes on from there.
 */
#ifndef DAEMON_HOOK_H
#define DAEMON_HOOK_H

#include "daemon/hook_facts.h"
#include "daemon/node.h"

enum {
	HOOK_TIMEOUT_MS = 60000,   /* for one program */
	HOOK_QUEUE_MAX = 1000,	   /* events of a lane that wait */
	HOOK_LINK_QUEUE_MAX = 10,  /* of them link-up and link-down */
	HOOK_AT_ONCE_MAX = 8,	   /* lanes that run something */
	HOOK_COMPLAINTS_MAX = 100, /* remembered, so as to be said once */
};

struct hooks;

struct hooks *hooks_new(struct node *n);
/* Reads which links were told up. Blocking. */
enum err_code hooks_load(struct hooks *h, struct err *e);
/* All links of the configuration have been told by hooks_link. */
void hooks_loaded(struct hooks *h);
/* Another configuration holds; before links are told of it. */
void hooks_reload(struct hooks *h);
/* The daemon is to end: ends what runs, begins nothing more, calls DONE. */
void hooks_quit(struct hooks *h, void (*done)(void *arg), void *arg);
/* Pool and spool are closed by then. NULL is fine. */
void hooks_free(struct hooks *h);

/* Something happened; not for link-up and link-down. FACTS is copied. */
void hooks_tell(
	struct hooks *h, enum hook_event what, const struct hook_facts *facts);
/* Would hooks_link change anything? */
bool hooks_is_news(struct hooks *h, const char *link, bool up);
/* FACTS->link is UP, or not: link-up or link-down where that is news. */
void hooks_link(struct hooks *h, bool up, const struct hook_facts *facts);

#endif
