/*
 * Colour on a terminal, for what a person should see first: states, warnings,
 * errors. Never elsewhere, unless told to (--color), and never in JSON.
 *
 * Of its own accord there is none where NO_COLOR is set, TERM is "dumb" or not
 * set, or the file is no terminal. Eight colours, so that every terminal has
 * them; nothing is told by colour alone.
 */
#ifndef CLI_COLOUR_H
#define CLI_COLOUR_H

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

enum colour {
	COLOUR_PLAIN,
	COLOUR_GOOD, /* at work */
	COLOUR_NOTE, /* worth a look */
	COLOUR_BAD,  /* somebody must do something */
};

/* WHEN: always, never, auto; NULL: as not told. */
enum err_code colour_init(const char *when, struct err *e);

/* What is to be written before and behind; "" where there is no colour. */
const char *colour_begin(FILE *to, enum colour colour);
const char *colour_end(FILE *to, enum colour colour);
/* Clean text in a colour. */
void colour_print(FILE *to, enum colour colour, struct str clean);

/* Of a delivery or a link, by its name. */
enum colour colour_of_state(const char *state);

#endif
