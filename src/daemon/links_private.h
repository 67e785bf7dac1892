/* What the files of the links share. */
#ifndef DAEMON_LINKS_PRIVATE_H
#define DAEMON_LINKS_PRIVATE_H

#include "base/clock.h"
#include "daemon/hook_facts.h"
#include "daemon/links.h"
#include "link/link.h"
#include "link/window.h"
#include "net/child.h"
#include "net/ifwatch.h"
#include "spool/records.h"

/* One link; it stays where it is until links_free. */
struct link_run {
	struct links *l;
	struct spool_link row;	      /* what is recorded */
	const struct conf_link *conf; /* borrowed; configurations live on */
	struct link machine;
	struct list_node waits;
	int worst; /* of the results since it came up */
	char worst_text[512];

	/* links_auto.c */
	struct windows windows;
	bool window_shut;  /* as the machine was told */
	bool timeless;	   /* no windows: the time is, or was, not known */
	int64_t chance_at; /* the last call that reached a peer began */
	uint64_t waits_since_ms; /* mail for it; 0: none is known */

	bool has_better; /* links_better.c; as the machine was told */

	/* links_hook.c */
	struct hook_use use;   /* of sessions that are over; since then: */
	uint64_t use_began_ms; /* 0: never, in this start of the daemon */
	bool budget_told;      /* in this use, and there is no room since */

	/* links_watch.c */
	struct loop_timer *watch; /* NULL: it is not followed */
	struct child *probe;	  /* runs now; NULL: none */
	bool seen, seen_up;	  /* at the last look */
	unsigned index;		  /* of the interface then; 0 none */
	bool look_soon;		  /* something changed */

	/* links_dial.c */
	const struct conf_link *called; /* whose dial.up ran; NULL: none */
	struct child *up, *down;	/* NULL: none */
	bool up_runs;			/* else it has ended, or is none */
	bool dial_waits;		/* for its record to be on the disk */
	bool hang_up_waits;		/* for the end of what was killed */
	char trouble[160];		/* why the last call failed; "" none */
};

struct links {
	struct node *n;
	struct link_run **v; /* as in the configuration */
	size_t count;
	struct link_run **gone; /* no longer in it, perhaps still open */
	size_t gone_n;
	struct loop_timer *timer;      /* what a machine waits for next */
	struct loop_timer *auto_timer; /* links_auto.c */
	bool auto_looking;	       /* the spool is asked what waits */
	bool auto_again;	       /* ask once more after it */
	bool auto_soon;		       /* auto_timer runs out at once */
	struct ifwatch *ifwatch; /* NULL: none is followed, or none to be had */
	bool ifwatch_ended;	 /* it tells no more */
	char boot[CLOCK_BOOT_MAX];
	/* The daemon ends as soon as no line is open. */
	void (*quit)(void *arg);
	void *quit_arg;
};

/* NULL: none of the configuration. */
struct link_run *links_find(struct links *l, const char *name);
/* Tells the machine and does what it says. */
void links_event(struct link_run *r, enum link_event ev);

/* CONF holds from now on; ends `stuck`. */
void links_configure(struct link_run *r, const struct conf_link *conf);

/* --- links.c, for the other files --- */

struct link_run *links_run_new(struct links *l, const struct conf_link *conf);
/* Its machine begins with what is recorded. I: its place among the links. */
void links_run_begin(struct link_run *r, size_t i);
/* Down, failed or disabled: nothing is open. */
bool links_is_at_rest(const struct link_run *r);
/* Each of its peers has a turn. */
void links_begin(struct link_run *r);
void links_tell_rest(struct link_run *r);
/* For the next moment that a machine waits for. */
void links_set_timer(struct links *l);

/* --- links_record.c --- */

/* DIAL: dial.up runs when it is on the disk. */
void links_record_save(struct link_run *r, bool dial);
/* Makes the links of the configuration, with what is recorded. Blocking. */
enum err_code links_record_load(struct links *l, struct err *e);

/* --- links_reload.c --- */

/* The daemon ends as soon as no line is open, if it is to end. */
void links_quit_if_closed(struct links *l);

/* --- links_auto.c --- */

void links_auto_begin(struct links *l);
/* Something changed: looks soon whether it is time to call. */
void links_auto_soon(struct links *l);
/* Its windows are those of the configuration. */
void links_auto_configure(struct link_run *r);
/* Ends `stuck` where its files changed since. */
void links_auto_mend(struct link_run *r, bool at_start);
/* When a window opens next; 0: it has none. */
int64_t links_next_window(const struct link_run *r);

/* --- links_better.c --- */

/* Of the links to PEER, the next one behind LAST (NULL: the cheapest). */
const struct conf_link *links_next_cheapest(const struct conf *conf,
	const char *peer, const struct conf_link *last);
/* After each event: tells links that a cheaper one does their work. */
void links_look_for_better(struct links *l);

/* --- links_watch.c --- */

/* Follows it as the configuration says, from the next turn of the loop on. */
void links_watch_configure(struct link_run *r);
void links_watch_free(struct link_run *r);

/* --- links_tell.c --- */

/* What a person said, or what keeps it from use or from being called. */
enum { LINKS_REASON_MAX = 700 };
void links_reason(const struct link_run *r, char *out, size_t size);

/* --- links_hook.c --- */

/*
 * After each event of its machine: BEFORE its commands are obeyed (BEFORE is
 * the state it was in), so that link-up comes first; and when they are.
 */
void links_hook_begin(struct link_run *r, int before);
void links_hook_end(struct link_run *r);
/* It was hung up and is dialled again: the end of the call before. */
void links_hook_hung_up(struct link_run *r);
/* STATE NULL: that of its machine. WHY may be NULL. */
void links_hook_tell(struct link_run *r, enum hook_event what,
	const char *state, const char *why);
/* budget-reached, once in a use of the link. */
void links_hook_budget(struct link_run *r, const char *why);

/* --- links_wait.c --- */

void links_end_waits(struct link_run *r, int code, const char *text);

/* --- links_dial.c --- */

/* The machine's settings. */
struct link_conf links_dial_conf(const struct link_run *r);
/* Its record is on the disk, or (not OK) is not. */
void links_dial_saved(
	struct link_run *r, enum err_code code, const struct err *e);
/* LINK_DO_KILL, LINK_DO_HANG_UP. */
void links_dial_kill(struct link_run *r);
void links_dial_hang_up(struct link_run *r);
/* After each event: ends what a call left behind, once it is over. */
void links_dial_tidy(struct link_run *r);
/* It is over, and the next one begins. */
void links_dial_over(struct link_run *r);
/* Nothing of it runs any more. */
void links_dial_free(struct link_run *r);

#endif
