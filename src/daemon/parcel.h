/*
 * A message on its way to a peer: what was claimed of it, the octets that come
 * next, and what the peer said. A session has several in hand; each is one of
 *
 *	waiting -> at the machine (its body is asked for) -> flying (handed
 *over, replies to come) -> ended -> settled in the spool
 */
#ifndef DAEMON_PARCEL_H
#define DAEMON_PARCEL_H

#include "base/list.h"
#include "mail/recode.h"
#include "smtp/client.h"
#include "spool/queue.h"

/*
 * Octets of a body read at a time: a whole chunk of the spool only where so
 * much of it has gone and the peer took the last piece so fast, since a
 * thousand slow ones have one each.
 */
enum {
	PARCEL_PIECE_BYTES = 16384,
	PARCEL_RAMP_BYTES = 1024 * 1024,
	PARCEL_FAST_MS = 250,
};

enum parcel_end {
	PARCEL_REPLIED, /* `final` says what the peer answered to the whole */
	PARCEL_EARLY,	/* `final` ended it before any recipient was taken */
	PARCEL_BROKEN,	/* the connection ended; no final reply */
	PARCEL_REFUSED, /* by us: the peer cannot take it; `status`, `why` */
};

/* Why the peer cannot have it at all. */
#define PARCEL_NO_UTF8 "5.6.7"
#define PARCEL_NO_TLS "5.7.30"
#define PARCEL_NO_BY "5.3.3"

struct parcel {
	struct list_node node;
	struct spool_claimed claimed;
	/*
	 * By which machine and host name it. Not the message's id: of one with
	 * very many recipients several parcels are in hand at the same time.
	 */
	uint64_t tag;
	uint64_t size; /* octets as they are sent; the stored ones may differ */
	char *chunk;   /* owned: octets of the body that come next */
	size_t chunk_n, chunk_at;
	uint64_t chunk_ms;     /* when it came */
	uint64_t offset;       /* of the stored body behind the chunk */
	struct reply *replies; /* to each RCPT; code 0: none came; owned */
	struct reply *finals;  /* LMTP: likewise at the end; else NULL */
	bool begun;	       /* it was given to the machine */
	bool patient;	       /* ... and its body waits for the replies */
	bool heard;	       /* the peer answered some of its envelope */
	bool counts;	       /* BROKEN: an attempt of this message */
	enum parcel_end end;
	struct reply final;
	bool in_doubt;
	/*
	 * The peer takes fewer bits: how it is written (mail/recode.h). Its
	 * size is known when it was looked at as a whole; till then it waits.
	 */
	struct recode *recode; /* owned; NULL: as it is */
	struct recode_to to;
	bool looks;	     /* it is to be looked at */
	uint64_t look;	     /* the number of the look under way; 0 none */
	bool tunnels;	     /* the priority goes into the header */
	const char *status;  /* REFUSED: "5.6.3"; static */
	unsigned extensions; /* of the peer, as they may be used for it */
	char why[200];
	/* what of its link it does not fit as it is written; NONE: nothing */
	enum spool_reason left;
	bool unreadable; /* the spool has less of it than its size: held */
};

/*
 * In a transaction: takes over CLAIMED and reads the first octets. What the
 * peer cannot take is to be looked at (`looks`), or has its end (`status`). For
 * a peer without MT-PRIORITY in EXTENSIONS the priority goes into the header
 * (RFC 6758 3.3), unless the message grew beyond SIZE_MAX_PEER by that (0: no
 * limit). *parcel_r is given; on error CLAIMED is cleared.
 */
enum err_code parcel_open(struct spool_txn *t, struct spool_claimed *claimed,
	unsigned extensions, uint64_t size_max_peer, struct parcel **parcel_r,
	struct err *e);
/*
 * It was looked at: from now on it is what R, which is given, writes; its size
 * is right.
 */
void parcel_recode(struct parcel *p, struct recode *r);
void parcel_free(struct parcel *p); /* NULL is fine */

/* Gives its envelope to the machine; PATIENT: as in struct smtp_mail. */
/* STEADY: the time by the clock of deliver_by. */
void parcel_begin(struct parcel *p, struct smtp_client *client, bool patient,
	int64_t steady);
/* Octets that can be handed over now; none: parcel_piece. */
struct str parcel_view(const struct parcel *p);
void parcel_consume(struct parcel *p, size_t n);
/*
 * The next octets of the stored body: how many to read at p->offset, and that
 * they came: N in CHUNK, which is given.
 */
size_t parcel_piece(const struct parcel *p, uint64_t now_ms);
void parcel_take_chunk(
	struct parcel *p, char *chunk, size_t n, uint64_t now_ms);

/*
 * Is its sender to hear that it went on (RFC 2852 4.1.4), whether it asked for
 * success or not?
 */
bool parcel_is_traced(const struct parcel *p, int64_t steady);

#endif
