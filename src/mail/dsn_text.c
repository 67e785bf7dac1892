/*
 * The words for people. Recipients with whom the same happened stand together,
 * with one reason and one advice.
 */
#include "mail/dsn_private.h"

#include "base/clock.h"
#include "mail/decode.h"
#include "mail/header.h"

#include <string.h>

enum {
	TEXT_COLUMNS = 72,
	REPLY_MAX = 900, /* octets of a peer's words */
	SUBJECT_MAX = 100,
};

/* Words of S in lines that begin with INDENT blanks. */
static void
add_wrapped(struct buf *out, int indent, struct str s)
{
	size_t column = 0;

	for (struct str word; s.n;) {
		word = str_cut(s, ' ', &s);
		if (!word.n)
			continue;
		if (column && column + 1 + word.n > TEXT_COLUMNS) {
			buf_addz(out, "\r\n");
			column = 0;
		}
		if (column)
			buf_addz(out, " ");
		else
			buf_addf(out, "%*s", indent, "");
		column += word.n + (column ? 1 : (size_t)indent);
		buf_adds(out, word);
	}
	if (column)
		buf_addz(out, "\r\n");
}

static void
add_paragraph(struct buf *out, int indent, const char *text)
{
	add_wrapped(out, indent, str_of(text));
	buf_addz(out, "\r\n");
}

/* --- advice --------------------------------------------------------------- */

/*
 * By enhanced status (RFC 3463), without its first digit; the first that the
 * status begins with.
 */
struct advice {
	const char *status, *advice;
};

static const struct advice advices[] = {
	{"1.1", "There is no such address there. Look for a mistake in it, or "
		"ask the person for the right one in another way."},
	{"1.2", "The part behind the @ names no place that takes mail. Look "
		"for a mistake in it."},
	{"1.3", "The address is not written as addresses are. Look for a "
		"mistake in it."},
	{"1.6", "The person has moved and left no new address."},
	{"1.10", "This place takes no mail at all."},
	{"1.", "Something is wrong with an address, your own or the one you "
	       "wrote to; the words above say what."},
	{"2.1", "The mailbox is closed at present."},
	{"2.2", "The mailbox is full. Its owner must make room before you send "
		"your message again."},
	{"2.3", "Your message is too large for this mailbox. Send it in smaller "
		"parts, or without what is attached."},
	{"3.3", "You asked for something that a system on its way cannot do. "
		"Send it again without that wish."},
	{"3.4", "Your message is too large for a system on its way. Send it in "
		"smaller parts, or without what is attached."},
	{"4.4", "No system was found that takes mail for this address. Look for "
		"a mistake behind the @."},
	{"4.6", "Your message went in a circle. Only the people who look after "
		"these mail systems can change that; show them this notice."},
	{"4.7", "It was tried for as long as this system tries, without "
		"success, and is not tried any more. Send it again if it still "
		"matters."},
	{"6.3", "A system on the way takes plain text only, and your message "
		"could not be changed into that without damage. Send it as "
		"plain text, not signed or encrypted."},
	{"6.7", "A system on the way does not know addresses in this script. "
		"Write to an address in plain Latin letters, from one."},
	{"7.30", "You asked that your message go over protected lines alone, "
		 "and there was none all the way."},
	{"7.", "The system there does not want this message from you. If you "
	       "cannot tell why from the words above, ask the person in "
	       "another way, or show this notice to those who look after your "
	       "mail."},
	{"", "If the words above do not help you, show this notice to those who "
	     "look after your mail."},
};

/* Where nobody there refused it, and this system has said why. */
static const struct advice ours[] = {
	{"4.7", "It is not tried any more. Send it again if it still matters."},
	{"7.0", "Ask the people who look after this mail system if you do not "
		"know why."},
};

enum { OURS_N = sizeof(ours) / sizeof(ours[0]) };

/* "1.1" is not the beginning of "1.10". */
static bool
begins_with(const char *status, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(status, prefix, n) != 0)
		return false;
	return n == 0 || prefix[n - 1] == '.' || status[n] == '\0';
}

static const char *
advice_for(const struct dsn_recipient *r)
{
	const char *dot = strchr(r->status, '.'), *status = dot ? dot + 1 : "";
	size_t i = 0;

	for (size_t k = 0; !r->peer[0] && k < OURS_N; k++)
		if (begins_with(status, ours[k].status))
			return ours[k].advice;
	while (!begins_with(status, advices[i].status))
		i++; /* the last one is the beginning of any */
	return advices[i].advice;
}

/* --- what happened -------------------------------------------------------- */

static bool
is_same(const struct dsn_recipient *a, const struct dsn_recipient *b)
{
	return a->action == b->action && strcmp(a->status, b->status) == 0 &&
	       strcmp(a->reply, b->reply) == 0 &&
	       strcmp(a->peer, b->peer) == 0 &&
	       a->retry_until == b->retry_until;
}

/* Is recipient I the first of those with whom the same happened? */
static bool
is_first(const struct dsn *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_same(&d->recipients[k], &d->recipients[i]))
			return false;
	return true;
}

static void
add_reason(const struct dsn_recipient *r, struct buf *out)
{
	struct buf words;

	if (!r->reply[0])
		return;
	buf_init(&words, 0);
	if (r->peer[0]) {
		dsn_add_safe(&words, str_of(r->peer), true, REPLY_MAX);
		buf_addz(&words, " said: ");
	} else {
		buf_addz(&words, "Reason: ");
	}
	dsn_add_safe(&words, str_of(r->reply), true, REPLY_MAX);
	add_wrapped(out, 2, buf_view(&words));
	buf_addz(out, "\r\n");
	buf_free(&words);
}

static void
add_until(const struct dsn_recipient *r, struct buf *out)
{
	char when[CLOCK_TEXT_MAX];
	struct buf words;

	buf_init(&words, 0);
	buf_addz(&words, "It waits here and goes on by itself: you need not "
			 "send it again.");
	if (r->retry_until) {
		clock_rfc5322(r->retry_until, when);
		buf_addf(&words,
			" If it cannot go by %s, it comes back to you.", when);
	}
	add_wrapped(out, 2, buf_view(&words));
	buf_addz(out, "\r\n");
	buf_free(&words);
}

/* A piece of a subject; of other charsets what is ASCII. */
static void
add_piece(void *arg, const char *charset, struct str octets)
{
	bool utf8 = !charset[0] || str_eq_nocase(str_of(charset), STR("utf-8"));

	dsn_add_safe(arg, octets, utf8, SUBJECT_MAX);
}

/* Which of the messages a recipient is about. */
static void
add_which(struct str header, struct buf *out)
{
	struct str date = str_trim(header_find(header, STR("Date"))), rest;
	struct buf subject;

	buf_init(&subject, 0);
	dsn_add_subject(header, true, &subject);
	buf_addz(out, "    \"");
	decode_words(buf_view(&subject), add_piece, out);
	date = str_trim(str_cut(date, '\r', &rest));
	buf_addz(out, date.n ? "\", " : "\"");
	dsn_add_safe(out, date, false, SUBJECT_MAX);
	buf_addz(out, "\r\n");
	buf_free(&subject);
}

static void
add_group(const struct dsn *d, size_t first, struct buf *out)
{
	const struct dsn_recipient *r = &d->recipients[first];

	for (size_t i = first; i < d->recipients_n; i++) {
		if (!is_same(r, &d->recipients[i]))
			continue;
		buf_addz(out, "  ");
		dsn_add_safe(
			out, str_of(d->recipients[i].address), true, REPLY_MAX);
		buf_addz(out, "\r\n");
		if (d->more_n)
			add_which(dsn_header_of(d, &d->recipients[i]), out);
	}
	buf_addz(out, "\r\n");
	if (r->action == DSN_FAILED || r->action == DSN_DELAYED)
		add_reason(r, out);
	if (r->action == DSN_DELIVERED && r->reply[0])
		add_paragraph(out, 2, r->reply);
	if (r->action == DSN_FAILED)
		add_paragraph(out, 2, advice_for(r));
	if (r->action == DSN_DELAYED)
		add_until(r, out);
}

static void
add_action(const struct dsn *d, enum dsn_action action, struct buf *out)
{
	const char *const words[DSN_ACTIONS_N] = {
		[DSN_FAILED] = d->more_n ? "These messages of yours could not "
					   "be delivered:"
					 : "Your message could not be "
					   "delivered to:",
		[DSN_DELAYED] = "Your message has not yet reached:",
		[DSN_DELIVERED] = "Your message was delivered to:",
		[DSN_RELAYED] = "Your message went on to a system that reports "
				"no more, for:",
		[DSN_EXPANDED] =
			"Your message was sent to all addresses behind "
			"this one, which report no more:",
	};

	if (!dsn_has(d, action))
		return;
	add_paragraph(out, 0, words[action]);
	for (size_t i = 0; i < d->recipients_n; i++)
		if (d->recipients[i].action == action && is_first(d, i))
			add_group(d, i, out);
}

void
dsn_add_text(const struct dsn *d, struct buf *out)
{
	buf_addf(out, "This is the mail system at %s.\r\n\r\n", d->hostname);
	for (size_t i = 0; i < DSN_ACTIONS_N; i++)
		add_action(d, (enum dsn_action)i, out);
	buf_addz(out,
		d->more_n ? "The headers of your messages are below; their "
			    "texts are not\r\nrepeated.\r\n"
		: d->whole.n
			? "Your message comes back with this notice.\r\n"
			: "The header of your message is below; its text is not"
			  " repeated.\r\n");
}
