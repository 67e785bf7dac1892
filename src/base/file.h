/* Octets to a descriptor that blocks, and names on the disk. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

/* All of S. False: errno says why; some of it may have been written. */
bool file_put(int fd, struct str s);
/*
 * The same with words: "WHAT: No space left on device", ERR_FULL or ERR_IO.
 */
enum err_code file_put_all(
	int fd, struct str s, const char *what, struct err *e);

/* The name FILE is on the disk when its folder is. */
enum err_code file_sync_folder(const char *file, struct err *e);

/*
 * First of all in a program: what it opens must not be taken for a standard
 * stream that its caller closed. Reading and writing there fails, or goes
 * nowhere.
 */
void file_keep_standard_streams(void);

#endif
