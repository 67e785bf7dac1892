#include "wire/grammar.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	LABEL_MAX = 63,	    /* RFC 1035 2.3.4; of a label in ASCII */
	IPV6_TEXT_MAX = 45, /* INET6_ADDRSTRLEN without the NUL */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_let_dig(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5322 3.2.3 */
static bool
is_atext(char c)
{
	return is_let_dig(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* The first N octets of *IN go to *PART_R, *IN moves behind them. */
static bool
take(struct str *in, size_t n, struct str *part_r)
{
	*part_r = (struct str){in->p, n};
	*in = str_skip(*in, n);
	return true;
}

/*
 * Decodes the UTF-8 character at the front of S (RFC 3629 4): returns its
 * octets, 0 where it is malformed.
 */
static size_t
utf8_decode(struct str s, uint32_t *point_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = s.n ? (unsigned char)s.p[0] : 0xff;
	size_t n = first < 0x80	  ? 1
		   : first < 0xc2 ? 0
		   : first < 0xe0 ? 2
		   : first < 0xf0 ? 3
		   : first < 0xf5 ? 4
				  : 0;
	uint32_t point = n < 2 ? first : first & (0xffU >> (n + 1));

	if (n == 0 || s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (c & 0x3fU);
	}
	if (point < least[n] || point > 0x10ffff ||
		(point >= 0xd800 && point <= 0xdfff))
		return 0;
	*point_r = point;
	return n;
}

size_t
grammar_utf8_octets(struct str s)
{
	uint32_t point;

	return utf8_decode(s, &point);
}

/* Octets of the UTF8-non-ascii character at the front of S (RFC 6532 3.1). */
static size_t
non_ascii_octets(struct str s)
{
	size_t n = grammar_utf8_octets(s);

	return n > 1 ? n : 0;
}

/*
 * What no U-label (RFC 6531 3.3) may hold: controls, blanks, what reads as
 * a dot or as ASCII, private use, non-characters. Not all of IDNA: the full
 * tables are for whoever looks the name up.
 */
static bool
label_refuses(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x80, 0xb6},
		{0xb8, 0xbf},
		{0x2000, 0x200b},
		{0x200e, 0x206f},
		{0x3000, 0x3004},
		{0xd800, 0xf8ff},
		{0xfdd0, 0xfdef},
		{0xfe10, 0xfe1f},
		{0xfe30, 0xfe6f},
		{0xfeff, 0xfeff},
		{0xff00, 0xffff},
		{0xe0000, 0x10ffff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

/* Octets of the letter of a label at the front of S; 0: none is there. */
static size_t
label_letter_octets(struct str s, bool utf8)
{
	uint32_t point;
	size_t n;

	if (s.n > 0 && is_let_dig(s.p[0]))
		return 1;
	if (!utf8)
		return 0;
	n = utf8_decode(s, &point);
	return n > 1 && !label_refuses(point) ? n : 0;
}

/*
 * Length of the sub-domain at the front of S: letters and digits with hyphens
 * only between them. 0: none.
 */
static size_t
sub_domain_octets(struct str s, bool utf8)
{
	size_t n = 0, end = 0;
	bool ascii = true;

	for (;;) {
		size_t step = label_letter_octets(str_skip(s, n), utf8);

		if (step > 0) {
			ascii = ascii && step == 1;
			end = n += step;
		} else if (n > 0 && n < s.n && s.p[n] == '-') {
			n++;
		} else {
			break;
		}
	}
	return ascii && end > LABEL_MAX ? 0 : end;
}

bool
grammar_domain(struct str *in, bool utf8, struct str *domain_r)
{
	size_t n = sub_domain_octets(*in, utf8);

	while (n > 0 && n < in->n && in->p[n] == '.') {
		size_t more = sub_domain_octets(str_skip(*in, n + 1), utf8);

		if (more == 0)
			break;
		n += 1 + more;
	}
	if (n == 0 || n > WIRE_DOMAIN_MAX)
		return false;
	return take(in, n, domain_r);
}

/* RFC 5321 4.1.3: Snum 3("." Snum); leading zeros are decimal all the same. */
static bool
is_ipv4(struct str s)
{
	for (int i = 0; i < 4; i++) {
		uint64_t value;
		struct str rest, part = str_cut(s, '.', &rest);
		bool dot = part.n < s.n;

		if (part.n > 3 || !str_u64(part, &value) || value > 255 ||
			dot != (i < 3))
			return false;
		s = rest;
	}
	return true;
}

/*
 * RFC 5321 4.1.3: "::" stands for at least two groups, so six others at most;
 * an IPv4 tail is two of them.
 */
static bool
has_room_for_gap(const char *z)
{
	unsigned groups = strchr(z, '.') != NULL;

	if (!strstr(z, "::"))
		return true;
	for (char before = ':'; *z; before = *z++)
		groups += *z != ':' && before == ':';
	return groups <= 6;
}

static bool
is_ipv6(struct str s)
{
	char z[IPV6_TEXT_MAX + 1];
	struct in6_addr addr;

	return memchr(s.p, '\0', s.n) == NULL && str_copy(z, sizeof(z), s) &&
	       inet_pton(AF_INET6, z, &addr) == 1 && has_room_for_gap(z);
}

/* Standardized-tag ":" 1*dcontent; TAG and CONTENT are what is around it. */
static bool
is_general(struct str tag, struct str content)
{
	if (tag.n == 0 || content.n == 0 || !is_let_dig(tag.p[tag.n - 1]))
		return false;
	for (size_t i = 0; i < tag.n; i++)
		if (!is_let_dig(tag.p[i]) && tag.p[i] != '-')
			return false;
	for (size_t i = 0; i < content.n; i++)
		if (content.p[i] < 33 || content.p[i] > 126 ||
			strchr("[\\]", content.p[i]))
			return false;
	return true;
}

/* What stands between the brackets. */
static bool
is_literal_content(struct str s)
{
	struct str content, tag = str_cut(s, ':', &content);

	if (tag.n == s.n)
		return is_ipv4(s);
	if (str_eq_nocase(tag, STR("IPv6")))
		return is_ipv6(content);
	return is_general(tag, content);
}

bool
grammar_address_literal(struct str *in, struct str *literal_r)
{
	struct str content, rest;

	if (in->n == 0 || in->p[0] != '[')
		return false;
	content = str_cut(str_skip(*in, 1), ']', &rest);
	if (content.n + 2 > in->n || content.n + 2 > WIRE_DOMAIN_MAX ||
		!is_literal_content(content))
		return false;
	return take(in, content.n + 2, literal_r);
}

static size_t
atom_octets(struct str s, bool utf8)
{
	size_t n = 0, step;

	for (; n < s.n; n += step) {
		if (is_atext(s.p[n]))
			step = 1;
		else
			step = utf8 ? non_ascii_octets(str_skip(s, n)) : 0;
		if (step == 0)
			break;
	}
	return n;
}

static size_t
dot_string_octets(struct str s, bool utf8)
{
	size_t n = atom_octets(s, utf8);

	while (n > 0 && n < s.n && s.p[n] == '.') {
		size_t more = atom_octets(str_skip(s, n + 1), utf8);

		if (more == 0)
			break;
		n += 1 + more;
	}
	return n;
}

/* With both quotes; 0: the closing one is missing, or an octet is not fit. */
static size_t
quoted_string_octets(struct str s, bool utf8)
{
	size_t n = 1, step;

	for (; n < s.n; n += step) {
		char c = s.p[n];

		if (c == '"')
			return n + 1;
		if (c == '\\') {
			/* quoted-pairSMTP: any of %d32-126 */
			if (n + 1 >= s.n || s.p[n + 1] < 32 || s.p[n + 1] > 126)
				return 0;
			step = 2;
		} else if (c >= 32 && c <= 126) {
			step = 1;
		} else {
			step = utf8 ? non_ascii_octets(str_skip(s, n)) : 0;
		}
		if (step == 0)
			return 0;
	}
	return 0;
}

bool
grammar_local_part(struct str *in, bool utf8, struct str *local_r)
{
	size_t n = in->n > 0 && in->p[0] == '"'
			   ? quoted_string_octets(*in, utf8)
			   : dot_string_octets(*in, utf8);

	if (n == 0 || n > WIRE_LOCAL_PART_MAX)
		return false;
	return take(in, n, local_r);
}

bool
grammar_keyword(struct str *in, struct str *keyword_r)
{
	size_t n = 0;

	while (n < in->n &&
		(is_let_dig(in->p[n]) || (n > 0 && in->p[n] == '-')))
		n++;
	return n > 0 && take(in, n, keyword_r);
}

bool
grammar_value(struct str *in, bool utf8, struct str *value_r)
{
	size_t n = 0, step;

	for (; n < in->n; n += step) {
		char c = in->p[n];

		if (c >= 33 && c <= 126 && c != '=')
			step = 1;
		else
			step = utf8 ? non_ascii_octets(str_skip(*in, n)) : 0;
		if (step == 0)
			break;
	}
	return n > 0 && take(in, n, value_r);
}

bool
grammar_is_domain(struct str s, bool utf8)
{
	struct str domain;

	return grammar_domain(&s, utf8, &domain) && s.n == 0;
}

bool
grammar_is_address_literal(struct str s)
{
	struct str literal;

	return grammar_address_literal(&s, &literal) && s.n == 0;
}

bool
grammar_is_utf8(struct str s)
{
	while (s.n > 0) {
		size_t n = grammar_utf8_octets(s);

		if (n == 0)
			return false;
		s = str_skip(s, n);
	}
	return true;
}

bool
grammar_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}
