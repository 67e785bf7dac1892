/*
 * Message text as local programs want it: lines end with LF. Where it goes into
 * an mbox, lines that begin with "From ", or with that behind some ">", get
 * one ">" more ("mboxrd": a reader can undo it).
 */
#ifndef MAIL_LINES_H
#define MAIL_LINES_H

#include "base/buf.h"

struct lines {
	bool quote;
	bool cr;	/* one was held back */
	bool inside;	/* of a line, behind what may have to be quoted */
	size_t arrows;	/* ">" held back at the beginning of a line */
	size_t matched; /* octets of "From " behind them */
};

void lines_init(struct lines *l, bool quote);
/* Appends to OUT, which has no limit, what IN becomes. */
void lines_add(struct lines *l, struct str in, struct buf *out);
/* What was held back, and the end of the last line where it lacks one. */
void lines_end(struct lines *l, struct buf *out);

#endif
