#include "handin/talk.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TALK_BLOCK = 16384 };

/* --- octets --------------------------------------------------------------- */

static enum err_code
wait_for(const struct talk *t, short events, struct err *e)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	int n;

	do
		n = poll(&p, 1, TALK_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return OK;
	return err_set(
		e, n == 0 ? ERR_TIMEOUT : ERR_IO, "the daemon does not answer");
}

static enum err_code
put(struct talk *t, struct str s, struct err *e)
{
	while (s.n) {
		ssize_t n = send(t->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		enum err_code rc;

		if (n >= 0) {
			s = str_skip(s, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_set(e, ERR_CLOSED, "the daemon is gone: %s",
				strerror(errno));
		rc = wait_for(t, POLLOUT, e);
		if (rc != OK)
			return rc;
	}
	return OK;
}

static enum err_code
get(struct talk *t, struct err *e)
{
	char octets[2048];
	enum err_code rc = wait_for(t, POLLIN, e);
	ssize_t n;

	if (rc != OK)
		return rc;
	n = recv(t->fd, octets, sizeof(octets), 0);
	if (n > 0)
		buf_add(&t->in, octets, (size_t)n);
	else if (n == 0 || errno != EINTR)
		return err_set(e, ERR_CLOSED, "the daemon is gone");
	return OK;
}

/* --- replies -------------------------------------------------------------- */

static enum err_code
read_reply(struct talk *t, struct err *e)
{
	for (;;) {
		enum reply_result result;
		enum err_code rc;
		size_t taken;

		result = reply_parse(&t->parser, buf_view(&t->in), &taken);
		buf_consume(&t->in, taken);
		if (result == REPLY_BAD)
			return err_set(e, ERR_IO,
				"the daemon answers what is no SMTP");
		if (result == REPLY_DONE) {
			t->reply = t->parser.reply;
			return OK;
		}
		rc = get(t, e);
		if (rc != OK)
			return rc;
	}
}

enum err_code
talk_command(struct talk *t, struct err *e, const char *fmt, ...)
{
	enum err_code rc;
	struct buf line;
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_set(e, ERR_LIMIT, "out of memory");
	buf_init(&line, 0);
	buf_addf(&line, "%s\r\n", text);
	free(text);
	rc = put(t, buf_view(&line), e);
	buf_free(&line);
	return rc == OK ? read_reply(t, e) : rc;
}

enum err_code
talk_begin(struct talk *t, int fd, struct str first, struct err *e)
{
	enum err_code rc;

	*t = (struct talk){.fd = fd};
	reply_parser_init(&t->parser);
	buf_init(&t->in, 0);
	buf_adds(&t->in, first);
	rc = read_reply(t, e);
	if (rc == OK && reply_class(&t->reply) == 2)
		rc = talk_command(t, e, "EHLO localhost");
	if (rc == OK && reply_class(&t->reply) != 2)
		rc = err_set(
			e, ERR_BUSY, "%d %s", t->reply.code, t->reply.text);
	return rc;
}

enum err_code
talk_body(struct talk *t, struct str octets, struct err *e)
{
	enum err_code rc = OK;
	struct buf out;

	buf_init(&out, TALK_BLOCK);
	while (octets.n && rc == OK) {
		octets = str_skip(octets, dot_write(&t->dots, octets, &out));
		rc = put(t, buf_view(&out), e);
		buf_clear(&out);
	}
	buf_free(&out);
	return rc;
}

enum err_code
talk_end(struct talk *t, struct err *e)
{
	enum err_code rc;
	struct buf out;

	buf_init(&out, TALK_BLOCK);
	dot_write_end(&t->dots, &out);
	rc = put(t, buf_view(&out), e);
	buf_free(&out);
	return rc == OK ? read_reply(t, e) : rc;
}

void
talk_free(struct talk *t)
{
	reply_parser_free(&t->parser);
	buf_free(&t->in);
}
