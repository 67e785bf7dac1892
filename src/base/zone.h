/*
 * Time zones as values: seconds to add to UTC at a moment. The C library
 * knows one zone for a whole program (TZ); links have one each.
 *
 * A zone is a list of changes, as zone files have them, and a rule for all
 * later years, as the variable TZ has it; either may be missing. What is fed
 * here was written by others: it is checked whole before it is used. Files are
 * found and read by conf/timezone.h.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum {
	ZONE_CHANGES_MAX = 4096,
	ZONE_OFFSET_MAX_S = 86400,
	ZONE_TEXT_MAX = 128, /* octets of a rule */
};

/* A day of each year and a time of it, local before the change. */
struct zone_date {
	/* Jn: 1 to 365, never 29 February; n: 0 to 365; Mm.w.d */
	enum { ZONE_JULIAN, ZONE_DAY, ZONE_WEEKDAY } kind;
	int n;		      /* of the first two */
	int month, week, day; /* week 5: the last; day 0: Sunday */
	int64_t time_s;	      /* up to a week before or after */
};

struct zone_rule {
	int64_t standard_s, summer_s;  /* offsets; the same: no summer time */
	struct zone_date begins, ends; /* summer time */
};

struct zone_change {
	int64_t at; /* UTC */
	int64_t offset_s;
};

struct zone {
	int64_t first_s;	     /* before the first change */
	struct zone_change *changes; /* owned; in order */
	size_t changes_n;
	bool has_rule; /* it holds from the last change on */
	struct zone_rule rule;
};

/*
 * A zone file: RFC 9636. ERR_INVALID, ERR_LIMIT: E says what is wrong and
 * nothing is to be freed.
 */
enum err_code zone_parse_file(struct zone *z, struct str octets, struct err *e);
/*
 * Rules as in TZ (POSIX.1-2017 8.3, with the hours of RFC 9636 3.3.1):
 * "CET-1CEST,M3.5.0,M10.5.0/3". When summer time begins and ends must be said.
 */
enum err_code zone_parse_rule(struct zone *z, struct str text, struct err *e);
/* After it finding offsets is fast, up to the year 2120. Changes none. */
void zone_spread(struct zone *z);
void zone_clear(struct zone *z);

/* Seconds to add to UTC at AT; at most ZONE_OFFSET_MAX_S either way. */
int64_t zone_offset_s(const struct zone *z, int64_t at);

#endif
