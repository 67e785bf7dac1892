/* Links in words and small pictures, for the views that show them. */
#ifndef TUI_LINKWORDS_H
#define TUI_LINKWORDS_H

#include "tui/console.h"

/* What is left of PERIOD ("day") in WHAT ("bytes"), a number; NULL: no limit.
 */
const char *linkwords_left_text(
	const struct record *link, const char *period, const char *what);
/* N as a whole number, whatever somebody told: never below 0. */
uint64_t linkwords_whole(double n);
/* "480.0K, 12m00s, 3.50 USD": what is left of PERIOD ("day"); "": no limit. */
void linkwords_left(const struct console *c, const struct record *link,
	const char *period, struct buf *out);
/* "06:00Z" today, else "2026-12-02 06:00Z"; "" none. */
void linkwords_window(const struct record *link, struct buf *out);
/* "[####....]": PART of WHOLE in WIDTH columns. */
void linkwords_gauge(
	struct buf *out, unsigned width, double part, double whole);
enum tone linkwords_tone(const struct record *link);
/* The facts of link NAME; NULL: there are none. */
const struct record *linkwords_find(const struct console *c, const char *name);

/* How fast counters move, from one refresh to the next. */
enum { RATES_MAX = 64, RATE_KEY_MAX = 80 };
struct rates {
	struct {
		char key[RATE_KEY_MAX];
		uint64_t octets, at_ms;
		double per_s;
	} v[RATES_MAX];
	size_t next;
};
/* Octets a second of KEY, which has moved OCTETS by now; 0: not known. */
double rates_note(struct rates *r, const char *key, uint64_t octets);

#endif
