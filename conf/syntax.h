/*
 * The grammar of the configuration language, to say plainly what is wrong
 * where the parser library only says "syntax error" or says nothing at all.
 *
 * What passes here is also rewritten for the library: one token a line, no
 * comments, no includes. The places of settings and list items come in the
 * order in which the library's tree shows them.
 */
#ifndef CONF_SYNTAX_H
#define CONF_SYNTAX_H

#include "conf/scan.h"

enum { SYNTAX_DEPTH_MAX = 16 };

struct setting_place {
	struct place name; /* of an item without name: its value's */
	struct place value;
};

struct syntax {
	struct buf text;    /* the rewritten configuration */
	struct place *line; /* owned: place of each line of TEXT */
	size_t lines;
	struct setting_place *setting; /* owned */
	size_t settings;
};

/* All errors go to OUT. */
void syntax_read(struct syntax *x, struct sources *sources,
	const struct source *first, struct complaints *out);
void syntax_free(struct syntax *x);

#endif
