/* What the files of the notice share. */
#ifndef MAIL_DSN_PRIVATE_H
#define MAIL_DSN_PRIVATE_H

#include "mail/dsn.h"

/*
 * Text of others on one line: a blank for each control octet, '?' for what is
 * not UTF-8, or with !UTF8 for all that is not ASCII; at most MAX octets.
 */
void dsn_add_safe(struct buf *out, struct str s, bool utf8, size_t max);
bool dsn_has(const struct dsn *d, enum dsn_action action);

/* dsn_text.c: the words for people, UTF-8. */
void dsn_add_text(const struct dsn *d, struct buf *out);
/* dsn_status.c: the part for programs. */
void dsn_add_status(const struct dsn *d, bool global, struct buf *out);
/* Does it need the UTF-8 form? */
bool dsn_status_is_global(const struct dsn *d);
/* dsn_header.c */
/* The value of Subject, unfolded, as it stands. */
void dsn_add_subject(struct str header, bool utf8, struct buf *out);
/* "<...>", or nothing where it is not one that can stand in our header. */
struct str dsn_message_id(struct str header);
struct str dsn_header_of(const struct dsn *d, const struct dsn_recipient *r);
/*
 * As much of the original's header as comes back: whole fields, in their order,
 * up to MAX octets,
 * those a message is known by before all others.
 */
void dsn_add_original(struct str header, size_t max, struct buf *out);
/* The notice's own header, up to MIME-Version. */
void dsn_add_header(const struct dsn *d, bool eight, struct buf *out);

#endif
