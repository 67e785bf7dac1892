/* Words where a value stands without quotes: true, 12, 0x1F, 3000000000L. */
#ifndef CONF_LITERAL_H
#define CONF_LITERAL_H

#include "base/str.h"

enum literal {
	LITERAL_NONE, /* none of these: it wants quotes */
	LITERAL_BOOL,
	LITERAL_INT,
	LITERAL_FLOAT,
	LITERAL_CUT,   /* above 2^31-1 or below -2^31 and no L behind it */
	LITERAL_LARGE, /* more than 64 bits */
};

enum literal literal_kind(struct str word);
/* A name that a setting may have: a letter, then letters, digits, - and _. */
bool literal_is_name(struct str word);

#endif
