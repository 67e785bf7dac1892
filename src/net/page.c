#include "net/page.h"

#include "base/buf.h"
#include "net/listen.h"
#include "net/stream.h"

#include <stdlib.h>
#include <string.h>

/* The socket is for the daemon's user and group. */
enum { PAGE_UNIX_MODE = 0660 };

struct page {
	struct loop *loop;
	struct listener *listener; /* NULL: freed, but for connections */
	struct list_node conns;	   /* that ask */
	size_t conns_n;		   /* with those that still close */
	struct buf text;
};

struct conn {
	struct list_node node;
	struct page *page;
	struct stream *stream;
	struct loop_timer *timer;
};

static void
free_if_done(struct page *p)
{
	if (p->listener || p->conns_n)
		return;
	buf_free(&p->text);
	free(p);
}

static void
on_gone(void *arg, const struct stream *s)
{
	struct page *p = arg;

	(void)s;
	p->conns_n--;
	if (p->listener)
		listener_pause(p->listener, false);
	free_if_done(p);
}

static void
conn_end(struct conn *c, uint64_t linger_ms)
{
	list_remove(&c->node);
	loop_timer_free(c->timer);
	stream_close(c->stream, linger_ms);
	free(c);
}

/* --- the answer --- */

static const char *
phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "HTTP Version Not Supported";
	}
}

/* What a person sees who asks for something else. */
static const char *
hint(unsigned status)
{
	switch (status) {
	case 404:
		return "There is one page here: /metrics\n";
	case 405:
		return "The page can only be read: GET or HEAD\n";
	case 503:
		return "The figures are being gathered: ask again\n";
	default:
		return "Ask with HTTP/1.1: GET /metrics\n";
	}
}

static void
answer(struct conn *c, unsigned status, bool head)
{
	struct str text = buf_view(&c->page->text);
	struct buf out;

	if (status == 200 && !text.n)
		status = 503;
	if (status != 200)
		text = str_of(hint(status));
	buf_init(&out, 0);
	buf_addf(&out,
		"HTTP/1.1 %u %s\r\n"
		"Content-Type: text/plain; %scharset=utf-8\r\n"
		"Content-Length: %zu\r\n"
		"%s%s"
		"Cache-Control: no-store\r\n"
		"Connection: close\r\n\r\n",
		status, phrase(status), status == 200 ? "version=0.0.4; " : "",
		text.n, status == 405 ? "Allow: GET, HEAD\r\n" : "",
		status == 503 ? "Retry-After: 1\r\n" : "");
	if (!head)
		buf_adds(&out, text);
	stream_write(c->stream, buf_view(&out));
	buf_free(&out);
	conn_end(c, PAGE_LINGER_MS);
}

static void
on_input(void *arg)
{
	struct conn *c = arg;
	bool head;
	unsigned status = page_request_status(stream_view(c->stream), &head);

	if (status)
		answer(c, status, head);
}

static void
on_late(void *arg)
{
	answer(arg, 408, false);
}

static void
on_closed(void *arg, enum stream_end end, const char *why)
{
	(void)end;
	(void)why;
	conn_end(arg, 0);
}

static void
on_drained(void *arg)
{
	(void)arg;
}

static const struct stream_ops ops = {
	.input = on_input,
	.drained = on_drained,
	.closed = on_closed,
};

static void
on_accept(void *arg, int fd)
{
	struct page *p = arg;
	struct conn *c = xcalloc(1, sizeof(*c));

	c->page = p;
	c->stream = stream_new(p->loop, fd, &ops, c);
	stream_on_gone(c->stream, on_gone, p);
	c->timer = loop_timer_new(p->loop, on_late, c);
	loop_timer_set(c->timer, PAGE_REQUEST_MS);
	list_push(&p->conns, &c->node);
	if (++p->conns_n == PAGE_CONNS_MAX)
		listener_pause(p->listener, true);
}

/* --- the page --- */

enum err_code
page_new(struct loop *loop, const struct page_place *place,
	struct page **page_r, struct err *e)
{
	struct page *p = xcalloc(1, sizeof(*p));
	enum err_code rc;

	p->loop = loop;
	list_init(&p->conns);
	buf_init(&p->text, 0);
	if (place->socket)
		rc = listen_unix(loop, place->socket, PAGE_UNIX_MODE, on_accept,
			p, &p->listener, e);
	else
		rc = listen_tcp(loop, place->address, place->port, on_accept, p,
			&p->listener, e);
	if (rc == OK)
		*page_r = p;
	else
		free_if_done(p);
	return rc;
}

void
page_put(struct page *p, struct str text)
{
	buf_free(&p->text);
	buf_init(&p->text, 0);
	buf_adds(&p->text, text);
}

unsigned
page_port(const struct page *p)
{
	return listener_port(p->listener);
}

void
page_free(struct page *p)
{
	struct listener *listener = p ? p->listener : NULL;

	if (!p)
		return;
	p->listener = NULL;
	listener_free(listener);
	p->conns_n++; /* it must outlive its last connection here */
	while (!list_empty(&p->conns))
		conn_end(LIST_ITEM(p->conns.next, struct conn, node), 0);
	p->conns_n--;
	free_if_done(p);
}
