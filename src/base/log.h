/*
 * One line per fact, key=value:
 *
 *	log_info("deferred", LOG_INT("msg", id), LOG_STR("reply", text));
 *	-> event=deferred msg=4711 reply="451 4.3.0 try later"
 *
 * The event comes first, a value with blanks, quotes or octets outside
 * printable ASCII is quoted and escaped, so no input can forge a line. There
 * is one sink; the program chooses it. Safe to call from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"

enum { LOG_VALUE_MAX = 1024 }; /* octets of one value that are shown */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log_field {
	const char *key;
	const char *text; /* NULL: a number */
	size_t text_n;
	int64_t number;
};

#define LOG_STR(k, z) ((struct log_field){(k), str_of(z).p, str_of(z).n, 0})
#define LOG_VIEW(k, s) ((struct log_field){(k), (s).p, (s).n, 0})
#define LOG_INT(k, v) ((struct log_field){(k), NULL, 0, (int64_t)(v)})

#define LOG_FIELDS(...)                                                        \
	((const struct log_field[]){__VA_ARGS__, {NULL, NULL, 0, 0}})

/*
 * FIELDS (LOG_FIELDS) at a level that is only known then. Where it stands in
 * the source goes with it.
 */
#define log_write(level, event, fields)                                        \
	log_put(&(struct log_fact){                                            \
		(level), (event), (fields), __FILE__, __func__, __LINE__})
#define log_debug(event, ...)                                                  \
	log_write(LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_write(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warning(event, ...)                                                \
	log_write(LOG_WARNING, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...)                                                  \
	log_write(LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))

struct log_fact {
	enum log_level level;
	const char *event;
	const struct log_field *fields; /* ends with a NULL key */
	const char *file, *function;	/* that tell it */
	int line;
};

/* Where a finished line goes. LINE has no newline. */
typedef void log_sink(const struct log_fact *fact, const char *line, void *arg);

/* SINK NULL: standard error. Call before threads start. */
void log_set_sink(log_sink *sink, void *arg);
/* Sees every fact that is logged, as fields; after the sink. NULL: nobody. */
typedef void log_observer(enum log_level level, const char *event,
	const struct log_field *fields, void *arg);
void log_set_observer(log_observer *fn, void *arg);
void log_set_level(enum log_level least);
const char *log_level_name(enum log_level level);
bool log_level_parse(struct str name, enum log_level *level_r);

void log_put(const struct log_fact *fact);
/* The line as a program without a sink has it, to standard error. */
void log_to_stderr(const struct log_fact *fact, const char *line);

/* " key=value" onto B, quoted where needed: the form used everywhere. */
void log_add_field(struct buf *b, const struct log_field *field);

#endif
