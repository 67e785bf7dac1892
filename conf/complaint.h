/* Collecting what is wrong with a configuration. */
#ifndef CONF_COMPLAINT_H
#define CONF_COMPLAINT_H

#include "conf/conf.h"
#include "conf/source.h"

/* More than these are counted, not kept: nobody reads on. */
enum { COMPLAINTS_MAX = 200 };

void complain(struct complaints *c, enum complaint_kind kind,
	const struct place *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#define complain_error(c, at, ...) complain(c, COMPLAINT_ERROR, at, __VA_ARGS__)
#define complain_warning(c, at, ...)                                           \
	complain(c, COMPLAINT_WARNING, at, __VA_ARGS__)

/* Into the order of the text: FIRST (the main file), then the others. */
void complaints_sort(struct complaints *c, const char *first);

#endif
