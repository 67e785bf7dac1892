#include "handin/batch_source.h"

#include "mail/carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SOURCE_BLOCK = 16384,
	SOURCE_LOOK = 200, /* octets by which a message is known */
};

/* One layer that may be compressed: octets in, plain ones out. */
struct layer {
	struct squeeze *squeeze; /* NULL: not enough was seen of it */
	struct str in;
	bool in_ended; /* nothing follows IN */
	bool done;
};

struct batch_source {
	int fd;
	uint64_t size_max, outer_n, inner_n;
	char raw[SOURCE_BLOCK];
	struct layer outer;
	struct buf plain;		/* of the outer layer */
	bool looked;			/* it is known what it is */
	struct carrier_reader *carrier; /* NULL: it is a batch as it is */
	struct buf carried;		/* what the message carries */
	bool carrier_ended;
	struct layer inner;
};

struct batch_source *
batch_source_new(int fd, uint64_t size_max)
{
	struct batch_source *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->size_max = size_max;
	buf_init(&s->plain, SOURCE_BLOCK);
	buf_init(&s->carried, 0);
	return s;
}

void
batch_source_free(struct batch_source *s)
{
	if (!s)
		return;
	squeeze_free(s->outer.squeeze);
	squeeze_free(s->inner.squeeze);
	carrier_reader_free(s->carrier);
	buf_free(&s->plain);
	buf_free(&s->carried);
	free(s);
}

static enum err_code
count(const struct batch_source *s, uint64_t *n, size_t more, struct err *e)
{
	*n += more;
	if (*n <= s->size_max)
		return OK;
	return err_set(e, ERR_LIMIT,
		"more than limits.batch_size (%llu octets)",
		(unsigned long long)s->size_max);
}

/* Some of L into OUT; nothing: it wants more IN. */
static enum err_code
run(struct layer *l, struct buf *out, struct err *e)
{
	if (!l->squeeze && l->in.n < SQUEEZE_MAGIC && !l->in_ended)
		return OK;
	if (!l->squeeze)
		l->squeeze = squeeze_new(squeeze_guess(l->in), true);
	return squeeze_run(l->squeeze, &l->in, l->in_ended, out, &l->done, e);
}

/* --- the file ------------------------------------------------------------- */

/* Behind what is there; only the magic of a first read is ever left over. */
static enum err_code
read_raw(struct batch_source *s, struct err *e)
{
	struct layer *l = &s->outer;
	size_t kept = l->in.n;
	ssize_t n;

	if (kept)
		memmove(s->raw, l->in.p, kept);
	do
		n = read(s->fd, s->raw + kept, sizeof(s->raw) - kept);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, ERR_IO, "read: %s", strerror(errno));
	l->in = (struct str){s->raw, kept + (size_t)n};
	l->in_ended = n == 0;
	return OK;
}

/* More octets of the outer layer behind those in s->plain, or its end. */
static enum err_code
read_plain(struct batch_source *s, struct err *e)
{
	struct layer *l = &s->outer;
	size_t before = s->plain.len;
	enum err_code rc = OK;

	while (rc == OK && !l->done && s->plain.len == before) {
		bool starved = !l->squeeze && l->in.n < SQUEEZE_MAGIC;

		if (!l->in_ended && (l->in.n == 0 || starved))
			rc = read_raw(s, e);
		if (rc == OK)
			rc = run(l, &s->plain, e);
	}
	return rc == OK ? count(s, &s->outer_n, s->plain.len - before, e) : rc;
}

/* --- what it is ----------------------------------------------------------- */

static enum err_code
look(struct batch_source *s, struct err *e)
{
	enum err_code rc = OK;

	while (rc == OK && !s->outer.done && s->plain.len < SOURCE_LOOK &&
		!memchr(buf_view(&s->plain).p, '\n', s->plain.len))
		rc = read_plain(s, e);
	if (rc == OK && carrier_is_message(buf_view(&s->plain)))
		s->carrier = carrier_reader_new();
	s->looked = rc == OK;
	return rc;
}

/* --- a message that carries it -------------------------------------------- */

static enum err_code
read_carried(struct batch_source *s, struct err *e)
{
	enum err_code rc = s->plain.len ? OK : read_plain(s, e);

	if (rc != OK)
		return rc;
	buf_consume(&s->carried, s->carried.len - s->inner.in.n);
	carrier_read(s->carrier, buf_view(&s->plain), &s->carried);
	buf_clear(&s->plain);
	if (s->outer.done) {
		s->carrier_ended = true;
		if (!carrier_read_end(s->carrier, &s->carried))
			rc = err_set(
				e, ERR_INVALID, "%s", carrier_why(s->carrier));
	}
	s->inner.in = buf_view(&s->carried);
	s->inner.in_ended = s->carrier_ended;
	return rc;
}

static enum err_code
read_inner(struct batch_source *s, struct buf *out, struct err *e)
{
	struct layer *l = &s->inner;
	enum err_code rc = OK;

	while (rc == OK && !l->done && out->len == 0) {
		bool starved = !l->squeeze && l->in.n < SQUEEZE_MAGIC;

		if (!l->in_ended && (l->in.n == 0 || starved))
			rc = read_carried(s, e);
		if (rc == OK)
			rc = run(l, out, e);
	}
	return rc == OK ? count(s, &s->inner_n, out->len, e) : rc;
}

enum err_code
batch_source_read(
	struct batch_source *s, struct buf *out, bool *done_r, struct err *e)
{
	enum err_code rc = s->looked ? OK : look(s, e);

	if (rc == OK && s->carrier) {
		rc = read_inner(s, out, e);
		*done_r = s->inner.done;
		return rc;
	}
	if (rc == OK && s->plain.len == 0)
		rc = read_plain(s, e);
	if (rc != OK)
		return rc;
	buf_adds(out, buf_view(&s->plain));
	buf_clear(&s->plain);
	*done_r = s->outer.done;
	return OK;
}
