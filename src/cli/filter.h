/* The filters of queue list, for looking and for acting. */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "cli/args.h"
#include "control/record.h"
#include "spool/queue.h"

/* Rows for an option table. */
#define FILTER_OPTIONS                                                         \
	{.name = "--from",                                                     \
		.value = "PATTERN",                                            \
		.help = "senders that match; * and ? stand for any"},          \
		{.name = "--to",                                               \
			.value = "PATTERN",                                    \
			.help = "recipients that match"},                      \
		{.name = "--state",                                            \
			.value = "STATE",                                      \
			.help = "receiving, ready, active, deferred, held, "   \
				"deleted"},                                    \
		{.name = "--route",                                            \
			.value = "ROUTE",                                      \
			.help = "a route's name, local or customer:NAME"},     \
		{.name = "--older",                                            \
			.value = "DURATION",                                   \
			.help = "queued longer ago, as 90s, 2h, 5d"},          \
	{                                                                      \
		.name = "--larger", .value = "SIZE",                           \
		.help = "larger messages, as 20K, 4M"                          \
	}

/* Any filter given? */
bool filter_given(const struct args *a);
/* Texts in F_R are borrowed from A. ERR_USAGE: a value is wrong. */
enum err_code filter_parse(const struct args *a, int64_t now_s,
	struct spool_filter *f_r, struct err *e);
/* The same for the daemon; the values were parsed before. */
void filter_request(const struct args *a, struct record *r);

/* An option that is a number of at most MOST; absent: *value_r stays. */
enum err_code filter_number(const struct args *a, const char *name,
	uint64_t most, uint64_t *value_r, struct err *e);

#endif
