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
	h->in_value = true;
}

static void
feed_octet(struct header_scan *h, unsigned char c)
{
	bool at_line_start = h->last == '\n';

	if (at_line_start && (c == ' ' || c == '\t')) {
		h->in_value = true; /* a folded line */
	} else if (at_line_start) {
		h->in_value = false;
		h->name_n = 0;
	}
	if (c == '\n' && h->name_n == 0 && !h->in_value)
		h->ended = true;
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
