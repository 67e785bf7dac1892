#include "daemon/batchfile.h"

#include "base/clock.h"
#include "base/file.h"
#include "daemon/bodyread.h"
#include "daemon/letter.h"
#include "mail/bang.h"
#include "mail/bsmtp.h"
#include "mail/recode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK = SPOOL_CHUNK_BYTES,
	BATCHFILE_MODE = 0640,
	BATCHFILE_HALF_KEEP_S = 86400, /* half a file, of an earlier start */
};

struct writer {
	struct batchfile *b;
	int fd;
	struct squeeze *squeeze;
	struct buf out; /* squeezed, not yet written */
};

static enum err_code
flush(struct writer *w, struct err *e)
{
	struct str s = buf_view(&w->out);
	enum err_code rc = OK;

	if (s.n && !file_put(w->fd, s))
		rc = letter_errno(e, "write", "the batch");
	buf_clear(&w->out);
	return rc;
}

/* LAST: nothing follows. */
static enum err_code
put(struct writer *w, struct str s, bool last, struct err *e)
{
	enum err_code rc = OK;
	bool done = false;

	while (rc == OK && (last ? !done : s.n > 0)) {
		rc = squeeze_run(w->squeeze, &s, last, &w->out, &done, e);
		if (rc == OK)
			rc = flush(w, e);
	}
	return rc;
}

/* --- bodies --------------------------------------------------------------- */

/* For UUCP's rmail a line ends with LF. */
static void
add_lf(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			buf_add(out, s.p + i, 1);
}

static enum err_code
put_piece(
	struct writer *w, struct str s, struct dot_writer *dots, struct err *e)
{
	enum err_code rc = OK;
	struct buf out;

	buf_init(&out, BLOCK);
	while (s.n && rc == OK) {
		if (w->b->format == FORMAT_RMAIL) {
			add_lf(s, &out);
			s.n = 0;
		} else {
			s = str_skip(s, dot_write(dots, s, &out));
		}
		rc = put(w, buf_view(&out), false, e);
		buf_clear(&out);
	}
	buf_free(&out);
	return rc;
}

/* One body, on its way: R, where it is binary, makes lines of it. */
struct body_job {
	struct writer *w;
	struct dot_writer dots;
	struct recode *r; /* NULL: as it is */
	bool looks;	  /* its first pass */
};

/* No octets: the end. */
static enum err_code
take_piece(struct body_job *b, struct str s, struct err *e)
{
	enum err_code rc;
	struct buf out;

	if (b->looks) {
		recode_look(b->r, s);
		return OK;
	}
	if (!b->r)
		return put_piece(b->w, s, &b->dots, e);
	buf_init(&out, 0);
	if (s.n)
		recode_write(b->r, s, &out);
	else
		recode_write_end(b->r, &out);
	rc = put_piece(b->w, buf_view(&out), &b->dots, e);
	buf_free(&out);
	return rc;
}

static enum err_code
read_body(struct body_job *b, const struct spool_message *m, struct err *e)
{
	char *octets = xmalloc(BLOCK);
	uint64_t offset = 0;
	enum err_code rc;
	size_t n = 0;

	do {
		rc = bodyread(
			b->w->b->spool, m->id, offset, octets, BLOCK, &n, e);
		if (rc == OK)
			rc = take_piece(b, (struct str){octets, n}, e);
		offset += n;
	} while (rc == OK && n);
	free(octets);
	if (rc == OK && offset != m->size)
		rc = err_set(e, ERR_CORRUPT, "message %lld: its body is cut",
			(long long)m->id);
	return rc;
}

/* --- messages ------------------------------------------------------------- */

void
batchfile_id(const struct batchfile *b, const struct spool_message *m,
	unsigned n, char id_r[WIRE_ID_MAX + 1])
{
	/* the time: a spool that is restored gives its numbers again */
	snprintf(id_r, WIRE_ID_MAX + 1, "%s.%llx.%lld.%u", b->node,
		(unsigned long long)m->received_at, (long long)m->id, n);
}

/* RFC 3030 3: a batch is lines; a binary message becomes some. */
static enum err_code
look_at_binary(struct body_job *b, const struct spool_message *m, struct err *e)
{
	const struct recode_to to = {.binary = true};
	enum err_code rc;

	if (m->params.body != BODY_BINARYMIME)
		return OK;
	b->r = recode_new(&to);
	b->looks = true;
	rc = read_body(b, m, e);
	b->looks = false;
	if (rc == OK && !recode_look_end(b->r))
		rc = err_set(e, ERR_UNSUPPORTED, "message %lld: %s",
			(long long)m->id, recode_why(b->r));
	return rc;
}

/* SIZE: of its body as it is written. */
static void
add_envelope(const struct batchfile *b, const struct spool_claimed *c,
	uint64_t size, struct buf *out)
{
	struct bsmtp_mail mail = {
		.sender = c->message.sender,
		.params = &c->message.params,
		.size = size,
		.has_8bit = c->message.has_8bit,
	};

	bsmtp_write_mail(&mail, out);
	for (size_t i = 0; i < c->n; i++) {
		const struct spool_delivery *d = &c->deliveries[i];
		char id[WIRE_ID_MAX + 1];

		batchfile_id(b, &c->message, d->n, id);
		bsmtp_write_rcpt(d->recipient, &d->params, id, out);
	}
	bsmtp_write_data(out);
}

/* "From b.example!ann Sun Mar  1 06:00:00 2026 remote from us" */
static void
add_from_line(const struct batchfile *b, const struct spool_message *m,
	struct buf *out)
{
	time_t when = (time_t)m->received_at;
	char date[40] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	bang_from_line(m->sender, date, b->hostname, out);
}

/* What stands in front of its body. */
static void
add_front(const struct body_job *body, const struct spool_claimed *c,
	struct buf *out)
{
	const struct batchfile *b = body->w->b;
	struct buf plain;

	if (b->format != FORMAT_RMAIL) {
		add_envelope(b, c,
			body->r ? recode_size(body->r) : c->message.size, out);
		return;
	}
	buf_init(&plain, 0);
	add_from_line(b, &c->message, &plain);
	add_lf(buf_view(&plain), out);
	buf_free(&plain);
}

static enum err_code
put_message(struct writer *w, const struct spool_claimed *c, struct err *e)
{
	struct body_job body = {.w = w};
	enum err_code rc = look_at_binary(&body, &c->message, e);
	struct buf text;

	buf_init(&text, 0);
	if (rc == OK) {
		add_front(&body, c, &text);
		rc = put(w, buf_view(&text), false, e);
	}
	buf_clear(&text);
	if (rc == OK)
		rc = read_body(&body, &c->message, e);
	if (rc == OK && w->b->format == FORMAT_BSMTP) {
		dot_write_end(&body.dots, &text);
		rc = put(w, buf_view(&text), false, e);
	}
	buf_free(&text);
	recode_free(body.r);
	return rc;
}

static enum err_code
put_all(struct writer *w, struct err *e)
{
	bool batch = w->b->format == FORMAT_BSMTP;
	enum err_code rc = OK;
	struct buf text;

	buf_init(&text, 0);
	if (batch) {
		bsmtp_write_hello(w->b->hostname, &text);
		rc = put(w, buf_view(&text), false, e);
	}
	for (size_t i = 0; i < w->b->n && rc == OK; i++) {
		w->b->at = i;
		rc = put_message(w, &w->b->messages[i], e);
	}
	if (rc == OK)
		w->b->at = w->b->n;
	buf_clear(&text);
	if (batch)
		bsmtp_write_quit(&text);
	if (rc == OK)
		rc = put(w, buf_view(&text), true, e);
	buf_free(&text);
	return rc;
}

static enum err_code
write_batch(struct batchfile *b, int fd, struct err *e)
{
	struct writer w = {.b = b, .fd = fd};
	enum err_code rc;

	w.squeeze = squeeze_new(b->squeeze, false);
	buf_init(&w.out, BLOCK);
	rc = put_all(&w, e);
	buf_free(&w.out);
	squeeze_free(w.squeeze);
	return rc;
}

/* --- files ---------------------------------------------------------------- */

enum err_code
batchfile_make(struct batchfile *b, const char *dir, int *fd_r, struct err *e)
{
	char *path = str_printf("%s/tmp.XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);
	enum err_code rc;

	if (fd < 0) {
		rc = letter_errno(e, "write in", dir);
		goto out;
	}
	unlink(path);
	rc = write_batch(b, fd, e);
	if (rc == OK && lseek(fd, 0, SEEK_SET) < 0)
		rc = letter_errno(e, "read", path);
	if (rc == OK)
		*fd_r = fd;
	else
		close(fd);
out:
	free(path);
	return rc;
}

static enum err_code
sync_and_name(int dir, int fd, const char *tmp, const char *name,
	const char *folder, struct err *e)
{
	if (fsync(fd) < 0)
		return letter_errno(e, "sync", folder);
	if (renameat(dir, tmp, dir, name) < 0)
		return letter_errno(e, "rename in", folder);
	if (fsync(dir) < 0) {
		letter_errno(e, "sync", folder);
		return e->code = ERR_UNCERTAIN;
	}
	return OK;
}

/* Is NAME half a file of this host, which ended while it wrote it? */
static bool
is_half(const char *name, const char *hostname)
{
	size_t n = strlen(hostname), end = strlen(name);

	return name[0] == '.' && strncmp(name + 1, hostname, n) == 0 &&
	       name[1 + n] == '-' && end > 4 &&
	       strcmp(name + end - 4, ".tmp") == 0;
}

static void
sweep(int folder, const char *hostname)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	struct stat st;

	while (dir && (d = readdir(dir)) != NULL)
		if (is_half(d->d_name, hostname) &&
			fstatat(folder, d->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
				0 &&
			st.st_mtime < clock_sane_s() - BATCHFILE_HALF_KEEP_S)
			unlinkat(folder, d->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

/* In the folder that DIR is. */
static enum err_code
put_file(struct batchfile *b, int dir, const char *folder, const char *name,
	struct err *e)
{
	char *tmp = str_printf(".%s.tmp", name);
	int fd = openat(dir, tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		BATCHFILE_MODE);
	enum err_code rc = fd < 0 ? letter_errno(e, "write in", folder)
				  : write_batch(b, fd, e);

	if (rc == OK)
		rc = sync_and_name(dir, fd, tmp, name, folder, e);
	if (fd >= 0)
		close(fd);
	if (rc != OK && rc != ERR_UNCERTAIN && fd >= 0)
		unlinkat(dir, tmp, 0);
	free(tmp);
	return rc;
}

enum err_code
batchfile_put(
	struct batchfile *b, const char *folder, char **name_r, struct err *e)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code rc;

	*name_r = NULL;
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? err_set(e, ERR_NOTFOUND, "%s is not there",
					 folder)
			       : letter_errno(e, "open", folder);
	/* time and number: in order, and never the same twice */
	*name_r = str_printf("%s-%llx-%lld.bsmtp%s", b->hostname,
		(unsigned long long)clock_sane_s(),
		(long long)b->messages[0].message.id,
		squeeze_suffix(b->squeeze));
	sweep(dir, b->hostname);
	rc = put_file(b, dir, folder, *name_r, e);
	close(dir);
	return rc;
}
