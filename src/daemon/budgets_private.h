/* What the files of the budgets share. */
#ifndef DAEMON_BUDGETS_PRIVATE_H
#define DAEMON_BUDGETS_PRIVATE_H

#include "daemon/budgets.h"
#include "daemon/speeds.h"

enum {
	/* Octets that may move before the rows are saved, beside the time. */
	BUDGETS_SAVE_OCTETS = 32768,
	BUDGETS_WINDOW_LEAST = 1152, /* the kernel has none smaller */
	/* What may come before we can stop who sends: twice the least window.
	 */
	BUDGETS_TAKING_OCTETS = 3072,
	BUDGETS_MOST_URGENT = 9,
};

/* What the link was told last. */
enum budgets_told { TOLD_FREE, TOLD_REACHED, TOLD_SPENT };

/* One link of the configuration. */
struct budgets_entry {
	char name[SPOOL_NAME_MAX + 1];
	struct budget budget;
	struct budget_row was; /* a session found at start; starts_at 0: none */
	bool limited;	       /* or paid */
	bool in_use;
	bool over; /* somebody sends, and more than is left may come */
	enum budgets_told told;
	const char *why;
	uint64_t room; /* at the last look */
	uint64_t saved_ms, unsaved;
	double billed;
};

struct budgets {
	struct node *n;
	struct budgets_entry **v;
	size_t count;
	struct loop_timer *timer;
	struct list_node tails; /* closed sessions that linger */
};

/* Both clocks. */
struct budget_time budgets_now(void);
/* NULL: no such link, or LINK is NULL. */
struct budgets_entry *budgets_find(const struct budgets *b, const char *link);

/* --- budgets.c --- */

/* Tells the link what has become of its budget. */
void budgets_look(struct budgets *b, struct budgets_entry *en);
/* The timer runs out when something is next to be looked at. */
void budgets_set_timer(struct budgets *b);

/* --- budgets_rows.c --- */

/* Writes what changed; OVER (NULL: none) is a session that ended. */
void budgets_save(struct budgets *b, struct budgets_entry *en,
	const struct budget_row *over);
void budgets_save_if_due(struct budgets *b, struct budgets_entry *en);
/* What may have moved since the rows were saved. */
uint64_t budgets_unsaved_most(const struct budgets_entry *en);
/* Blocking. */
enum err_code budgets_load(struct budgets *b, struct err *e);

/* --- budgets_charge.c --- */

/* Sessions over the link; at least 1. */
uint64_t budgets_sessions(
	const struct budgets *b, const struct budgets_entry *en);
/* Those that linger are not charged any more. */
void budgets_leave_tails(struct budgets *b);

/* --- budgets_fit.c --- */

/*
 * The smallest window of a link in use: on a connection that others make it
 * must hold before we know over which it comes. 0: any.
 */
uint32_t budgets_least_window(struct budgets *b);
/* Octets that mail of PRIORITY may use, after BESIDES more. */
uint64_t budgets_room(const struct budgets *b, const struct budgets_entry *en,
	int priority, uint64_t besides);

#endif
