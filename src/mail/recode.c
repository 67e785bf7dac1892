#include "mail/recode_private.h"

#include "mail/header.h"

#include <stdlib.h>
#include <string.h>

enum place {
	IN_HEADER,
	IN_BODY,    /* of a leaf, or of what must stay */
	IN_BETWEEN, /* around the parts of a multipart */
};

/* A multipart whose parts we are among, the outermost first. */
struct level {
	char boundary[RECODE_BOUNDARY_MAX + 1];
	size_t boundary_n;
	bool digest;
};

struct recode {
	struct recode_to to;
	bool writing;	  /* the second pass */
	struct buf *out;  /* ... goes there */
	uint64_t size;	  /* found by the first */
	const char *why;  /* it cannot be done; static */
	bool changed;	  /* something is written otherwise */
	bool has_dkim;	  /* in the message's own header */
	bool top_is_mime; /* it has MIME-Version */

	struct level *levels; /* owned */
	size_t depth, levels_room;

	/* the entity in hand: the message, a part, a message in it */
	struct recode_entity entity;
	bool is_message;      /* its header is a message's */
	bool is_mime;	      /* ... with MIME-Version */
	size_t index;	      /* from 1, in the order they begin */
	unsigned char *plans; /* owned; enum recode_plan of each */
	size_t plans_room;
	size_t named_octets; /* of its Content-Transfer-Encoding field */
	bool named;	     /* pass 2: that was written */

	enum place at;
	char line[RECODE_LINE_HELD];
	size_t line_n;
	bool line_begun; /* some of this line was passed on */
	uint64_t column; /* of what was passed on of it */
	bool pending; /* a CRLF that may be the delimiter's (RFC 2046 5.1.1) */
	bool last_is_crlf; /* what came last in all */

	bool in_field, keeps_field;
	struct buf field; /* with its line ends, where it is kept */

	/* of the body in hand */
	struct transfer_write
		coder; /* pass 1: counts; pass 2: writes, either way */
	uint64_t raw;  /* octets */
	bool eight, odd;
};

static void
fault(struct recode *r, const char *why)
{
	if (!r->why)
		r->why = why;
}

/* --- out ------------------------------------------------------------------ */

static void
copy(struct recode *r, struct str s)
{
	if (!s.n)
		return;
	if (r->writing)
		buf_adds(r->out, s);
	else
		r->size += s.n;
	r->last_is_crlf = s.n >= 2 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0;
}

static const char *
encoding_name(const struct recode *r, enum recode_plan plan)
{
	switch (plan) {
	case PLAN_QP:
		return transfer_name(TRANSFER_QP);
	case PLAN_BASE64:
		return transfer_name(TRANSFER_BASE64);
	default:
		return r->to.seven_bit ? "7bit" : "8bit";
	}
}

static const char encoding_field[] = "Content-Transfer-Encoding: ";
static const char mime_field[] = "MIME-Version: 1.0\r\n";
/* RFC 1428 3: nobody said which */
static const char type_field[] =
	"Content-Type: text/plain; charset=unknown-8bit\r\n";

static size_t
encoding_octets(const struct recode *r, enum recode_plan plan)
{
	return strlen(encoding_field) + strlen(encoding_name(r, plan)) + 2;
}

static enum recode_plan
plan_of(const struct recode *r)
{
	return (enum recode_plan)r->plans[r->index];
}

static void
write_encoding(struct recode *r)
{
	copy(r, str_of(encoding_field));
	copy(r, str_of(encoding_name(r, plan_of(r))));
	copy(r, STR("\r\n"));
	r->named = true;
}

/* Fields that the header of a message lacks: MIME-Version, Content-Type. */
static bool
lacks_mime(const struct recode *r, enum recode_plan plan)
{
	bool encoded = plan == PLAN_QP || plan == PLAN_BASE64;

	return r->is_message && !r->is_mime &&
	       (encoded || (r->index == 1 && r->changed));
}

static bool
lacks_type(const struct recode *r, enum recode_plan plan)
{
	return lacks_mime(r, plan) && !r->entity.has_type;
}

/* --- entities ------------------------------------------------------------- */

static void
begin_entity(struct recode *r, bool is_message)
{
	const struct level *l = r->depth ? &r->levels[r->depth - 1] : NULL;

	r->entity = (struct recode_entity){.is_text = true};
	if (l && l->digest && !is_message)
		r->entity.kind = KIND_MESSAGE; /* RFC 2046 5.1.5 */
	r->is_message = is_message;
	r->is_mime = r->named = false;
	r->named_octets = 0;
	r->at = IN_HEADER;
	r->in_field = r->keeps_field = false;
	if (r->index < RECODE_PARTS_MAX)
		r->index++;
	else
		fault(r, "it has too many parts");
	if (r->writing)
		return;
	if (r->index >= r->plans_room) {
		r->plans_room = r->plans_room ? r->plans_room * 2 : 16;
		r->plans = xrealloc(r->plans, r->plans_room);
	}
	r->plans[r->index] = PLAN_NONE;
}

static void
begin_body(struct recode *r)
{
	enum recode_plan plan = plan_of(r);
	enum transfer how = r->writing && plan == PLAN_BASE64 ? TRANSFER_BASE64
							      : TRANSFER_QP;

	r->at = IN_BODY;
	r->raw = 0;
	r->eight = r->odd = r->pending = false;
	transfer_begin(&r->coder, how, false, r->writing ? r->out : NULL);
}

static void
push(struct recode *r, const struct recode_entity *e)
{
	struct level *l;

	if (r->depth == RECODE_DEPTH_MAX) {
		fault(r, "its parts stand too deep in one another");
		return;
	}
	for (size_t i = 0; i < r->depth; i++)
		if (strcmp(r->levels[i].boundary, e->boundary) == 0)
			fault(r, "two of its multiparts have one boundary");
	if (r->depth == r->levels_room) {
		r->levels_room = r->levels_room ? r->levels_room * 2 : 4;
		r->levels = xrealloc(
			r->levels, r->levels_room * sizeof(*r->levels));
	}
	l = &r->levels[r->depth++];
	str_copyz(l->boundary, sizeof(l->boundary), e->boundary);
	l->boundary_n = strlen(l->boundary);
	l->digest = e->is_digest;
}

/* RFC 2045 6.4: such a label is about what is inside, which is 7 bit now. */
static bool
label_is_wrong(const struct recode *r)
{
	const struct recode_entity *e = &r->entity;

	return e->was == WAS_BINARY || (r->to.seven_bit && e->was == WAS_8BIT);
}

static void
judge_header(struct recode *r)
{
	struct recode_entity *e = &r->entity;

	if (e->was != WAS_ENCODED || e->kind == KIND_OPAQUE)
		return;
	e->opaque = e->kind == KIND_LEAF
			    ? "a part of it is not in the encoding that its "
			      "header names"
			    : "its parts are in an encoding that they may "
			      "not have";
	e->kind = KIND_OPAQUE;
}

/* WHOLE: the empty line came. */
static void
end_header(struct recode *r, bool whole)
{
	struct recode_entity *e = &r->entity;

	judge_header(r);
	if (r->writing || !whole || e->kind == KIND_LEAF ||
		e->kind == KIND_OPAQUE || !label_is_wrong(r))
		return;
	r->plans[r->index] = PLAN_LABEL;
	r->changed = true;
	r->size += encoding_octets(r, PLAN_LABEL);
	r->size -= r->named_octets;
}

/* What the header lacks, in front of its empty line. */
static void
write_lacking(struct recode *r)
{
	enum recode_plan plan = plan_of(r);

	if (!r->writing)
		return;
	if (lacks_mime(r, plan))
		copy(r, str_of(mime_field));
	if (lacks_type(r, plan))
		copy(r, str_of(type_field));
	if (plan != PLAN_NONE && !r->named)
		write_encoding(r);
}

static void
begin_content(struct recode *r)
{
	switch (r->entity.kind) {
	case KIND_MULTIPART:
		push(r, &r->entity);
		r->at = IN_BETWEEN;
		r->pending = false;
		break;
	case KIND_MESSAGE:
		begin_entity(r, true);
		break;
	default:
		begin_body(r);
	}
}

/* --- the body of a leaf --------------------------------------------------- */

static enum recode_plan
choose(const struct recode *r, uint64_t base64)
{
	bool raw_octets = r->odd || r->entity.was == WAS_BINARY;

	if (raw_octets && !r->entity.is_text)
		return PLAN_BASE64;
	return r->coder.octets <= base64 ? PLAN_QP : PLAN_BASE64;
}

static void
plan_body(struct recode *r, bool at_end)
{
	const struct recode_entity *e = &r->entity;
	bool unended = at_end && r->raw && !r->last_is_crlf;
	bool must = (r->to.seven_bit && r->eight) || r->odd || unended ||
		    (r->to.binary && e->was == WAS_BINARY);
	/* The delimiter's CRLF ends the last line, too. */
	uint64_t base64 = transfer_base64_octets(r->raw) + (at_end ? 2 : 0);
	enum recode_plan plan;

	if (!must)
		return;
	if (e->kind == KIND_OPAQUE) {
		fault(r, e->opaque);
		return;
	}
	plan = choose(r, base64);
	r->plans[r->index] = (unsigned char)plan;
	r->changed = true;
	r->size += plan == PLAN_QP ? r->coder.octets : base64;
	r->size += encoding_octets(r, plan);
	r->size -= r->raw + r->named_octets;
	if (lacks_mime(r, plan) && r->index > 1)
		r->size += strlen(mime_field);
	if (lacks_type(r, plan))
		r->size += strlen(type_field);
}

/* A delimiter came, or the end of all. */
static void
end_body(struct recode *r, bool at_end)
{
	transfer_end(&r->coder);
	if (at_end)
		transfer_end_line(&r->coder);
	if (!r->writing)
		plan_body(r, at_end);
}

static void
add_body(struct recode *r, struct str s)
{
	enum recode_plan plan = plan_of(r);

	r->raw += s.n;
	if (!r->writing || plan != PLAN_NONE)
		transfer_octets(&r->coder, s);
	if (!r->writing || plan == PLAN_NONE)
		copy(r, s);
}

static void
take_pending(struct recode *r)
{
	if (!r->pending)
		return;
	r->pending = false;
	if (r->at == IN_BODY)
		add_body(r, STR("\r\n"));
	else
		copy(r, STR("\r\n"));
}

/* --- fields --------------------------------------------------------------- */

static bool
has_eight(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return true;
	return false;
}

/* Octets that are none of a line of text. */
static bool
has_odd(struct str s)
{
	return s.n && (memchr(s.p, '\0', s.n) || memchr(s.p, '\r', s.n) ||
			      memchr(s.p, '\n', s.n));
}

static void
read_encoding(struct recode *r, struct str field)
{
	const char *why = NULL;

	if (!recode_read_encoding(field, &r->entity, &why))
		fault(r, why);
	r->named_octets = field.n;
	if (r->writing && plan_of(r) != PLAN_NONE)
		write_encoding(r);
	else
		copy(r, field);
}

/* The field that was kept is whole. */
static void
end_field(struct recode *r)
{
	struct str body, name, field = buf_view(&r->field);
	const char *why = NULL;

	r->in_field = false;
	if (!r->keeps_field)
		return;
	r->keeps_field = false;
	name = header_field_name(field, &body);
	if (str_eq_nocase(name, STR("Content-Type"))) {
		if (!recode_read_type(field, &r->entity, &why))
			fault(r, why);
		copy(r, field);
	} else {
		read_encoding(r, field);
	}
	buf_clear(&r->field);
}

static void
note_field(struct recode *r, struct str name)
{
	r->in_field = true;
	r->keeps_field = str_eq_nocase(name, STR("Content-Type")) ||
			 str_eq_nocase(name, STR("Content-Transfer-Encoding"));
	r->is_mime |= str_eq_nocase(name, STR("MIME-Version"));
	if (r->index == 1 && r->is_mime)
		r->top_is_mime = true;
	if (r->index == 1 && str_eq_nocase(name, STR("DKIM-Signature")))
		r->has_dkim = true;
}

static void
add_to_field(struct recode *r, struct str s)
{
	if (!r->keeps_field)
		copy(r, s);
	else if (r->field.len + s.n <= RECODE_FIELD_MAX)
		buf_adds(&r->field, s);
	else
		fault(r, "a field of its header is too long to be read");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 5322 2.2 */
static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > 126)
			return false;
	return s.n > 0;
}

/* A line of a header begins, which is not empty. */
static void
begin_header_line(struct recode *r, struct str s)
{
	struct str rest, name;

	if (r->in_field && is_blank(s.p[0]))
		return; /* folded */
	end_field(r);
	name = str_trim(str_cut(s, ':', &rest));
	if (!is_name(name) || is_blank(s.p[0]) || !memchr(s.p, ':', s.n))
		fault(r, "a line of its header is no field");
	note_field(r, name);
}

static void
add_header(struct recode *r, struct str s, bool begins, bool ends)
{
	if (r->to.seven_bit && has_eight(s))
		fault(r, "its header has octets above 127");
	if (has_odd(s))
		fault(r, "its header has binary octets");
	if (begins && ends && s.n == 0) {
		end_field(r);
		end_header(r, true);
		write_lacking(r);
		copy(r, STR("\r\n"));
		begin_content(r);
		return;
	}
	if (begins && s.n)
		begin_header_line(r, s);
	add_to_field(r, s);
	if (ends)
		add_to_field(r, STR("\r\n"));
}

/* --- delimiters ----------------------------------------------------------- */

enum match { MATCH_NONE, MATCH_NEARLY, MATCH_OPEN, MATCH_CLOSE };

/* RFC 2046 5.1.1: blanks may follow, nothing else. */
static enum match
match(const struct level *l, struct str s)
{
	bool close;

	if (s.n < l->boundary_n + 2 || memcmp(s.p, "--", 2) != 0 ||
		memcmp(s.p + 2, l->boundary, l->boundary_n) != 0)
		return MATCH_NONE;
	s = str_skip(s, l->boundary_n + 2);
	close = s.n >= 2 && memcmp(s.p, "--", 2) == 0;
	if (str_trim(close ? str_skip(s, 2) : s).n)
		return MATCH_NEARLY;
	return close ? MATCH_CLOSE : MATCH_OPEN;
}

/* The level that S parts, from 1; 0: none. */
static size_t
find_level(struct recode *r, struct str s, enum match *match_r)
{
	size_t found = 0, nearly = 0, n = 0;

	for (size_t i = r->depth; i-- > 0;) {
		enum match m = match(&r->levels[i], s);

		nearly += m == MATCH_NEARLY;
		if (m < MATCH_OPEN)
			continue;
		if (n++ == 0) {
			found = i + 1;
			*match_r = m;
		}
	}
	if (n > 1 || (n == 0 && nearly))
		fault(r, "it has a line that nearly is a boundary");
	return found;
}

static void
leave_entity(struct recode *r, bool at_end)
{
	if (r->at == IN_HEADER) {
		end_field(r);
		end_header(r, false);
	} else if (r->at == IN_BODY) {
		end_body(r, at_end);
	}
}

/* False: S is no delimiter. */
static bool
take_delimiter(struct recode *r, struct str s, bool ends)
{
	enum match m = MATCH_NONE;
	size_t level = find_level(r, s, &m);

	if (!level)
		return false;
	leave_entity(r, false);
	if (r->pending)
		copy(r, STR("\r\n"));
	r->pending = false;
	copy(r, s);
	r->depth = level - (m == MATCH_CLOSE);
	if (m == MATCH_CLOSE) {
		r->at = IN_BETWEEN;
		r->pending = ends;
		return true;
	}
	if (ends)
		copy(r, STR("\r\n"));
	begin_entity(r, false);
	return true;
}

/* --- lines ---------------------------------------------------------------- */

static void
add_between(struct recode *r, struct str s)
{
	take_pending(r);
	if (r->to.seven_bit && has_eight(s))
		fault(r, "it has octets above 127 around its parts");
	if (has_odd(s))
		fault(r, "it has binary octets around its parts");
	copy(r, s);
}

static void
note_content(struct recode *r, struct str s)
{
	r->eight |= has_eight(s);
	r->odd |= has_odd(s) || (r->to.binary && r->column > RECODE_LINE_MAX);
}

/*
 * S is a line, or a long one in pieces: it BEGINS and ENDS with a CRLF behind
 * it, or it comes last of all.
 */
static void
piece(struct recode *r, struct str s, bool begins, bool ends)
{
	r->column = begins ? s.n : r->column + s.n;
	if (begins && s.n > 2 && r->depth && take_delimiter(r, s, ends))
		return;
	switch (r->at) {
	case IN_HEADER:
		add_header(r, s, begins, ends);
		break;
	case IN_BODY:
		take_pending(r);
		note_content(r, s);
		add_body(r, s);
		r->pending = ends;
		break;
	case IN_BETWEEN:
		add_between(r, s);
		r->pending = ends;
		break;
	}
}

/* Of a line too long to be held; a CR at its end may be that of the CRLF. */
static void
pass_front(struct recode *r)
{
	size_t n = r->line_n;

	n -= r->line[n - 1] == '\r';
	piece(r, (struct str){r->line, n}, !r->line_begun, false);
	r->line_begun = true;
	r->line_n -= n;
	if (r->line_n)
		r->line[0] = '\r';
}

static void
feed(struct recode *r, struct str octets)
{
	for (size_t i = 0; i < octets.n; i++) {
		char c = octets.p[i];

		if (c == '\n' && r->line_n && r->line[r->line_n - 1] == '\r') {
			piece(r, (struct str){r->line, r->line_n - 1},
				!r->line_begun, true);
			r->line_n = 0;
			r->line_begun = false;
			continue;
		}
		if (r->line_n == RECODE_LINE_HELD)
			pass_front(r);
		r->line[r->line_n++] = c;
	}
}

static void
feed_end(struct recode *r)
{
	if (r->line_n)
		piece(r, (struct str){r->line, r->line_n}, !r->line_begun,
			false);
	take_pending(r);
	leave_entity(r, true);
	if (!r->last_is_crlf && (r->at != IN_BODY || plan_of(r) == PLAN_NONE))
		copy(r, STR("\r\n"));
}

static void
begin(struct recode *r)
{
	r->depth = r->index = r->line_n = 0;
	r->line_begun = r->pending = r->last_is_crlf = false;
	buf_clear(&r->field);
	begin_entity(r, true);
}

/* --- both passes ---------------------------------------------------------- */

struct recode *
recode_new(const struct recode_to *to)
{
	struct recode *r = xcalloc(1, sizeof(*r));

	r->to = *to;
	buf_init(&r->field, 0);
	begin(r);
	return r;
}

void
recode_free(struct recode *r)
{
	if (!r)
		return;
	buf_free(&r->field);
	free(r->levels);
	free(r->plans);
	free(r);
}

void
recode_look(struct recode *r, struct str octets)
{
	if (!r->why)
		feed(r, octets);
}

bool
recode_look_end(struct recode *r)
{
	if (!r->why)
		feed_end(r);
	if (r->changed && r->has_dkim && !r->to.signed_too)
		fault(r, "it is signed (DKIM), and its signature would break");
	if (r->changed && !r->top_is_mime)
		r->size += strlen(mime_field);
	r->writing = true;
	begin(r);
	return !r->why;
}

const char *
recode_why(const struct recode *r)
{
	return r->why ? r->why : "";
}

uint64_t
recode_size(const struct recode *r)
{
	return r->size;
}

void
recode_write(struct recode *r, struct str octets, struct buf *out)
{
	r->out = out;
	r->coder.out = out;
	feed(r, octets);
}

void
recode_write_end(struct recode *r, struct buf *out)
{
	r->out = out;
	r->coder.out = out;
	feed_end(r);
}
