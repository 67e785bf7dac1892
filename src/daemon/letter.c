#include "daemon/letter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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

enum err_code
letter_errno(struct err *e, const char *what, const char *path)
{
	enum err_code code = errno == ENOSPC || errno == EDQUOT	 ? ERR_FULL
			     : errno == EACCES || errno == EPERM ? ERR_PERM
			     : errno == EROFS			 ? ERR_READONLY
								 : ERR_IO;

	return err_set(
		e, code, "cannot %s %s: %s", what, path, strerror(errno));
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
