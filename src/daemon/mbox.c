#include "daemon/mbox.h"

#include "base/file.h"
#include "daemon/crash.h"
#include "daemon/mbox_lock.h"
#include "mail/lines.h"
#include "mail/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	MBOX_PIECE = 65536,
	MARK_MAX = 400,
	/* of a message, from its From_ line to the end of its mark */
	FRONT_MAX = 4096,
	STATE_N = 4, /* octets of "part" and "done" */
};

static const char part_text[] = "part", done_text[] = "done";
static const char from_line[] = "From ";

struct mbox {
	const struct letter *l;
	const char *path;
	int fd;
	off_t begin;	/* where the message begins */
	off_t state_at; /* where its state stands */
	char mark[MARK_MAX];
};

/* --- was it here before? --- */

/* Where NEEDLE stands in the file from AT on; -1: nowhere. */
static off_t
find(const struct mbox *b, const char *needle, off_t at)
{
	size_t n = strlen(needle), kept = 0;
	char *piece = xmalloc(MBOX_PIECE);
	off_t found = -1;

	for (;;) {
		ssize_t k = pread(b->fd, piece + kept, MBOX_PIECE - kept,
			at + (off_t)kept);
		const char *p;

		if (k <= 0)
			break;
		kept += (size_t)k;
		p = memmem(piece, kept, needle, n);
		if (p) {
			found = at + (p - piece);
			break;
		}
		if (kept < n)
			continue;
		at += (off_t)(kept - (n - 1));
		memmove(piece, piece + kept - (n - 1), n - 1);
		kept = n - 1;
	}
	free(piece);
	return found;
}

/* The beginning of the From_ line before AT; -1: it is not near. */
static off_t
find_begin(const struct mbox *b, off_t at)
{
	off_t from = at > FRONT_MAX ? at - FRONT_MAX : 0;
	char text[FRONT_MAX];
	ssize_t n = pread(b->fd, text, (size_t)(at - from), from);
	size_t length = sizeof(from_line) - 1;

	for (ssize_t i = n - (ssize_t)length; i >= 0; i--)
		if (memcmp(text + i, from_line, length) == 0 &&
			(i > 0 ? text[i - 1] == '\n' : from == 0))
			return from + i;
	return -1;
}

/*
 * Is the mark at AT one of ours? Then it is in the third line of a message;
 * the first is a From_ line, which no body can hold.
 */
static bool
is_ours(const struct mbox *b, off_t at, off_t *begin_r)
{
	char text[FRONT_MAX];
	ssize_t n;
	int lines = 0;

	*begin_r = find_begin(b, at);
	if (*begin_r < 0)
		return false;
	n = pread(b->fd, text, (size_t)(at - *begin_r), *begin_r);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines == 2;
}

/*
 * A part of it is there. It is cut off, unless others wrote behind it: then it
 * stays, for a person to see.
 */
static enum err_code
cut_part(const struct mbox *b, off_t begin, off_t mark_at, struct err *e)
{
	if (find(b, "\nFrom ", mark_at) >= 0)
		return OK;
	if (ftruncate(b->fd, begin) < 0)
		return letter_errno(e, "repair", b->path);
	return OK;
}

static enum err_code
look_for(const struct mbox *b, bool *there_r, struct err *e)
{
	char state[STATE_N];
	off_t at = -1, begin;
	ssize_t n;

	*there_r = false;
	do {
		at = find(b, b->mark, at + 1);
		if (at < 0)
			return OK;
	} while (!is_ours(b, at, &begin));
	n = pread(b->fd, state, STATE_N, at + (off_t)strlen(b->mark));
	*there_r = n == STATE_N && memcmp(state, done_text, STATE_N) == 0;
	return *there_r ? OK : cut_part(b, begin, at, e);
}

/* --- writing --- */

/* "ann@a.example", without what a reader of the line would trip over. */
static void
add_sender(const char *sender, struct buf *out)
{
	if (!sender[0])
		buf_addz(out, "MAILER-DAEMON");
	for (; *sender; sender++)
		buf_add(out, *sender > ' ' && *sender < 127 ? sender : "-", 1);
}

/* Where the file does not end with an empty line, it gets one first. */
static void
add_gap(const struct mbox *b, off_t size, struct buf *out)
{
	char last[2] = {'\n', '\n'};

	if (size == 0)
		return;
	if (size >= 2)
		(void)!pread(b->fd, last, 2, size - 2);
	else
		(void)!pread(b->fd, last + 1, 1, 0);
	if (last[1] != '\n')
		buf_addz(out, "\n");
	if (last[0] != '\n' || last[1] != '\n')
		buf_addz(out, "\n");
}

static void
add_front(struct mbox *b, off_t size, struct buf *out)
{
	char date[64];
	struct lines lines;
	struct buf field;
	time_t at = (time_t)b->l->received_at;
	struct tm tm;

	add_gap(b, size, out);
	b->begin = size;
	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_addz(out, from_line);
	add_sender(b->l->sender, out);
	buf_addf(out, " %s\n", date);
	buf_init(&field, 0);
	trace_return_path_add(b->l->sender, &field);
	lines_init(&lines, false);
	lines_add(&lines, buf_view(&field), out);
	buf_free(&field);
	buf_addz(out, b->mark);
	b->state_at = size + (off_t)out->len;
	buf_addf(out, "%s\n", part_text);
}

static bool
flush(const struct mbox *b, struct buf *out)
{
	bool ok = file_put(b->fd, buf_view(out));

	buf_clear(out);
	return ok;
}

static enum err_code
write_body(const struct mbox *b, struct buf *out, struct err *e)
{
	char *piece = xmalloc(MBOX_PIECE);
	const struct letter_body *body = &b->l->body;
	struct lines lines;
	uint64_t offset = 0;
	enum err_code rc;
	size_t n;

	lines_init(&lines, true);
	do {
		rc = body->read(body->arg, offset, piece, MBOX_PIECE, &n, e);
		if (rc != OK)
			break;
		offset += n;
		lines_add(&lines, (struct str){piece, n}, out);
		if (n == 0) {
			lines_end(&lines, out);
			buf_addz(out, "\n");
		}
		if (!flush(b, out))
			rc = letter_errno(e, "write", b->path);
	} while (rc == OK && n);
	free(piece);
	return rc;
}

static enum err_code
sync_mbox(const struct mbox *b, struct err *e)
{
	return fsync(b->fd) == 0 ? OK : letter_errno(e, "sync", b->path);
}

/* All of it is on the disk: from now on it counts. */
static enum err_code
finish(const struct mbox *b, struct err *e)
{
	enum err_code rc = sync_mbox(b, e);

	if (rc != OK)
		return rc;
	crash_point("mbox-written");
	if (pwrite(b->fd, done_text, STATE_N, b->state_at) != STATE_N)
		return letter_errno(e, "write", b->path);
	rc = sync_mbox(b, e);
	crash_point("mbox-done");
	return rc;
}

static enum err_code
append(struct mbox *b, off_t size, struct err *e)
{
	struct buf out;
	enum err_code rc = OK;

	buf_init(&out, 0);
	add_front(b, size, &out);
	if (lseek(b->fd, size, SEEK_SET) < 0 || !flush(b, &out))
		rc = letter_errno(e, "write", b->path);
	crash_point("mbox-begun");
	if (rc == OK)
		rc = write_body(b, &out, e);
	if (rc == OK)
		rc = finish(b, e);
	if (rc != OK && ftruncate(b->fd, size) < 0)
		err_wrap(e, rc, "and a part of it is left in %s", b->path);
	buf_free(&out);
	return rc;
}

static enum err_code
put(struct mbox *b, uint64_t quota, struct err *e)
{
	bool there = false;
	enum err_code rc = OK;
	struct stat st;

	if (b->l->again)
		rc = look_for(b, &there, e);
	if (rc != OK || there)
		return rc;
	if (fstat(b->fd, &st) < 0)
		return letter_errno(e, "look at", b->path);
	if (quota && (b->l->body.size > quota ||
			     (uint64_t)st.st_size > quota - b->l->body.size))
		return err_set(e, ERR_LIMIT,
			"the mailbox is full: it has %" PRIu64
			" octets, %" PRIu64 " are allowed",
			(uint64_t)st.st_size, quota);
	return append(b, st.st_size, e);
}

/* A new file's name is made durable with its folder. */
static enum err_code
sync_parent(const char *path, struct err *e)
{
	char folder[LETTER_PATH_MAX + 1];
	char *slash;
	enum err_code rc = OK;
	int fd;

	str_copyz(folder, sizeof(folder), path);
	slash = strrchr(folder, '/');
	if (!slash)
		return OK;
	slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		rc = letter_errno(e, "sync", folder);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A plain file with no other name: no link to somebody else's. */
static enum err_code
open_mbox(struct mbox *b, bool *made_r, struct err *e)
{
	enum {
		FLAGS = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	};
	struct stat st;

	b->fd = open(b->path, FLAGS);
	*made_r = b->fd < 0 && errno == ENOENT;
	if (*made_r)
		b->fd = open(b->path, FLAGS | O_CREAT, 0600);
	if (b->fd < 0)
		return letter_errno(e, "open", b->path);
	if (fstat(b->fd, &st) < 0)
		return letter_errno(e, "look at", b->path);
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return err_set(e, ERR_PERM,
			"%s is no plain file, or has other names", b->path);
	return OK;
}

/* A reader may have taken the file away while we waited for the lock. */
static bool
is_current(const struct mbox *b)
{
	struct stat own, named;

	return fstat(b->fd, &own) == 0 && lstat(b->path, &named) == 0 &&
	       own.st_ino == named.st_ino && own.st_dev == named.st_dev;
}

enum err_code
mbox_put(
	const struct letter *l, const char *path, uint64_t quota, struct err *e)
{
	struct mbox b = {.l = l, .path = path, .fd = -1};
	struct mbox_lock lock = {.path = ""};
	bool made;
	enum err_code rc = open_mbox(&b, &made, e);

	snprintf(b.mark, sizeof(b.mark),
		"X-Tidepost-Delivery: %" PRId64 ".%u.%" PRId64 "@%.255s ",
		l->id, l->n, l->received_at, l->hostname);
	if (rc == OK)
		rc = mbox_lock_take(&lock, b.fd, path, e);
	if (rc == OK && !is_current(&b))
		rc = err_set(e, ERR_BUSY, "%s was replaced meanwhile", path);
	if (rc == OK && made)
		rc = sync_parent(path, e);
	if (rc == OK)
		rc = put(&b, quota, e);
	mbox_lock_drop(&lock);
	if (b.fd >= 0)
		close(b.fd);
	return rc;
}
