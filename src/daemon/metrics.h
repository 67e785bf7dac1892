/*
 * Figures for whoever watches many nodes: run_dir/tidepost.prom, in the text
 * form of Prometheus, written anew every METRICS_EVERY_MS. It appears whole or
 * not at all, and goes when the daemon ends, so an old one is not taken for
 * news.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include "daemon/node.h"

enum { METRICS_EVERY_MS = 15000 };

struct metrics;

/* Begins when the spool is open. */
struct metrics *metrics_new(struct node *n);
/* Pool and spool are closed by then. NULL is fine. */
void metrics_free(struct metrics *m);

#endif
