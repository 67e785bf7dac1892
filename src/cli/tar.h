/*
 * A tar archive (POSIX ustar) of a few plain files. Any tar reads what is
 * written here; read is only what is written here (docs/decisions/015). What is
 * read may come from anybody: nothing but plain files with a path that leads
 * downwards is taken.
 */
#ifndef CLI_TAR_H
#define CLI_TAR_H

#include <stdint.h>

#include "base/err.h"

enum {
	TAR_BLOCK = 512,
	TAR_MODE = 0777, /* of a mode; set-user-id is not kept */
	TAR_NAME_MAX = 256,
	TAR_OWNER_MAX = 32,
};

struct tar_member {
	char name[TAR_NAME_MAX + 1]; /* relative, without ".." */
	char user[TAR_OWNER_MAX + 1], group[TAR_OWNER_MAX + 1]; /* "": ? */
	unsigned mode, uid, gid;
	uint64_t size;	   /* octets */
	uint64_t at, next; /* where its content and the next header begin */
};

/* FILE under NAME to FD. ERR_NOTFOUND: it is not there; ERR_LIMIT: its name or
 * size is beyond the format (255 octets, 8 GiB). */
enum err_code tar_add(
	int fd, const char *file, const char *name, struct err *e);
enum err_code tar_end(int fd, struct err *e);

/*
 * The member whose header is BLOCK, but for AT and NEXT. ERR_CORRUPT;
 * ERR_INVALID: no plain file, or its name is absolute, leads up, or has
 * control characters. E goes on after the archive's name.
 */
enum err_code tar_parse(
	const char block[TAR_BLOCK], struct tar_member *m, struct err *e);
/* The member whose header stands at AT of the file FD; all of its content is
 * there. ERR_NOTFOUND: the end of the archive; as above where it was cut. */
enum err_code tar_read(
	int fd, uint64_t at, struct tar_member *m, struct err *e);

#endif
