#include "daemon/letter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
letter_delivered(struct letter_end *end, const char *text)
{
	*end = (struct letter_end){.fate = LETTER_DELIVERED, .status = "2.0.0"};
	str_copyz(end->text, sizeof(end->text), text);
}

void
letter_failed(struct letter_end *end, enum letter_fate fate, const char *status,
	const char *fmt, ...)
{
	va_list ap;

	*end = (struct letter_end){.fate = fate};
	str_copyz(end->status, sizeof(end->status), status);
	va_start(ap, fmt);
	vsnprintf(end->text, sizeof(end->text), fmt, ap);
	va_end(ap);
}

/*
 * Where PATH, or what of it is there, leads by symbolic links: to a place that
 * is not the daemon's, perhaps. NULL: nowhere else. Given.
 */
static char *
leads_to(const char *path)
{
	char *at = str_dupz(path), *real = NULL, *slash;

	while (path[0] == '/' && !(real = realpath(at, NULL)) &&
		(slash = strrchr(at, '/')) != NULL && slash != at)
		*slash = '\0';
	if (real && strcmp(real, at) == 0) {
		free(real);
		real = NULL;
	}
	free(at);
	return real;
}

enum err_code
letter_errno(struct err *e, const char *what, const char *path)
{
	int error = errno;
	char *real = error == EACCES ? leads_to(path) : NULL;
	enum err_code code = error == ENOSPC || error == EDQUOT	 ? ERR_FULL
			     : error == EACCES || error == EPERM ? ERR_PERM
			     : error == EROFS			 ? ERR_READONLY
								 : ERR_IO;

	err_set(e, code, "cannot %s %s%s%s%s: %s", what, path,
		real ? " (it leads to " : "", real ? real : "", real ? ")" : "",
		strerror(error));
	free(real);
	return code;
}

void
letter_end_by(struct letter_end *end, enum err_code rc, const struct err *e)
{
	if (rc == OK)
		letter_delivered(end, "delivered to the mailbox");
	else if (rc == ERR_INVALID)
		letter_failed(end, LETTER_REFUSED, "5.1.1", "%s", e->text);
	else if (rc == ERR_LIMIT)
		letter_failed(end, LETTER_DEFERRED, "4.2.2", "%s", e->text);
	else
		letter_failed(end, LETTER_FAULT,
			rc == ERR_FULL || rc == ERR_READONLY ? LETTER_FULL
							     : "4.3.0",
			"%s", e->text);
}
