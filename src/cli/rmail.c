/* rmail: a message as UUCP brings it (RFC 976), its recipients as words. */
#include "cli/sendmail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/submit.h"
#include "mail/bang.h"
#include "mail/hashed.h"
#include "mail/tidy.h"

enum { RMAIL_LINE_MAX = 998, RMAIL_BLOCK = 16384 };

struct rmail {
	struct tidy tidy;
	struct buf lines; /* tidied, not yet handed on */
	bool eof;
	char sender[WIRE_MAILBOX_MAX + 1];
	char **rcpts; /* owned */
	size_t rcpts_n;
};

static int
read_more(struct rmail *r)
{
	char octets[RMAIL_BLOCK];
	ssize_t n;

	do
		n = read(STDIN_FILENO, octets, sizeof(octets));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		cli_refuse(ERR_IO, "standard input: %s", strerror(errno));
		return EX_IOERR;
	}
	tidy_feed(&r->tidy, (struct str){octets, (size_t)n}, &r->lines);
	r->eof = n == 0;
	if (r->eof)
		tidy_end(&r->tidy, &r->lines);
	return 0;
}

/* The first line, its end left out; false: it is not there as a whole yet. */
static bool
first_line(const struct rmail *r, struct str *line_r)
{
	struct str rest, in = buf_view(&r->lines);

	*line_r = str_cut(in, '\n', &rest);
	if (line_r->n == in.n)
		return false;
	line_r->n--; /* CR */
	return true;
}

/* Takes the From lines off the front. */
static int
read_from_lines(struct rmail *r, struct bang_lines *from)
{
	bool cut = false;
	struct str line;
	int status = 0;

	while (status == 0 && !cut) {
		if (first_line(r, &line)) {
			if (!bang_take_line(from, line, &cut))
				break;
			buf_consume(&r->lines, line.n + 2);
		} else if (r->eof || r->lines.len > RMAIL_BLOCK) {
			break;
		} else {
			status = read_more(r);
		}
	}
	if (cut) {
		cli_refuse(ERR_LIMIT, "the lines \"From \" are too many or "
				      "too long");
		status = EX_DATAERR;
	}
	return status;
}

/* Without such a line it is from whoever runs us. */
static int
find_sender(struct rmail *r, const struct bang_lines *from)
{
	const char *why = "", *bang = strrchr(from->path, '!');
	const char *user = bang ? bang + 1 : from->path;

	if (from->n == 0) {
		const char *name = getenv("USER");

		if (!name ||
			!bang_to_address(str_of(name), true, r->sender, &why))
			str_copyz(r->sender, sizeof(r->sender), "uucp");
		return 0;
	}
	if (!*user || strcmp(user, "<>") == 0 ||
		strcasecmp(user, "MAILER-DAEMON") == 0)
		return 0; /* a notice: the null path */
	if (bang_to_address(str_of(from->path), true, r->sender, &why))
		return 0;
	cli_refuse(ERR_INVALID, "From %s: %s", from->path, why);
	return EX_DATAERR;
}

static int
find_rcpts(struct rmail *r, char **argv)
{
	for (; *argv; argv++) {
		char address[WIRE_MAILBOX_MAX + 1];
		const char *why;

		if (!bang_to_address(str_of(*argv), false, address, &why)) {
			cli_refuse(ERR_INVALID, "%s: %s", *argv, why);
			return EX_DATAERR;
		}
		r->rcpts = xrealloc(
			r->rcpts, (r->rcpts_n + 1) * sizeof(*r->rcpts));
		r->rcpts[r->rcpts_n++] = str_dupz(address);
	}
	if (r->rcpts_n > 0)
		return 0;
	cli_refuse(ERR_USAGE, "rmail needs recipients: rmail user@example.org");
	return EX_USAGE;
}

/* Mail to this user alone is a batch (RFC 976 2.3). */
static bool
is_hashed(const struct rmail *r)
{
	return r->rcpts_n == 1 && strcmp(r->rcpts[0], HASHED_USER) == 0;
}

static int
hand_in(struct rmail *r, const struct submit_place *place)
{
	struct submit_mail m = {
		.sender = r->sender,
		.rcpts = r->rcpts,
		.rcpts_n = r->rcpts_n,
		.transit = true,
	};
	struct submit *s = NULL;
	int status = submit_begin(place, &m, &s);

	while (status == 0) {
		status = submit_octets(s, buf_view(&r->lines));
		buf_clear(&r->lines);
		if (status == 0 && r->eof)
			return submit_end(s);
		if (status == 0)
			status = read_more(r);
	}
	submit_cancel(s);
	return status;
}

static int
hand_in_message(struct rmail *r, const struct submit_place *place)
{
	struct bang_lines from = {.n = 0};
	int status = read_from_lines(r, &from);

	if (status == 0)
		status = find_sender(r, &from);
	return status == 0 ? hand_in(r, place) : status;
}

int
rmail_main(struct cli *c, char **argv)
{
	struct rmail r = {.tidy = {.limit = RMAIL_LINE_MAX}};
	struct submit_place place;
	int status;

	while (*argv && argv[0][0] == '-' && argv[0][1])
		argv++; /* -D and others say nothing here */
	status = submit_place_find(c, &place);
	if (status != 0)
		return status;
	buf_init(&r.lines, 0);
	status = find_rcpts(&r, argv);
	if (status == 0)
		status = is_hashed(&r) ? rsmtp_hashed(c, &place)
				       : hand_in_message(&r, &place);
	for (size_t i = 0; i < r.rcpts_n; i++)
		free(r.rcpts[i]);
	free(r.rcpts);
	buf_free(&r.lines);
	submit_place_free(&place);
	return status;
}
