/*
 * BDAT (RFC 3030 2): its arguments, and the count of octets.
 *
 * chunk-size has no bound in the grammar. A size that fits no 64 bits, or
 * that would make the sum of a message overflow, is refused here.
 */
#ifndef SMTP_CHUNK_H
#define SMTP_CHUNK_H

#include "base/str.h"

struct chunk {
	uint64_t left;	/* octets of this chunk still to come */
	uint64_t total; /* of the message, this chunk included */
	bool last;
};

enum chunk_result {
	CHUNK_OK,
	CHUNK_NO_SIZE, /* no decimal number: nobody knows what follows */
	CHUNK_HUGE,    /* a number above 2^64-1: likewise */
	CHUNK_MARKER,  /* size_r is good, what follows is not "LAST" */
};

/* ARGS: what stands behind "BDAT ". Fills size_r for OK and MARKER. */
enum chunk_result chunk_parse(struct str args, uint64_t *size_r, bool *last_r);
/* One sentence for a 501. */
const char *chunk_text(enum chunk_result result);

/* Before the first chunk of a message. */
void chunk_reset(struct chunk *c);
/*
 * The next chunk. False: the message would be above MAX (0: no limit but 64
 * bits); left is set all the same, since its octets must be read.
 */
bool chunk_begin(struct chunk *c, uint64_t size, bool last, uint64_t max);
/* How many of N octets at hand belong to the chunk; counts them off. */
size_t chunk_take(struct chunk *c, size_t n);

#endif
