#include "smtp/client_private.h"

#include <assert.h>
#include <string.h>

void
client_flight_add(struct smtp_client *c, enum client_kind kind, struct str line)
{
	char octet = (char)kind;

	buf_add(&c->flight, &octet, 1);
	buf_adds(&c->flight, line);
	buf_addz(&c->flight, "\r\n");
}

void
client_flight_reset(struct smtp_client *c, bool reset)
{
	buf_clear(&c->flight);
	if (reset)
		client_flight_add(c, CK_RSET, STR("RSET"));
	c->need_rset = false;
}

static bool
may_send(const struct smtp_client *c, size_t line_n)
{
	if (c->expect_n > 0 && !(c->extensions & EXT_PIPELINING))
		return false;
	return client_can_expect(c) && line_n <= client_bulk_room(c);
}

static void
expect_command(struct smtp_client *c, enum client_kind kind)
{
	uint64_t index = kind == CK_RCPT ? client_tail(c)->rcpt_sent++ : 0;

	client_expect(c, kind, index);
}

void
client_flight_go(struct smtp_client *c)
{
	while (c->flight.len > 0) {
		struct str rest = buf_view(&c->flight);
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t line_n;

		assert(end);
		line_n = (size_t)(end - rest.p);
		if (!may_send(c, line_n))
			return;
		buf_add(&c->m.out, rest.p + 1, line_n);
		expect_command(c, (enum client_kind)rest.p[0]);
		buf_consume(&c->flight, 1 + line_n);
	}
}

bool
client_flight_reset_reply(struct smtp_client *c, const struct reply *r)
{
	/* RFC 5321 4.1.1.5: the reply can only be 250. */
	if (reply_class(r) == 2)
		return true;
	return client_mismatch(c, r, "RSET was refused");
}
