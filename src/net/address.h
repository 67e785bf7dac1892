/* Socket addresses as text; private to net. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 64 }; /* an IPv6 address with a zone fits */

/*
 * The address in SS as text, an IPv4-mapped one as IPv4; "local" for a Unix
 * socket. Returns the port, 0 where there is none.
 */
unsigned address_text(
	const struct sockaddr_storage *ss, char text_r[ADDRESS_TEXT_MAX]);

/* TEXT (an IP address, no name; a zone is fine) and PORT as SS. */
bool address_from_text(const char *text, unsigned port,
	struct sockaddr_storage *ss_r, socklen_t *len_r);

/* Is ERROR one that means the host has no such address family? */
bool address_family_missing(int error);

#endif
