#include "mail/hashed.h"

#include <string.h>

void
hashed_read(struct hashed *h, struct str octets, struct buf *out)
{
	while (octets.n) {
		const char *lf = memchr(octets.p, '\n', octets.n);
		size_t n = lf ? (size_t)(lf - octets.p) + 1 : octets.n;
		size_t mark = !h->inside && octets.p[0] == '#';

		if (!h->inside)
			h->counts = mark;
		h->any |= h->counts;
		if (h->counts)
			buf_add(out, octets.p + mark, n - mark);
		h->inside = !lf;
		octets = str_skip(octets, n);
	}
}
