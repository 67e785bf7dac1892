#include "mail/report.h"

enum { REPORT_FOLD = 76 }; /* RFC 5322 2.1.1 wants at most 78 */

/* The words of LINE that have room. */
static struct str
cut_line(struct str line)
{
	if (line.n <= REPORT_LINE_MAX)
		return line;
	line.n = REPORT_LINE_MAX;
	while (line.n && line.p[line.n - 1] != ' ')
		line.n--;
	return str_trim(line);
}

/* RFC 5322 2.2.3: folded between words. */
static void
add_folded(struct buf *out, struct str line)
{
	size_t column = sizeof("Subject:") - 1;

	buf_addz(out, "Subject:");
	while (line.n) {
		struct str word = str_cut(line, ' ', &line);

		if (column + 1 + word.n > REPORT_FOLD) {
			buf_addz(out, "\r\n");
			column = 0;
		}
		buf_addz(out, " ");
		buf_adds(out, word);
		column += 1 + word.n;
	}
	buf_addz(out, "\r\n");
}

void
report_compose(const struct report_letter *r, struct buf *out)
{
	struct str line = cut_line(r->line);

	buf_addf(out,
		"From: Mail system <postmaster@%s>\r\n"
		"To: <%s>\r\n",
		r->hostname, r->to);
	add_folded(out, line);
	if (r->date[0])
		buf_addf(out, "Date: %s\r\n", r->date);
	/* RFC 3834 5 */
	buf_addf(out,
		"Message-ID: <report.%lld@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"\r\n",
		(long long)r->id, r->hostname);
	buf_adds(out, line);
	buf_addz(out, "\r\n");
}
