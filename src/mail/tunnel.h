/*
 * The priority of a message on its way through hosts that do not know
 * MT-PRIORITY: it travels as a header field (RFC 6758 3.3).
 */
#ifndef MAIL_TUNNEL_H
#define MAIL_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>

enum { TUNNEL_FIELD_MAX = sizeof("MT-Priority: -9\r\n") };

/*
 * START, N octets in a buffer of at least N + TUNNEL_FIELD_MAX, is the
 * beginning of a message as stored: all MT-Priority fields that end in it are
 * taken out, and where there was one, or TOLD (MAIL had a priority, or a rule
 * gave one), a field with PRIORITY is put in front. Returns the new number of
 * octets; the message's size changes by the difference. A field that lies
 * behind START stays: no header of good mail is that long.
 */
size_t tunnel_priority(char *start, size_t n, bool told, int priority);

#endif
