#include "mail/compose.h"

#include "mail/addrlist.h"

#include <string.h>

/* A domain nobody has: names without one are found by it. */
static const struct str nowhere = {"bare.invalid", 12};

void
compose_init(struct compose *c)
{
	*c = (struct compose){.at = 0};
	buf_init(&c->text, COMPOSE_HEADER_MAX + 65536);
}

void
compose_free(struct compose *c)
{
	buf_free(&c->text);
}

/* --- where the header ends ------------------------------------------------ */

/* RFC 5322 2.2: printable ASCII and a colon. */
static bool
is_field(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 127 &&
		line.p[n] != ':')
		n++;
	if (n == 0)
		return false;
	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++; /* obsolete, 4.5 */
	return n < line.n && line.p[n] == ':';
}

static bool
is_folded(struct str line)
{
	return line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
}

static void
end(struct compose *c, size_t header, size_t body)
{
	c->header = header;
	c->body = body;
	c->ended = true;
}

/* The line of N octets, its end included, at c->at. */
static void
look_at_line(struct compose *c, size_t n)
{
	struct str text = buf_view(&c->text);
	struct str line = {text.p + c->at, n - 2};

	if (c->at == 0 && str_starts_nocase(line, STR("From ")))
		c->fields = n;
	else if (line.n == 0)
		end(c, c->at, c->at + n);
	else if (!is_field(line) && !(is_folded(line) && c->at > c->fields))
		end(c, c->at, c->at);
	c->at += n;
}

static void
look(struct compose *c)
{
	while (!c->ended) {
		struct str rest = str_skip(buf_view(&c->text), c->at);
		const char *lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;

		if (!lf)
			return;
		look_at_line(c, (size_t)(lf - rest.p) + 1);
	}
}

bool
compose_feed(struct compose *c, struct str lines, enum err_code *rc_r)
{
	*rc_r = OK;
	if (!buf_adds(&c->text, lines)) {
		*rc_r = ERR_LIMIT;
		return false;
	}
	look(c);
	if (!c->ended && c->at > COMPOSE_HEADER_MAX)
		*rc_r = ERR_LIMIT;
	return c->ended;
}

void
compose_end(struct compose *c)
{
	if (!c->ended)
		end(c, c->at, c->at);
}

struct str
compose_body(const struct compose *c)
{
	return str_skip(buf_view(&c->text), c->body);
}

/* --- fields --------------------------------------------------------------- */

struct field {
	struct str name, body; /* body: with folding and line ends */
	struct str whole;
};

/* The field at the front of *REST, which moves behind it. */
static bool
next_field(struct str *rest, struct field *f)
{
	size_t n = 0, colon = 0;

	if (rest->n == 0)
		return false;
	do {
		const char *lf = memchr(rest->p + n, '\n', rest->n - n);

		n = lf ? (size_t)(lf - rest->p) + 1 : rest->n;
	} while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
	while (colon < n && rest->p[colon] != ':')
		colon++;
	f->whole = (struct str){rest->p, n};
	f->name = str_trim((struct str){rest->p, colon});
	f->body = colon < n ? str_skip(f->whole, colon + 1) : (struct str){0};
	*rest = str_skip(*rest, n);
	return true;
}

static struct str
fields_of(const struct compose *c)
{
	struct str text = buf_view(&c->text);

	return (struct str){text.p + c->fields, c->header - c->fields};
}

static bool
is_one_of(struct str name, const char *const *names)
{
	for (; *names; names++)
		if (str_eq_nocase(name, str_of(*names)))
			return true;
	return false;
}

static const char *const resent_names[] = {
	"Resent-To", "Resent-Cc", "Resent-Bcc", NULL};
static const char *const plain_names[] = {"To", "Cc", "Bcc", NULL};
static const char *const hidden_names[] = {
	"Bcc", "Resent-Bcc", "Return-Path", NULL};
static const char *const address_names[] = {"From", "Sender", "Reply-To", "To",
	"Cc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", NULL};

static bool
has_field(const struct compose *c, const char *const *names)
{
	struct str rest = fields_of(c);
	struct field f;

	while (next_field(&rest, &f))
		if (is_one_of(f.name, names))
			return true;
	return false;
}

/* --- recipients ----------------------------------------------------------- */

bool
compose_list(struct str list, compose_each *each, void *arg)
{
	enum addrlist_result result;
	struct mailbox m;
	struct addrlist l;

	addrlist_init(&l, list);
	l.home = nowhere;
	while ((result = addrlist_next(&l, &m)) == ADDRLIST_ONE)
		each(arg, l.bare ? mailbox_local(&m) : str_of(m.text));
	return result == ADDRLIST_END;
}

enum err_code
compose_recipients(
	const struct compose *c, compose_each *each, void *arg, struct err *e)
{
	const char *const *names =
		has_field(c, resent_names) ? resent_names : plain_names;
	struct str rest = fields_of(c);
	struct field f;

	while (next_field(&rest, &f)) {
		if (!is_one_of(f.name, names))
			continue;
		if (!compose_list(f.body, each, arg))
			return err_set(e, ERR_INVALID,
				"the field %.*s is no list of addresses:%.*s",
				STR_FMT(f.name),
				(int)(f.body.n < 100 ? f.body.n : 100),
				f.body.p);
	}
	return OK;
}

/* --- the completed header ------------------------------------------------- */

/* The field with the domain behind each bare name. */
static void
add_completed(const struct field *f, struct str home, struct buf *out)
{
	const char *done = f->whole.p, *end = f->whole.p + f->whole.n;
	size_t begun = out->len;
	enum addrlist_result result;
	struct mailbox m;
	struct addrlist l;

	addrlist_init(&l, f->body);
	l.home = nowhere;
	while ((result = addrlist_next(&l, &m)) == ADDRLIST_ONE) {
		if (!l.bare)
			continue;
		buf_add(out, done, (size_t)(l.bare - done));
		buf_addf(out, "@%.*s", STR_FMT(home));
		done = l.bare;
	}
	if (result == ADDRLIST_END) {
		buf_add(out, done, (size_t)(end - done));
		return;
	}
	/* no list of addresses: it stays as it is */
	out->len = begun;
	buf_adds(out, f->whole);
}

/* RFC 5322 3.4: the name quoted, where it is no plain words. */
static void
add_name(const char *name, struct buf *out)
{
	buf_addz(out, "\"");
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c == '"' || c == '\\')
			buf_addz(out, "\\");
		if (c >= ' ' && c != 127)
			buf_add(out, name, 1);
	}
	buf_addz(out, "\" ");
}

static void
add_from(const struct compose_facts *f, struct buf *out)
{
	buf_addz(out, "From: ");
	if (f->name && f->name[0])
		add_name(f->name, out);
	buf_addf(out, "<%s", f->sender);
	if (!strchr(f->sender, '@') && f->home.n)
		buf_addf(out, "@%.*s", STR_FMT(f->home));
	buf_addz(out, ">\r\n");
}

void
compose_header(const struct compose *c, const struct compose_facts *facts,
	struct buf *out)
{
	static const char *const from[] = {"From", NULL};
	struct str rest = fields_of(c);
	struct field f;

	if (facts->sender[0] && !has_field(c, from))
		add_from(facts, out);
	while (next_field(&rest, &f)) {
		if (is_one_of(f.name, hidden_names))
			continue;
		if (facts->home.n && is_one_of(f.name, address_names))
			add_completed(&f, facts->home, out);
		else
			buf_adds(out, f.whole);
	}
	buf_addz(out, "\r\n");
}
