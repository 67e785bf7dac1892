#include "tui/undo.h"

#include <stdlib.h>
#include <string.h>

static void
drop_oldest(struct undo_stack *u)
{
	free(u->v[0].targets);
	memmove(&u->v[0], &u->v[1], (u->n - 1) * sizeof(*u->v));
	u->n--;
}

void
undo_push(struct undo_stack *u, const char *word, struct target *targets,
	size_t n, const char *text)
{
	struct undo *undo;

	if (u->n == UNDO_MAX)
		drop_oldest(u);
	undo = &u->v[u->n++];
	*undo = (struct undo){.word = word, .targets = targets, .n = n};
	str_copyz(undo->text, sizeof(undo->text), text);
}

bool
undo_pop(struct undo_stack *u, struct undo *undo_r)
{
	if (u->n == 0)
		return false;
	*undo_r = u->v[--u->n];
	return true;
}

void
undo_clear(struct undo_stack *u)
{
	while (u->n)
		free(u->v[--u->n].targets);
}
