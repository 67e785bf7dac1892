#include "wire/peertime.h"

#include <inttypes.h>

#define PEERTIME_WORD "tidepost"

static const uint64_t year_10000_s = UINT64_C(253402300800);

void
peertime_add(struct buf *out, int64_t wall_s)
{
	buf_addf(out, " " PEERTIME_WORD " %" PRId64, wall_s);
}

bool
peertime_read(struct str line, int64_t *wall_s_r)
{
	struct str rest, word;
	uint64_t wall_s;

	str_cut(line, ' ', &rest);
	word = str_cut(rest, ' ', &rest);
	if (!str_eq(word, STR(PEERTIME_WORD)) || !str_u64(rest, &wall_s) ||
		wall_s == 0 || wall_s >= year_10000_s)
		return false;
	*wall_s_r = (int64_t)wall_s;
	return true;
}
