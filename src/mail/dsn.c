#include "mail/dsn_private.h"

#include "mail/transfer.h"
#include "wire/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BOUNDARY_MAX = 80,
	PLAIN_LINE_MAX = 998, /* RFC 5322 2.1.1 */
};

void
dsn_add_safe(struct buf *out, struct str s, bool utf8, size_t max)
{
	while (s.n && max) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = c < 128 ? 1 : grammar_utf8_octets(s);

		if (n > max)
			return;
		if (c < ' ' || c == 127)
			buf_add(out, " ", 1);
		else if (c < 128 || (utf8 && n))
			buf_add(out, s.p, n);
		else
			buf_add(out, "?", 1);
		n = n ? n : 1;
		max -= n;
		s = str_skip(s, n);
	}
}

bool
dsn_has(const struct dsn *d, enum dsn_action action)
{
	for (size_t i = 0; i < d->recipients_n; i++)
		if (d->recipients[i].action == action)
			return true;
	return false;
}

bool
dsn_is_utf8(const char *to)
{
	return !grammar_is_ascii(str_of(to));
}

/* --- parts ---------------------------------------------------------------- */

struct part {
	const char *type;
	bool ready; /* its header is in the body */
	bool as_is; /* message/rfc822 is never encoded (RFC 2046 5.2.1) */
	struct buf body;
};

enum { TEXT, STATUS, ORIGINAL, PARTS };

/* What may stand as it is: lines, and none of them too long. */
static bool
is_lines(struct str s)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool end = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';

		if (end)
			i++;
		else if (!s.p[i] || s.p[i] == '\r' || s.p[i] == '\n')
			return false;
		column = end ? 0 : column + 1;
		if (column > PLAIN_LINE_MAX)
			return false;
	}
	return true;
}

static void
add_part(const struct part *p, bool eight, struct buf *out)
{
	struct str s = buf_view(&p->body);
	bool ascii = grammar_is_ascii(s);
	enum transfer how = TRANSFER_NONE;

	if (p->ready) {
		buf_adds(out, s);
		return;
	}
	buf_addf(out, "Content-Type: %s\r\n", p->type);
	if (!p->as_is && (!is_lines(s) || (!ascii && !eight)))
		how = transfer_shorter(s);
	if (how != TRANSFER_NONE)
		buf_addf(out, "Content-Transfer-Encoding: %s\r\n",
			transfer_name(how));
	else if (!ascii)
		buf_addz(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_addz(out, "\r\n");
	transfer_add(out, s, how);
}

/* Does a line of S begin with the delimiter, two dashes and BOUNDARY? */
static bool
has_delimiter(struct str s, struct str boundary)
{
	struct str line;

	while (s.n) {
		line = str_cut(s, '\n', &s);
		if (line.n >= boundary.n + 2 && memcmp(line.p, "--", 2) == 0 &&
			memcmp(line.p + 2, boundary.p, boundary.n) == 0)
			return true;
	}
	return false;
}

/* Numbers are guessed; so it is looked for, in all that it is to part. */
static void
choose_boundary(const char *stem, const struct buf *texts, size_t n, char *out)
{
	unsigned turn = 0;
	bool found;

	do {
		found = false;
		snprintf(out, BOUNDARY_MAX, "%s%u", stem, turn++);
		for (size_t i = 0; i < n; i++)
			found |=
				has_delimiter(buf_view(&texts[i]), str_of(out));
	} while (found);
}

/* TYPE with its parameters; STEM: what the boundary begins with. */
static void
add_multipart(const char *type, const char *stem, const struct part *parts,
	size_t n, bool eight, struct buf *out)
{
	struct buf *texts = xcalloc(n, sizeof(*texts));
	char boundary[BOUNDARY_MAX];
	bool ascii = true;

	for (size_t i = 0; i < n; i++) {
		add_part(&parts[i], eight, &texts[i]);
		ascii &= grammar_is_ascii(buf_view(&texts[i]));
	}
	choose_boundary(stem, texts, n, boundary);
	buf_addf(out, "Content-Type: %s;\r\n\tboundary=\"%s\"\r\n%s", type,
		boundary, ascii ? "" : "Content-Transfer-Encoding: 8bit\r\n");
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "\r\n--%s\r\n", boundary);
		buf_adds(out, buf_view(&texts[i]));
		buf_free(&texts[i]);
	}
	buf_addf(out, "\r\n--%s--\r\n", boundary);
	free(texts);
}

struct str
dsn_header_of(const struct dsn *d, const struct dsn_recipient *r)
{
	return r->message ? d->more[r->message - 1] : d->header;
}

/* RFC 6522 3: at most three parts; so the headers are parts of the third. */
static void
make_joined(const struct dsn *d, const char *stem, struct part *p)
{
	struct part *parts = xcalloc(d->more_n + 1, sizeof(*parts));

	for (size_t i = 0; i <= d->more_n; i++) {
		parts[i].type = "text/rfc822-headers";
		dsn_add_original(i ? d->more[i - 1] : d->header,
			DSN_JOINED_HEADER_MAX, &parts[i].body);
	}
	p->ready = true;
	add_multipart(
		"multipart/mixed", stem, parts, d->more_n + 1, false, &p->body);
	for (size_t i = 0; i <= d->more_n; i++)
		buf_free(&parts[i].body);
	free(parts);
}

static void
make_original(const struct dsn *d, struct part *p)
{
	p->as_is = d->whole.n && !d->utf8;
	if (d->whole.n)
		p->type = d->utf8 ? "message/global" : "message/rfc822";
	else
		p->type = d->utf8 ? "message/global-headers"
				  : "text/rfc822-headers";
	if (d->whole.n)
		buf_adds(&p->body, d->whole);
	else
		dsn_add_original(d->header, DSN_HEADER_MAX, &p->body);
}

void
dsn_compose(const struct dsn *d, struct buf *out)
{
	bool eight = dsn_is_utf8(d->to), global = dsn_status_is_global(d);
	char stem[BOUNDARY_MAX], inner[BOUNDARY_MAX];
	struct part parts[PARTS] = {
		[TEXT] = {.type = "text/plain; charset=utf-8"},
		[STATUS] = {.type = global ? "message/global-delivery-status"
					   : "message/delivery-status"},
	};

	snprintf(stem, sizeof(stem), "=_%lld.", (long long)d->notice_id);
	snprintf(inner, sizeof(inner), "=_%lld-", (long long)d->notice_id);
	dsn_add_text(d, &parts[TEXT].body);
	dsn_add_status(d, global, &parts[STATUS].body);
	if (d->more_n)
		make_joined(d, inner, &parts[ORIGINAL]);
	else
		make_original(d, &parts[ORIGINAL]);
	dsn_add_header(d, eight, out);
	add_multipart("multipart/report; report-type=delivery-status", stem,
		parts, PARTS, eight, out);
	for (size_t i = 0; i < PARTS; i++)
		buf_free(&parts[i].body);
}
