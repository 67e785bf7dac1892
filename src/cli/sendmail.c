/*
 * sendmail and "tidepost send": a message from standard input, with the options
 * that programs pass to sendmail(8). tidepost-sendmail(1) lists them.
 */
#include "cli/sendmail.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/serving.h"
#include "cli/submit.h"
#include "mail/compose.h"
#include "mail/tidy.h"
#include "wire/xtext.h"

enum {
	SENDMAIL_LINE_MAX = 998, /* RFC 5322 2.1.1; longer ones are broken */
	SENDMAIL_BLOCK = 16384,
	SENDMAIL_RCPTS_MAX = 100000,
};

enum mode { MODE_SEND, MODE_SMTP, MODE_QUEUE, MODE_FLUSH, MODE_NOTHING };

struct options {
	enum mode mode;
	bool from_header; /* -t */
	bool dots;	  /* a lone dot is no end (-i) */
	const char *sender, *name;
	struct mail_params params;
	struct rcpt_params rcpt_params;
	char **words; /* borrowed */
	size_t words_n;
};

/* --- options -------------------------------------------------------------- */

static bool
set_mode(struct options *o, const char *value)
{
	switch (value[0]) {
	case 'm':
		o->mode = MODE_SEND;
		return true;
	case 's':
		o->mode = MODE_SMTP;
		return true;
	case 'p':
		o->mode = MODE_QUEUE;
		return true;
	case 'i': /* newaliases: the daemon reads them itself */
		o->mode = MODE_NOTHING;
		return true;
	default:
		cli_refuse(ERR_USAGE,
			"-b%s is not supported (tidepostd is the daemon)",
			value);
		return false;
	}
}

static bool
wrong_value(char letter, const char *value, const char *wanted)
{
	cli_refuse(
		ERR_USAGE, "-%c %s: this should be %s", letter, value, wanted);
	return false;
}

/* -N never, or a list of success, failure and delay (RFC 3461 4.1) */
static bool
set_notify(struct options *o, const char *value)
{
	struct rcpt_params p;
	char *text = str_printf(" NOTIFY=%s", value);
	struct str bad;
	bool good = params_rcpt(str_of(text), EXT_DSN, &p, &bad) == PARAMS_OK;

	free(text);
	if (good)
		o->rcpt_params.notify = p.notify;
	return good || wrong_value('N', value,
			       "never, or some of success, failure and delay "
			       "with commas");
}

static bool
set_ret(struct options *o, const char *value)
{
	if (strcmp(value, "full") == 0)
		o->params.ret = RET_FULL;
	else if (strcmp(value, "hdrs") == 0)
		o->params.ret = RET_HDRS;
	else
		return wrong_value('R', value, "full or hdrs");
	return true;
}

static bool
set_envid(struct options *o, const char *value)
{
	struct buf text;
	bool fits;

	buf_init(&text, WIRE_ENVID_MAX);
	fits = xtext_encode(str_of(value), &text) &&
	       str_copy(o->params.envid, sizeof(o->params.envid),
		       buf_view(&text));
	buf_free(&text);
	if (!fits)
		cli_refuse(ERR_USAGE, "-V: longer than %d octets",
			(int)WIRE_ENVID_MAX);
	return fits;
}

static bool
set_body(struct options *o, const char *value)
{
	if (strcasecmp(value, "8BITMIME") == 0)
		o->params.body = BODY_8BITMIME;
	else if (strcasecmp(value, "7BIT") != 0)
		return wrong_value('B', value, "7BIT or 8BITMIME");
	return true;
}

/* Letters that take a value, and what the others are. */
static const char with_value[] = "fFrNRVBOCLpXhAD";
static const char with_attached[] = "bqdeo";
static const char alone[] = "timvnUGxEs";

/* False: it is wrong, and was said. */
static bool
set_option(struct cli *c, struct options *o, char letter, const char *value)
{
	switch (letter) {
	case 't':
		o->from_header = true;
		return true;
	case 'i':
		o->dots = true;
		return true;
	case 'o':
		o->dots |= value[0] == 'i';
		return true;
	case 'f':
	case 'r':
		o->sender = value;
		return true;
	case 'F':
		o->name = value;
		return true;
	case 'C':
		c->conf_option = value;
		return true;
	case 'b':
		return set_mode(o, value);
	case 'q':
		o->mode = MODE_FLUSH;
		return true;
	case 'N':
		return set_notify(o, value);
	case 'R':
		return set_ret(o, value);
	case 'V':
		return set_envid(o, value);
	case 'B':
		return set_body(o, value);
	default:
		return true; /* known, and without meaning here */
	}
}

/* One word "-...": its letters. *NEXT: the words behind it. */
static bool
take_word(struct cli *c, struct options *o, const char *word, char ***next)
{
	for (const char *p = word + 1; *p; p++) {
		const char *value = p + 1;

		if (strchr(alone, *p)) {
			if (!set_option(c, o, *p, ""))
				return false;
			continue;
		}
		if (strchr(with_attached, *p))
			return set_option(c, o, *p, value);
		if (!strchr(with_value, *p)) {
			cli_refuse(ERR_USAGE,
				"no option -%c; see tidepost-sendmail(1)",
				isprint((unsigned char)*p) ? *p : '?');
			return false;
		}
		if (!*value && !**next) {
			cli_refuse(ERR_USAGE, "-%c needs a value", *p);
			return false;
		}
		return set_option(c, o, *p, *value ? value : *(*next)++);
	}
	return true;
}

/* Options and recipients may stand in any order, up to "--". */
static bool
parse(struct cli *c, char **argv, struct options *o)
{
	bool options = true;

	while (*argv) {
		char *word = *argv++;

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1]) {
			if (!take_word(c, o, word, &argv))
				return false;
		} else {
			o->words[o->words_n++] = word;
		}
	}
	return true;
}

/* --- who it is to, and from ----------------------------------------------- */

struct rcpts {
	char **v; /* owned */
	size_t n;
};

static void
add_rcpt(void *arg, struct str address)
{
	struct rcpts *r = arg;

	for (size_t i = 0; i < r->n; i++)
		if (str_eq(str_of(r->v[i]), address))
			return;
	if (r->n == SENDMAIL_RCPTS_MAX)
		return;
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
find_rcpts(const struct options *o, const struct compose *head, struct rcpts *r)
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
	const struct passwd *pw = getpwuid(getuid());

	*u = (struct user){.full = ""};
	if (!pw || !str_copyz(u->name, sizeof(u->name), pw->pw_name))
		snprintf(u->name, sizeof(u->name), "%u", (unsigned)getuid());
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
find_sender(const struct options *o, const struct user *u, struct one *one_r)
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
	bool eof, failed;
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
	in->failed = n < 0;
	if (n > 0)
		tidy_feed(
			&in->tidy, (struct str){octets, (size_t)n}, &in->lines);
	in->eof = n <= 0 || in->tidy.ended;
	if (in->eof)
		tidy_end(&in->tidy, &in->lines);
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
	if (status == 0 && in->failed) {
		cli_refuse(ERR_IO, "standard input: %s", strerror(errno));
		status = EX_IOERR;
	}
	return status;
}

static int
send_message(const struct submit_place *place, const struct submit_mail *m,
	const struct options *o, const struct user *u, struct input *in,
	const struct compose *head)
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

static int
send_mail(struct cli *c, const struct options *o)
{
	struct input in = {
		.tidy = {.limit = SENDMAIL_LINE_MAX, .dot_ends = !o->dots}};
	struct submit_place place;
	struct rcpts rcpts = {0};
	struct compose head;
	struct user user;
	struct one sender;
	int status;

	who_am_i(&user);
	submit_place_find(c, &place);
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

/* --- other modes ---------------------------------------------------------- */

/* -bs: SMTP on standard input and output. */
static int
speak_smtp(struct cli *c)
{
	struct control_client *client = NULL;
	struct submit_place place;
	struct record request;
	struct err e = {0};
	int status = EX_TEMPFAIL;

	submit_place_find(c, &place);
	protocol_request(&request, VERB_SUBMIT, NULL);
	if (control_connect(place.run_dir, &client, &e) == OK &&
		serving_begin(client, &request, &status, &e) == OK) {
		status = serve_relay(client);
	} else {
		printf("421 4.3.2 %s\r\n",
			e.text[0] ? e.text : "the daemon is not running");
		status = EX_TEMPFAIL;
	}
	record_free(&request);
	control_close(client);
	submit_place_free(&place);
	return status;
}

int
sendmail_main(struct cli *c, char **argv)
{
	static char list[] = "list", retry[] = "retry", all[] = "--all",
		    yes[] = "--yes", queue[] = "queue";
	const char *const mailq[] = {queue, list, NULL};
	const char *const flush[] = {queue, retry, all, yes, NULL};
	struct options o = {.mode = MODE_SEND};
	size_t n = 0;
	int status = EX_USAGE;

	while (argv[n])
		n++;
	o.words = xcalloc(n + 1, sizeof(*o.words));
	if (parse(c, argv, &o))
		switch (o.mode) {
		case MODE_SEND:
			status = send_mail(c, &o);
			break;
		case MODE_SMTP:
			status = speak_smtp(c);
			break;
		case MODE_QUEUE:
			status = command_run(c, 2, mailq);
			break;
		case MODE_FLUSH:
			status = command_run(c, 4, flush);
			break;
		case MODE_NOTHING:
			status = 0;
			break;
		}
	free(o.words);
	return status;
}

/* mailq: sendmail -bp. */
int
mailq_main(struct cli *c, char **argv)
{
	static char bp[] = "-bp";
	char **with = NULL;
	size_t n = 0;
	int status;

	while (argv[n])
		n++;
	with = xcalloc(n + 2, sizeof(*with));
	memcpy(with, argv, n * sizeof(*with));
	with[n] = bp;
	status = sendmail_main(c, with);
	free(with);
	return status;
}

static int
run_send(struct cli *c, const struct args *a)
{
	char **argv = xcalloc(a->words_n + 1, sizeof(*argv));
	int status;

	for (size_t i = 0; i < a->words_n; i++)
		argv[i] = str_dupz(a->words[i]);
	status = sendmail_main(c, argv);
	for (size_t i = 0; i < a->words_n; i++)
		free(argv[i]);
	free(argv);
	return status;
}

const struct command send_commands[] = {
	{.name = "send",
		.words = "[sendmail options] [address ...]",
		.most = COMMAND_WORDS_MANY,
		.raw = true,
		.help = "Submits a message from standard input, with the "
			"options of sendmail; see tidepost-sendmail(1).",
		.example = "tidepost send -t -i <message",
		.run = run_send},
	{.name = NULL},
};
