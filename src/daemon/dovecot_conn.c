#include "daemon/dovecot_conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONN_HANDSHAKE_MS = 10000,
	CONN_RETRY_LEAST_MS = 1000,
	CONN_RETRY_MOST_MS = 60000,
};

enum conn_state { CONN_DOWN, CONN_GREETING, CONN_UP };

struct dovecot_conn {
	struct loop *loop;
	const char *name; /* static */
	const struct dovecot_conn_ops *ops;
	void *arg;
	char *path; /* owned; NULL: none */
	enum conn_state state;
	struct stream *stream;
	struct loop_timer *timer; /* the next try, or the handshake's end */
	uint64_t tried_ms, retry_ms;
	bool told; /* the log knows that it is down */
	char line[DOVECOT_LINE_MAX + 1];
};

/* --- losing it --- */

static void
tell_lost(struct dovecot_conn *c, const char *why)
{
	if (!c->told)
		log_warning("dovecot-lost", LOG_STR("socket", c->name),
			LOG_STR("path", c->path), LOG_STR("why", why));
	c->told = true;
}

static void
hang_up(struct dovecot_conn *c)
{
	stream_close(c->stream, 0);
	c->stream = NULL;
	c->state = CONN_DOWN;
	explicit_bzero(c->line, sizeof(c->line));
}

static void
wait_to_retry(struct dovecot_conn *c)
{
	loop_timer_set(c->timer, c->retry_ms);
	c->retry_ms *= 2;
	if (c->retry_ms > CONN_RETRY_MOST_MS)
		c->retry_ms = CONN_RETRY_MOST_MS;
}

static void
drop(struct dovecot_conn *c, const char *why)
{
	tell_lost(c, why);
	hang_up(c);
	wait_to_retry(c);
	c->ops->lost(c->arg);
}

/* --- lines in --- */

/* One whole line into c->line. False: there is none yet. */
static bool
take_line(struct dovecot_conn *c, bool *broken_r)
{
	struct str rest, in = stream_view(c->stream);
	struct str line = str_cut(in, '\n', &rest);

	*broken_r = line.n > DOVECOT_LINE_MAX ||
		    memchr(line.p, '\0', line.n) != NULL;
	if (*broken_r || line.n == in.n)
		return false;
	str_copy(c->line, sizeof(c->line), line);
	stream_consume(c->stream, line.n + 1);
	return true;
}

static void
on_input(void *arg)
{
	struct dovecot_conn *c = arg;
	const struct stream *own = c->stream;
	bool broken = false;

	while (c->stream == own && take_line(c, &broken)) {
		if (c->ops->line(c->arg, c->line))
			continue;
		drop(c, "what it says is not the protocol of Dovecot");
		return;
	}
	if (c->stream == own && broken)
		drop(c, "what it says is not a line of text");
}

static void
on_closed(void *arg, enum stream_end end, const char *why)
{
	(void)end;
	drop(arg, why);
}

static const struct stream_ops stream_ops = {
	.input = on_input,
	.closed = on_closed,
};

/* --- making it --- */

static bool
try_to_connect(struct dovecot_conn *c)
{
	int fd = dial_unix(c->path);

	c->tried_ms = clock_mono_ms();
	if (fd < 0) {
		tell_lost(c, strerror(errno));
		wait_to_retry(c);
		return false;
	}
	c->stream = stream_new(c->loop, fd, &stream_ops, c);
	c->state = CONN_GREETING;
	loop_timer_set(c->timer, CONN_HANDSHAKE_MS);
	c->ops->greet(c->arg);
	return true;
}

bool
dovecot_conn_wake(struct dovecot_conn *c)
{
	if (c->state != CONN_DOWN)
		return true;
	if (!c->path || (c->tried_ms && clock_mono_ms() - c->tried_ms <
						CONN_RETRY_LEAST_MS))
		return false;
	return try_to_connect(c);
}

static void
on_timer(void *arg)
{
	struct dovecot_conn *c = arg;

	if (c->state == CONN_GREETING)
		drop(c, "it does not greet");
	else if (c->state == CONN_DOWN && c->path)
		try_to_connect(c);
}

void
dovecot_conn_up(struct dovecot_conn *c)
{
	c->state = CONN_UP;
	c->retry_ms = CONN_RETRY_LEAST_MS;
	loop_timer_clear(c->timer);
	if (c->told)
		log_info("dovecot-back", LOG_STR("socket", c->name),
			LOG_STR("path", c->path));
	c->told = false;
}

bool
dovecot_conn_is_up(const struct dovecot_conn *c)
{
	return c->state == CONN_UP;
}

bool
dovecot_conn_send(struct dovecot_conn *c, struct str octets)
{
	if (!c->stream || stream_unsent(c->stream) > DOVECOT_UNSENT_MAX)
		return false;
	stream_write(c->stream, octets);
	return true;
}

/* --- beginning and end --- */

struct dovecot_conn *
dovecot_conn_new(struct loop *loop, const char *name,
	const struct dovecot_conn_ops *ops, void *arg)
{
	struct dovecot_conn *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->name = name;
	c->ops = ops;
	c->arg = arg;
	c->timer = loop_timer_new(loop, on_timer, c);
	c->retry_ms = CONN_RETRY_LEAST_MS;
	return c;
}

void
dovecot_conn_free(struct dovecot_conn *c)
{
	if (!c)
		return;
	hang_up(c);
	loop_timer_free(c->timer);
	free(c->path);
	free(c);
}

void
dovecot_conn_set_path(struct dovecot_conn *c, const char *path)
{
	bool was_down = c->state == CONN_DOWN;

	if (path == c->path || (path && c->path && strcmp(path, c->path) == 0))
		return;
	hang_up(c);
	loop_timer_clear(c->timer);
	free(c->path);
	c->path = path ? str_dupz(path) : NULL;
	c->tried_ms = 0;
	c->retry_ms = CONN_RETRY_LEAST_MS;
	c->told = false;
	if (!was_down)
		c->ops->lost(c->arg);
}

const char *
dovecot_conn_path(const struct dovecot_conn *c)
{
	return c->path;
}

/* --- fields --- */

/* What stands behind \001 for each octet that a field cannot hold. */
static const struct {
	char octet, letter;
} escapes[] = {
	{'\0', '0'},
	{'\001', '1'},
	{'\t', 't'},
	{'\r', 'r'},
	{'\n', 'n'},
};
enum { ESCAPES_N = sizeof(escapes) / sizeof(*escapes) };

void
dovecot_escape(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		size_t k = 0;

		while (k < ESCAPES_N && escapes[k].octet != text.p[i])
			k++;
		if (k < ESCAPES_N)
			buf_add(out, (char[]){'\001', escapes[k].letter}, 2);
		else
			buf_add(out, &text.p[i], 1);
	}
}

/* An escaped NUL ends the text: no name of ours holds one. */
void
dovecot_unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		size_t k = 0;

		if (*p != '\001' || !p[1]) {
			*to++ = *p;
			continue;
		}
		p++;
		while (k < ESCAPES_N && escapes[k].letter != *p)
			k++;
		*to++ = k < ESCAPES_N ? escapes[k].octet : *p;
	}
	*to = '\0';
}

char *
dovecot_field(char **rest_r)
{
	char *field = *rest_r, *tab;

	if (!field)
		return NULL;
	tab = strchr(field, '\t');
	*rest_r = tab ? tab + 1 : NULL;
	if (tab)
		*tab = '\0';
	return field;
}
