#include "faces/html.h"

#include <string.h>

#include "base/utf8.h"

enum { TAG_MAX = 12, ENTITY_MAX = 10 };

struct html {
	struct buf *out;
	bool blank; /* one blank is owed */
	bool line;  /* at the beginning of a line */
};

static void
end_line(struct html *h)
{
	if (!h->line)
		buf_addz(h->out, "\n");
	h->line = true;
	h->blank = false;
}

static void
add(struct html *h, struct str octets)
{
	if (h->blank && !h->line)
		buf_addz(h->out, " ");
	h->blank = h->line = false;
	buf_adds(h->out, octets);
}

/* The name of the tag that begins behind "<", in lower case. */
static void
tag_name(struct str s, char out[TAG_MAX + 1])
{
	size_t n = 0;

	while (n < s.n && n < TAG_MAX && s.p[n] &&
		!strchr(" \t\r\n>", s.p[n])) {
		out[n] = s.p[n];
		n++;
	}
	out[n] = '\0';
	str_lower(out);
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* Octets of S up to and with END, in any case; all, where it is not there. */
static size_t
up_to(struct str s, struct str end)
{
	for (size_t i = 0; i + end.n <= s.n; i++)
		if (str_eq_nocase((struct str){s.p + i, end.n}, end))
			return i + end.n;
	return s.n;
}

/* The tag (or comment) at the front of S: how many octets go with it. */
static size_t
take_tag(struct html *h, struct str s)
{
	static const char *const lines[] = {"br", "br/", "p", "/p", "div",
		"/div", "tr", "/tr", "li", "h1", "h2", "h3", "/h1", "/h2",
		"/h3", "blockquote", "hr", "/table", NULL};
	char name[TAG_MAX + 1];

	if (s.n >= 4 && memcmp(s.p, "<!--", 4) == 0)
		return up_to(s, STR("-->"));
	tag_name(str_skip(s, 1), name);
	if (strcmp(name, "script") == 0)
		return up_to(s, STR("</script>"));
	if (strcmp(name, "style") == 0)
		return up_to(s, STR("</style>"));
	if (is_one_of(name, lines))
		end_line(h);
	return up_to(s, STR(">"));
}

/* "#65" and "#x41": the character; 0: none. */
static uint32_t
numbered(struct str name)
{
	unsigned base = name.n > 1 && (name.p[1] | 0x20) == 'x' ? 16 : 10;
	uint32_t c = 0;

	if (name.n < 2 || name.p[0] != '#')
		return 0;
	for (size_t i = base == 16 ? 2 : 1; i < name.n; i++) {
		char d = (char)(name.p[i] | 0x20);
		unsigned digit = d >= '0' && d <= '9' ? (unsigned)(d - '0')
				 : d >= 'a' && d <= 'f'
					 ? (unsigned)(d - 'a') + 10
					 : base;

		if (digit >= base || c > 0x10ffff)
			return 0;
		c = c * base + digit;
	}
	return c;
}

/* "&amp;" at the front of S: how many octets go with it. */
static size_t
take_entity(struct html *h, struct str s)
{
	static const struct {
		const char *name, *text;
	} names[] = {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""},
		{"apos", "'"}, {"nbsp", " "}};
	struct str front = {s.p, s.n < ENTITY_MAX ? s.n : ENTITY_MAX}, rest;
	struct str name = str_cut(str_skip(front, 1), ';', &rest);
	char octets[4];
	size_t n;

	if (name.n + 1 == front.n) {
		add(h, STR("&"));
		return 1;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(name, str_of(names[i].name))) {
			add(h, str_of(names[i].text));
			return name.n + 2;
		}
	n = utf8_write(numbered(name), octets);
	if (n == 0 || octets[0] == '\0')
		add(h, (struct str){s.p, name.n + 2});
	else
		add(h, (struct str){octets, n});
	return name.n + 2;
}

void
html_text(struct str s, struct buf *out)
{
	struct html h = {.out = out, .line = true};

	while (s.n) {
		size_t n = 1;

		if (s.p[0] == '<')
			n = take_tag(&h, s);
		else if (s.p[0] == '&')
			n = take_entity(&h, s);
		else if (s.p[0] && strchr(" \t\r\n", s.p[0]))
			h.blank = true;
		else
			add(&h, (struct str){s.p, 1});
		s = str_skip(s, n);
	}
}
