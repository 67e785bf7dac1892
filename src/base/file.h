/* Octets to a descriptor that blocks: all of them, or an error. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

/* False: errno says why; some of it may have been written. */
bool file_put(int fd, struct str s);
/*
 * The same with words: "WHAT: No space left on device", ERR_FULL or ERR_IO.
 */
enum err_code file_put_all(
	int fd, struct str s, const char *what, struct err *e);

#endif
