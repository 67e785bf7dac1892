/*
 * The one table of every key of the configuration: what the file is checked
 * against, where defaults come from, and what the manual page must hold.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/tree.h"

enum schema_type {
	SCHEMA_GROUP, /* { } */
	SCHEMA_LIST,  /* ( { }, { } ) */
	SCHEMA_STRING,
	SCHEMA_STRINGS, /* [ "a", "b" ], or one string */
	SCHEMA_WORD,	/* one of WORDS */
	SCHEMA_BOOL,
	SCHEMA_INT,
	SCHEMA_FLOAT,
	SCHEMA_SIZE,	  /* octets */
	SCHEMA_DURATION,  /* ms */
	SCHEMA_DURATIONS, /* a list of them, or one */
	SCHEMA_PRIORITY,
};

struct schema_row {
	const char *path;
	enum schema_type type;
	int64_t least, most;  /* of numbers, in the unit of struct value */
	const char *fallback; /* as in the file; lists parted by blanks */
	const char *unit;     /* of plain numbers, for people */
	const char *words;    /* of SCHEMA_WORD, parted by blanks */
	bool required;
	/* NULL: it works. Else not yet, and this is what that means ("": no
	 * more than that). Holds for all keys under it too. */
	const char *later;
	const char *sentence; /* for the manual */
};

size_t schema_rows(void);
const struct schema_row *schema_row(size_t i);
/* NULL: no such key. */
const struct schema_row *schema_find(const char *path);
/* The row's name without its group. */
const char *schema_name(const struct schema_row *row);
/* Is ROW a direct member of the group PATH ("" is the whole file)? */
bool schema_is_member(const struct schema_row *row, const char *path);

/* "a size such as \"20K\"": what this type wants, for a complaint. */
const char *schema_type_text(const struct schema_row *row);
/* "1s to 1h"; empty where there is no range. */
enum { SCHEMA_RANGE_MAX = 128 };
void schema_range_text(
	const struct schema_row *row, char out_r[SCHEMA_RANGE_MAX]);
/* TEXT in quotes as a value of ROW's type; its range is not looked at. */
bool schema_parse(
	const struct schema_row *row, struct str text, struct value *v_r);
bool schema_in_range(const struct schema_row *row, const struct value *v);

#endif
