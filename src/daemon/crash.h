/*
 * Labelled steps at which tests kill the daemon: TIDEPOST_CRASH_AT=LABEL or
 * LABEL:N (the N-th time). Only in a build with TIDEPOST_CRASH_POINTS.
 */
#ifndef DAEMON_CRASH_H
#define DAEMON_CRASH_H

#ifdef TIDEPOST_CRASH_POINTS
void crash_point(const char *label);
#else
static inline void
crash_point(const char *label)
{
	(void)label;
}
#endif

#endif
