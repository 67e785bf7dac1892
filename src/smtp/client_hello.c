/* Greeting, EHLO or HELO, STARTTLS (RFC 5321 3.1, 3.2, RFC 3207). */
#include "smtp/client_private.h"
#include "wire/peertime.h"

#include <string.h>

enum { LIMIT_DIGITS_MAX = 6 }; /* RFC 9422 */

void
client_greeting_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)x;
	switch (reply_class(r)) {
	case 2:
		client_enter(c, CL_HELLO);
		break;
	case 4:
	case 5:
		client_fail(c, FAIL_REFUSED, r, "the peer takes no mail now");
		break;
	default:
		client_fail(c, FAIL_PROTOCOL, r, "this is no greeting");
	}
}

/* RFC 3207 4.2: what was known before TLS is forgotten. */
void
client_hello_enter(struct smtp_client *c)
{
	const char *word = c->conf.lmtp ? "LHLO" : c->helo ? "HELO" : "EHLO";

	c->extensions = 0;
	c->size_max = 0;
	c->deliver_by_min = 0;
	c->limit_rcpt = c->limit_mail = 0;
	buf_clear(&c->hello_text);
	buf_clear(&c->keywords);
	buf_clear(&c->mechs);
	client_command(c, CK_HELLO, "%s %s", word, c->conf.hostname);
}

/* --- what the EHLO reply says --------------------------------------------- */

static void
keep_keyword(struct smtp_client *c, struct str line)
{
	if (line.n + 1 >= buf_room(&c->keywords))
		return;
	if (c->keywords.len > 0)
		buf_addz(&c->keywords, "\n");
	for (size_t i = 0; i < line.n; i++) {
		char o = line.p[i];

		buf_add(&c->keywords, o >= ' ' && o <= '~' ? &o : "?", 1);
	}
	buf_z(&c->keywords);
}

/* 1 to 6 digits, the first not 0; 0: it is something else. */
static size_t
limit_value(struct str s)
{
	uint64_t value;

	if (s.n > LIMIT_DIGITS_MAX || s.n == 0 || s.p[0] == '0' ||
		!str_u64(s, &value))
		return 0;
	return (size_t)value;
}

/* RFC 9422: what is malformed or not known is passed over. */
static void
take_limits(struct smtp_client *c, struct str words)
{
	while (words.n > 0) {
		struct str value, word = str_cut(words, ' ', &words);
		struct str name = str_cut(word, '=', &value);
		size_t n = limit_value(value);

		if (n == 0)
			continue;
		if (str_eq_nocase(name, STR("RCPTMAX")))
			c->limit_rcpt = n;
		else if (str_eq_nocase(name, STR("MAILMAX")))
			c->limit_mail = n;
	}
}

/* ehlo-line (RFC 5321 4.1.1.1), and the old "AUTH=LOGIN". */
static void
take_keyword(struct smtp_client *c, struct str line)
{
	size_t n = 0;
	struct str rest, words;
	unsigned bit;

	line = str_trim(line);
	if (line.n == 0)
		return;
	keep_keyword(c, line);
	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t' &&
		line.p[n] != '=')
		n++;
	rest = n < line.n ? str_trim(str_skip(line, n + 1)) : STR("");
	bit = ext_by_name((struct str){line.p, n});
	c->extensions |= bit;
	if (bit == EXT_SIZE && !str_u64(rest, &c->size_max))
		c->size_max = 0;
	if (bit == EXT_LIMITS)
		take_limits(c, rest);
	/* RFC 2852 2: min-by-time, and what may follow behind a comma */
	if (bit == EXT_DELIVERBY &&
		!str_u64(str_cut(rest, ',', &words), &c->deliver_by_min))
		c->deliver_by_min = 0;
	if (bit == EXT_AUTH && rest.n + 1 <= buf_room(&c->mechs)) {
		buf_adds(&c->mechs, rest);
		buf_addz(&c->mechs, " ");
	}
}

/* Who is not known to be the peer is not asked for the time. */
static void
take_time(struct smtp_client *c, struct str line)
{
	int64_t wall_s;

	if (c->tls && c->tls_verified && !c->conf.turned &&
		peertime_read(line, &wall_s))
		client_event(c, EV_PEER_TIME, NULL)->wall_s = wall_s;
}

/* The first line is the peer's name, each other one a keyword. */
static void
take_keywords(struct smtp_client *c)
{
	struct str text = buf_view(&c->hello_text), line;

	for (bool first = true; text.n > 0; first = false) {
		line = str_cut(text, '\n', &text);
		if (line.n < 5) /* "250-" and CR */
			continue;
		line = (struct str){line.p + 4, line.n - 5};
		if (first)
			take_time(c, line);
		else
			take_keyword(c, line);
	}
}

/* --- and then ------------------------------------------------------------- */

static bool
wants_tls(const struct smtp_client *c)
{
	return !c->tls && !c->conf.turned && c->conf.tls != CLIENT_TLS_NONE;
}

static void
hello_done(struct smtp_client *c)
{
	if (wants_tls(c) && (c->extensions & EXT_STARTTLS))
		client_enter(c, CL_STARTTLS);
	else if (wants_tls(c) && c->conf.tls == CLIENT_TLS_REQUIRED)
		client_fail(c, FAIL_TLS, NULL,
			"TLS is required and the peer does not offer it");
	else
		client_enter(c, CL_AUTH);
}

/* RFC 5321 3.2: EHLO was "not recognized", so HELO may do. */
static bool
is_unrecognized(const struct reply *r)
{
	return r->code == 500 || r->code == 502 || r->code == 504;
}

static void
hello_refused(struct smtp_client *c, const struct reply *r)
{
	if (c->helo || c->conf.lmtp || !is_unrecognized(r)) {
		client_fail(c, FAIL_REFUSED, r,
			c->conf.lmtp ? "LHLO was refused" : "EHLO was refused");
	} else if (wants_tls(c) && c->conf.tls == CLIENT_TLS_REQUIRED) {
		client_fail(c, FAIL_TLS, r,
			"TLS is required and the peer does not know EHLO");
	} else if (c->conf.auth_required && !c->conf.turned) {
		client_fail(c, FAIL_AUTH, r,
			"AUTH is required and the peer does not know EHLO");
	} else {
		c->helo = true;
		client_enter(c, CL_HELLO);
	}
}

void
client_hello_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)x;
	switch (reply_class(r)) {
	case 2:
		if (!c->helo)
			take_keywords(c);
		if (c->conf.lmtp) /* by DATA, where the replies are plain */
			c->extensions &=
				~(unsigned)(EXT_CHUNKING | EXT_BINARYMIME);
		buf_free(&c->hello_text);
		hello_done(c);
		break;
	case 4:
	case 5:
		hello_refused(c, r);
		break;
	default:
		client_fail(c, FAIL_PROTOCOL, r, "this is no reply to EHLO");
	}
}

void
client_starttls_enter(struct smtp_client *c)
{
	client_command(c, CK_STARTTLS, "STARTTLS");
}

void
client_starttls_reply(
	struct smtp_client *c, const struct reply *r, struct client_expect x)
{
	(void)x;
	switch (reply_class(r)) {
	case 2:
		client_enter(c, CL_TLS);
		break;
	case 4:
	case 5:
		if (c->conf.tls == CLIENT_TLS_REQUIRED)
			client_fail(c, FAIL_TLS, r, "STARTTLS was refused");
		else
			client_enter(c, CL_AUTH);
		break;
	default:
		client_fail(
			c, FAIL_PROTOCOL, r, "this is no reply to STARTTLS");
	}
}
