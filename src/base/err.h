/*
 * Errors of the whole program.
 *
 * A function that can fail in a way its caller branches on returns an
 * enum err_code. Where a person must learn why, it also fills a struct err,
 * whose text grows outward: "deliver 4711: claim: disk is full".
 * A protocol "no" (a 550 from a peer) is a value, never one of these.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* X(name, text, exit status of sysexits.h) */
#define ERR_CODES(X)                                                           \
	X(OK, "ok", 0)                                                         \
	X(ERR_NOMEM, "out of memory", 71)                                      \
	X(ERR_IO, "input/output error", 74)                                    \
	X(ERR_FULL, "no space left", 73)                                       \
	X(ERR_CREATE, "cannot be created", 73)                                 \
	X(ERR_READONLY, "read-only", 73)                                       \
	X(ERR_LOCKED, "locked by another process", 69)                         \
	X(ERR_BUSY, "busy, try later", 75)                                     \
	X(ERR_NOTFOUND, "not found", 65)                                       \
	X(ERR_EXISTS, "exists already", 65)                                    \
	X(ERR_INVALID, "not valid", 65)                                        \
	X(ERR_LIMIT, "over a limit", 65)                                       \
	X(ERR_PERM, "permission denied", 77)                                   \
	X(ERR_VERSION, "written by a newer version", 73)                       \
	X(ERR_CORRUPT, "damaged", 74)                                          \
	X(ERR_TIMEOUT, "timed out", 75)                                        \
	X(ERR_CLOSED, "closed", 69)                                            \
	X(ERR_USAGE, "wrong usage", 64)                                        \
	X(ERR_CONFIG, "configuration error", 78)                               \
	X(ERR_UNSUPPORTED, "not yet supported", 64)                            \
	X(ERR_UNCERTAIN, "outcome unknown", 75)

enum err_code {
#define ERR_ENUM(name, text, status) name,
	ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
};

enum { ERR_TEXT_MAX = 512 };

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX];
};

/* One or two plain words for CODE. Static. */
const char *err_text(enum err_code code);

/* The exit status (sysexits.h) that tells CODE to a calling script. */
int err_exit_status(enum err_code code);

/* Fills E (may be NULL) and returns CODE. Over-long text is cut. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "WHERE: " before E's text. Returns E's code; E may be NULL. */
enum err_code err_wrap(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
