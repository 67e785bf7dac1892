/* The configuration as a tree of plain values, free of the parser library. */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "conf/source.h"
#include "conf/values.h"

enum node_kind {
	NODE_GROUP,
	NODE_LIST, /* ( ) and [ ] alike */
	NODE_INT,
	NODE_FLOAT,
	NODE_STRING,
	NODE_BOOL,
};

struct node {
	enum node_kind kind;
	char *name; /* owned; NULL: an item of a list */
	struct place name_at, at;
	int64_t integer; /* of INT and BOOL */
	double real;	 /* of FLOAT and INT */
	char *text;	 /* of STRING, owned */
	struct node *v;	 /* children, owned */
	size_t n;

	/* Set by shape_check: */
	bool good; /* the type is right, the value within its range */
	struct value value;
};

/* The member NAME of GROUP (which may be NULL). */
const struct node *node_member(const struct node *group, const char *name);
/* Follows "local.domains" down from ROOT. */
const struct node *node_find(const struct node *root, const char *path);
void node_clear(struct node *n);

#endif
