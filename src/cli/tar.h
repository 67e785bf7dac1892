/* Writing a tar archive (POSIX ustar) of a few files, for any tar to read. */
#ifndef CLI_TAR_H
#define CLI_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TAR_BLOCK = 512 };

/* FILE under NAME to FD. ERR_NOTFOUND: it is not there; ERR_LIMIT: its name or
 * size is beyond the format (255 octets, 8 GiB). */
enum err_code tar_add(
	int fd, const char *file, const char *name, struct err *e);
enum err_code tar_end(int fd, struct err *e);
/* Is BLOCK the header of the member NAME? *size_r: its octets. */
bool tar_is(const char block[TAR_BLOCK], const char *name, uint64_t *size_r);

#endif
