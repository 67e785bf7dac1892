#include "mail/dsn.h"

#include "base/clock.h"
#include "wire/grammar.h"
#include "wire/xtext.h"

#include <string.h>

enum { DSN_LINE_MAX = 900 };

/* Remote text on one line: no control octets, bounded. */
static void
add_safe(struct buf *out, const char *z)
{
	for (size_t i = 0; z[i] && i < DSN_LINE_MAX; i++) {
		unsigned char c = (unsigned char)z[i];

		buf_add(out, c < ' ' || c == 127 ? " " : &z[i], 1);
	}
}

static bool
has_action(const struct dsn *d, enum dsn_action action)
{
	for (size_t i = 0; i < d->recipients_n; i++)
		if (d->recipients[i].action == action)
			return true;
	return false;
}

static const char *
subject(const struct dsn *d)
{
	if (has_action(d, DSN_FAILED))
		return "Undelivered mail returned to sender";
	return has_action(d, DSN_DELIVERED) ? "Your mail was delivered"
					    : "Your mail was passed on";
}

static void
add_header(const struct dsn *d, bool utf8, struct buf *out)
{
	buf_addf(out,
		"From: Mail delivery <MAILER-DAEMON@%s>\r\n"
		"To: <%s>\r\n"
		"Subject: %s\r\n",
		d->hostname, d->to, subject(d));
	if (d->date[0])
		buf_addf(out, "Date: %s\r\n", d->date);
	buf_addf(out,
		"Message-ID: <notice.%lld@%s>\r\n"
		"Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"=_tidepost_%lld\"\r\n"
		"%s\r\n",
		(long long)d->notice_id, d->hostname, (long long)d->notice_id,
		utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void
add_boundary(const struct dsn *d, const char *end, struct buf *out)
{
	buf_addf(out, "\r\n--=_tidepost_%lld%s\r\n", (long long)d->notice_id,
		end);
}

static void
add_text_row(const struct dsn_recipient *r, struct buf *out)
{
	buf_addz(out, "  ");
	add_safe(out, r->address);
	if (r->action == DSN_FAILED) {
		buf_addz(out, "\r\n    ");
		if (r->peer[0]) {
			add_safe(out, r->peer);
			buf_addz(out, " said: ");
		}
		add_safe(out, r->reply);
	}
	buf_addz(out, "\r\n");
}

static void
add_text_of(const struct dsn *d, enum dsn_action action, const char *what,
	struct buf *out)
{
	if (!has_action(d, action))
		return;
	buf_addf(out, "%s\r\n\r\n", what);
	for (size_t i = 0; i < d->recipients_n; i++)
		if (d->recipients[i].action == action)
			add_text_row(&d->recipients[i], out);
	buf_addz(out, "\r\n");
}

static void
add_text_part(const struct dsn *d, struct buf *out)
{
	add_boundary(d, "", out);
	buf_addf(out,
		"Content-Type: text/plain; charset=utf-8\r\n\r\n"
		"This is the mail system at %s.\r\n\r\n",
		d->hostname);
	add_text_of(
		d, DSN_FAILED, "Your message could not be delivered to:", out);
	add_text_of(
		d, DSN_DELIVERED, "Your message is in the mailbox of:", out);
	add_text_of(d, DSN_RELAYED,
		"Your message went on to a system that reports no more, for:",
		out);
	buf_addz(out, "The header of your message is below; its text is not"
		      " repeated.\r\n");
}

static void
add_recipient(const struct dsn_recipient *r, struct buf *out)
{
	static const char *const actions[] = {[DSN_FAILED] = "failed",
		[DSN_DELIVERED] = "delivered",
		[DSN_RELAYED] = "relayed"};
	char when[CLOCK_TEXT_MAX];

	if (r->orcpt[0]) {
		struct str address,
			type = str_cut(str_of(r->orcpt), ';', &address);

		/* RFC 3461 6.3: the decoded form of the parameter */
		buf_addf(out, "Original-Recipient: %.*s; ", STR_FMT(type));
		if (!xtext_decode(address, out))
			buf_adds(out, address);
		buf_addz(out, "\r\n");
	}
	buf_addf(out, "Final-Recipient: %s; ",
		grammar_is_ascii(str_of(r->address)) ? "rfc822" : "utf-8");
	add_safe(out, r->address);
	buf_addf(out, "\r\nAction: %s\r\nStatus: %s\r\n", actions[r->action],
		r->status);
	if (r->peer[0]) {
		buf_addz(out, "Remote-MTA: dns; ");
		add_safe(out, r->peer);
		buf_addz(out, "\r\nDiagnostic-Code: smtp; ");
		add_safe(out, r->reply);
		buf_addz(out, "\r\n");
	}
	if (r->last_attempt) {
		clock_rfc5322(r->last_attempt, when);
		buf_addf(out, "Last-Attempt-Date: %s\r\n", when);
	}
}

static void
add_status_part(const struct dsn *d, bool utf8, struct buf *out)
{
	add_boundary(d, "", out);
	buf_addf(out,
		"Content-Type: message/%sdelivery-status\r\n\r\n"
		"Reporting-MTA: dns; %s\r\n",
		utf8 ? "global-" : "", d->hostname);
	if (d->envid[0]) {
		buf_addz(out, "Original-Envelope-Id: ");
		if (!xtext_decode(str_of(d->envid), out))
			buf_addz(out, d->envid);
		buf_addz(out, "\r\n");
	}
	if (d->arrival[0])
		buf_addf(out, "Arrival-Date: %s\r\n", d->arrival);
	for (size_t i = 0; i < d->recipients_n; i++) {
		buf_addz(out, "\r\n");
		add_recipient(&d->recipients[i], out);
	}
}

/* RFC 3464 1: 7 bit unless an address or the header itself is more. */
static bool
needs_utf8(const struct dsn *d)
{
	for (size_t i = 0; i < d->recipients_n; i++)
		if (!grammar_is_ascii(str_of(d->recipients[i].address)))
			return true;
	return false;
}

void
dsn_compose(const struct dsn *d, struct buf *out)
{
	bool utf8 = needs_utf8(d);
	bool eight = utf8 || !grammar_is_ascii(d->header);

	add_header(d, eight, out);
	add_text_part(d, out);
	add_status_part(d, utf8, out);
	add_boundary(d, "", out);
	buf_addf(out, "Content-Type: %s\r\n%s\r\n",
		utf8 ? "message/global-headers" : "text/rfc822-headers",
		eight && !utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	buf_adds(out, d->header);
	add_boundary(d, "--", out);
}
