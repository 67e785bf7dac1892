/* Whole files that people name; "-" is standard input or output. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * All of FILE into OUT. ERR_NOTFOUND, ERR_IO; ERR_LIMIT: above MOST octets.
 * Free OUT in any case.
 */
enum err_code file_read(
	const char *file, size_t most, struct buf *out, struct err *e);
/* Replaces FILE at one stroke; it gets MODE, whatever the umask. */
enum err_code file_write(
	const char *file, unsigned mode, struct str s, struct err *e);

/* What FROM has, at most MOST octets, to TO; for words: FILE and COPY. */
enum err_code file_copy(int from, int to, uint64_t most, const char *file,
	const char *copy, struct err *e);

#endif
