/* The facts of outlook/facts.h, asked of the daemon or the spool. */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "cli/context.h"
#include "outlook/facts_json.h"

/* All of them. */
int facts_status(struct cli *c, struct facts *f);
/* The links only. */
int facts_links(struct cli *c, struct facts *f);

#endif
