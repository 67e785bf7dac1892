/*
 * The end of what is held for customers: mail that waited longer than the
 * customer's lifetime (its own, else queue.customer_lifetime) is given up, in
 * the background, customer by customer. What a person or a rule holds stays
 * until it is released.
 *
 * Nothing ends while the clock is not trusted, nor for a day after it jumped
 * (sched/clockwatch.h).
 */
#ifndef DAEMON_LIFETIME_H
#define DAEMON_LIFETIME_H

#include "daemon/node.h"

struct lifetime;

struct lifetime *lifetime_new(struct node *n);
/* Looks for what is too old; returns at once. */
void lifetime_look(struct lifetime *l);
/* The spool is closed by then. NULL is fine. */
void lifetime_free(struct lifetime *l);

/* How long mail is held for A. */
int64_t lifetime_of(const struct conf *conf, const struct spool_account *a);

/* "30 days", "12 hours" */
void lifetime_words(int64_t s, char *out, size_t size);

#endif
