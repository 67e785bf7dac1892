/*
 * The file behind --recipients: an address a line, "#" at the front or behind a
 * blank begins a comment, "-" is standard input.
 */
#ifndef CLI_RECIPIENTS_H
#define CLI_RECIPIENTS_H

#include "spool/settings.h"

enum { RECIPIENTS_FILE_MAX = 32 * 1048576 };

/*
 * Takes TEXT, the content of FILE, into S. DOMAINS ('\n' between; NULL: not
 * known here): those that addresses may be in. Each wrong line is printed to
 * standard error as FILE:LINE; the number of them is returned.
 */
size_t recipients_take(const char *file, struct str text, const char *domains,
	struct spool_settings *s);

#endif
