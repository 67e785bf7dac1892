/* What status shows of links, too. */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "cli/command.h"
#include "cli/facts.h"
#include "faces/text.h"

/* A row for each link of F; nothing where there is none. */
void link_table(const struct facts *f);

int link_plan(struct cli *c, const struct args *a);
int link_allow(struct cli *c, const struct args *a);

#endif
