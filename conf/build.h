/* From checked values, or else the schema's defaults, to a struct conf. */
#ifndef CONF_BUILD_H
#define CONF_BUILD_H

#include "conf/conf.h"
#include "conf/tree.h"

/* Bad nodes count as not given. */
struct conf *build_conf(const struct node *root, const char *file);

/* The parts: reading one setting, named by its full path, of a GROUP. */
char *build_text(const struct node *group, const char *path);
struct conf_strings build_strings(const struct node *group, const char *path);
struct value build_value(const struct node *group, const char *path);
int64_t build_seconds(const struct node *group, const char *path);
bool build_has(const struct node *group, const char *path);

void build_links(struct conf *c, const struct node *root);

#endif
