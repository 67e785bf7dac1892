#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/rtnl.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct datagram {
	char octets[1024];
	size_t n;
};

static void
put(struct datagram *d, const void *p, size_t n)
{
	memcpy(d->octets + d->n, p, n);
	d->n += (n + 3) & ~(size_t)3;
}

static void
put_head(struct datagram *d, unsigned type, size_t body)
{
	struct nlmsghdr h = {.nlmsg_len = (unsigned)(sizeof(h) + body),
		.nlmsg_type = (unsigned short)type};

	put(d, &h, sizeof(h));
}

static void
put_link(struct datagram *d, unsigned type, int index, const char *name,
	unsigned short attribute)
{
	struct ifinfomsg m = {.ifi_index = index};
	struct rtattr a = {.rta_type = attribute,
		.rta_len = (unsigned short)(sizeof(a) + strlen(name) + 1)};

	put_head(d, type, sizeof(m) + ((a.rta_len + 3u) & ~3u));
	put(d, &m, sizeof(m));
	memcpy(d->octets + d->n, &a, sizeof(a));
	memcpy(d->octets + d->n + sizeof(a), name, strlen(name) + 1);
	d->n += (a.rta_len + 3u) & ~3u;
}

static void
put_address(struct datagram *d, unsigned type, unsigned index)
{
	struct ifaddrmsg m = {.ifa_index = index};

	put_head(d, type, sizeof(m));
	put(d, &m, sizeof(m));
}

static struct str
view(const struct datagram *d)
{
	return (struct str){d->octets, d->n};
}

static void
test_changes(void **state)
{
	struct datagram d = {.n = 0};
	struct rtnl_change c;
	struct str rest;

	(void)state;
	put_link(&d, RTM_NEWLINK, 7, "wlan0", IFLA_IFNAME);
	put_link(&d, RTM_NEWLINK, 8, "scan", IFLA_WIRELESS);
	put_head(&d, RTM_NEWROUTE, 0);
	put_address(&d, RTM_DELADDR, 9);
	put_link(&d, RTM_DELLINK, 10, "a-name-that-is-far-too-long",
		IFLA_IFNAME);
	rest = view(&d);
	assert_int_equal(rtnl_next(&rest, &c), RTNL_CHANGE);
	assert_int_equal(c.index, 7);
	assert_string_equal(c.name, "wlan0");
	assert_int_equal(rtnl_next(&rest, &c), RTNL_CHANGE);
	assert_int_equal(c.index, 9);
	assert_string_equal(c.name, "");
	assert_int_equal(rtnl_next(&rest, &c), RTNL_CHANGE);
	assert_int_equal(c.index, 10);
	assert_true(strlen(c.name) < RTNL_NAME_MAX);
	assert_int_equal(rtnl_next(&rest, &c), RTNL_END);
	assert_int_equal(rest.n, 0);
}

/* Whatever is cut off or lies: everything is looked at, and it ends. */
static void
test_damaged(void **state)
{
	struct datagram d = {.n = 0};
	struct rtnl_change c;

	(void)state;
	put_link(&d, RTM_NEWLINK, 7, "wlan0", IFLA_IFNAME);
	put_address(&d, RTM_NEWADDR, 9);
	for (size_t n = 1; n < d.n; n++) {
		struct str rest = {d.octets, n};
		enum rtnl_what what;
		int rounds = 0;

		while ((what = rtnl_next(&rest, &c)) == RTNL_CHANGE)
			assert_true(++rounds <= 2);
		if (n % 4)
			assert_int_equal(what, RTNL_ALL);
		assert_int_equal(rtnl_next(&rest, &c), RTNL_END);
	}
	d.n = 0;
	put_head(&d, RTM_NEWLINK, 0); /* no body */
	assert_int_equal(rtnl_next(&(struct str){d.octets, d.n}, &c), RTNL_ALL);
	d.n = 0;
	put_head(&d, NLMSG_OVERRUN, 0);
	assert_int_equal(rtnl_next(&(struct str){d.octets, d.n}, &c), RTNL_ALL);
	memset(d.octets, 0, sizeof(d.octets));
	assert_int_equal(rtnl_next(&(struct str){d.octets, 64}, &c), RTNL_ALL);
	memset(d.octets, 0xff, sizeof(d.octets));
	assert_int_equal(rtnl_next(&(struct str){d.octets, 64}, &c), RTNL_ALL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
