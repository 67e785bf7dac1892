#include "daemon/target.h"

#include "conf/aliases.h"
#include "daemon/policy.h"

#include <stdlib.h>

static void
add(struct node *n, const struct mailbox *m, struct targets *to)
{
	struct target t;

	if (!policy_route_now(n, m, t.route))
		return;
	str_copyz(t.address, sizeof(t.address), m->text);
	for (size_t i = 0; i < to->n; i++)
		if (str_eq_nocase(str_of(to->v[i].address), str_of(t.address)))
			return;
	to->v = xrealloc(to->v, (to->n + 1) * sizeof(*to->v));
	to->v[to->n++] = t;
}

void
targets_add(struct node *n, const char *address, struct targets *to)
{
	struct alias_list list = {.n = 0};
	size_t before = to->n;
	struct mailbox m;
	struct err e = {0};

	if (!address_parse(str_of(address), true, &m))
		return;
	if (aliases_expand(n->conf, &m, false, &list, &e) == OK)
		for (size_t i = 0; i < list.n; i++)
			add(n, &list.v[i].mailbox, to);
	if (to->n == before)
		add(n, &m, to);
	alias_list_free(&list);
}

void
targets_clear(struct targets *to)
{
	free(to->v);
	*to = (struct targets){NULL, 0};
}
