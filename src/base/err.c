#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	int exit_status;
} err_table[] = {
#define ERR_ROW(name, text, status) [name] = {text, status},
	ERR_CODES(ERR_ROW)
#undef ERR_ROW
};

const char *
err_text(enum err_code code)
{
	return err_table[code].text;
}

int
err_exit_status(enum err_code code)
{
	return err_table[code].exit_status;
}

enum err_code
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}

enum err_code
err_wrap(struct err *e, enum err_code code, const char *fmt, ...)
{
	char inner[ERR_TEXT_MAX];
	va_list ap;
	int n;

	if (!e)
		return code;
	memcpy(inner, e->text, sizeof(inner));
	e->code = code;
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s",
			inner[0] ? inner : err_text(code));
	return code;
}
