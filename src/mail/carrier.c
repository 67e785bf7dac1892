#include "mail/carrier.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"

#define CARRIER_TYPE "application/batch-smtp"
#define CARRIER_SEAL "Tidepost-Seal"

/* --- extensions ----------------------------------------------------------- */

/*
 * RFC 2442, "Use of SMTP Extensions": these three may always be used, all
 * others are named. NOTARY is what RFC 2442 calls DSN.
 */
static const struct {
	const char *name;
	unsigned bit;
} extensions[] = {
	{"8bitMIME", EXT_8BITMIME},
	{"SIZE", EXT_SIZE},
	{"NOTARY", EXT_DSN},
	{"DSN", EXT_DSN},
	{"SMTPUTF8", EXT_SMTPUTF8},
	{"MT-PRIORITY", EXT_MT_PRIORITY},
};

enum { EXT_ALWAYS = EXT_8BITMIME | EXT_SIZE | EXT_DSN };

static void
write_extensions(unsigned used, struct buf *out)
{
	if (!(used & ~(unsigned)EXT_ALWAYS))
		return;
	buf_addz(out, ";\r\n\trequired-extensions=\"8bitMIME,SIZE,NOTARY");
	for (size_t i = 4; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (used & extensions[i].bit)
			buf_addf(out, ",%s", extensions[i].name);
	buf_addz(out, "\"");
}

static bool
is_known(struct str name)
{
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (str_eq_nocase(name, str_of(extensions[i].name)))
			return true;
	return false;
}

/* A list of EHLO lines with commas; the first one nobody here knows, or "". */
static struct str
unknown_extension(struct str list)
{
	while (list.n) {
		struct str rest, values;
		struct str line = str_trim(str_cut(list, ',', &rest));
		struct str name = str_cut(line, ' ', &values);

		if (name.n && !is_known(name))
			return name;
		list = rest;
	}
	return STR("");
}

/* --- writing -------------------------------------------------------------- */

static void
write_type(const struct carrier *c, struct buf *out)
{
	if (c->squeeze == SQUEEZE_NONE)
		buf_addz(out, "Content-Type: application/batch-SMTP");
	else
		buf_addf(out,
			"Content-Type: application/%s;\r\n\tname=\"%s%s\"",
			c->squeeze == SQUEEZE_GZIP ? "gzip" : "zstd",
			"mail.bsmtp", squeeze_suffix(c->squeeze));
	write_extensions(c->extensions, out);
	buf_addf(out, "\r\nContent-Transfer-Encoding: %s\r\n",
		c->how != TRANSFER_NONE ? transfer_name(c->how)
		: c->has_8bit		? "8bit"
					: "7bit");
}

void
carrier_write_header(const struct carrier *c, struct buf *out)
{
	buf_addf(out, "From: <%s>\r\nTo: <%s>\r\n", c->from, c->to);
	buf_addf(out, "Subject: %zu message%s in a batch\r\n", c->messages_n,
		c->messages_n == 1 ? "" : "s");
	if (c->date[0])
		buf_addf(out, "Date: %s\r\n", c->date);
	/* RFC 3834 5 */
	buf_addf(out,
		"Message-ID: <%s@%s>\r\n"
		"Auto-Submitted: auto-generated\r\n",
		c->name, c->hostname);
	if (c->seal[0])
		buf_addf(out, CARRIER_SEAL ": %s\r\n", c->seal);
	buf_addz(out, "MIME-Version: 1.0\r\n");
	write_type(c, out);
	buf_addz(out, "\r\n");
}

void
carrier_look(struct carrier_look *l, struct str octets)
{
	for (size_t i = 0; i < octets.n; i++) {
		char c = octets.p[i];

		l->has_8bit |= (c & 0x80) != 0;
		l->column = c == '\n' ? 0 : l->column + 1;
		/* the CR of its end counts, but not to those 998 */
		l->long_line |= l->column > CARRIER_LINE_MAX + 1;
	}
}

/* --- is it one? ----------------------------------------------------------- */

bool
carrier_is_message(struct str begin)
{
	size_t n = 0;

	if (begin.n >= 5 && memcmp(begin.p, "From ", 5) == 0)
		return true;
	/* a field's name and its colon; a command has a blank in front of it */
	while (n < begin.n && isgraph((unsigned char)begin.p[n]) &&
		begin.p[n] != ':')
		n++;
	return n > 0 && n < begin.n && begin.p[n] == ':';
}

/* --- reading -------------------------------------------------------------- */

enum {
	CARRIER_PIECE = 8192,	/* a longer line comes in pieces */
	CARRIER_LIST_MAX = 500, /* octets of required-extensions */
};

struct boundary {
	char text[MIME_BOUNDARY_MAX + 2];
};

enum carrier_state {
	CARRIER_HEADER, /* of the message, or of a part */
	CARRIER_BETWEEN,
	CARRIER_BATCH,
	CARRIER_OVER, /* behind the batch, or it cannot be read */
};

struct carrier_reader {
	enum carrier_state state;
	struct buf line;   /* so far, without its end */
	bool inside;	   /* the front of this line was taken already */
	struct buf header; /* so far */
	struct boundary open[MIME_DEPTH_MAX];
	unsigned depth;
	struct decode decode;
	bool end_held; /* a line end, which may belong to a boundary */
	bool found;
	char why[CARRIER_WHY_MAX];
	char seal[CARRIER_SEAL_MAX + 1];
};

struct carrier_reader *
carrier_reader_new(void)
{
	struct carrier_reader *r = xcalloc(1, sizeof(*r));

	buf_init(&r->line, CARRIER_PIECE);
	buf_init(&r->header, CARRIER_HEADER_MAX);
	return r;
}

void
carrier_reader_free(struct carrier_reader *r)
{
	if (!r)
		return;
	buf_free(&r->line);
	buf_free(&r->header);
	free(r);
}

const char *
carrier_why(const struct carrier_reader *r)
{
	return r->why;
}

const char *
carrier_seal(const struct carrier_reader *r)
{
	return r->seal;
}

static void
stop(struct carrier_reader *r, const char *why)
{
	str_copyz(r->why, sizeof(r->why), why);
	r->state = CARRIER_OVER;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcasecmp(name + n - k, end) == 0;
}

static bool
is_batch(const struct mime_part *p)
{
	if (strcmp(p->type, CARRIER_TYPE) == 0)
		return true;
	return (strcmp(p->type, "application/gzip") == 0 &&
		       ends_with(p->name, ".bsmtp.gz")) ||
	       (strcmp(p->type, "application/zstd") == 0 &&
		       ends_with(p->name, ".bsmtp.zst"));
}

static void
begin_batch(struct carrier_reader *r, const struct mime_part *p)
{
	char list[CARRIER_LIST_MAX + 2], why[CARRIER_WHY_MAX];
	struct str unknown, rest, seal;

	mime_parameter(
		p->header, STR("required-extensions"), list, sizeof(list));
	unknown = unknown_extension(str_of(list));
	if (strlen(list) > CARRIER_LIST_MAX) {
		stop(r, "the batch needs too many extensions");
		return;
	}
	if (unknown.n) {
		snprintf(why, sizeof(why),
			"the batch needs the extension %.*s, which is not "
			"known here",
			(int)(unknown.n < 60 ? unknown.n : 60), unknown.p);
		stop(r, why);
		return;
	}
	seal = header_find(p->header, STR(CARRIER_SEAL));
	seal = str_trim(str_cut(str_cut(seal, '\n', &rest), '\r', &rest));
	if (!str_copy(r->seal, sizeof(r->seal), seal))
		r->seal[0] = '\0';
	r->decode = (struct decode){.how = p->how};
	r->state = CARRIER_BATCH;
	r->found = true;
}

/* The header is whole. */
static void
judge_header(struct carrier_reader *r)
{
	struct mime_part p = {.header = buf_view(&r->header)};
	struct boundary b;

	mime_read_header(&p);
	mime_parameter(p.header, STR("boundary"), b.text, sizeof(b.text));
	r->state = CARRIER_BETWEEN;
	if (is_batch(&p)) {
		begin_batch(r, &p);
	} else if (strncmp(p.type, "multipart/", 10) == 0 && b.text[0] &&
		   r->depth < MIME_DEPTH_MAX) {
		r->open[r->depth++] = b;
	} else if (strcmp(p.type, "message/rfc822") == 0 &&
		   p.how == TRANSFER_NONE) {
		r->state = CARRIER_HEADER; /* of what came back, perhaps */
	}
	buf_clear(&r->header);
}

static void
header_line(struct carrier_reader *r, struct str line)
{
	bool envelope = r->header.len == 0 && line.n >= 5 &&
			memcmp(line.p, "From ", 5) == 0; /* of a mailbox */

	if (line.n == 0 && !r->inside)
		judge_header(r);
	else if (!envelope &&
		 !(buf_adds(&r->header, line) &&
			 buf_addz(&r->header, r->inside ? "" : "\r\n")))
		stop(r, "a header is too long");
}

/* Does LINE end the part it stands in? */
static bool
at_boundary(struct carrier_reader *r, struct str line)
{
	for (unsigned i = r->depth; i > 0; i--) {
		bool last;

		if (!mime_is_boundary(line, str_of(r->open[i - 1].text), &last))
			continue;
		r->depth = last ? i - 1 : i;
		buf_clear(&r->header);
		r->state = r->state == CARRIER_BATCH ? CARRIER_OVER
			   : last		     ? CARRIER_BETWEEN
						     : CARRIER_HEADER;
		return true;
	}
	return false;
}

/* RFC 2045 6.7 (5): "=" at the end of a line makes none. */
static bool
is_soft(const struct carrier_reader *r, struct str line)
{
	if (r->decode.how != TRANSFER_QP)
		return r->decode.how == TRANSFER_BASE64;
	line = str_trim(line);
	return line.n && line.p[line.n - 1] == '=';
}

/* ENDS: a line end stands behind LINE. */
static void
batch_line(
	struct carrier_reader *r, struct str line, bool ends, struct buf *out)
{
	if (r->end_held)
		buf_addz(out, "\r\n");
	decode_more(&r->decode, out, line);
	r->end_held = ends && !is_soft(r, line);
}

/* What is in hand, a line or the front of one. */
static void
take_line(struct carrier_reader *r, bool ends, struct buf *out)
{
	struct str line = buf_view(&r->line);
	bool cr = line.n && line.p[line.n - 1] == '\r';

	line.n -= cr; /* of its end, or it will be seen what it is */
	if (!r->inside && r->state != CARRIER_OVER && at_boundary(r, line))
		;
	else if (r->state == CARRIER_HEADER)
		header_line(r, line);
	else if (r->state == CARRIER_BATCH)
		batch_line(r, line, ends, out);
	r->inside = !ends;
	buf_clear(&r->line);
	if (cr && !ends)
		buf_addz(&r->line, "\r");
}

void
carrier_read(struct carrier_reader *r, struct str octets, struct buf *out)
{
	while (octets.n && r->state != CARRIER_OVER) {
		const char *lf = memchr(octets.p, '\n', octets.n);
		size_t n = lf ? (size_t)(lf - octets.p) : octets.n;
		size_t room = buf_room(&r->line);
		bool whole = lf && n <= room;

		n = n < room ? n : room;
		buf_add(&r->line, octets.p, n);
		octets = str_skip(octets, n + whole);
		if (whole || buf_room(&r->line) == 0)
			take_line(r, whole, out);
	}
}

bool
carrier_read_end(struct carrier_reader *r, struct buf *out)
{
	if (r->line.len)
		take_line(r, false, out);
	if (r->end_held && r->state == CARRIER_BATCH)
		buf_addz(out, "\r\n");
	r->end_held = false;
	if (!r->found && !r->why[0])
		stop(r, "there is no batch in this message");
	return r->found && !r->why[0];
}
