/*
 * Shows what moves while link up --wait waits: a line per event, and on a
 * terminal one line that lives: octets and messages, and where it is known how
 * many seconds are left and what the link has cost so far.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "control/protocol.h"

struct progress {
	bool live; /* the last line on the terminal is the living one */
};

void progress_init(struct progress *p);
/* A cli_answer: one kind=progress record. */
void progress_record(void *progress, const struct record *r);
/* Takes the living line away. */
void progress_end(struct progress *p);

#endif
