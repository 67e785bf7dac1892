#include "spool/private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *prefix;
	const struct engine_ops *ops;
} engines[] = {
	{"sqlite:", &sqlite_engine},
	{"memory:", &memory_engine},
};

static const struct engine_ops *
engine_find(const char *url, const char **where_r)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		size_t n = strlen(engines[i].prefix);

		if (strncmp(url, engines[i].prefix, n))
			continue;
		*where_r = url + n;
		return engines[i].ops;
	}
	return NULL;
}

static void
options_set(struct spool *s, const struct spool_options *o)
{
	s->options = *o;
	s->options.url = str_dupz(o->url);
	if (!s->options.events_max)
		s->options.events_max = SPOOL_EVENTS_MAX;
	if (!s->options.events_keep_s)
		s->options.events_keep_s = SPOOL_EVENTS_KEEP_S;
}

static enum err_code
connect_first(struct spool *s, struct err *e)
{
	if (s->options.read_only)
		return s->ops->connect(s->engine, ENGINE_READ, &s->reader, e);
	return s->ops->connect(s->engine, ENGINE_WRITE, &s->writer, e);
}

enum err_code
spool_open(const struct spool_options *options, struct spool **spool_r,
	struct err *e)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	const char *where = "";
	enum err_code rc;

	*spool_r = NULL;
	rc = worker_start(s, e);
	if (rc != OK) {
		free(s);
		return rc;
	}
	options_set(s, options);
	s->ops = engine_find(options->url, &where);
	if (!s->ops)
		rc = err_set(e, ERR_INVALID,
			"spool \"%s\": begins with neither \"sqlite:\" nor "
			"\"memory:\"",
			options->url);
	if (rc == OK)
		rc = s->ops->open(&s->options, where, &s->engine, e);
	if (rc == OK)
		rc = connect_first(s, e);
	if (rc == OK)
		rc = spool_start(s, e);
	if (rc != OK) {
		spool_close(s);
		return rc;
	}
	*spool_r = s;
	return OK;
}

static enum err_code
store_last_id(struct spool_txn *t, void *arg, struct err *e)
{
	return id_store(t, *(int64_t *)arg, e);
}

/* No gap in the ids after an orderly end. */
static void
close_ids(struct spool *s)
{
	int64_t last = atomic_load(&s->last_id);

	if (s->writer && s->options.daemon && last != s->first_last_id)
		spool_write(s, store_last_id, &last, NULL);
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	close_ids(s);
	worker_stop(s);
	if (s->ops) {
		s->ops->disconnect(s->reader);
		s->ops->disconnect(s->writer);
		s->ops->close(s->engine);
	}
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->reader_lock);
	pthread_cond_destroy(&s->wake_writer);
	pthread_cond_destroy(&s->wake_reader);
	pthread_cond_destroy(&s->finished);
	free((char *)s->options.url);
	free(s->domain_routes.v);
	free(s);
}

int64_t
spool_new_id(struct spool *s)
{
	return (int64_t)atomic_fetch_add(&s->last_id, 1) + 1;
}

bool
spool_has_room(const struct spool *s, uint64_t size)
{
	return s->ops->has_room(s->engine, size);
}

const char *
spool_engine_version(void)
{
	return sqlite_engine.version();
}
