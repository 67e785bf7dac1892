/* Is a network interface there? */
#ifndef NET_IFACE_H
#define NET_IFACE_H

#include <stdbool.h>

/*
 * Up, running, and with an address that leads beyond it (not link-local).
 * Looks once; does not wait. False where it does not exist, too.
 */
bool iface_is_up(const char *name);
/* Its number now; 0: there is none of this name. */
unsigned iface_index(const char *name);
/* Is ADDRESS (text, no zone) one of its own? Likewise. */
bool iface_has_address(const char *name, const char *address);

#endif
