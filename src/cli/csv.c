#include "cli/csv.h"

#include <string.h>

#include "faces/text.h"

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

void
csv_text(struct buf *out, const char *text)
{
	struct buf clean;

	buf_init(&clean, 0);
	text_clean(&clean, str_of(text));
	csv_field(out, buf_z(&clean));
	buf_free(&clean);
}
