/* What every fuzz target shares: its entry, and a check that stays in. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
				#what);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

/* Lines with a CRLF each, none longer than MOST, and no NUL. */
static inline void
fuzz_check_lines(struct str s, size_t most)
{
	size_t column = 0;

	FUZZ_CHECK(s.n == 0 ||
		   (s.n >= 2 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0));
	for (size_t i = 0; i < s.n; i++) {
		FUZZ_CHECK(s.p[i] != '\0');
		if (s.p[i] == '\n')
			FUZZ_CHECK(i > 0 && s.p[i - 1] == '\r');
		if (s.p[i] == '\r') {
			FUZZ_CHECK(i + 1 < s.n && s.p[i + 1] == '\n');
			FUZZ_CHECK(column <= most);
		}
		column = s.p[i] == '\n' ? 0 : column + 1;
	}
}

#endif
