/*
 * The time of day as one tidepost node tells another: behind the host name in
 * the first line of the reply to EHLO, where RFC 5321 4.1.1.1 leaves room for
 * any text (ehlo-greet): "250-mail.shore.example tidepost 1796087100".
 */
#ifndef WIRE_PEERTIME_H
#define WIRE_PEERTIME_H

#include "base/buf.h"

/* Adds a blank and the text for WALL_S (UTC seconds since 1970, above 0). */
void peertime_add(struct buf *out, int64_t wall_s);
/*
 * LINE: the whole first line, without its code. False: no time is in it, or
 * none of the years 1970 to 9999.
 */
bool peertime_read(struct str line, int64_t *wall_s_r);

#endif
