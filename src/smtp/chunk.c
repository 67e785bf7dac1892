#include "smtp/chunk.h"

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

enum chunk_result
chunk_parse(struct str args, uint64_t *size_r, bool *last_r)
{
	struct str marker;
	struct str size = str_cut(args, ' ', &marker);

	*last_r = false;
	if (!all_digits(size))
		return CHUNK_NO_SIZE;
	if (!str_u64(size, size_r))
		return CHUNK_HUGE;
	if (size.n == args.n)
		return CHUNK_OK;
	*last_r = str_eq_nocase(str_trim(marker), STR("LAST"));
	return *last_r ? CHUNK_OK : CHUNK_MARKER;
}

const char *
chunk_text(enum chunk_result result)
{
	switch (result) {
	case CHUNK_OK:
		break;
	case CHUNK_NO_SIZE:
		return "BDAT needs a decimal number of octets";
	case CHUNK_HUGE:
		return "the chunk size does not fit into 64 bits";
	case CHUNK_MARKER:
		return "only LAST may follow the chunk size";
	}
	return "";
}

void
chunk_reset(struct chunk *c)
{
	*c = (struct chunk){0};
}

bool
chunk_begin(struct chunk *c, uint64_t size, bool last, uint64_t max)
{
	uint64_t limit = max ? max : UINT64_MAX;

	c->left = size;
	c->last = last;
	if (c->total > limit || size > limit - c->total)
		return false;
	c->total += size;
	return true;
}

size_t
chunk_take(struct chunk *c, size_t n)
{
	if (n > c->left)
		n = (size_t)c->left;
	c->left -= n;
	return n;
}
