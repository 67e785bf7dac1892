/*
 * When a link may be used: "06:00-06:20", "Mon-Fri 18:00-18:20",
 * "Sat,Sun 23:50-00:10" (past midnight; the day is that of its beginning).
 *
 * Windows are kept as days and minutes and asked by the second of the local
 * week (0: Monday 00:00). The functions with times in UTC take the zone as a
 * struct calendar. No window at all means any time. Windows that touch or
 * overlap are one.
 *
 * A window is open while the clock on the wall shows a time inside it: what
 * lies in an hour that summer time skips is not there that day, and in an
 * hour that comes twice it is open twice.
 */
#ifndef LINK_WINDOW_H
#define LINK_WINDOW_H

#include "base/err.h"
#include "base/str.h"
#include "link/calendar.h"

enum { WINDOWS_MAX = 64 };

struct window {
	unsigned days; /* bit 0: Monday */
	int from_min;  /* 0 to 1439 */
	int length_min;
};

struct windows {
	struct window v[WINDOWS_MAX];
	size_t n;
};

/* Adds one. ERR_INVALID, ERR_LIMIT: E says what is wrong and how it should be.
 */
enum err_code windows_add(struct windows *w, struct str text, struct err *e);

bool windows_inside(const struct windows *w, int64_t week_s);
/* Seconds until a window is open; 0: one is. */
int64_t windows_until_open(const struct windows *w, int64_t week_s);
/* Seconds until it shuts; 0: none is open, CALENDAR_WEEK_S: it never shuts. */
int64_t windows_until_shut(const struct windows *w, int64_t week_s);

/* Now or next; the same in UTC. */
struct window_times {
	bool open;
	int64_t opens; /* when it is not open: the next one's beginning */
	int64_t shuts; /* of the open or next one; 0: never */
};
struct window_times windows_times(
	const struct windows *w, const struct calendar *c, int64_t at);

#endif
