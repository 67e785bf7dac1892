/*
 * Text from outside, made fit for people's eyes.
 *
 * Addresses, replies and subjects come from strangers; nothing of theirs may
 * move the cursor or forge a line. Control characters become \xNN (or \u{N}),
 * octets that are not UTF-8 become \xNN; on a terminal that cannot show UTF-8
 * so does everything outside ASCII.
 */
#ifndef FACES_TEXT_H
#define FACES_TEXT_H

#include <stdio.h>

#include "base/buf.h"

/* Reads the locale and looks whether standard output is a terminal. */
void text_init(void);
/* As text_init would find it; WIDTH 0: not a terminal (for tests). */
void text_assume(unsigned width, bool utf8);
/* Standard output is taken for a terminal of WIDTH columns. */
void text_assume_width(unsigned width);
bool text_on_terminal(void);
/* Columns of the terminal; 0: none, nothing is cut. */
unsigned text_terminal_columns(void);

/* Appends S, clean. */
void text_clean(struct buf *out, struct str s);
/* Columns that clean text takes. */
unsigned text_columns(struct str clean);
/* The longest front of clean text that takes at most COLUMNS. */
struct str text_front(struct str clean, unsigned columns);

/* S clean to TO. */
void text_print(FILE *to, struct str s);
/* The same for several lines: their ends stay. */
void text_print_lines(FILE *to, struct str s);
/* printf of parts that may hold anything: the whole is cleaned. */
void text_printf(FILE *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

enum { TEXT_SHORT_MAX = 40 };

/* "812", "12.3K", "4.0M" */
void text_size(uint64_t octets, char out[TEXT_SHORT_MAX]);
/* "0m", "12m", "3h", "5d": an age at a glance, that seldom changes. */
void text_age(int64_t seconds, char out[TEXT_SHORT_MAX]);
/* "42s", "3h12m", "5d4h" */
void text_duration(int64_t seconds, char out[TEXT_SHORT_MAX]);
/* "2026-03-01 06:00:00Z"; 0: "-" */
void text_time(int64_t wall_s, char out[TEXT_SHORT_MAX]);
/* ONE where N is 1, else MANY. */
const char *text_plural(uint64_t n, const char *one, const char *many);

#endif
