/* The part for programs: RFC 3464 2, and RFC 6533 4 for UTF-8 addresses. */
#include "mail/dsn_private.h"

#include "base/clock.h"
#include "wire/grammar.h"
#include "wire/xtext.h"

#include <string.h>

enum { FIELD_MAX = 900 }; /* octets of a value */

static void
add_text(const char *name, const char *value, bool global, struct buf *out)
{
	buf_addz(out, name);
	dsn_add_safe(out, str_of(value), global, FIELD_MAX);
	buf_addz(out, "\r\n");
}

static void
add_time(const char *name, int64_t when, struct buf *out)
{
	char text[CLOCK_TEXT_MAX];

	if (!when)
		return;
	clock_rfc5322(when, text);
	buf_addf(out, "%s%s\r\n", name, text);
}

/* --- what SMTP brought, decoded ------------------------------------------- */

/* One "\x{HEX}" of RFC 6533 3 at the front of S; 0: it is none. */
static size_t
embedded_char(struct str s, uint32_t *char_r)
{
	size_t n = 3;
	uint32_t c = 0;

	if (s.n < 5 || memcmp(s.p, "\\x{", 3) != 0)
		return 0;
	for (; n < s.n && n < 9 && s.p[n] != '}'; n++) {
		const char *digits = "0123456789ABCDEF";
		const char *at = strchr(digits, s.p[n]);

		if (!at || !s.p[n])
			return 0;
		c = c << 4 | (uint32_t)(at - digits);
	}
	*char_r = c;
	return n > 3 && n < s.n && s.p[n] == '}' ? n + 1 : 0;
}

static void
add_utf8(struct buf *out, uint32_t c)
{
	char text[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n; i-- > 1; c >>= 6)
		text[i] = (char)(0x80 | (c & 63));
	text[0] = (char)(first[n] | c);
	buf_add(out, text, n);
}

/* utf-8-addr-xtext to utf-8-address. */
static void
decode_embedded(struct str s, struct buf *out)
{
	uint32_t c;

	while (s.n) {
		size_t n = embedded_char(s, &c);

		if (n && c <= 0x10FFFF)
			add_utf8(out, c);
		else
			buf_add(out, s.p, n = 1);
		s = str_skip(s, n);
	}
}

/*
 * The address of an ORCPT. The 7-bit form of a UTF-8 one may stand as it is
 * where the part has no other (RFC 6533 3).
 */
static void
decode_orcpt(struct str type, struct str address, bool global, struct buf *out)
{
	if (str_eq_nocase(type, STR("utf-8"))) {
		if (global)
			decode_embedded(address, out);
		else
			buf_adds(out, address);
	} else if (!xtext_decode(address, out)) {
		buf_clear(out);
		buf_adds(out, address);
	}
}

static void
add_orcpt(const char *orcpt, bool global, struct buf *out)
{
	struct str address, type = str_cut(str_of(orcpt), ';', &address);
	struct buf plain;

	if (!orcpt[0])
		return;
	buf_init(&plain, 0);
	decode_orcpt(type, address, global, &plain);
	buf_addf(out, "Original-Recipient: %.*s; ", STR_FMT(type));
	dsn_add_safe(out, buf_view(&plain), global, FIELD_MAX);
	buf_addz(out, "\r\n");
	buf_free(&plain);
}

static void
add_envid(const char *envid, bool global, struct buf *out)
{
	struct buf plain;

	if (!envid[0])
		return;
	buf_init(&plain, 0);
	if (!xtext_decode(str_of(envid), &plain)) {
		buf_clear(&plain);
		buf_addz(&plain, envid);
	}
	add_text("Original-Envelope-Id: ", buf_z(&plain), global, out);
	buf_free(&plain);
}

bool
dsn_status_is_global(const struct dsn *d)
{
	for (size_t i = 0; i < d->recipients_n; i++)
		if (!grammar_is_ascii(str_of(d->recipients[i].address)) ||
			!grammar_is_ascii(str_of(d->recipients[i].orcpt)))
			return true;
	return false;
}

/* --- the fields ----------------------------------------------------------- */

/* "helo [address]": the name that the client gave. */
static void
add_received_from(const struct dsn *d, struct buf *out)
{
	struct str rest, name = str_cut(str_of(d->received_from), ' ', &rest);

	if (!rest.n || !grammar_is_ascii(name))
		return;
	buf_addz(out, "Received-From-MTA: dns; ");
	dsn_add_safe(out, name, false, FIELD_MAX);
	buf_addz(out, "\r\n");
}

static void
add_message_fields(const struct dsn *d, bool global, struct buf *out)
{
	buf_addf(out, "Reporting-MTA: dns; %s\r\n", d->hostname);
	add_envid(d->envid, global, out);
	add_received_from(d, out);
	if (d->arrival[0])
		buf_addf(out, "Arrival-Date: %s\r\n", d->arrival);
	if (d->deliver_by && d->deliver_by[0])
		buf_addf(out, "Deliver-By-Date: %s\r\n", d->deliver_by);
	if (d->hold && d->hold[0])
		buf_addf(out, "Future-Release-Request: %s\r\n", d->hold);
}

/*
 * RFC 3461 6.3 (h), (i): the words of the remote server. Where a reply has no
 * code it is not one of SMTP, but our own words.
 */
static void
add_diagnostic(const struct dsn_recipient *r, bool global, struct buf *out)
{
	bool smtp = r->peer[0] && r->reply[0] >= '2' && r->reply[0] <= '5';

	if (r->peer[0])
		add_text("Remote-MTA: dns; ", r->peer, false, out);
	if (r->reply[0])
		add_text(smtp ? "Diagnostic-Code: smtp; "
			      : "Diagnostic-Code: x-tidepost; ",
			r->reply, global, out);
}

static void
add_recipient(const struct dsn *d, const struct dsn_recipient *r, bool global,
	struct buf *out)
{
	static const char *const actions[DSN_ACTIONS_N] = {
		[DSN_FAILED] = "failed",
		[DSN_DELAYED] = "delayed",
		[DSN_DELIVERED] = "delivered",
		[DSN_RELAYED] = "relayed",
		[DSN_EXPANDED] = "expanded",
	};
	bool ascii = grammar_is_ascii(str_of(r->address));

	add_orcpt(r->orcpt, global, out);
	add_text(ascii ? "Final-Recipient: rfc822; "
		       : "Final-Recipient: utf-8; ",
		r->address, global, out);
	buf_addf(out, "Action: %s\r\nStatus: %s\r\n", actions[r->action],
		r->status);
	add_diagnostic(r, global, out);
	add_time("Last-Attempt-Date: ", r->last_attempt, out);
	add_text("Final-Log-ID: ", r->log_id, false, out);
	if (d->more_n) {
		struct str id = dsn_message_id(dsn_header_of(d, r));

		if (id.n)
			buf_addf(out, "X-Original-Message-ID: %.*s\r\n",
				STR_FMT(id));
	}
	if (r->action == DSN_DELAYED) /* RFC 3464 2.3.9: in no other */
		add_time("Will-Retry-Until: ", r->retry_until, out);
}

void
dsn_add_status(const struct dsn *d, bool global, struct buf *out)
{
	add_message_fields(d, global, out);
	for (size_t i = 0; i < d->recipients_n; i++) {
		buf_addz(out, "\r\n");
		add_recipient(d, &d->recipients[i], global, out);
	}
}
