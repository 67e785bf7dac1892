/* Each setting against its row: known, of the right type, within its range. */
#ifndef CONF_SHAPE_H
#define CONF_SHAPE_H

#include "conf/complaint.h"
#include "conf/schema.h"

/* Marks the good nodes and fills in their values. */
void shape_check(struct node *root, struct complaints *out);

#endif
