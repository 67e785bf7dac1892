#include "conf/tree.h"

#include <stdlib.h>

static const struct node *
member(const struct node *group, struct str name)
{
	if (!group || group->kind != NODE_GROUP)
		return NULL;
	for (size_t i = 0; i < group->n; i++)
		if (str_eq(str_of(group->v[i].name), name))
			return &group->v[i];
	return NULL;
}

const struct node *
node_member(const struct node *group, const char *name)
{
	return member(group, str_of(name));
}

const struct node *
node_find(const struct node *root, const char *path)
{
	struct str rest = str_of(path);

	while (root && rest.n)
		root = member(root, str_cut(rest, '.', &rest));
	return root;
}

void
node_clear(struct node *n)
{
	for (size_t i = 0; i < n->n; i++)
		node_clear(&n->v[i]);
	free(n->v);
	free(n->name);
	free(n->text);
	*n = (struct node){0};
}
