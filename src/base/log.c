#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

static log_sink *sink;
static void *sink_arg;
static log_observer *observer;
static void *observer_arg;
static _Atomic int least_level = LOG_INFO;

void
log_to_stderr(const struct log_fact *fact, const char *line)
{
	if (fact->level >= LOG_WARNING)
		fprintf(stderr, "%s: %s\n", level_names[fact->level], line);
	else
		fprintf(stderr, "%s\n", line);
}

void
log_set_sink(log_sink *fn, void *arg)
{
	sink = fn;
	sink_arg = arg;
}

void
log_set_observer(log_observer *fn, void *arg)
{
	observer = fn;
	observer_arg = arg;
}

void
log_set_level(enum log_level least)
{
	least_level = (int)least;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_parse(struct str name, enum log_level *level_r)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (str_eq_nocase(name, str_of(level_names[i]))) {
			*level_r = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool
is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 127 || p[i] == '"' || p[i] == '\\' ||
			p[i] == '=')
			return false;
	return n > 0;
}

static void
add_quoted(struct buf *b, const char *p, size_t n)
{
	buf_addz(b, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < ' ' || c >= 127)
			buf_addf(b, "\\x%02x", c);
		else
			buf_add(b, &p[i], 1);
	}
	buf_addz(b, "\"");
}

void
log_add_field(struct buf *b, const struct log_field *f)
{
	size_t n = f->text_n < LOG_VALUE_MAX ? f->text_n : LOG_VALUE_MAX;

	buf_addf(b, "%s%s=", b->len ? " " : "", f->key);
	if (!f->text)
		buf_addf(b, "%lld", (long long)f->number);
	else if (is_plain(f->text, n))
		buf_add(b, f->text, n);
	else
		add_quoted(b, f->text, n);
}

void
log_put(const struct log_fact *fact)
{
	struct buf b;

	if ((int)fact->level < least_level)
		return;
	buf_init(&b, 0);
	buf_addf(&b, "event=%s", fact->event);
	for (const struct log_field *f = fact->fields; f->key; f++)
		log_add_field(&b, f);
	if (sink)
		sink(fact, buf_z(&b), sink_arg);
	else
		log_to_stderr(fact, buf_z(&b));
	buf_free(&b);
	if (observer)
		observer(fact->level, fact->event, fact->fields, observer_arg);
}
