/*
 * What a connection cost beyond its octets, as the kernel counted it.
 */
#ifndef NET_SEGMENTS_H
#define NET_SEGMENTS_H

#include <stdint.h>

struct segments {
	uint64_t count; /* both directions, empty ones too */
	uint64_t again; /* octets that were sent more than once */
};

/* Of the socket FD; all 0 where the kernel does not tell. */
struct segments segments_of(int fd);

#endif
