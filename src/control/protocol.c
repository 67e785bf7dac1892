#include "control/protocol.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

bool
protocol_id_parse(struct str s, int64_t *id_r, unsigned *n_r)
{
	struct str rest;
	struct str first = str_cut(s, '.', &rest);
	uint64_t id, n = 0;

	if (!str_u64(first, &id) || id == 0 || id > INT64_MAX)
		return false;
	if (first.n != s.n && (!str_u64(rest, &n) || n == 0 || n > UINT_MAX))
		return false;
	*id_r = (int64_t)id;
	*n_r = (unsigned)n;
	return true;
}

void
protocol_id_format(int64_t id, unsigned n, char out[PROTOCOL_ID_TEXT_MAX])
{
	if (n)
		snprintf(out, PROTOCOL_ID_TEXT_MAX, "%" PRId64 ".%u", id, n);
	else
		snprintf(out, PROTOCOL_ID_TEXT_MAX, "%" PRId64, id);
}

void
protocol_request(struct record *r, const char *verb, const char *action)
{
	record_init(r);
	record_add(r, KEY_VERB, verb);
	record_add(r, KEY_ACTION, action);
}

void
protocol_answer(struct record *r, const char *kind)
{
	record_clear(r);
	record_add(r, KEY_KIND, kind);
}

void
protocol_end(struct record *r, int status, const char *text, int64_t count)
{
	record_clear(r);
	record_add_int(r, KEY_END, status);
	record_add(r, KEY_TEXT, text);
	if (count >= 0)
		record_add_int(r, KEY_COUNT, count);
}
