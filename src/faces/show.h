/*
 * A message as a person wants to see it: the fields that matter with their
 * encoded words decoded, the text decoded and in UTF-8, and a line for each
 * part that is no text. Or its whole header, or all of it as it is stored.
 *
 * Nothing here is made fit for a terminal: the lines hold what the message
 * holds, and who shows them cleans them (text.h).
 */
#ifndef FACES_SHOW_H
#define FACES_SHOW_H

#include "base/buf.h"

enum { SHOW_OCTETS_MAX = 256 * 1024 }; /* of a message that is looked at */

enum show_mode { SHOW_TEXT, SHOW_HEADER, SHOW_RAW, SHOW_MODES_N };

enum show_kind {
	SHOW_LINE_FIELD,
	SHOW_LINE_TEXT,
	SHOW_LINE_QUOTE, /* begins with ">" */
	SHOW_LINE_NOTE,	 /* ours */
};

/* A line, without its end; tabs are blanks. */
typedef void show_line(void *arg, enum show_kind kind, struct str line);

/* OCTETS: the message or its front. */
void show_message(
	struct str octets, enum show_mode mode, show_line *each, void *arg);

#endif
