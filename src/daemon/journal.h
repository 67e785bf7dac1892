/*
 * The log's way to journald, in its own protocol: a datagram for each fact,
 * with the line as MESSAGE and what it tells as fields of their own
 * (TIDEPOST_MESSAGE, TIDEPOST_PEER ...), so that journalctl finds by them. See
 * docs/decisions/013 for why there is no library.
 *
 * A record has at most JOURNAL_RECORD_MAX octets, so that it always fits a
 * datagram. Nobody waits for journald: where it does not keep up, facts are
 * left out and counted; the event log of the spool has them.
 *
 * Safe to call from any thread.
 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include "base/log.h"

enum { JOURNAL_LINE_MAX = 32768, JOURNAL_RECORD_MAX = 65536 };

/* False: no journal is there (said in the log). Before threads start. */
bool journal_open(void);
/* A log_sink. What journald does not take at all goes to standard error. */
void journal_write(const struct log_fact *fact, const char *line, void *arg);
/* The record of FACT, onto OUT. */
void journal_record(
	const struct log_fact *fact, const char *line, struct buf *out);

#endif
