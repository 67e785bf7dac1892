/*
 * Certificates that end soon: ours (tls.certificate, those shown to peers) and
 * the ones that peers showed last. From CERTWATCH_DAYS before the end of one
 * there is a warning: in the log, once a day, and in `status`.
 *
 * A clock that is not trusted counts as the floor (base/clock.h).
 */
#ifndef DAEMON_CERTWATCH_H
#define DAEMON_CERTWATCH_H

#include "daemon/node.h"

enum { CERTWATCH_DAYS = 30 };

struct certwatch;

struct certwatch *certwatch_new(struct node *n);
/* Looks at all of them, in the background. */
void certwatch_look(struct certwatch *w);
/* A peer showed a certificate that is good until ENDS: is it worth a look? */
void certwatch_seen(struct certwatch *w, int64_t ends);
/* Warning I in words; NULL: there are no more. */
const char *certwatch_warning(const struct certwatch *w, size_t i);
/* The spool is closed by then. NULL is fine. */
void certwatch_free(struct certwatch *w);

#endif
