/* Tells when an interface or its addresses changed, by a netlink socket. */
#ifndef NET_IFWATCH_H
#define NET_IFWATCH_H

#include "net/loop.h"
#include "net/rtnl.h"

struct ifwatch;

/*
 * RTNL_CHANGE: of the interface in CHANGE. RTNL_ALL: of any (CHANGE is NULL).
 * RTNL_END: the kernel tells no more; free it and ask from time to time.
 */
typedef void ifwatch_fn(
	void *arg, enum rtnl_what what, const struct rtnl_change *change);

/* NULL: it cannot be had here (errno says why). */
struct ifwatch *ifwatch_new(struct loop *loop, ifwatch_fn *fn, void *arg);
void ifwatch_free(struct ifwatch *w); /* NULL is fine; not inside FN */

#endif
