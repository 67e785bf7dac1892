/* Listening sockets: TCP and Unix. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/loop.h"

#include <sys/socket.h>

struct listener;

/* FD is given to the callee. */
typedef void listen_fn(void *arg, int fd);

/*
 * ADDRESS "*": IPv6 and IPv4 (IPv4 alone where the host has no IPv6). PORT 0:
 * any free one. Errors say which address and why, ERR_LOCKED for a port in use.
 */
enum err_code listen_tcp(struct loop *loop, const char *address, unsigned port,
	listen_fn *fn, void *arg, struct listener **listener_r, struct err *e);
/* A Unix stream socket with MODE; a stale file of a dead daemon is replaced. */
enum err_code listen_unix(struct loop *loop, const char *path, unsigned mode,
	listen_fn *fn, void *arg, struct listener **listener_r, struct err *e);
/*
 * The file of a Unix socket gets this owner and group; others have none. It may
 * lie in a folder of somebody else: no other file is ever given away.
 */
enum err_code listener_give(
	struct listener *l, unsigned uid, unsigned gid, struct err *e);
/*
 * At most OCTETS may be under way on a new connection before it is accepted
 * (what was allowed then can be taken back no more); 0: as the system likes.
 */
void listener_window(struct listener *l, uint32_t octets);
/*
 * FD is bound, listens, does not block, and stays the caller's (net/given.h):
 * who calls while nobody serves it waits.
 */
struct listener *listen_given(
	struct loop *loop, int fd, listen_fn *fn, void *arg);
unsigned listener_port(const struct listener *l);
void listener_pause(struct listener *l, bool pause);
void listener_free(struct listener *l); /* NULL is fine */

/* Who is at the other end of a Unix socket (SO_PEERCRED). */
bool listen_peer_cred(int fd, unsigned *uid_r, unsigned *gid_r);

enum { NET_ADDRESS_MAX = 64 }; /* an IPv6 address with a zone fits */

/* The address of the other end as text; "" where there is none any more. */
void net_peer_address(int fd, char text_r[NET_ADDRESS_MAX]);
/* Likewise of this end. */
void net_local_address(int fd, char text_r[NET_ADDRESS_MAX]);

/* Is ADDRESS (text) inside CIDR ("10.0.0.0/8", "::1/128", "192.0.2.1")? */
bool net_in_network(const char *address, const char *cidr);

#endif
