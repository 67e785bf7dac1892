/* The header of the notice, and what comes back of the original's. */
#include "mail/dsn_private.h"

#include "mail/header.h"
#include "mail/transfer.h"
#include "wire/grammar.h"

#include <string.h>

enum {
	SUBJECT_MAX = 200,    /* octets of the original's that are repeated */
	SHORT_MAX = 50,	      /* ... in the first line of the field */
	MESSAGE_ID_MAX = 250, /* longer ones are not */
	WORD_OCTETS = 45,     /* of text in one encoded word (RFC 2047 2) */
};

/* --- of the original ------------------------------------------------------ */

/* What people know a message by: kept before all else. */
static bool
is_known_by(struct str field)
{
	static const char *const names[] = {"From", "To", "Cc", "Subject",
		"Date", "Message-ID", "In-Reply-To", "Sender", "Reply-To"};
	struct str body, name = header_field_name(field, &body);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* Octets of those fields, as many of them as there is room for. */
static size_t
known_octets(struct str header, size_t max)
{
	struct str field;
	size_t n = 0;

	while (header_field_next(&header, &field))
		if (is_known_by(field) && n + field.n <= max)
			n += field.n;
	return n;
}

/* The last line of a header may have no end. */
static void
add_field(struct str field, struct buf *out)
{
	buf_adds(out, field);
	if (field.p[field.n - 1] != '\n')
		buf_addz(out, "\r\n");
}

void
dsn_add_original(struct str header, size_t max, struct buf *out)
{
	size_t known = known_octets(header, max), others = max - known;
	struct str field;

	while (header_field_next(&header, &field)) {
		size_t *room = is_known_by(field) ? &known : &others;

		if (field.n > *room)
			continue;
		*room -= field.n;
		add_field(field, out);
	}
}

/* --- of the notice -------------------------------------------------------- */

void
dsn_add_subject(struct str header, bool utf8, struct buf *out)
{
	struct str s = str_trim(header_find(header, STR("Subject")));

	while (s.n && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	for (struct str line; s.n;) {
		line = str_cut(s, '\n', &s);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		dsn_add_safe(out, line, utf8, SUBJECT_MAX * 2);
	}
}

/* Cut where a word ends. */
static void
take_subject(struct str header, struct buf *out)
{
	struct str all;

	dsn_add_subject(header, true, out);
	all = buf_view(out);
	if (all.n <= SUBJECT_MAX)
		return;
	all.n = SUBJECT_MAX;
	while (all.n && all.p[all.n - 1] != ' ')
		all.n--;
	out->len = all.n;
}

/* Encoded words of whole characters, each on a line of its own. */
static void
add_words(struct str s, struct buf *out)
{
	while (s.n) {
		struct str word = {s.p, 0};
		struct buf coded;

		while (word.n < s.n) {
			size_t n = grammar_utf8_octets(str_skip(s, word.n));

			if (!n || word.n + n > WORD_OCTETS)
				break;
			word.n += n;
		}
		if (!word.n)
			return;
		buf_init(&coded, 0);
		transfer_add(&coded, word, TRANSFER_BASE64);
		buf_addf(out,
			"\r\n =?utf-8?B?%.*s?=", STR_FMT(buf_view(&coded)));
		buf_free(&coded);
		s = str_skip(s, word.n);
	}
}

static void
add_subject(const struct dsn *d, bool eight, struct buf *out)
{
	static const char *const begin[DSN_ACTIONS_N] = {
		[DSN_FAILED] = "Not delivered:",
		[DSN_DELAYED] = "Delayed:",
		[DSN_DELIVERED] = "Delivered:",
		[DSN_RELAYED] = "Passed on:",
		[DSN_EXPANDED] = "Sent to a list:",
	};
	size_t action = 0;
	struct buf subject;
	struct str s;

	while (action < DSN_ACTIONS_N - 1 &&
		!dsn_has(d, (enum dsn_action)action))
		action++;
	buf_init(&subject, 0);
	if (d->more_n)
		buf_addf(&subject, "%zu messages", d->more_n + 1);
	else
		take_subject(d->header, &subject);
	s = str_trim(buf_view(&subject));
	buf_addf(out, "Subject: %s", begin[action]);
	if (!s.n)
		buf_addz(out, " your message");
	else if (grammar_is_ascii(s) || eight)
		buf_addf(out, "%s%.*s", s.n > SHORT_MAX ? "\r\n " : " ",
			STR_FMT(s));
	else
		add_words(s, out);
	buf_addz(out, "\r\n");
	buf_free(&subject);
}

struct str
dsn_message_id(struct str header)
{
	struct str rest, s = header_find(header, STR("Message-ID"));
	const char *begin = s.n ? memchr(s.p, '<', s.n) : NULL;

	if (!begin)
		return STR("");
	s = str_skip(s, (size_t)(begin - s.p));
	s = str_cut(s, '>', &rest);
	if (s.n + 1 > MESSAGE_ID_MAX || s.n < 2 || s.p + s.n == rest.p)
		return STR("");
	/* a quoted one may have a '>' of its own: where it ends is not clear */
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > 126 || s.p[i] == '<' ||
			s.p[i] == '"')
			return STR("");
	return (struct str){s.p, s.n + 1};
}

void
dsn_add_header(const struct dsn *d, bool eight, struct buf *out)
{
	struct str id = dsn_message_id(d->header);

	buf_addf(out,
		"From: Mail delivery <MAILER-DAEMON@%s>\r\n"
		"To: <%s>\r\n",
		d->hostname, d->to);
	add_subject(d, eight, out);
	if (d->date[0])
		buf_addf(out, "Date: %s\r\n", d->date);
	buf_addf(out, "Message-ID: <notice.%lld@%s>\r\n",
		(long long)d->notice_id, d->hostname);
	if (id.n && !d->more_n) /* RFC 3834 3.1.6: programs show it beside the
				   original */
		buf_addf(out,
			"In-Reply-To: %.*s\r\n"
			"References: %.*s\r\n",
			STR_FMT(id), STR_FMT(id));
	buf_addz(out, "Auto-Submitted: auto-replied\r\n"
		      "MIME-Version: 1.0\r\n");
}
