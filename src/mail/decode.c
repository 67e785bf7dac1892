#include "mail/decode.h"

#include <string.h>

/* --- quoted-printable --- */

/* The octet that "=XX" at the front of S is; -1: it is none. */
static int
escaped(struct str s)
{
	int high = s.n >= 3 ? str_hex_digit(s.p[1]) : -1;
	int low = s.n >= 3 ? str_hex_digit(s.p[2]) : -1;

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Octets of a soft line break at the front of S; 0: there is none. */
static size_t
soft_break(struct str s)
{
	size_t i = 1;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
		i++;
	if (i < s.n && s.p[i] == '\r')
		i++;
	if (i < s.n && s.p[i] == '\n')
		return i + 1;
	return i == s.n ? i : 0;
}

static void
decode_qp(struct buf *out, struct str s)
{
	while (s.n) {
		int octet = s.p[0] == '=' ? escaped(s) : -1;
		size_t skip = s.p[0] == '=' && octet < 0 ? soft_break(s) : 0;
		char c = octet >= 0 ? (char)octet : s.p[0];

		if (!skip)
			buf_add(out, &c, 1);
		s = str_skip(s, skip ? skip : octet >= 0 ? 3 : 1);
	}
}

/* --- base64 --- */

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* What is no digit is passed over (RFC 2045 6.8). */
static void
decode_base64(struct decode *d, struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n && !d->ended; i++) {
		int digit = base64_digit(s.p[i]);
		char octet;

		d->ended = s.p[i] == '=';
		if (digit < 0)
			continue;
		d->bits = (d->bits << 6 | (uint32_t)digit) & 0xffffff;
		d->bits_n += 6;
		if (d->bits_n < 8)
			continue;
		d->bits_n -= 8;
		octet = (char)(d->bits >> d->bits_n);
		buf_add(out, &octet, 1);
	}
}

void
decode_more(struct decode *d, struct buf *out, struct str s)
{
	if (d->how == TRANSFER_QP)
		decode_qp(out, s);
	else if (d->how == TRANSFER_BASE64)
		decode_base64(d, out, s);
	else
		buf_adds(out, s);
}

void
decode_transfer(struct buf *out, struct str s, enum transfer how)
{
	struct decode d = {.how = how};

	decode_more(&d, out, s);
}

enum transfer
decode_transfer_name(struct str name)
{
	name = str_trim(name);
	if (str_eq_nocase(name, STR("quoted-printable")))
		return TRANSFER_QP;
	if (str_eq_nocase(name, STR("base64")))
		return TRANSFER_BASE64;
	return TRANSFER_NONE;
}

/* --- encoded words --- */

struct word {
	char charset[DECODE_CHARSET_MAX + 1];
	char encoding; /* 'Q' or 'B' */
	struct str text;
	size_t n; /* octets of the whole word */
};

/* "=?charset?Q?text?=" at the front of S. */
static bool
word_at(struct str s, struct word *w)
{
	struct str rest, charset, encoding, language;
	const char *end;

	if (s.n < 2 || s.p[0] != '=' || s.p[1] != '?')
		return false;
	charset = str_cut(str_skip(s, 2), '?', &rest);
	encoding = str_cut(rest, '?', &rest);
	/* RFC 2231 5: a language may stand behind the charset */
	charset = str_cut(charset, '*', &language);
	if (encoding.n != 1 ||
		!str_copy(w->charset, sizeof(w->charset), charset))
		return false;
	w->encoding = encoding.p[0] & ~0x20;
	end = rest.n >= 2 ? memmem(rest.p, rest.n, "?=", 2) : NULL;
	if (!end || (w->encoding != 'Q' && w->encoding != 'B'))
		return false;
	w->text = (struct str){rest.p, (size_t)(end - rest.p)};
	w->n = (size_t)(end + 2 - s.p);
	return true;
}

static void
give_word(const struct word *w, decode_piece *each, void *arg)
{
	struct buf text, octets;

	buf_init(&text, 0);
	buf_init(&octets, 0);
	/* RFC 2047 4.2: '_' is a blank, whatever the charset */
	for (size_t i = 0; i < w->text.n; i++)
		buf_add(&text,
			w->encoding == 'Q' && w->text.p[i] == '_'
				? " "
				: w->text.p + i,
			1);
	decode_transfer(&octets, buf_view(&text),
		w->encoding == 'B' ? TRANSFER_BASE64 : TRANSFER_QP);
	each(arg, w->charset, buf_view(&octets));
	buf_free(&text);
	buf_free(&octets);
}

static bool
all_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" \t\r\n", s.p[i]) || !s.p[i])
			return false;
	return true;
}

/* Plain text, its folds undone. */
static void
give_plain(struct str s, decode_piece *each, void *arg)
{
	while (s.n) {
		size_t n = 0;

		while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
			n++;
		if (n)
			each(arg, "", (struct str){s.p, n});
		while (n < s.n && (s.p[n] == '\r' || s.p[n] == '\n'))
			n++;
		s = str_skip(s, n);
	}
}

void
decode_words(struct str value, decode_piece *each, void *arg)
{
	struct str plain = {value.p, 0};
	bool behind_word = false;

	while (value.n) {
		struct word w;

		if (!word_at(value, &w)) {
			plain.n++;
			value = str_skip(value, 1);
			continue;
		}
		if (!behind_word || !all_blank(plain))
			give_plain(plain, each, arg);
		give_word(&w, each, arg);
		value = str_skip(value, w.n);
		plain = (struct str){value.p, 0};
		behind_word = true;
	}
	give_plain(plain, each, arg);
}
