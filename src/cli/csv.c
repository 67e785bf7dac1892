#include "cli/csv.h"

#include <string.h>

void
csv_field(struct buf *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_addz(out, text);
		return;
	}
	buf_add(out, "\"", 1);
	for (; *text; text++)
		buf_addf(out, *text == '"' ? "\"\"" : "%c", *text);
	buf_add(out, "\"", 1);
}
