#include "mail/header.h"

#include <string.h>

void
header_scan_init(struct header_scan *h)
{
	*h = (struct header_scan){.last = '\n'};
}

/* --- fields that are asked for --- */

static bool
is_asked(const struct header_ask *a, struct str name)
{
	return !a->found && str_eq_nocase(a->name, name);
}

static void
catch_begin(struct header_catch *c, struct str name)
{
	c->value_n = 0;
	for (size_t i = 0; i < c->asks_n && !c->taking; i++)
		c->taking = is_asked(&c->asks[i], name);
}

/* Unfolding takes the line ends away (RFC 5322 2.2.3). */
static void
catch_octet(struct header_catch *c, char octet)
{
	if (octet != '\r' && octet != '\n' && c->value_n < HEADER_VALUE_MAX)
		c->value[c->value_n++] = octet;
}

static void
catch_end(struct header_catch *c, struct str name)
{
	struct str value = str_trim((struct str){c->value, c->value_n});

	if (!c->taking)
		return;
	c->taking = false;
	for (size_t i = 0; i < c->asks_n; i++) {
		struct header_ask *a = &c->asks[i];

		if (is_asked(a, name))
			a->found = !a->value.n || str_glob(a->value, value);
	}
}

static struct str
field_name(const struct header_scan *h)
{
	return str_trim((struct str){h->name, h->name_n});
}

/* --- the header, octet by octet --- */

/* A field name ended with ":"; trailing blanks were allowed once. */
static void
end_name(struct header_scan *h)
{
	struct str name = field_name(h);

	if (str_eq_nocase(name, STR("Received")))
		h->received_n++;
	if (str_eq_nocase(name, STR("MT-Priority")))
		h->in_priority = ++h->priority_n == 1;
	if (h->authres && str_eq_nocase(name, STR("Authentication-Results")))
		h->in_authres = true;
	if (h->catch)
		catch_begin(h->catch, name);
	h->in_value = true;
}

/* A value too long to be one is kept as such: it is not valid. */
static void
keep_priority(struct header_scan *h, unsigned char c)
{
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return;
	if (h->priority_len < sizeof(h->priority))
		h->priority[h->priority_len++] = (char)c;
}

static void
feed_octet(struct header_scan *h, unsigned char c)
{
	bool at_line_start = h->last == '\n';
	bool was_in_value;

	if (at_line_start && (c == ' ' || c == '\t')) {
		h->in_value = true; /* a folded line */
	} else if (at_line_start) {
		if (h->in_authres)
			authres_end(h->authres);
		if (h->catch)
			catch_end(h->catch, field_name(h));
		h->in_value = h->in_priority = h->in_authres = false;
		h->name_n = 0;
	}
	was_in_value = h->in_value;
	if (c == '\n' && h->name_n == 0 && !h->in_value)
		h->ended = true;
	else if (h->in_priority)
		keep_priority(h, c);
	else if (h->in_authres)
		authres_octet(h->authres, (char)c);
	else if (h->in_value || c == '\r' || c == '\n')
		;
	else if (c == ':')
		end_name(h);
	else if (h->name_n < HEADER_NAME_MAX)
		h->name[h->name_n++] = (char)c;
	if (was_in_value && h->catch && h->catch->taking)
		catch_octet(h->catch, (char)c);
	h->last = c;
}

void
header_scan_feed(struct header_scan *h, struct str octets)
{
	for (size_t i = 0; i < octets.n && !h->ended; i++) {
		feed_octet(h, (unsigned char)octets.p[i]);
		h->size++;
	}
}

void
header_scan_end(struct header_scan *h)
{
	if (h->catch && !h->ended)
		catch_end(h->catch, field_name(h));
}

bool
header_scan_priority(const struct header_scan *h, int *priority_r)
{
	struct str v = {h->priority, h->priority_len};
	bool negative = v.n && v.p[0] == '-';

	if (negative)
		v = str_skip(v, 1);
	/* RFC 6710 7: one digit, no "-0" */
	if (h->priority_n != 1 || v.n != 1 || v.p[0] < '0' || v.p[0] > '9' ||
		(negative && v.p[0] == '0'))
		return false;
	*priority_r = (v.p[0] - '0') * (negative ? -1 : 1);
	return true;
}

/* --- in memory --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
header_field_next(struct str *in, struct str *field_r)
{
	struct str all = *in, line = str_cut(*in, '\n', in);

	if (line.n == 0 || (line.n == 1 && line.p[0] == '\r')) {
		*in = all;
		return false;
	}
	while (in->n > 0 && is_blank(in->p[0]))
		str_cut(*in, '\n', in);
	*field_r = (struct str){all.p, all.n - in->n};
	return true;
}

struct str
header_field_name(struct str field, struct str *body_r)
{
	return str_trim(str_cut(field, ':', body_r));
}

struct str
header_find(struct str header, struct str name)
{
	struct str field, body;

	while (header_field_next(&header, &field))
		if (str_eq_nocase(header_field_name(field, &body), name))
			return body;
	return STR("");
}
