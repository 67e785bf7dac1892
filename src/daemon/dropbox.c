#include "daemon/dropbox_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/alarm.h"
#include "daemon/crash.h"
#include "daemon/caller.h"
#include "net/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DROPBOX_AGAIN_MS = 60000, /* where mail could not be taken now */
	DROPBOX_LOOK_MS = 600000,
};

static void look(void *arg);

/* --- the directory -------------------------------------------------------- */

void
dropbox_make(const struct conf *conf, const struct passwd *pw)
{
	const char *path = conf->programs.drop;
	bool made = path && mkdir(path, 0700) == 0;

	if (!path || (!made && errno == EEXIST))
		return;
	if (made && (!pw || chown(path, pw->pw_uid, pw->pw_gid) == 0) &&
		chmod(path, DROP_MODE) == 0)
		return;
	log_warning("drop-directory", LOG_STR("path", path),
		LOG_STR("why", strerror(errno)),
		LOG_STR("what", "programs cannot leave mail while the daemon "
				"is down: make it as root, for the daemon's "
				"user, with the mode 3733"));
}

/* --- on a helper thread: one file ----------------------------------------- */

/* What any user may have put there under this name. */
static void
open_file(void *arg)
{
	struct dropbox *d = arg;
	struct dropped *f = &d->file;
	struct stat st;

	/* O_NONBLOCK: a FIFO does not hold us */
	f->fd = openat(d->dir, f->name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (f->fd < 0 && errno == ENOENT)
		f->is_gone = true;
	else if (f->fd < 0)
		snprintf(f->why, sizeof(f->why), "it cannot be read: %s",
			strerror(errno));
	else if (fstat(f->fd, &st) < 0)
		snprintf(f->why, sizeof(f->why), "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(f->why, sizeof(f->why), "it is no regular file");
	else if (st.st_nlink != 1)
		snprintf(f->why, sizeof(f->why), "it has other names");
	else if ((uint64_t)st.st_size > d->size_max)
		snprintf(f->why, sizeof(f->why),
			"it is larger than limits.batch_size");
	else
		f->uid = st.st_uid;
}

static void
keep_as_refused(const struct dropbox *d, const char *name)
{
	char kept[DROPBOX_FILE_NAME_MAX + sizeof(DROP_REFUSED)];

	snprintf(kept, sizeof(kept), DROP_REFUSED "%s", name);
	if (renameat(d->dir, name, d->dir, kept) < 0)
		unlinkat(d->dir, name, 0);
}

static void
refuse_file(void *arg)
{
	struct dropbox *d = arg;

	keep_as_refused(d, d->file.name);
}

/* Blocking, over the socket pair: the other end is a session on the loop. */
static void
hand_in(void *arg)
{
	struct dropbox *d = arg;
	struct dropped *f = &d->file;
	const char *name = strchr(f->name, '.') + 1;
	char base[DROPBOX_FILE_NAME_MAX];
	struct batch_conf conf = {
		.fd = f->fd,
		.base = base,
		.keep_ids = f->is_batch,
		.size_max = d->size_max,
		.must_end = !f->is_batch,
	};
	struct talk talk;

	snprintf(base, sizeof(base), "%s%s", f->is_batch ? "" : "drop/", name);
	f->code = talk_begin(&talk, f->socket, STR(""), &f->err);
	if (f->code == OK)
		f->code = batch_hand_in(&talk, &conf, &f->result, &f->err);
	talk_free(&talk);
	shutdown(f->socket, SHUT_RDWR);
	if (f->code != OK || f->result.later)
		return;
	crash_point("drop-imported");
	if (f->result.bad || f->result.refused)
		keep_as_refused(d, f->name);
	else
		unlinkat(d->dir, f->name, 0);
}

/* --- on the loop ---------------------------------------------------------- */

static void
rest(struct dropbox *d)
{
	if (d->more)
		d->past = d->entries[d->entries_n - 1];
	else
		d->past.name[0] = '\0';
	d->busy = false;
	free(d->entries);
	d->entries = NULL;
	if (d->stopping)
		return;
	if (d->more || (d->again && !d->later))
		look(d);
	else
		loop_timer_set(d->timer, d->later || d->above
						 ? DROPBOX_AGAIN_MS
						 : DROPBOX_LOOK_MS);
}

static void next_file(struct dropbox *d);

static void
close_file(struct dropped *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->socket >= 0)
		close(f->socket);
	f->fd = f->socket = -1;
}

static void
refused(void *arg)
{
	struct dropbox *d = arg;

	log_warning("drop-refused", LOG_STR("file", d->file.name),
		LOG_STR("why", d->file.why));
	close_file(&d->file);
	next_file(d);
}

static void
handed_in(void *arg)
{
	struct dropbox *d = arg;
	struct dropped *f = &d->file;
	const struct batch_result *r = &f->result;
	bool wrong = r->bad || r->refused;
	const char *why = f->code != OK ? f->err.text : r->why;

	d->later |= f->code != OK || r->later;
	log_write(wrong && !r->later ? LOG_WARNING : LOG_INFO,
		wrong && !r->later ? "drop-refused" : "drop-imported",
		LOG_FIELDS(LOG_STR("file", f->name), LOG_INT("taken", r->taken),
			LOG_INT("known", r->known),
			LOG_INT("refused", r->refused),
			LOG_INT("line", r->line), LOG_STR("why", why)));
	close_file(f);
	next_file(d);
}

/* The session whose other end is a helper thread's. */
static bool
begin_session(struct dropbox *d, const struct receive_program *who)
{
	struct dropped *f = &d->file;

	f->socket = caller_session(d->n, who);
	if (f->socket < 0)
		snprintf(f->err.text, sizeof(f->err.text), "%s",
			strerror(errno));
	return f->socket >= 0;
}

static void
opened(void *arg)
{
	struct dropbox *d = arg;
	struct dropped *f = &d->file;
	struct receive_program who;

	if (f->is_gone || d->stopping) {
		close_file(f);
		next_file(d);
		return;
	}
	if (!f->why[0]) {
		caller_who(d->n->conf, f->uid, &who);
		who.ids = who.returns = true;
		who.transit = f->is_batch;
		if (f->is_batch && !who.trusted)
			snprintf(f->why, sizeof(f->why),
				"user %s is not in programs.trusted", who.user);
	}
	if (f->why[0]) {
		pool_submit(d->n->pool, refuse_file, refused, d);
	} else if (begin_session(d, &who)) {
		pool_submit(d->n->pool, hand_in, handed_in, d);
	} else {
		d->later = true;
		close_file(f);
		next_file(d);
	}
}

static void
next_file(struct dropbox *d)
{
	struct dropped *f = &d->file;

	if (d->at == d->entries_n || d->stopping) {
		rest(d);
		return;
	}
	*f = (struct dropped){.fd = -1, .socket = -1};
	memcpy(f->name, d->entries[d->at++].name, sizeof(f->name));
	f->is_batch = dropbox_is(f->name, DROP_BATCH);
	pool_submit(d->n->pool, open_file, opened, d);
}

static void
watch_nothing(struct dropbox *d)
{
	folder_free(d->folder);
	d->folder = NULL;
	d->above = false;
}

static void
watch(struct dropbox *d)
{
	char *above;

	if (d->folder && !d->above)
		return;
	watch_nothing(d);
	d->folder = folder_watch(d->n->loop, d->path, look, d);
	d->above = !d->folder;
	if (!d->above)
		return;
	above = str_dup((struct str){
		d->path, (size_t)(strrchr(d->path, '/') - d->path) + 1});
	d->folder = folder_watch(d->n->loop, above, look, d);
	free(above);
}

static void
tell_wrong(const struct dropbox *d)
{
	char text[ALARM_TEXT_MAX];

	log_warning("drop-directory", LOG_STR("path", d->path),
		LOG_STR("why", d->wrong),
		LOG_STR("what", "nothing is taken from there"));
	snprintf(text, sizeof(text),
		"nothing is taken from the drop directory %.300s: %.200s",
		d->path, d->wrong);
	alarm_tell(d->n->alarm, ALARM_DROP, text);
}

static void
scanned(void *arg)
{
	struct dropbox *d = arg;

	if (d->wrong[0] && strcmp(d->wrong, d->told) != 0)
		tell_wrong(d);
	str_copyz(d->told, sizeof(d->told), d->wrong);
	/* or it came after its watch was asked for, before the one above was */
	if (d->moved || (d->folder && d->above && d->dir >= 0)) {
		watch_nothing(d);
		d->again = true; /* watched then */
	}
	next_file(d);
}

static void
look(void *arg)
{
	struct dropbox *d = arg;

	d->again = d->busy;
	if (d->busy || d->stopping)
		return;
	d->busy = true;
	d->later &= d->past.name[0] != '\0';
	d->at = d->entries_n = 0;
	d->more = false;
	d->now = clock_sane_s();
	d->size_max = d->n->conf->limits.batch_size;
	d->entries = xcalloc(2 * DROPBOX_NAMES_MAX, sizeof(*d->entries));
	watch(d);
	pool_submit(d->n->pool, dropbox_scan, scanned, d);
}

struct dropbox *
dropbox_new(struct node *n)
{
	struct dropbox *d;

	if (!n->conf->programs.drop)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->n = n;
	d->dir = -1;
	d->file.fd = d->file.socket = -1;
	d->path = str_dupz(n->conf->programs.drop);
	d->timer = loop_timer_new(n->loop, look, d);
	look(d);
	return d;
}

void
dropbox_stop(struct dropbox *d)
{
	if (!d)
		return;
	d->stopping = true;
	loop_timer_clear(d->timer);
	if (d->file.socket >= 0)
		shutdown(d->file.socket, SHUT_RDWR);
}

void
dropbox_free(struct dropbox *d)
{
	if (!d)
		return;
	close_file(&d->file);
	folder_free(d->folder);
	loop_timer_free(d->timer);
	if (d->dir >= 0)
		close(d->dir);
	free(d->entries);
	free(d->path);
	free(d);
}
