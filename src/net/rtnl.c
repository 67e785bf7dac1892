#include "net/rtnl.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

static size_t
aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void
skip(struct str *s, size_t n)
{
	n = n < s->n ? n : s->n;
	s->p += n;
	s->n -= n;
}

/* The next attribute; its text goes to *value_r. 0: no more, or damaged. */
static unsigned
next_attribute(struct str *attrs, struct str *value_r)
{
	struct rtattr a;

	if (attrs->n < sizeof(a))
		return 0;
	memcpy(&a, attrs->p, sizeof(a));
	if (a.rta_len < sizeof(a) || a.rta_len > attrs->n)
		return 0;
	*value_r = (struct str){attrs->p + sizeof(a), a.rta_len - sizeof(a)};
	skip(attrs, aligned(a.rta_len));
	return a.rta_type;
}

/* False: an event of a radio, which changes nothing here. */
static bool
read_attributes(struct str attrs, struct rtnl_change *c)
{
	struct str value;
	unsigned type;

	while ((type = next_attribute(&attrs, &value)) != 0) {
		const char *end = memchr(value.p, '\0', value.n);

		if (type == IFLA_WIRELESS)
			return false;
		if (type == IFLA_IFNAME && end)
			str_copyz(c->name, sizeof(c->name), value.p);
	}
	return true;
}

static enum rtnl_what
read_link(struct str body, struct rtnl_change *c)
{
	struct ifinfomsg m;

	if (body.n < sizeof(m))
		return RTNL_ALL;
	memcpy(&m, body.p, sizeof(m));
	skip(&body, aligned(sizeof(m)));
	c->index = m.ifi_index > 0 ? (unsigned)m.ifi_index : 0;
	return read_attributes(body, c) ? RTNL_CHANGE : RTNL_END;
}

static enum rtnl_what
read_address(struct str body, struct rtnl_change *c)
{
	struct ifaddrmsg m;

	if (body.n < sizeof(m))
		return RTNL_ALL;
	memcpy(&m, body.p, sizeof(m));
	c->index = m.ifa_index;
	return RTNL_CHANGE;
}

/* END: it says nothing that concerns us. */
static enum rtnl_what
read_message(unsigned type, struct str body, struct rtnl_change *c)
{
	*c = (struct rtnl_change){.index = 0};
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return read_link(body, c);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return read_address(body, c);
	case NLMSG_OVERRUN:
	case NLMSG_ERROR:
		return RTNL_ALL;
	default:
		return RTNL_END;
	}
}

enum rtnl_what
rtnl_next(struct str *rest, struct rtnl_change *change_r)
{
	enum rtnl_what what = RTNL_END;

	while (what == RTNL_END && rest->n) {
		struct nlmsghdr h;

		what = RTNL_ALL;
		if (rest->n < sizeof(h))
			break;
		memcpy(&h, rest->p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > rest->n)
			break;
		what = read_message(h.nlmsg_type,
			(struct str){
				rest->p + sizeof(h), h.nlmsg_len - sizeof(h)},
			change_r);
		skip(rest, aligned(h.nlmsg_len));
	}
	if (what == RTNL_ALL)
		rest->n = 0;
	return what;
}
