/* sendmail: who a message is from and to, and the message itself. */
#include "cli/sendmail_private.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/submit.h"
#include "mail/compose.h"
#include "mail/tidy.h"

enum {
	SENDMAIL_LINE_MAX = 998, /* RFC 5322 2.1.1; longer ones are broken */
	SENDMAIL_BLOCK = 16384,
};

/* --- who it is to, and from ----------------------------------------------- */

struct rcpts {
	char **v; /* owned */
	size_t n, max;
};

static void
add_rcpt(void *arg, struct str address)
{
	struct rcpts *r = arg;

	for (size_t i = 0; i < r->n; i++)
		if (str_eq(str_of(r->v[i]), address))
			return;
	if (r->n > r->max)
		return; /* more than may be: that is said at the end */
	r->v = xrealloc(r->v, (r->n + 1) * sizeof(*r->v));
	r->v[r->n++] = str_dup(address);
}

static void
rcpts_free(struct rcpts *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i]);
	free(r->v);
}

/* The exit status. */
static int
find_rcpts(const struct sendmail_options *o, const struct compose *head,
	struct rcpts *r)
{
	struct err e = {0};

	for (size_t i = 0; i < o->words_n; i++)
		if (!compose_list(str_of(o->words[i]), add_rcpt, r)) {
			cli_refuse(
				ERR_INVALID, "%s: not an address", o->words[i]);
			return EX_DATAERR;
		}
	if (o->from_header && compose_recipients(head, add_rcpt, r, &e) != OK)
		return cli_fail(&e);
	if (r->n > 0)
		return 0;
	cli_refuse(o->from_header ? ERR_INVALID : ERR_USAGE,
		o->from_header ? "no recipient in the header"
			       : "no recipient; -t takes them from the header");
	return o->from_header ? EX_DATAERR : EX_USAGE;
}

struct user {
	char name[65];
	char full[200]; /* as the system has it; "" none */
};

static void
who_am_i(struct user *u)
{
	/* whom the daemon sees; who is root there may have begun as another */
	uid_t uid = geteuid() ? geteuid() : getuid();
	const struct passwd *pw = getpwuid(uid);

	*u = (struct user){.full = ""};
	if (!pw || !str_copyz(u->name, sizeof(u->name), pw->pw_name))
		snprintf(u->name, sizeof(u->name), "%u", (unsigned)uid);
	if (pw)
		snprintf(u->full, sizeof(u->full), "%.*s",
			(int)strcspn(pw->pw_gecos, ","), pw->pw_gecos);
}

struct one {
	char text[WIRE_MAILBOX_MAX + 1];
	size_t n;
};

static void
keep_one(void *arg, struct str address)
{
	struct one *one = arg;

	one->n += str_copy(one->text, sizeof(one->text), address) ? 1 : 2;
}

/* The envelope's sender: -f, or who runs this. False: it is no address. */
static bool
find_sender(const struct sendmail_options *o, const struct user *u,
	struct one *one_r)
{
	*one_r = (struct one){.n = 0};
	if (!o->sender)
		return str_copyz(one_r->text, sizeof(one_r->text), u->name);
	if (o->sender[0] == '\0' || strcmp(o->sender, "<>") == 0)
		return true;
	if (compose_list(str_of(o->sender), keep_one, one_r) && one_r->n == 1)
		return true;
	cli_refuse(ERR_INVALID, "-f %s: not an address", o->sender);
	return false;
}

/* --- the message ---------------------------------------------------------- */

struct input {
	struct tidy tidy;
	struct buf lines; /* tidied */
	bool eof;
	int error; /* errno; 0 none */
};

/* More lines, or the end. */
static void
read_lines(struct input *in)
{
	char octets[SENDMAIL_BLOCK];
	ssize_t n;

	buf_clear(&in->lines);
	do
		n = read(STDIN_FILENO, octets, sizeof(octets));
	while (n < 0 && errno == EINTR);
	in->error = n < 0 ? errno : 0;
	if (n > 0)
		tidy_feed(
			&in->tidy, (struct str){octets, (size_t)n}, &in->lines);
	in->eof = n <= 0 || in->tidy.ended;
	if (in->eof)
		tidy_end(&in->tidy, &in->lines);
}

static int
cannot_read(const struct input *in)
{
	cli_refuse(ERR_IO, "standard input: %s", strerror(in->error));
	return EX_IOERR;
}

static int
read_header(struct input *in, struct compose *head)
{
	enum err_code rc = OK;
	bool ended = false;

	while (!ended && !in->eof && rc == OK) {
		read_lines(in);
		ended = compose_feed(head, buf_view(&in->lines), &rc);
	}
	if (rc != OK)
		return cli_refuse(rc, "the header has more than %d octets",
			(int)COMPOSE_HEADER_MAX);
	if (in->error)
		return cannot_read(in);
	compose_end(head);
	return 0;
}

static int
send_rest(struct submit *s, struct input *in, const struct compose *head)
{
	int status = submit_octets(s, compose_body(head));

	while (status == 0 && !in->eof) {
		read_lines(in);
		status = submit_octets(s, buf_view(&in->lines));
	}
	return status == 0 && in->error ? cannot_read(in) : status;
}

static int
send_message(const struct submit_place *place, const struct submit_mail *m,
	const struct sendmail_options *o, const struct user *u,
	struct input *in, const struct compose *head)
{
	struct compose_facts facts = {
		.home = str_of(place->home),
		.sender = m->sender,
		.name = o->name ? o->name : u->full,
	};
	struct submit *s = NULL;
	struct buf header;
	int status = submit_begin(place, m, &s);

	if (status != 0)
		return status;
	buf_init(&header, 0);
	compose_header(head, &facts, &header);
	status = submit_octets(s, buf_view(&header));
	buf_free(&header);
	if (status == 0)
		status = send_rest(s, in, head);
	if (status == 0)
		return submit_end(s);
	submit_cancel(s);
	return status;
}

int
sendmail_send(struct cli *c, const struct sendmail_options *o)
{
	struct input in = {
		.tidy = {.limit = SENDMAIL_LINE_MAX, .dot_ends = !o->dots}};
	struct submit_place place;
	struct rcpts rcpts = {.v = NULL};
	struct compose head;
	struct user user;
	struct one sender;
	int status;

	status = submit_place_find(c, &place);
	if (status != 0)
		return status;
	who_am_i(&user);
	rcpts.max = place.rcpts_max;
	compose_init(&head);
	buf_init(&in.lines, 0);
	status = find_sender(o, &user, &sender) ? 0 : EX_DATAERR;
	if (status == 0 && !o->from_header)
		status = find_rcpts(o, &head, &rcpts); /* before it reads */
	if (status == 0)
		status = read_header(&in, &head);
	if (status == 0 && o->from_header)
		status = find_rcpts(o, &head, &rcpts);
	if (status == 0) {
		struct submit_mail m = {
			.sender = sender.text,
			.params = o->params,
			.rcpts = rcpts.v,
			.rcpts_n = rcpts.n,
			.rcpt_params = o->rcpt_params,
		};

		status = send_message(&place, &m, o, &user, &in, &head);
	}
	buf_free(&in.lines);
	compose_free(&head);
	rcpts_free(&rcpts);
	submit_place_free(&place);
	return status;
}
