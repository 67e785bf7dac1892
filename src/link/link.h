/*
 * A link: a way out that is sometimes there. Pure: events and the time go in,
 * commands come out; the daemon does what they say.
 *
 *	DOWN --call--> DIALING --up--> UP --work--> EXCHANGING --no work--> IDLE
 *	  ^  --------------up---------^   <----------work/no work----------> |
 *	  +--hung up-- HANGING_UP <---done, lost, failed, asked--------------+
 *
 * What we dialled is hung up, whatever happens: `dialed` is recorded before
 * dial.up runs and cleared when dial.down succeeded, so a crash, another
 * boot or a dial.down that fails is made good. Links that are reported (hook,
 * interface, probe) are never hung up by themselves. Twice up or down
 * changes nothing. Starts and stops of sessions alternate.
 *
 * A link that is up may still not be used (`blocks`): its budget is spent, a
 * window shut, a cheaper link is up, or it comes and goes (damping.h). A
 * person's call goes over the window and the cheaper link, never over a budget.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/state.h"
#include "link/damping.h"

#include <stdbool.h>

enum link_state {
	LINK_DISABLED,
	LINK_DOWN,
	LINK_DIALING,
	LINK_UP,
	LINK_EXCHANGING,
	LINK_IDLE,
	LINK_HANGING_UP,
	LINK_FAILED,
};

enum link_event {
	LINK_EV_UP,		/* reported: it carries packets */
	LINK_EV_DOWN,		/* reported: it does not */
	LINK_EV_CALL,		/* a person asks */
	LINK_EV_AUTO_CALL,	/* mail and time ask (sched/call.h) */
	LINK_EV_DIALED,		/* dial.up ended, exit 0 */
	LINK_EV_DIAL_FAILED,	/* dial.up ended otherwise */
	LINK_EV_CONNECTED,	/* a connection was made over it */
	LINK_EV_HANGUP,		/* a person or timer asks */
	LINK_EV_HUNG_UP,	/* dial.down ended, exit 0 */
	LINK_EV_HANGUP_FAILED,	/* dial.down ended otherwise */
	LINK_EV_WORK,		/* a session began */
	LINK_EV_NO_WORK,	/* the last session ended and nothing is due */
	LINK_EV_DISABLE,	/* a person */
	LINK_EV_ENABLE,		/* a person */
	LINK_EV_BUDGET_REACHED, /* no message fits any more */
	LINK_EV_BUDGET_SPENT,	/* budget_is_spent: hang up now */
	LINK_EV_BUDGET_FREE,	/* a new day, or more was allowed */
	LINK_EV_BETTER_UP,	/* a cheaper link carries its mail */
	LINK_EV_BETTER_GONE,
	LINK_EV_WINDOW_SHUT,
	LINK_EV_WINDOW_OPEN,
	/* Once for each use of the link, before NO_WORK, as --wait tells it: */
	LINK_EV_RESULT_GOOD, /* 0 or 10 */
	LINK_EV_RESULT_BAD,  /* 13 or 14 */
	LINK_EV_TICK,	     /* link_wake_ms has come */
	LINK_EV_WAITED,	     /* somebody waits for it: not damped now */
	LINK_EV_QUIT,	     /* the daemon ends */
	LINK_EVENTS_N,
};

/*
 * What the daemon does after an event; bits, done in this order. SAVE is on
 * the disk before DIAL is run. HANG_UP runs when what KILL ended is gone.
 */
enum link_command {
	LINK_DO_NOTHING = 0,
	LINK_DO_SAVE = 1,     /* link_record changed */
	LINK_DO_KILL = 2,     /* end the dial.up or dial.down that runs */
	LINK_DO_FINISH = 4,   /* its sessions end at the next message */
	LINK_DO_IDLE = 8,     /* it came to rest: tell who waits */
	LINK_DO_STOP = 16,    /* end its sessions now */
	LINK_DO_HANG_UP = 32, /* run dial.down */
	LINK_DO_DIAL = 64,    /* run dial.up */
	/*
	 * Begin sessions with its peers. In DIALING these are tries: the first
	 * connection is LINK_EV_CONNECTED, and a failure counts nowhere.
	 */
	LINK_DO_START = 128,
	LINK_DO_AGAIN = 256, /* begin again with peers that were given up */
	LINK_DO_STUCK = 512, /* no more automatic calls: run the hook */
};

enum {
	LINK_HANGUP_TIMEOUT_MS = 60000,
	LINK_HANGUP_TRIES = 5,
	LINK_TRY_MS = 5000,   /* between two tries of a connection, dialling */
	LINK_BAD_RESULTS = 2, /* in a row: stuck */
};

struct link_conf {
	bool dials;    /* there is a dial.up */
	bool hangs_up; /* there is a dial.down */
	bool connects; /* no interface is named: a connection tells that the
			  call went through */
	uint64_t dial_timeout_ms;
};

/* What is recorded in the spool. */
struct link_record {
	bool up; /* of this boot */
	bool disabled;
	bool dialed; /* the line may be open; of any boot */
	bool stuck;
};

enum link_block {
	LINK_BLOCK_BUDGET = 1,
	LINK_BLOCK_WINDOW = 2,
	LINK_BLOCK_BETTER = 4,
	LINK_BLOCK_UNSTEADY = 8,
};

struct link {
	struct state state;
	struct link_conf conf;
	bool reported_up, disabled, dialed, stuck;
	bool child;   /* dial.up runs */
	bool running; /* started and not stopped */
	bool ending;  /* sessions were told to finish */
	bool person;  /* a person asked for this call */
	bool again;   /* call once more after hanging up */
	bool failed;  /* the state after hanging up is FAILED */
	bool good;    /* a result of this call was good */
	unsigned blocks, bad_results, failures, hangup_tries;
	uint64_t retry_at_ms;  /* the next automatic call; 0: any time */
	uint64_t deadline_ms;  /* of dial.up or dial.down; 0: none */
	uint64_t again_at_ms;  /* next dial.down or try; 0: none */
	uint64_t steady_at_ms; /* of UNSTEADY */
	struct damping damping;
};

/*
 * A link as it was RECORDED; OTHER_BOOT: by another boot of the machine, after
 * which it is down and dial.down runs once. Returns LINK_DO_ bits, as all do.
 */
unsigned link_init(struct link *l, uint64_t id, const struct link_conf *conf,
	const struct link_record *recorded, bool other_boot, uint64_t now_ms);
unsigned link_event(struct link *l, enum link_event ev, uint64_t now_ms);
/*
 * The configuration or a password file changed: CONF holds, and automatic
 * calls are possible again.
 */
unsigned link_configure(struct link *l, const struct link_conf *conf);
/* When LINK_EV_TICK is due; UINT64_MAX: never. */
uint64_t link_wake_ms(const struct link *l);

struct link_record link_record(const struct link *l);
/* May sessions begin over it now? (In DIALING: as tries.) */
bool link_is_usable(const struct link *l);
const char *link_state_name(const struct link *l);

/* Why it is not used, or not called; the first that applies. */
enum link_why {
	LINK_WHY_NONE,
	LINK_WHY_DISABLED,
	LINK_WHY_BUDGET,
	LINK_WHY_WINDOW,
	LINK_WHY_BETTER,
	LINK_WHY_UNSTEADY,
	LINK_WHY_NOT_HUNG_UP, /* dial.down fails: the line may be open */
	LINK_WHY_STUCK,
	LINK_WHY_RETRY,	  /* the last call failed: back-off */
	LINK_WHY_NO_DIAL, /* it is down and nothing can call it */
	LINK_WHY_DOWN,
};
enum link_why link_why(const struct link *l, uint64_t now_ms);
/* In words, "" for NONE; static. */
const char *link_why_text(enum link_why why);
/* Would LINK_EV_AUTO_CALL dial now? */
bool link_may_call(const struct link *l, uint64_t now_ms);

#endif
