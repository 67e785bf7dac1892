#include "net/iface.h"

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

bool
iface_is_up(const char *name)
{
	struct ifaddrs *all, *a;
	bool up = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (a = all; a && !up; a = a->ifa_next)
		up = strcmp(a->ifa_name, name) == 0 &&
		     (a->ifa_flags & IFF_UP) && (a->ifa_flags & IFF_RUNNING) &&
		     leads_beyond(a->ifa_addr);
	freeifaddrs(all);
	return up;
}
