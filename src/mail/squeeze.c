#include "mail/squeeze.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	SQUEEZE_STEP = 16384,	 /* octets made at a time */
	SQUEEZE_WINDOW_LOG = 23, /* 8 MB */
	SQUEEZE_ZSTD_LEVEL = 19, /* batches are small and links slow */
	GZIP_FORMAT = 15 + 16,	 /* zlib: the largest window, with a header */
	GZIP_MEMORY = 8,
};

struct squeeze {
	enum squeeze_kind kind;
	bool expand, ended; /* the end of the compressed stream was seen */
	z_stream z;
	ZSTD_CCtx *pack;   /* owned */
	ZSTD_DCtx *unpack; /* owned */
};

enum squeeze_kind
squeeze_guess(struct str begin)
{
	static const char zstd[] = {'\x28', '\xb5', '\x2f', '\xfd'};

	if (begin.n >= 2 && memcmp(begin.p, "\x1f\x8b", 2) == 0)
		return SQUEEZE_GZIP;
	if (begin.n >= sizeof(zstd) && memcmp(begin.p, zstd, sizeof(zstd)) == 0)
		return SQUEEZE_ZSTD;
	return SQUEEZE_NONE;
}

const char *
squeeze_suffix(enum squeeze_kind kind)
{
	switch (kind) {
	case SQUEEZE_GZIP:
		return ".gz";
	case SQUEEZE_ZSTD:
		return ".zst";
	case SQUEEZE_NONE:
		break;
	}
	return "";
}

static bool
begin_gzip(struct squeeze *s)
{
	if (s->expand)
		return inflateInit2(&s->z, GZIP_FORMAT) == Z_OK;
	return deflateInit2(&s->z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_FORMAT,
		       GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool
begin_zstd(struct squeeze *s)
{
	if (s->expand) {
		s->unpack = ZSTD_createDCtx();
		return s->unpack &&
		       !ZSTD_isError(ZSTD_DCtx_setParameter(s->unpack,
			       ZSTD_d_windowLogMax, SQUEEZE_WINDOW_LOG));
	}
	s->pack = ZSTD_createCCtx();
	return s->pack &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(
		       s->pack, ZSTD_c_compressionLevel, SQUEEZE_ZSTD_LEVEL)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(
		       s->pack, ZSTD_c_windowLog, SQUEEZE_WINDOW_LOG)) &&
	       !ZSTD_isError(
		       ZSTD_CCtx_setParameter(s->pack, ZSTD_c_checksumFlag, 1));
}

struct squeeze *
squeeze_new(enum squeeze_kind kind, bool expand)
{
	struct squeeze *s = xcalloc(1, sizeof(*s));
	bool begun = true;

	s->kind = kind;
	s->expand = expand;
	if (kind == SQUEEZE_GZIP)
		begun = begin_gzip(s);
	else if (kind == SQUEEZE_ZSTD)
		begun = begin_zstd(s);
	if (!begun)
		abort(); /* out of memory, as xmalloc */
	return s;
}

void
squeeze_free(struct squeeze *s)
{
	if (!s)
		return;
	if (s->kind == SQUEEZE_GZIP && s->expand)
		inflateEnd(&s->z);
	else if (s->kind == SQUEEZE_GZIP)
		deflateEnd(&s->z);
	ZSTD_freeCCtx(s->pack);
	ZSTD_freeDCtx(s->unpack);
	free(s);
}

/* --- one step: what fits into MADE ---------------------------------------- */

struct step {
	char made[SQUEEZE_STEP];
	size_t room, made_n;
	bool ended; /* this stream is over */
	bool failed;
};

static void
step_gzip(struct squeeze *s, struct str *in, bool last, struct step *st)
{
	int rc;

	if (s->expand && s->ended) {
		inflateReset(&s->z); /* another member follows (2.2) */
		s->ended = false;
	}
	s->z.next_in = (unsigned char *)(uintptr_t)in->p;
	s->z.avail_in = (unsigned)in->n;
	s->z.next_out = (unsigned char *)st->made;
	s->z.avail_out = (unsigned)st->room;
	rc = s->expand ? inflate(&s->z, Z_NO_FLUSH)
		       : deflate(&s->z, last ? Z_FINISH : Z_NO_FLUSH);
	*in = str_skip(*in, in->n - s->z.avail_in);
	st->made_n = st->room - s->z.avail_out;
	st->ended = rc == Z_STREAM_END;
	st->failed = rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR;
}

static void
step_zstd(struct squeeze *s, struct str *in, bool last, struct step *st)
{
	ZSTD_inBuffer from = {in->p, in->n, 0};
	ZSTD_outBuffer to = {st->made, st->room, 0};
	size_t rc = s->expand ? ZSTD_decompressStream(s->unpack, &to, &from)
			      : ZSTD_compressStream2(s->pack, &to, &from,
					last ? ZSTD_e_end : ZSTD_e_continue);

	*in = str_skip(*in, from.pos);
	st->made_n = to.pos;
	st->failed = ZSTD_isError(rc) != 0;
	st->ended = !st->failed && rc == 0 && (s->expand || last);
}

static void
step_plain(struct str *in, bool last, struct step *st)
{
	st->made_n = in->n < st->room ? in->n : st->room;
	if (st->made_n)
		memcpy(st->made, in->p, st->made_n);
	*in = str_skip(*in, st->made_n);
	st->ended = last && in->n == 0;
}

static void
run_step(struct squeeze *s, struct str *in, bool last, struct step *st)
{
	if (s->kind == SQUEEZE_GZIP)
		step_gzip(s, in, last, st);
	else if (s->kind == SQUEEZE_ZSTD)
		step_zstd(s, in, last, st);
	else
		step_plain(in, last, st);
}

enum err_code
squeeze_run(struct squeeze *s, struct str *in, bool last, struct buf *out,
	bool *done_r, struct err *e)
{
	*done_r = last && in->n == 0 && s->expand && s->ended;
	while (!*done_r && buf_room(out)) {
		struct step st = {.room = buf_room(out)};
		size_t before = in->n;

		if (st.room > sizeof(st.made))
			st.room = sizeof(st.made);
		if (s->expand && in->n == 0 && s->ended)
			break; /* at its end; more may follow */
		run_step(s, in, last, &st);
		if (st.failed)
			return err_set(e, ERR_INVALID,
				"the compressed data is damaged");
		buf_add(out, st.made, st.made_n);
		s->ended = st.ended;
		*done_r = st.ended && last && in->n == 0;
		if (in->n == before && st.made_n == 0)
			break; /* it wants more input */
	}
	if (last && !*done_r && in->n == 0 && buf_room(out))
		return err_set(e, ERR_INVALID,
			"the compressed data is cut at its end");
	return OK;
}
