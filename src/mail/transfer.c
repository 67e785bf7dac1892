#include "mail/transfer.h"

enum {
	/* A line keeps room for the "=" of a soft break. */
	QP_LINE_MAX = TRANSFER_LINE_MAX - 1,
	BASE64_GROUP = 3, /* octets, that make 4 */
};

void
transfer_begin(struct transfer_write *w, enum transfer how, bool binary,
	struct buf *out)
{
	*w = (struct transfer_write){.how = how, .binary = binary, .out = out};
}

const char *
transfer_name(enum transfer how)
{
	return how == TRANSFER_BASE64 ? "base64" : "quoted-printable";
}

static void
put(struct transfer_write *w, const char *p, size_t n)
{
	w->octets += n;
	w->column += (unsigned)n;
	if (w->out)
		buf_add(w->out, p, n);
}

static void
line_end(struct transfer_write *w)
{
	put(w, "\r\n", 2);
	w->column = 0;
}

/* --- quoted-printable ----------------------------------------------------- */

static void
soft_break(struct transfer_write *w)
{
	put(w, "=", 1);
	line_end(w);
	w->soft = true;
}

static void
qp_escape(struct transfer_write *w, char octet)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char c = (unsigned char)octet;
	const char text[] = {'=', digits[c >> 4], digits[c & 15]};

	if (w->column + sizeof(text) > QP_LINE_MAX)
		soft_break(w);
	put(w, text, sizeof(text));
}

static void
qp_plain(struct transfer_write *w, char octet)
{
	if (w->column + 1 > QP_LINE_MAX)
		soft_break(w);
	if (w->soft && w->column == 0 && octet == '-')
		qp_escape(w, octet);
	else
		put(w, &octet, 1);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
qp_octet(struct transfer_write *w, char c)
{
	if ((c > ' ' && c < 127 && c != '=') || is_blank(c))
		qp_plain(w, c);
	else
		qp_escape(w, c);
}

/* RFC 2045 6.7 rule 3: no blank stands at the end of a line. */
static void
qp_line_end(struct transfer_write *w, bool blank, char c)
{
	if (blank)
		qp_escape(w, c);
	line_end(w);
	w->soft = false;
}

/*
 * What is held is at most one blank and a CR behind it: until the next octet
 * it is not known whether they end the line.
 */
static void
qp_feed(struct transfer_write *w, char c)
{
	bool cr = w->held_n && w->held[w->held_n - 1] == '\r';
	bool blank = w->held_n && is_blank(w->held[0]);

	if (cr && c == '\n') {
		qp_line_end(w, blank, w->held[0]);
		w->held_n = 0;
		return;
	}
	if (c == '\r' && !cr && !w->binary) {
		w->held[w->held_n++] = c;
		return;
	}
	for (unsigned i = 0; i < w->held_n; i++)
		qp_octet(w, w->held[i]);
	w->held_n = 0;
	if (is_blank(c) || (c == '\r' && !w->binary))
		w->held[w->held_n++] = c;
	else
		qp_octet(w, c);
}

static void
qp_end(struct transfer_write *w)
{
	for (unsigned i = 0; i < w->held_n; i++)
		qp_escape(w, w->held[i]);
	w->held_n = 0;
}

/* --- base64 --------------------------------------------------------------- */

static void
base64_group(struct transfer_write *w)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *h = (const unsigned char *)w->held;
	char text[4];

	if (w->column == TRANSFER_LINE_MAX)
		line_end(w);
	for (unsigned i = w->held_n; i < BASE64_GROUP; i++)
		w->held[i] = '\0';
	text[0] = digits[h[0] >> 2];
	text[1] = digits[(h[0] & 3) << 4 | h[1] >> 4];
	text[2] = w->held_n > 1 ? digits[(h[1] & 15) << 2 | h[2] >> 6] : '=';
	text[3] = w->held_n > 2 ? digits[h[2] & 63] : '=';
	put(w, text, sizeof(text));
	w->held_n = 0;
}

uint64_t
transfer_base64_octets(uint64_t n)
{
	uint64_t groups = (n + BASE64_GROUP - 1) / BASE64_GROUP;
	uint64_t a_line = TRANSFER_LINE_MAX / 4;

	return n ? groups * 4 + (groups - 1) / a_line * 2 : 0;
}

/* --- both ----------------------------------------------------------------- */

void
transfer_octets(struct transfer_write *w, struct str octets)
{
	if (w->how == TRANSFER_NONE) {
		put(w, octets.p, octets.n);
		return;
	}
	for (size_t i = 0; i < octets.n; i++) {
		if (w->how == TRANSFER_QP) {
			qp_feed(w, octets.p[i]);
			continue;
		}
		w->held[w->held_n++] = octets.p[i];
		if (w->held_n == BASE64_GROUP)
			base64_group(w);
	}
}

void
transfer_end(struct transfer_write *w)
{
	if (w->how == TRANSFER_QP)
		qp_end(w);
	else if (w->how == TRANSFER_BASE64 && w->held_n)
		base64_group(w);
}

void
transfer_end_line(struct transfer_write *w)
{
	if (w->how == TRANSFER_QP && w->column)
		soft_break(w);
	else if (w->how == TRANSFER_BASE64 && w->column)
		line_end(w);
}

enum transfer
transfer_shorter(struct str s)
{
	struct transfer_write w;

	transfer_begin(&w, TRANSFER_QP, false, NULL);
	transfer_octets(&w, s);
	transfer_end(&w);
	return w.octets <= transfer_base64_octets(s.n) ? TRANSFER_QP
						       : TRANSFER_BASE64;
}

void
transfer_add(struct buf *out, struct str s, enum transfer how)
{
	struct transfer_write w;

	transfer_begin(&w, how, false, out);
	transfer_octets(&w, s);
	transfer_end(&w);
}
