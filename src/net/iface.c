#include "net/iface.h"

#include "net/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static bool
leads_beyond(const struct sockaddr *a)
{
	struct sockaddr_in6 six;

	if (!a || (a->sa_family != AF_INET && a->sa_family != AF_INET6))
		return false;
	if (a->sa_family == AF_INET)
		return true;
	memcpy(&six, a, sizeof(six));
	return !IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr);
}

/* What one address of an interface is asked; a stays borrowed. */
typedef bool iface_fn(const struct ifaddrs *a, const char *arg);

static bool
any_address(const char *name, iface_fn *fn, const char *arg)
{
	struct ifaddrs *all, *a;
	bool is = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (a = all; a && !is; a = a->ifa_next)
		is = strcmp(a->ifa_name, name) == 0 && fn(a, arg);
	freeifaddrs(all);
	return is;
}

static bool
is_up(const struct ifaddrs *a, const char *arg)
{
	(void)arg;
	return (a->ifa_flags & IFF_UP) && (a->ifa_flags & IFF_RUNNING) &&
	       leads_beyond(a->ifa_addr);
}

bool
iface_is_up(const char *name)
{
	return any_address(name, is_up, NULL);
}

static bool
is_address(const struct ifaddrs *a, const char *address)
{
	struct sockaddr_storage ss = {0};
	char text[ADDRESS_TEXT_MAX];
	int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;

	if (family != AF_INET && family != AF_INET6)
		return false;
	memcpy(&ss, a->ifa_addr,
		family == AF_INET ? sizeof(struct sockaddr_in)
				  : sizeof(struct sockaddr_in6));
	address_text(&ss, text);
	return strcmp(text, address) == 0;
}

bool
iface_has_address(const char *name, const char *address)
{
	return any_address(name, is_address, address);
}

unsigned
iface_index(const char *name)
{
	return if_nametoindex(name);
}
