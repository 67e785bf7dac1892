/*
 * Domains that are left alone for a while, since they could not be reached. A
 * bounded memory: what is forgotten is tried too early, and no more.
 */
#ifndef DAEMON_MX_WAITS_H
#define DAEMON_MX_WAITS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum { MX_WAITS_MAX = 1000 };

struct mx_waits;

struct mx_waits *mx_waits_new(void);
void mx_waits_free(struct mx_waits *w); /* NULL is fine */
/* DOMAIN failed once more: it waits, each time longer (RETRY_S; the last
 * repeats). */
void mx_waits_add(struct mx_waits *w, const char *domain, int64_t now,
	const int64_t *retry_s, size_t retry_n);
/* It took nothing of what it was given; what comes may go at once. */
void mx_waits_note(struct mx_waits *w, const char *domain);
void mx_waits_remove(struct mx_waits *w, const char *domain);
/* All may be tried now; how often they failed is not forgotten. */
void mx_waits_end(struct mx_waits *w);
/* Did it fail, or take nothing, when it was last tried? */
bool mx_waits_has(const struct mx_waits *w, const char *domain);
/* Until when; 0: it does not wait. */
int64_t mx_waits_until(
	const struct mx_waits *w, const char *domain, int64_t now);

#endif
