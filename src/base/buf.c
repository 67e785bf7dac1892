#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void
buf_free(struct buf *b)
{
	free(b->data);
	buf_init(b, b->limit);
}

/* Makes room for N more octets and one NUL behind them. */
static void
reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 128;

	if (b->start + b->len + n + 1 <= b->cap)
		return;
	if (b->start) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	while (cap < b->len + n + 1)
		cap *= 2;
	if (cap != b->cap) {
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
	}
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n > buf_room(b))
		return false;
	if (n == 0)
		return true;
	reserve(b, n);
	memcpy(b->data + b->start + b->len, p, n);
	b->len += n;
	return true;
}

bool
buf_addz(struct buf *b, const char *z)
{
	return buf_add(b, z, strlen(z));
}

bool
buf_adds(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

bool
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n > buf_room(b)) {
		va_end(again);
		return false;
	}
	reserve(b, (size_t)n);
	vsnprintf(b->data + b->start + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
	return true;
}

struct str
buf_view(const struct buf *b)
{
	return (struct str){b->data ? b->data + b->start : "", b->len};
}

void
buf_consume(struct buf *b, size_t n)
{
	b->start += n;
	b->len -= n;
	if (b->len == 0)
		b->start = 0;
}

void
buf_clear(struct buf *b)
{
	b->start = b->len = 0;
}

size_t
buf_room(const struct buf *b)
{
	return b->limit ? b->limit - b->len : SIZE_MAX;
}

const char *
buf_z(struct buf *b)
{
	reserve(b, 0);
	b->data[b->start + b->len] = '\0';
	return b->data + b->start;
}
