/*
 * Views of text that somebody else owns, and a few careful helpers.
 * A struct str is not terminated; its bytes are borrowed.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p; /* borrowed */
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT(s) (int)(s).n, (s).p /* for "%.*s" */

/* A view of a terminated string; NULL gives the empty view. */
struct str str_of(const char *z);

/* S without its first N octets (N at most S.n). */
struct str str_skip(struct str s, size_t n);

bool str_eq(struct str a, struct str b);
/* Equal but for the case of ASCII letters (RFC 5321 2.4). */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);
/* The part of S before the first C; *rest_r is what follows it (or empty). */
struct str str_cut(struct str s, char c, struct str *rest_r);
struct str str_trim(struct str s); /* blanks and tabs off both ends */
/* Without the mark of UTF-8 that some editors put before a text (RFC 3629 6) */
struct str str_behind_mark(struct str s);

/* Copies S into DST of SIZE octets, terminated. False: it did not fit. */
bool str_copy(char *dst, size_t size, struct str s);
bool str_copyz(char *dst, size_t size, const char *z);
/* A new terminated copy, given to the caller. Aborts when out of memory. */
char *str_dup(struct str s);
char *str_dupz(const char *z);
/* printf into a new string, given to the caller. */
char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *str_vprintf(const char *fmt, va_list ap)
	__attribute__((format(printf, 1, 0)));

/* ASCII lower case in place. */
void str_lower(char *z);

/* What C is worth as a hexadecimal digit; -1: it is none. */
int str_hex_digit(char c);
/* Decimal digits only, whole of S, no overflow. */
bool str_u64(struct str s, uint64_t *value_r);

/*
 * Glob over octets: '*' any run, '?' one; letters match without case.
 * Linear in time for one '*', bounded by n*m in general.
 */
bool str_glob(struct str pattern, struct str s);

/*
 * Edit distance of two names (at most 63 octets each), for "did you mean".
 */
unsigned str_distance(const char *a, const char *b);

/* malloc and friends that abort with a clear line instead of failing. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
void *xrealloc(void *p, size_t n);

#endif
