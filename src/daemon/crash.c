#include "daemon/crash.h"

#ifdef TIDEPOST_CRASH_POINTS

#include "base/str.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

void
crash_point(const char *label)
{
	static _Atomic uint64_t seen;
	const char *wanted = getenv("TIDEPOST_CRASH_AT");
	struct str count, name = str_cut(str_of(wanted), ':', &count);
	uint64_t at = 1;

	if (!wanted || !str_eq(name, str_of(label)))
		return;
	if (count.n)
		str_u64(count, &at);
	if (++seen == at)
		raise(SIGKILL);
}

#else

typedef int crash_points_are_off;

#endif
