#include "cli/recipients.h"

#include <stdio.h>

#include "faces/text.h"

/* Without its comment, which "#" begins at the front or behind a blank. */
static struct str
uncomment(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' ||
						line.p[i - 1] == '\t'))
			line.n = i;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return str_trim(line);
}

static enum err_code
take_line(struct spool_settings *s, struct str line, const char *domains,
	struct err *e)
{
	enum err_code code = spool_settings_take(s, SETTING_RECIPIENT, line, e);

	if (code == OK && domains &&
		!spool_settings_covers(domains, s->list[s->list_n - 1]))
		return err_set(e, ERR_INVALID,
			"%.*s: in no domain of this customer; see: tidepost "
			"customer list",
			STR_FMT(line));
	return code;
}

size_t
recipients_take(const char *file, struct str text, const char *domains,
	struct spool_settings *s)
{
	size_t wrong = 0;
	struct err e;

	for (size_t n = 1; text.n; n++) {
		struct str line = uncomment(str_cut(text, '\n', &text));

		if (line.n == 0 || take_line(s, line, domains, &e) == OK)
			continue;
		wrong++;
		text_printf(stderr, "%s:%zu: %s\n", file, n, e.text);
		if (e.code == ERR_LIMIT)
			break;
	}
	return wrong;
}
