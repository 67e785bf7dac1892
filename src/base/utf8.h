/* Reading UTF-8 one character at a time, trusting nothing (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/*
 * The character at the front of S and its octets (1 to 4). 0: S is empty, or
 * what stands there is not UTF-8 (overlong, a surrogate, cut off).
 */
size_t utf8_next(struct str s, uint32_t *character_r);

/* CHARACTER as octets, not terminated: how many. 0: it is none. */
size_t utf8_write(uint32_t character, char out[4]);

/* C0, DEL, C1, and what turns or breaks lines unseen (bidi, U+2028). */
bool utf8_is_control(uint32_t character);

#endif
