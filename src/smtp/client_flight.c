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
client_flight_reset(struct smtp_client *c)
{
	buf_clear(&c->flight);
	if (c->need_rset)
		client_flight_add(c, CK_RSET, STR("RSET"));
	c->need_rset = false;
}

/* DATA for nobody: every reply is here and no recipient was taken. */
static bool
is_needless(const struct smtp_client *c, enum client_kind kind)
{
	return kind == CK_DATA && c->expect_n == 0 && c->mail.accepted == 0;
}

static bool
may_send(const struct smtp_client *c, size_t line_n)
{
	if (c->expect_n > 0 && !(c->extensions & EXT_PIPELINING))
		return false;
	return client_can_expect(c) && line_n <= client_bulk_room(c);
}

void
client_flight_go(struct smtp_client *c)
{
	while (c->flight.len > 0) {
		struct str rest = buf_view(&c->flight);
		enum client_kind kind = (enum client_kind)rest.p[0];
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t line_n;

		assert(end);
		line_n = (size_t)(end - rest.p);
		if (is_needless(c, kind)) {
			buf_clear(&c->flight);
			return;
		}
		if (!may_send(c, line_n))
			return;
		buf_add(&c->m.out, rest.p + 1, line_n);
		client_expect(c, kind, kind == CK_RCPT ? c->mail.rcpt_sent : 0);
		c->mail.rcpt_sent += kind == CK_RCPT;
		buf_consume(&c->flight, 1 + line_n);
	}
}

bool
client_flight_reset_reply(struct smtp_client *c, const struct reply *r)
{
	/* RFC 5321 4.1.1.5: the reply can only be 250. */
	if (reply_class(r) == 2)
		return true;
	client_fail(c, FAIL_PROTOCOL, r, "RSET was refused");
	return false;
}
