/*
 * The threads. One writes: it runs all jobs that wait in one transaction,
 * commits when none is left, and reports only then. Two read.
 */
#include "spool/private.h"

#include <signal.h>
#include <stdlib.h>

static void
list_start(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void
list_append(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static struct job *
list_take(struct job_list *l)
{
	struct job *j = l->head;

	if (!j)
		return NULL;
	l->head = j->next;
	if (!l->head)
		l->tail = &l->head;
	return j;
}

/* --- running --- */

static enum err_code
job_call(struct spool *s, struct engine_conn *c, bool writes, struct job *j)
{
	struct spool_txn t = {.spool = s, .conn = c, .writes = writes};

	j->e = (struct err){.code = OK};
	j->code = j->fn(&t, j->arg, &j->e);
	if (j->code == OK && t.failed != OK) {
		j->code = t.failed;
		j->e = t.failed_why;
	}
	if (j->code == OK) /* answers such as "not found" leave words in it */
		j->e = (struct err){.code = OK};
	return j->code;
}

static enum err_code
store_begin(struct spool *s, struct engine_conn *c, struct err *e)
{
	enum err_code rc = spool_fault(s, e);

	return rc == OK ? s->ops->begin(c, e) : rc;
}

static enum err_code
store_commit(struct spool *s, struct engine_conn *c, struct err *e)
{
	enum err_code rc = spool_fault(s, e);

	if (rc != OK) {
		s->ops->rollback(c);
		return rc;
	}
	return s->ops->commit(c, e);
}

static enum err_code
job_try_alone(struct spool *s, struct job *j)
{
	j->code = store_begin(s, s->writer, &j->e);
	if (j->code != OK)
		return j->code;
	if (job_call(s, s->writer, true, j) != OK) {
		s->ops->rollback(s->writer);
		return j->code;
	}
	j->code = store_commit(s, s->writer, &j->e);
	return j->code;
}

/* In a transaction of its own; with the ballast given up when that helps. */
static void
job_run_alone(struct spool *s, struct job *j)
{
	if (job_try_alone(s, j) != ERR_FULL || !s->ops->make_room(s->engine))
		return;
	atomic_store(&s->tight, true);
	job_try_alone(s, j);
}

/*
 * Inside the batch's transaction, undone alone if it fails. False: the batch
 * is spoilt and each of its jobs must run alone.
 */
static bool
job_run_marked(struct spool *s, struct job *j)
{
	if (spool_fault(s, &j->e) != OK || s->ops->mark(s->writer, &j->e) != OK)
		return false;
	if (job_call(s, s->writer, true, j) == OK)
		return s->ops->keep(s->writer, &j->e) == OK;
	return s->ops->undo(s->writer) && j->code != ERR_FULL;
}

static struct job *
take_write(struct spool *s)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = list_take(&s->writes);
	pthread_mutex_unlock(&s->lock);
	return j;
}

static void
batch_run_each_alone(struct spool *s, struct job_list *batch)
{
	for (struct job *j = batch->head; j; j = j->next)
		job_run_alone(s, j);
}

static void
batch_fail(struct job_list *batch, enum err_code code, const struct err *e)
{
	for (struct job *j = batch->head; j; j = j->next) {
		if (j->code != OK)
			continue;
		j->code = code;
		j->e = *e;
	}
}

static void
batch_finish(struct spool *s, struct job_list *batch)
{
	struct err e = {.code = OK};
	enum err_code rc = store_commit(s, s->writer, &e);

	if (rc == ERR_UNCERTAIN)
		batch_fail(batch, rc, &e);
	else if (rc != OK)
		batch_run_each_alone(s, batch);
}

/* FIRST and all that wait behind it, in one transaction. */
static void
batch_run(struct spool *s, struct job *first, struct job_list *batch)
{
	struct job *j = first;
	bool sound = true;
	unsigned n = 0;

	if (store_begin(s, s->writer, &first->e) != OK) {
		list_append(batch, first);
		batch_run_each_alone(s, batch);
		return;
	}
	while (j) {
		list_append(batch, j);
		sound = job_run_marked(s, j);
		j = sound && ++n < SPOOL_BATCH_MAX ? take_write(s) : NULL;
	}
	if (sound) {
		batch_finish(s, batch);
	} else {
		s->ops->rollback(s->writer);
		batch_run_each_alone(s, batch);
	}
}

/* --- reporting --- */

static void
report(struct spool *s, struct job_list *jobs)
{
	bool notify = false;
	struct job *j;

	pthread_mutex_lock(&s->lock);
	while ((j = list_take(jobs))) {
		j->finished = true;
		if (!j->done)
			continue; /* its owner waits for it */
		list_append(&s->done, j);
		notify = true;
	}
	pthread_cond_broadcast(&s->finished);
	pthread_mutex_unlock(&s->lock);
	if (notify && s->options.notify)
		s->options.notify(s->options.notify_arg);
}

/* --- threads --- */

/* The next job of LIST; waits at WAKE. NULL: the spool closes. */
static struct job *
wait_for_job(struct spool *s, struct job_list *list, pthread_cond_t *wake)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	while (!(j = list_take(list)) && !s->stopping)
		pthread_cond_wait(wake, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return j;
}

static void *
writer_main(void *arg)
{
	struct spool *s = arg;
	struct job_list batch;
	struct job *j;

	while ((j = wait_for_job(s, &s->writes, &s->wake_writer))) {
		list_start(&batch);
		batch_run(s, j, &batch);
		report(s, &batch);
		s->ops->committed(s->writer); /* nobody waits for this */
	}
	return NULL;
}

static void
read_run(struct spool *s, struct engine_conn *c, struct job *j)
{
	j->code = store_begin(s, c, &j->e);
	if (j->code != OK)
		return;
	job_call(s, c, false, j);
	s->ops->rollback(c);
}

static void *
reader_main(void *arg)
{
	struct spool *s = arg;
	struct engine_conn *c = NULL;
	struct job_list one;
	struct job *j;

	while ((j = wait_for_job(s, &s->reads, &s->wake_reader))) {
		j->code =
			c ? OK
			  : s->ops->connect(s->engine, ENGINE_READ, &c, &j->e);
		if (j->code == OK)
			read_run(s, c, j);
		list_start(&one);
		list_append(&one, j);
		report(s, &one);
	}
	s->ops->disconnect(c);
	return NULL;
}

/* Signals belong to the program's own threads. */
static int
thread_start(pthread_t *thread_r, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread_r, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

enum err_code
worker_start(struct spool *s, struct err *e)
{
	list_start(&s->writes);
	list_start(&s->reads);
	list_start(&s->done);
	if (pthread_mutex_init(&s->lock, NULL) ||
		pthread_mutex_init(&s->reader_lock, NULL) ||
		pthread_cond_init(&s->wake_writer, NULL) ||
		pthread_cond_init(&s->wake_reader, NULL) ||
		pthread_cond_init(&s->finished, NULL))
		return err_set(e, ERR_NOMEM, "cannot make locks");
	return OK;
}

/* Threads come with the first job: a face that only reads needs none. */
static void
need_writer(struct spool *s)
{
	if (!s->writer_runs)
		s->writer_runs =
			thread_start(&s->writer_thread, writer_main, s) == 0;
}

static void
need_reader(struct spool *s)
{
	if (s->readers_n < SPOOL_READERS &&
		thread_start(
			&s->reader_threads[s->readers_n], reader_main, s) == 0)
		s->readers_n++;
}

/* A job that no thread can run is reported at once. */
static void
job_refuse(struct spool *s, struct job *j, enum err_code code, const char *why)
{
	struct job_list one;

	j->code = err_set(&j->e, code, "%s", why);
	list_start(&one);
	list_append(&one, j);
	report(s, &one);
}

static void
queue_write(struct spool *s, struct job *j)
{
	bool runs;

	pthread_mutex_lock(&s->lock);
	need_writer(s);
	runs = s->writer_runs;
	if (runs) {
		list_append(&s->writes, j);
		pthread_cond_signal(&s->wake_writer);
	}
	pthread_mutex_unlock(&s->lock);
	if (!runs)
		job_refuse(s, j, ERR_NOMEM, "the spool has no thread");
}

static void
queue_read(struct spool *s, struct job *j)
{
	bool runs;

	pthread_mutex_lock(&s->lock);
	need_reader(s);
	runs = s->readers_n > 0;
	if (runs) {
		list_append(&s->reads, j);
		pthread_cond_signal(&s->wake_reader);
	}
	pthread_mutex_unlock(&s->lock);
	if (!runs)
		job_refuse(s, j, ERR_NOMEM, "the spool has no thread");
}

void
worker_stop(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	while (atomic_load(&s->backlog)) {
		while (!s->done.head)
			pthread_cond_wait(&s->finished, &s->lock);
		pthread_mutex_unlock(&s->lock);
		spool_dispatch(s);
		pthread_mutex_lock(&s->lock);
	}
	s->stopping = true;
	pthread_cond_broadcast(&s->wake_writer);
	pthread_cond_broadcast(&s->wake_reader);
	pthread_mutex_unlock(&s->lock);
	if (s->writer_runs)
		pthread_join(s->writer_thread, NULL);
	for (unsigned i = 0; i < s->readers_n; i++)
		pthread_join(s->reader_threads[i], NULL);
}

/* --- the public side --- */

static struct job *
job_new(struct spool *s, spool_fn *fn, spool_done *done, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->fn = fn;
	j->done = done;
	j->arg = arg;
	atomic_fetch_add(&s->backlog, 1);
	return j;
}

static void
done_nothing(void *arg, enum err_code code, const struct err *e)
{
	(void)arg;
	(void)code;
	(void)e;
}

void
spool_submit(struct spool *s, spool_fn *fn, spool_done *done, void *arg)
{
	struct job *j = job_new(s, fn, done ? done : done_nothing, arg);

	if (s->writer)
		queue_write(s, j);
	else
		job_refuse(s, j, ERR_READONLY, "the spool is open for reading");
}

void
spool_submit_read(struct spool *s, spool_fn *fn, spool_done *done, void *arg)
{
	queue_read(s, job_new(s, fn, done ? done : done_nothing, arg));
}

void
spool_dispatch(struct spool *s)
{
	struct job_list ready;
	struct job *j;

	list_start(&ready);
	pthread_mutex_lock(&s->lock);
	while ((j = list_take(&s->done)))
		list_append(&ready, j);
	pthread_mutex_unlock(&s->lock);
	while ((j = list_take(&ready))) {
		j->done(j->arg, j->code, &j->e);
		free(j);
		atomic_fetch_sub(&s->backlog, 1);
	}
}

size_t
spool_backlog(const struct spool *s)
{
	return atomic_load(&s->backlog);
}

enum err_code
spool_write(struct spool *s, spool_fn *fn, void *arg, struct err *e)
{
	struct job j = {.fn = fn, .arg = arg};

	if (!s->writer)
		return err_set(
			e, ERR_READONLY, "the spool is open for reading");
	queue_write(s, &j);
	pthread_mutex_lock(&s->lock);
	while (!j.finished)
		pthread_cond_wait(&s->finished, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (e && j.code != OK)
		*e = j.e;
	return j.code;
}

enum err_code
spool_read(struct spool *s, spool_fn *fn, void *arg, struct err *e)
{
	struct job j = {.fn = fn, .arg = arg, .code = OK};

	pthread_mutex_lock(&s->reader_lock);
	if (!s->reader)
		j.code = s->ops->connect(
			s->engine, ENGINE_READ, &s->reader, &j.e);
	if (j.code == OK)
		read_run(s, s->reader, &j);
	pthread_mutex_unlock(&s->reader_lock);
	if (e && j.code != OK)
		*e = j.e;
	return j.code;
}
