/*
 * What a connection cost beyond its octets, as the kernel counted it.
 */
#ifndef NET_SEGMENTS_H
#define NET_SEGMENTS_H

#include <stdint.h>

struct segments {
	uint64_t count;	   /* both directions, empty ones too */
	uint64_t again;	   /* octets that were sent more than once */
	uint64_t received; /* octets the kernel has taken, read or not */
	unsigned rtt_ms;   /* the shortest round trip, rounded up; 0 unknown */
};

/* Of the socket FD; all 0 where the kernel does not tell. */
struct segments segments_of(int fd);

/*
 * The far side of FD may have at most OCTETS under way to us that we have not
 * read (before connect, or less than before). The kernel has twice as much at
 * the most, and a least of about 1 KB.
 */
void segments_window(int fd, uint32_t octets);
/* Its half that a listener hands on; 0: as much as the system likes. */
void segments_clamp(int fd, uint32_t octets);

#endif
