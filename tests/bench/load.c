/*
 * Hands messages to an SMTP server over many sessions at once, from one
 * thread, so that the server keeps as much of the machine as can be.
 *
 *	load HOST PORT SESSIONS LIMIT SENDER RECIPIENT SIZE
 *
 * LIMIT is "5s" (begin no message after five seconds) or "10000" (that many
 * messages). Each session sends as a plain client does: MAIL, RCPT and DATA in
 * one flight (RFC 2920), three replies, the message, its reply, and so on.
 * One message a session goes before, unmeasured; the clock starts when all are
 * done with it.
 *
 * Prints: accepted refused seconds median_us worst_us
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SESSIONS_MAX = 1000,
	SAMPLES_MAX = 1000000,
	REPLY_MAX = 8192,
	OCTETS_MIN = 600, /* the header and one line */
	OCTETS_MAX = 1024 * 1024,
	STALL_MS = 60000,
};

enum step { GREETING, HELLO, ENVELOPE, CONTENT, WARM, OVER };

struct session {
	int fd;
	enum step step;
	unsigned replies; /* of this flight, still to come */
	bool refused;
	char line[REPLY_MAX];
	size_t line_n;
	double began_s;
};

static struct session sessions[SESSIONS_MAX];
static unsigned samples[SAMPLES_MAX]; /* microseconds a message took */
static size_t sessions_n, warm_n, over_n;
static size_t samples_n, accepted, refused, begun, count_max;
static double start_s, last_s, seconds_max;
static char envelope[2048], *content;
static size_t envelope_n, content_n;

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, const char *detail)
{
	fprintf(stderr, "load: %s: %s\n", what, detail);
	exit(1);
}

/* --- what is sent --- */

static void
send_all(struct session *s, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			die("send", strerror(errno));
		p += sent;
		n -= (size_t)sent;
	}
}

static void
make_content(const char *sender, const char *recipient, size_t size)
{
	static const char line[] = "The wind went round to the west at noon, "
				   "and the sea has gone down.\r\n";
	char *p = malloc(size + 1024);
	size_t n;

	if (!p)
		die("content", strerror(errno));
	n = (size_t)sprintf(p,
		"From: <%s>\r\nTo: <%s>\r\nSubject: weather at noon\r\n"
		"Date: Sun, 01 Mar 2026 06:00:00 +0000\r\n"
		"Message-ID: <20260301060000.1@bench.example>\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n\r\n",
		sender, recipient);
	while (n + sizeof(line) - 1 <= size) {
		memcpy(p + n, line, sizeof(line) - 1);
		n += sizeof(line) - 1;
	}
	memcpy(p + n, ".\r\n", 3);
	content = p;
	content_n = n + 3;
	envelope_n = (size_t)snprintf(envelope, sizeof(envelope),
		"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", sender,
		recipient);
	if (envelope_n >= sizeof(envelope))
		die("address", "too long");
}

/* --- a session --- */

static void
send_envelope(struct session *s)
{
	s->step = ENVELOPE;
	s->replies = 3;
	s->refused = false;
	s->began_s = now_s();
	send_all(s, envelope, envelope_n);
}

static bool
may_begin(void)
{
	return count_max ? begun < count_max : now_s() - start_s < seconds_max;
}

static void
begin_or_end(struct session *s)
{
	if (may_begin()) {
		begun++;
		send_envelope(s);
		return;
	}
	s->step = OVER;
	over_n++;
	send_all(s, "QUIT\r\n", 6);
}

static void
start_all(void)
{
	start_s = last_s = now_s();
	for (size_t i = 0; i < sessions_n; i++)
		begin_or_end(&sessions[i]);
}

static void
message_over(struct session *s, bool good)
{
	if (start_s == 0) {
		if (!good)
			die("the first message was refused", s->line);
		s->step = WARM;
		if (++warm_n == sessions_n)
			start_all();
		return;
	}
	last_s = now_s();
	accepted += good;
	refused += !good;
	if (samples_n < SAMPLES_MAX)
		samples[samples_n++] = (unsigned)((last_s - s->began_s) * 1e6);
	begin_or_end(s);
}

static void
take_envelope_reply(struct session *s, char class)
{
	s->replies--;
	if (class != (s->replies ? '2' : '3'))
		s->refused = true;
	if (s->replies)
		return;
	if (class == '3') {
		s->step = CONTENT;
		send_all(s, content, content_n);
	} else {
		send_all(s, "RSET\r\n", 6);
		s->step = CONTENT; /* whose reply ends the message */
	}
}

/* LINE is the last of its reply. */
static void
take_reply(struct session *s, const char *line)
{
	switch (s->step) {
	case GREETING:
		if (line[0] != '2')
			die("greeting", line);
		s->step = HELLO;
		send_all(s, "EHLO bench.example\r\n", 20);
		break;
	case HELLO:
		if (line[0] != '2')
			die("EHLO", line);
		send_envelope(s);
		break;
	case ENVELOPE:
		take_envelope_reply(s, line[0]);
		break;
	case CONTENT:
		message_over(s, line[0] == '2' && !s->refused);
		break;
	case WARM:
		die("unasked reply", line);
		break;
	case OVER:
		break;
	}
}

static void
take_input(struct session *s)
{
	ssize_t n = recv(
		s->fd, s->line + s->line_n, sizeof(s->line) - s->line_n - 1, 0);
	char *from = s->line, *end;

	if (n <= 0 && s->step == OVER)
		return;
	if (n <= 0)
		die("the server closed", n ? strerror(errno) : "end of file");
	s->line_n += (size_t)n;
	s->line[s->line_n] = '\0';
	while ((end = strchr(from, '\n'))) {
		*end = '\0';
		if (end - from >= 3 && from[3] != '-')
			take_reply(s, from);
		from = end + 1;
	}
	s->line_n -= (size_t)(from - s->line);
	memmove(s->line, from, s->line_n + 1);
	if (s->line_n == sizeof(s->line) - 1)
		die("reply", "line too long");
}

/* --- all of them --- */

static void
dial(int poll, struct session *s, const struct sockaddr_in *to)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->fd < 0 || connect(s->fd, (const void *)to, sizeof(*to)))
		die("connect", strerror(errno));
	if (epoll_ctl(poll, EPOLL_CTL_ADD, s->fd, &ev))
		die("epoll_ctl", strerror(errno));
}

static void
drive(int poll)
{
	struct epoll_event ev[64];

	while (over_n < sessions_n) {
		int n = epoll_wait(poll, ev, 64, STALL_MS);

		if (n == 0)
			die("the server", "silent for a minute");
		for (int i = 0; i < n; i++)
			take_input(ev[i].data.ptr);
	}
}

static int
by_size(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static void
parse_limit(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end == 's')
		seconds_max = v;
	else
		count_max = (size_t)v;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	size_t size;
	int poll;

	if (argc != 8 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: load ADDRESS PORT SESSIONS LIMIT "
				"SENDER RECIPIENT SIZE\n");
		return 64;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	sessions_n = (size_t)atoi(argv[3]);
	parse_limit(argv[4]);
	size = (size_t)atoi(argv[7]);
	if (!sessions_n || sessions_n > SESSIONS_MAX || size < OCTETS_MIN ||
		size > OCTETS_MAX)
		die("SESSIONS or SIZE", "out of range");
	make_content(argv[5], argv[6], size);
	poll = epoll_create1(0);
	for (size_t i = 0; i < sessions_n; i++)
		dial(poll, &sessions[i], &to);
	drive(poll);
	qsort(samples, samples_n, sizeof(*samples), by_size);
	printf("%zu %zu %.6f %u %u\n", accepted, refused, last_s - start_s,
		samples_n ? samples[samples_n / 2] : 0,
		samples_n ? samples[samples_n - 1] : 0);
	return 0;
}
