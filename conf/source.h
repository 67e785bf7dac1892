/*
 * The texts a configuration is made of: the file itself and what it includes,
 * each kept whole in memory so that a complaint can show the line.
 */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include "base/err.h"
#include "base/str.h"

enum {
	SOURCE_SIZE_MAX = 1 << 20, /* octets of one file */
	SOURCE_FILES_MAX = 64,	   /* files of one configuration */
};

struct source {
	char *file;
	char *text; /* NULL: could not be read */
	size_t n;
};

struct sources {
	struct source *v[SOURCE_FILES_MAX];
	size_t n;
};

/* A place in a text; line and column count from 1 and 0 is "not known". */
struct place {
	const struct source *source; /* borrowed; NULL: nowhere */
	unsigned line, column;
};

/*
 * Reads FILE. The source is kept in S even where reading fails (without text),
 * so that a complaint can name it. At most SOURCE_FILES_MAX: the caller checks.
 */
enum err_code source_read(struct sources *s, const char *file,
	const struct source **source_r, struct err *e);
/* Line LINE without its end; empty where there is none. */
struct str source_line(const struct source *s, unsigned line);
/* Appends the names of all files to V of N; both are the caller's. */
void sources_list(const struct sources *s, char ***v, size_t *n);
void sources_free(struct sources *s);

#endif
