#include "mail/header.h"

#include <string.h>

void
header_scan_init(struct header_scan *h)
{
	*h = (struct header_scan){.last = '\n'};
}

/* A field name ended with ":"; trailing blanks were allowed once. */
static void
end_name(struct header_scan *h)
{
	struct str name = str_trim((struct str){h->name, h->name_n});

	if (str_eq_nocase(name, STR("Received")))
		h->received_n++;
	if (str_eq_nocase(name, STR("MT-Priority")))
		h->in_priority = ++h->priority_n == 1;
	if (h->authres && str_eq_nocase(name, STR("Authentication-Results")))
		h->in_authres = true;
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

	if (at_line_start && (c == ' ' || c == '\t')) {
		h->in_value = true; /* a folded line */
	} else if (at_line_start) {
		if (h->in_authres)
			authres_end(h->authres);
		h->in_value = h->in_priority = h->in_authres = false;
		h->name_n = 0;
	}
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
