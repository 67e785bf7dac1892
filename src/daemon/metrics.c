#include "daemon/metrics.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/links.h"
#include "daemon/nodefacts.h"
#include "outlook/facts_json.h"
#include "net/page.h"
#include "spool/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	METRICS_MODE = 0640,
	STATUS_SESSIONS_MOST = 100, /* a provider may have thousands */
	LABEL_MAX = 2 * SPOOL_NAME_MAX + 1,
};

enum which { FIGURES, STATUS, FILES_N };
static const char *const names[FILES_N] = {"tidepost.prom", "status.json"};

struct metrics {
	struct node *n;
	struct loop_timer *timer;
	char *folder;	   /* the run_dir it began with */
	bool failed;	   /* said once */
	struct page *page; /* NULL: none is wanted */
	struct buf text;   /* of the last round, for the next page */
};

/* One round: what the spool has, then the texts, then the files. */
struct round {
	struct metrics *m;
	struct spool_stat *stats; /* owned */
	size_t stats_n;
	struct round_file {
		struct buf text;
		char *path, *new_path; /* owned */
		int error;	       /* errno; 0: written */
	} files[FILES_N];
};

/* --- the text --- */

/* Of a label: backslash, quote and line end are escaped. */
static const char *
label(const char *value, char out[LABEL_MAX])
{
	size_t at = 0;

	for (; *value && at + 2 < LABEL_MAX; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			out[at++] = '\\';
		out[at++] = *value == '\n' ? 'n' : *value;
	}
	out[at] = '\0';
	return out;
}

static void
head(struct buf *b, const char *name, const char *what)
{
	buf_addf(b, "# HELP tidepost_%s %s\n# TYPE tidepost_%s gauge\n", name,
		what, name);
}

static void
add_one(struct buf *b, const char *name, const char *what, int64_t value)
{
	head(b, name, what);
	buf_addf(b, "tidepost_%s %" PRId64 "\n", name, value);
}

static void
add_node(struct buf *b, const struct node *n)
{
	head(b, "build_info", "Version of this program.");
	buf_addf(
		b, "tidepost_build_info{version=\"%s\"} 1\n", TIDEPOST_VERSION);
	add_one(b, "start_time_seconds", "When the daemon started.",
		n->started_s);
	add_one(b, "written_time_seconds", "When this was written.",
		clock_sane_s());
	add_one(b, "clock_trusted", "1: the clock is set.", clock_trusted());
	add_one(b, "sessions", "Connections in use.", (int64_t)n->sessions_n);
}

enum figure { DELIVERIES, OCTETS, OLDEST };

static void
add_queue(struct buf *b, const struct round *r, const char *name,
	const char *what, enum figure figure)
{
	int64_t now = clock_sane_s();
	char route[LABEL_MAX];

	head(b, name, what);
	for (size_t i = 0; i < r->stats_n; i++) {
		const struct spool_stat *s = &r->stats[i];
		int64_t value = figure == DELIVERIES ? (int64_t)s->deliveries
				: figure == OCTETS   ? (int64_t)s->bytes
				: s->oldest && now > s->oldest ? now - s->oldest
							       : 0;

		buf_addf(b,
			"tidepost_%s{state=\"%s\",route=\"%s\"} %" PRId64 "\n",
			name, spool_state_name(s->state),
			label(s->route, route), value);
	}
}

static void
add_links(struct buf *b, struct links *l)
{
	struct link_facts f;
	char name[LABEL_MAX];

	head(b, "link_usable", "1: mail can go over the link now.");
	for (size_t i = 0; links_facts(l, i, &f); i++)
		buf_addf(b, "tidepost_link_usable{link=\"%s\"} %d\n",
			label(f.name, name), f.usable);
	head(b, "link_state", "The state a link is in.");
	for (size_t i = 0; links_facts(l, i, &f); i++)
		buf_addf(b, "tidepost_link_state{link=\"%s\",state=\"%s\"} 1\n",
			label(f.name, name), f.state);
	head(b, "link_since_seconds", "Since when it is in that state.");
	for (size_t i = 0; links_facts(l, i, &f); i++)
		buf_addf(b,
			"tidepost_link_since_seconds{link=\"%s\"} %" PRId64
			"\n",
			label(f.name, name), f.since);
}

/* What "tidepost status --json" says. */
static void
add_status(struct buf *b, const struct round *r)
{
	struct facts f = {.running = true};
	struct json j;

	nodefacts(r->m->n, r->stats, r->stats_n, STATUS_SESSIONS_MOST, &f);
	json_init(&j);
	json_begin(&j);
	facts_json(&j, &f);
	buf_adds(b, json_line(&j));
	json_free(&j);
	facts_free(&f);
}

/* --- the files, on a helper --- */

static void
write_file(struct round_file *f)
{
	int fd = open(f->new_path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		METRICS_MODE);

	if (fd < 0) {
		f->error = errno;
		return;
	}
	f->error = file_put(fd, buf_view(&f->text)) ? 0 : errno;
	if (close(fd) != 0 && !f->error)
		f->error = errno;
	if (!f->error && rename(f->new_path, f->path) != 0)
		f->error = errno;
	if (f->error)
		unlink(f->new_path);
}

static void
write_files(void *arg)
{
	struct round *r = arg;

	for (size_t i = 0; i < FILES_N; i++)
		if (r->files[i].text.len)
			write_file(&r->files[i]);
}

static void
free_round(void *arg)
{
	struct round *r = arg;

	for (size_t i = 0; i < FILES_N; i++) {
		buf_free(&r->files[i].text);
		free(r->files[i].path);
		free(r->files[i].new_path);
	}
	free(r->stats);
	free(r);
}

static void
written(void *arg)
{
	struct round *r = arg;
	struct metrics *m = r->m;
	bool failed = false;

	for (size_t i = 0; i < FILES_N; i++) {
		const struct round_file *f = &r->files[i];

		if (f->error && !m->failed)
			log_warning("metrics-not-written",
				LOG_STR("path", f->path),
				LOG_STR("why", strerror(f->error)));
		failed = failed || f->error;
	}
	m->failed = failed;
	free_round(r);
	loop_timer_set(m->timer, METRICS_EVERY_MS);
}

/* --- a round --- */

static enum err_code
read_stats(struct spool_txn *t, void *arg, struct err *e)
{
	struct round *r = arg;

	free(r->stats); /* of an earlier run of this */
	r->stats = NULL;
	return spool_stats(t, &r->stats, &r->stats_n, e);
}

static void
keep_text(struct metrics *m, struct str text)
{
	buf_clear(&m->text);
	buf_adds(&m->text, text);
	if (m->page)
		page_put(m->page, text);
}

static void
read_done(void *arg, enum err_code code, const struct err *e)
{
	struct round *r = arg;
	struct node *n = r->m->n;
	struct buf *text = &r->files[FIGURES].text;

	if (n->stopping) {
		free_round(r);
		return;
	}
	add_node(text, n);
	if (code == OK) {
		add_status(&r->files[STATUS].text, r);
		add_queue(text, r, "queue_deliveries",
			"Deliveries in the queue.", DELIVERIES);
		add_queue(text, r, "queue_bytes", "Their sizes, added up.",
			OCTETS);
		add_queue(text, r, "queue_oldest_seconds",
			"How long the oldest of them has been here.", OLDEST);
	} else {
		log_warning("metrics-incomplete", LOG_STR("why", e->text));
	}
	add_links(text, n->links);
	keep_text(r->m, buf_view(text));
	pool_submit_droppable(n->pool, write_files, written, free_round, r);
}

static void
begin(void *arg)
{
	struct metrics *m = arg;
	struct round *r;

	if (m->n->stopping)
		return;
	r = xcalloc(1, sizeof(*r));
	r->m = m;
	if (!m->folder)
		m->folder = str_dupz(m->n->conf->run_dir);
	for (size_t i = 0; i < FILES_N; i++) {
		struct round_file *f = &r->files[i];

		buf_init(&f->text, 0);
		f->path = str_printf("%s/%s", m->folder, names[i]);
		f->new_path = str_printf("%s.new", f->path);
	}
	spool_submit_read(m->n->spool, read_stats, read_done, r);
}

struct metrics *
metrics_new(struct node *n)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->n = n;
	buf_init(&m->text, 0);
	m->timer = loop_timer_new(n->loop, begin, m);
	loop_timer_set(m->timer, 0); /* when the spool is open */
	return m;
}

/* --- the page --- */

static bool
is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

enum err_code
metrics_open(struct metrics *m, const struct conf *next, struct page **page_r,
	struct err *e)
{
	const struct page_place place = {.socket = next->metrics.socket,
		.address = next->metrics.address,
		.port = next->metrics.port};
	const char *now = m->page ? m->n->conf->metrics.listen : NULL;
	enum err_code rc;

	*page_r = NULL;
	if (!next->metrics.listen || is_same(next->metrics.listen, now))
		return OK;
	rc = page_new(m->n->loop, &place, page_r, e);
	if (rc != OK)
		return err_wrap(e, rc, "metrics.listen");
	log_info("listening", LOG_STR("listener", "metrics"),
		LOG_STR("address", next->metrics.listen),
		LOG_INT("port", page_port(*page_r)));
	return OK;
}

void
metrics_serve(struct metrics *m, struct page *page)
{
	if (!page && m->page && m->n->conf->metrics.listen)
		return; /* as it was */
	page_free(m->page);
	m->page = page;
	if (page)
		page_put(page, buf_view(&m->text));
}

void
metrics_stop(struct metrics *m)
{
	page_free(m->page);
	m->page = NULL;
}

void
metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->folder && i < FILES_N; i++) {
		char *path = str_printf("%s/%s", m->folder, names[i]);

		unlink(path);
		free(path);
	}
	loop_timer_free(m->timer);
	buf_free(&m->text);
	free(m->folder);
	free(m);
}
