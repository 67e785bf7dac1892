/* Months as people name them, "2026-03", in UTC. */
#ifndef CLI_MONTH_H
#define CLI_MONTH_H

#include <stdint.h>

#include "base/str.h"

enum { MONTH_TEXT_MAX = 16 };

/*
 * "2026-03": from its first second to before the first of the next.
 * False: no month of the years 1970 to 9999.
 */
bool month_parse(struct str s, int64_t *from_r, int64_t *to_r);
/* The month of a time. */
void month_of(int64_t wall_s, int64_t *from_r, int64_t *to_r);
void month_text(int64_t wall_s, char out_r[MONTH_TEXT_MAX]);

#endif
