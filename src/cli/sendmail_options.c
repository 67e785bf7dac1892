/* sendmail: the options that programs pass to sendmail(8). */
#include "cli/sendmail_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wire/xtext.h"

static bool
set_mode(struct sendmail_options *o, const char *value)
{
	switch (value[0]) {
	case 'm':
		o->mode = SENDMAIL_SEND;
		return true;
	case 's':
		o->mode = SENDMAIL_SMTP;
		return true;
	case 'p':
		o->mode = SENDMAIL_QUEUE;
		return true;
	case 'i': /* newaliases: the daemon reads them itself */
		o->mode = SENDMAIL_NOTHING;
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
set_notify(struct sendmail_options *o, const char *value)
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
set_ret(struct sendmail_options *o, const char *value)
{
	if (strcasecmp(value, "full") == 0)
		o->params.ret = RET_FULL;
	else if (strcasecmp(value, "hdrs") == 0)
		o->params.ret = RET_HDRS;
	else
		return wrong_value('R', value, "full or hdrs");
	return true;
}

static bool
set_envid(struct sendmail_options *o, const char *value)
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
set_body(struct sendmail_options *o, const char *value)
{
	if (strcasecmp(value, "8BITMIME") == 0)
		o->params.body = BODY_8BITMIME;
	else if (strcasecmp(value, "7BIT") != 0)
		return wrong_value('B', value, "7BIT or 8BITMIME");
	return true;
}

/* Letters that take a value, and what the others are. */
static const char with_value[] = "fFrNRVBOCLpXhADbeo";
static const char with_attached[] = "qd";
static const char alone[] = "timvnUGxEsI";

/* False: it is wrong, and was said. */
static bool
set_option(struct cli *c, struct sendmail_options *o, char letter,
	const char *value)
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
	case 'I':
		return set_mode(o, "i");
	case 'q':
		o->mode = SENDMAIL_FLUSH;
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
take_word(struct cli *c, struct sendmail_options *o, const char *word,
	char ***next)
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

bool
sendmail_parse(struct cli *c, char **argv, struct sendmail_options *o)
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
