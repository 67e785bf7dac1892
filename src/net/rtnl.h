/*
 * What the kernel tells of its interfaces (rtnetlink(7)): which one has to be
 * looked at. Its state is not taken from here but asked for (iface.h), so that
 * nothing can be missed or believed for long.
 */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include "base/str.h"

enum { RTNL_NAME_MAX = 16 }; /* IFNAMSIZ, with its NUL */

enum rtnl_what {
	RTNL_END,    /* no more in this datagram */
	RTNL_CHANGE, /* of one interface or its addresses */
	RTNL_ALL,    /* something was missed or damaged: look at all of them */
};

struct rtnl_change {
	unsigned index;
	char name[RTNL_NAME_MAX]; /* as it is now; "" where it is not said */
};

/*
 * The next change in the datagram *REST, which is moved on. What does not
 * concern us (events of radio scans, too) is passed over. Ends after RTNL_ALL.
 */
enum rtnl_what rtnl_next(struct str *rest, struct rtnl_change *change_r);

#endif
