/*
 * The text as tokens, with the place of each: what the parser library does
 * not tell. Comments, blanks and line ends go; "@include" is followed here,
 * so the library itself never opens a file.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include "conf/complaint.h"

enum { SCAN_INCLUDE_DEPTH_MAX = 10 };

enum token_kind {
	TOKEN_END,
	TOKEN_PUNCT,  /* one of = : ; , { } ( ) [ ] */
	TOKEN_STRING, /* with its quotes, on one line */
	TOKEN_WORD,   /* a name, a number, true; or what should be quoted */
};

struct token {
	enum token_kind kind;
	struct str text; /* borrowed from the source */
	struct place at;
};

struct scan_level {
	const struct source *source;
	size_t at, line_start;
	unsigned line;
};

struct scan {
	struct sources *sources; /* borrowed */
	struct complaints *out;	 /* borrowed */
	struct scan_level level[SCAN_INCLUDE_DEPTH_MAX];
	unsigned depth; /* levels in use; 0: at the end */
};

void scan_init(struct scan *s, struct sources *sources,
	const struct source *first, struct complaints *out);
struct token scan_next(struct scan *s);
/*
 * T is a word where a value belongs: takes in what follows it on the line, up
 * to a blank, ';', ',' or a bracket, as a person would who forgot the quotes.
 */
void scan_extend(struct scan *s, struct token *t);
bool token_is(const struct token *t, char punct);

#endif
