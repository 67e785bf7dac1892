/*
 * Two files for whoever watches the node without asking it: the figures of
 * run_dir/tidepost.prom, in the text form of Prometheus, and
 * run_dir/status.json, what "tidepost status --json" says (of sessions the
 * first hundred). Both are written anew every METRICS_EVERY_MS. They appear
 * whole or not at all, and go when the daemon ends, so an old one is not taken
 * for news. The figures are served, too, where metrics.listen says
 * (net/page.h).
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/node.h"

enum { METRICS_EVERY_MS = 15000 };

struct metrics;

struct page;

/* Begins when the spool is open. */
struct metrics *metrics_new(struct node *n);
/*
 * The page of NEXT, where it is another than now; NULL: as it was, or none. On
 * error nothing has changed. It is served once metrics_serve has it, when NEXT
 * is in force.
 */
enum err_code metrics_open(struct metrics *m, const struct conf *next,
	struct page **page_r, struct err *e);
/* PAGE is given. */
void metrics_serve(struct metrics *m, struct page *page);
/* Nobody is answered any more. */
void metrics_stop(struct metrics *m);
/* Pool and spool are closed by then. NULL is fine. */
void metrics_free(struct metrics *m);

#endif
