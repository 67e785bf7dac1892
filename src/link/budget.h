/*
 * What may be spent on a link, what has been, and what still fits. A cap is a
 * cap: nothing is charged to a period that has no room for it.
 *
 * Limits hold for a session, a day and a month: seconds, octets, money. Time is
 * paid in whole steps (cost.billing_step); a step is charged when it begins,
 * to the day and month in which it begins, and so is paid whatever comes.
 * Time runs from budget_begin (the start of dial.up, or link up) to
 * budget_end (the end of hang-up). Octets are those of octets.h.
 *
 * Used amounts are rows as the spool's table `budget` keeps them: load them
 * all at start, write the dirty ones at least every BUDGET_SAVE_EVERY_S
 * and at the end. The running session has a row too; finding one at start
 * means a crash: budget_resume charges what passed meanwhile.
 *
 * Both clocks are handed in. Calendar time of a running session goes on
 * with the monotonic clock; where the wall clock was set meanwhile, the session
 * moves to the new date only if the budgets there have room.
 */
#ifndef LINK_BUDGET_H
#define LINK_BUDGET_H

#include "link/calendar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_period {
	BUDGET_SESSION,
	BUDGET_DAY,
	BUDGET_MONTH,
	BUDGET_PERIODS,
};
enum budget_kind { BUDGET_TIME, BUDGET_BYTES, BUDGET_COST };

enum {
	BUDGET_SAVE_EVERY_S = 10,
	BUDGET_ROWS_MAX = 800, /* two years of days; the oldest go first */
	BUDGET_MEGABYTE = 1000000,
	/* A wall clock off by more than this was set. */
	BUDGET_STEP_S = 5,
	/*
	 * Kept free of each limit for what follows a decision to stop: octets
	 * of a close and of what the peer still had under way.
	 */
	BUDGET_STOP_OCTETS = 2048,
	/* A longer absence than this is a clock that was set. */
	BUDGET_GAP_MAX_S = 86400,
	/* Time a message is given beyond what the rate says, in percent. */
	BUDGET_SLOWER_PERCENT = 10,
	/* Turns after the last octet: the reply, and QUIT. */
	BUDGET_END_TURNS = 2,
};

struct budget_amount {
	int64_t seconds; /* as billed */
	uint64_t bytes;
	double cost;
};

struct budget_conf {
	struct budget_amount limit[BUDGET_PERIODS]; /* 0: no limit */
	int month_starts;			    /* 1 to 31; 0 is 1 */
	/* Kept back of each limit of time, and of money at per_minute. */
	int64_t reserve_s;
	int reserve_min_priority; /* who may use it */
	double per_minute, per_megabyte, per_call;
	int64_t step_s;		  /* 0 is 1 */
	int64_t hangup_s;	  /* how long hanging up may take */
	struct calendar calendar; /* borrowed argument */
};

struct budget_row {
	enum budget_period period;
	int64_t starts_at; /* of a session: its beginning */
	struct budget_amount used, extra;
	bool dirty;
};

/* Now, on both clocks; the wall clock as clock_sane_s gives it. */
struct budget_time {
	int64_t wall_s;
	uint64_t mono_ms;
};

struct budget {
	struct budget_conf conf;
	struct budget_conf next; /* prices of the next session */
	struct budget_row *rows; /* owned; days and months */
	size_t rows_n;
	bool running;
	struct budget_row session;
	int64_t start_ms; /* monotonic; may lie before this boot */
	int64_t steps;	  /* charged so far */
	struct budget_time anchor;
};

void budget_init(struct budget *b, const struct budget_conf *conf);
void budget_free(struct budget *b);
/* Limits hold at once, prices from the next session on. */
void budget_configure(struct budget *b, const struct budget_conf *conf);

/* --- what is kept --- */

/* A row of the spool; not of a session. */
void budget_load(struct budget *b, const struct budget_row *row);
/* A row that changed since it was last given; false: none has. */
bool budget_dirty(struct budget *b, struct budget_row *row_r);
const char *budget_period_name(enum budget_period p); /* "session" */

/* --- a session --- */

void budget_begin(struct budget *b, struct budget_time now);
/*
 * The session of ROW was running when the daemon ended, and the line may have
 * been open since (at most BUDGET_GAP_MAX_S are charged). BYTES: what may
 * have moved after the row was written. If the machine has booted since, the
 * line fell with it: then give as NOW the row's beginning plus its seconds plus
 * BUDGET_SAVE_EVERY_S, and end the session with the same.
 */
void budget_resume(struct budget *b, const struct budget_row *row,
	uint64_t bytes, struct budget_time now);
/* Charges the time up to NOW, and BYTES more. Often: each second or so. */
void budget_charge(struct budget *b, uint64_t bytes, struct budget_time now);
/* Charges to the end. What the session used is b->session.used. */
void budget_end(struct budget *b, struct budget_time now);
/* A person allows more, once: today, this month and the running session. */
void budget_allow(struct budget *b, const struct budget_amount *extra,
	struct budget_time now);

/* --- what is left --- */

struct budget_left {
	bool has_seconds, has_bytes, has_cost; /* else there is no limit */
	struct budget_amount v;		       /* never below 0 */
};
/* Of one period, for mail of PRIORITY (9: all that is left). */
struct budget_left budget_left(const struct budget *b, enum budget_period p,
	int priority, struct budget_time now);
/* The least of all periods. */
struct budget_left budget_left_least(
	const struct budget *b, int priority, struct budget_time now);

struct budget_why {
	enum budget_period period;
	enum budget_kind kind;
};
/* "the month's money is used up"; static. */
const char *budget_why_text(struct budget_why why);

/*
 * How long the link may still be used until hanging up must begin, by time and
 * by money for time; INT64_MAX: no limit. Without a session: a new one.
 */
int64_t budget_time_ms(
	const struct budget *b, int priority, struct budget_time now);
/* Likewise, if octets go on moving at BPS bits a second. */
int64_t budget_until_cap_ms(
	const struct budget *b, uint64_t bps, struct budget_time now);
/* Must the link be hung up now, whatever is under way? */
bool budget_is_spent(const struct budget *b, struct budget_time now,
	struct budget_why *why_r);

struct budget_need {
	uint64_t bytes; /* on the wire, both directions, replies with it */
	uint64_t bps, rtt_ms;
	int64_t ms; /* besides the octets and the end: dialling, turns */
	int priority;
};
/*
 * May a message (or, without a session, a call) begin: does it fit every
 * budget together with its reply, QUIT, hanging up and a reserve?
 */
bool budget_may_begin(const struct budget *b, const struct budget_need *need,
	struct budget_time now, struct budget_why *why_r);

/* Price of a session of SECONDS and BYTES. */
double budget_price(
	const struct budget_conf *conf, int64_t seconds, uint64_t bytes);

#endif
