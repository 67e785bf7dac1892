/* RET, ENVID, NOTIFY, ORCPT (RFC 3461 4, RFC 6533 3). */
#include "wire/params_value.h"

#include <string.h>

#include "wire/grammar.h"
#include "wire/xtext.h"

/* RFC 3461 4.3 */
enum params_result
params_parse_ret(struct str value, unsigned offered, struct params_target t)
{
	(void)offered;
	if (str_eq_nocase(value, STR("FULL")))
		t.mail->ret = RET_FULL;
	else if (str_eq_nocase(value, STR("HDRS")))
		t.mail->ret = RET_HDRS;
	else
		return PARAMS_SYNTAX;
	return PARAMS_OK;
}

void
params_write_ret(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->ret != RET_NONE)
		buf_addf(out, " RET=%s",
			s.mail->ret == RET_FULL ? "FULL" : "HDRS");
}

/*
 * xtext of printable ASCII, blanks and tabs (RFC 3461 4.2, 4.4). Anything else
 * would break out of the header field of a notice that shows it.
 */
static bool
is_printable_xtext(struct str s, size_t max)
{
	struct str plain;
	struct buf b;
	bool right;

	if (s.n > max)
		return false;
	buf_init(&b, max);
	right = xtext_decode(s, &b);
	plain = buf_view(&b);
	for (size_t i = 0; right && i < plain.n; i++)
		right = plain.p[i] == '\t' ||
			(plain.p[i] >= 32 && plain.p[i] <= 126);
	buf_free(&b);
	return right;
}

/* RFC 3461 4.4 */
enum params_result
params_parse_envid(struct str value, unsigned offered, struct params_target t)
{
	struct mail_params *p = t.mail;

	(void)offered;
	if (!is_printable_xtext(value, WIRE_ENVID_MAX))
		return PARAMS_SYNTAX;
	str_copy(p->envid, sizeof(p->envid), value);
	return PARAMS_OK;
}

void
params_write_envid(struct params_source s, unsigned offered, struct buf *out)
{
	(void)offered;
	if (s.mail->envid[0])
		buf_addf(out, " ENVID=%s", s.mail->envid);
}

static const struct {
	const char *name;
	enum notify bit;
} notify_table[] = {
	{"NEVER", NOTIFY_NEVER},
	{"SUCCESS", NOTIFY_SUCCESS},
	{"FAILURE", NOTIFY_FAILURE},
	{"DELAY", NOTIFY_DELAY},
};

enum { NOTIFY_COUNT = sizeof(notify_table) / sizeof(notify_table[0]) };

static unsigned
notify_by_name(struct str name)
{
	for (size_t i = 0; i < NOTIFY_COUNT; i++)
		if (str_eq_nocase(name, str_of(notify_table[i].name)))
			return notify_table[i].bit;
	return 0;
}

/* RFC 3461 4.1: "NEVER", or a list of the others */
enum params_result
params_parse_notify(struct str value, unsigned offered, struct params_target t)
{
	bool more = true;

	(void)offered;
	while (more) {
		struct str rest, name = str_cut(value, ',', &rest);
		unsigned bit = notify_by_name(name);

		if (bit == 0 || (t.rcpt->notify & NOTIFY_NEVER) ||
			(bit == NOTIFY_NEVER && t.rcpt->notify))
			return PARAMS_SYNTAX;
		t.rcpt->notify |= bit;
		more = name.n < value.n;
		value = rest;
	}
	return PARAMS_OK;
}

void
params_write_notify(struct params_source s, unsigned offered, struct buf *out)
{
	const char *before = " NOTIFY=";

	(void)offered;
	for (size_t i = 0; i < NOTIFY_COUNT; i++) {
		if (!(s.rcpt->notify & notify_table[i].bit))
			continue;
		buf_addf(out, "%s%s", before, notify_table[i].name);
		before = ",";
	}
}

/* addr-type of RFC 3461 4.2: an atom, in a value that has no "=" */
static bool
is_addr_type(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 33 || s.p[i] > 126 ||
			strchr("()<>@,;:\\\".[]=", s.p[i]))
			return false;
	return s.n > 0;
}

static bool
is_hex(char c)
{
	return c && strchr("0123456789ABCDEFabcdef", c);
}

/*
 * HEXPOINT of RFC 6533 3: "\", "+", "=", a blank, or a code point above ASCII,
 * in the fewest digits (but two). Not the controls, as no mailbox holds one.
 */
static bool
is_hex_point(struct str s)
{
	uint32_t point = 0;

	if (s.n < 2 || s.n > 6 || (s.n > 2 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!is_hex(c))
			return false;
		point = point << 4 |
			(uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	if (s.n == 2 && point < 0x80)
		return point == 0x20 || point == '+' || point == '=' ||
		       point == '\\';
	return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/* Octets of the QUCHAR or EmbeddedUnicodeChar at the front of S; 0: none. */
static size_t
unitext_octets(struct str s, bool utf8)
{
	struct str rest, inner;
	char c = s.p[0];

	if (c == '\\') {
		if (s.n < 3 || s.p[1] != 'x' || s.p[2] != '{')
			return 0;
		inner = str_cut(str_skip(s, 3), '}', &rest);
		if (inner.n + 4 > s.n || !is_hex_point(inner))
			return 0;
		return inner.n + 4;
	}
	if (c >= 33 && c <= 126)
		return c != '+' && c != '=';
	return utf8 ? grammar_utf8_octets(s) : 0;
}

/* utf-8-addr-xtext, with UTF8 utf-8-addr-unitext or utf-8-address as well */
static bool
is_unitext(struct str s, bool utf8)
{
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		size_t n = unitext_octets(s, utf8);

		if (n == 0)
			return false;
		s = str_skip(s, n);
	}
	return true;
}

/* RFC 3461 4.2: addr-type ";" xtext. RFC 6533 3: "utf-8;" and its own form */
enum params_result
params_parse_orcpt(struct str value, unsigned offered, struct params_target t)
{
	struct rcpt_params *p = t.rcpt;
	struct str address, type = str_cut(value, ';', &address);
	bool right;

	if (value.n > WIRE_ORCPT_MAX || type.n == value.n ||
		!is_addr_type(type))
		return PARAMS_SYNTAX;
	if (str_eq_nocase(type, STR("utf-8")))
		right = is_unitext(address, offered & EXT_SMTPUTF8);
	else
		right = is_printable_xtext(address, WIRE_ORCPT_MAX);
	if (!right)
		return PARAMS_SYNTAX;
	str_copy(p->orcpt, sizeof(p->orcpt), value);
	return PARAMS_OK;
}

/* S with each character above ASCII as "\x{...}". */
static void
add_ascii_form(struct str s, struct buf *out)
{
	while (s.n > 0) {
		size_t n = grammar_utf8_octets(s);
		uint32_t point = (unsigned char)s.p[0];

		if (n <= 1) {
			buf_add(out, s.p, 1);
			s = str_skip(s, 1);
			continue;
		}
		point &= 0xffU >> (n + 1);
		for (size_t i = 1; i < n; i++)
			point = point << 6 | ((unsigned char)s.p[i] & 0x3fU);
		buf_addf(out, "\\x{%02X}", point);
		s = str_skip(s, n);
	}
}

/*
 * RFC 6533 3: without SMTPUTF8 the address goes in its 7-bit form; where
 * that is above the limit it stays away, as the parameter is optional.
 */
void
params_write_orcpt(struct params_source s, unsigned offered, struct buf *out)
{
	struct str orcpt = str_of(s.rcpt->orcpt);
	struct buf value;

	if (orcpt.n == 0)
		return;
	buf_init(&value, 0);
	if (offered & EXT_SMTPUTF8)
		buf_adds(&value, orcpt);
	else
		add_ascii_form(orcpt, &value);
	if (value.len <= WIRE_ORCPT_MAX)
		buf_addf(out, " ORCPT=%s", buf_z(&value));
	buf_free(&value);
}
