#include "base/state.h"

#include "base/log.h"

#include <assert.h>

void
state_init(struct state *s, const char *machine, const struct state_row *rows,
	unsigned first, uint64_t id)
{
	*s = (struct state){
		.machine = machine, .rows = rows, .now = first, .id = id};
}

void
state_move(struct state *s, unsigned to)
{
	assert(s->rows[s->now].next & STATE_TO(to));
	log_debug("state", LOG_STR("machine", s->machine), LOG_INT("id", s->id),
		LOG_STR("from", s->rows[s->now].name),
		LOG_STR("to", s->rows[to].name));
	s->now = to;
}

const char *
state_name(const struct state *s)
{
	return s->rows[s->now].name;
}
