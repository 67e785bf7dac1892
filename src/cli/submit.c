#include "cli/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/serving.h"
#include "handin/drop.h"
#include "handin/talk.h"
#include "wire/grammar.h"

#define DEFAULT_RUN_DIR "/run/tidepost"
#define DEFAULT_DROP "/var/lib/tidepost-drop"
#define DEFAULT_SIZE (UINT64_C(50) << 20)
enum { DEFAULT_RCPTS = 10000 };

/* --- where the node is ---------------------------------------------------- */

static char *
home_of(const struct conf *conf)
{
	char name[256] = "";

	if (conf && conf->local.domains.n)
		return str_dupz(conf->local.domains.v[0]);
	if (conf)
		return str_dupz(conf->hostname);
	if (gethostname(name, sizeof(name) - 1) < 0 || !strchr(name, '.'))
		name[0] = '\0';
	return str_dupz(name);
}

/* The daemon goes on with its old settings while somebody edits the file. */
int
submit_place_find(struct cli *c, struct submit_place *p)
{
	const char *path = conf_path(c->conf_option);
	struct complaints unused = {0};

	*p = (struct submit_place){.run_dir = NULL};
	if (!c->conf)
		conf_load(path, &c->conf, &unused);
	complaints_free(&unused);
	p->home = home_of(c->conf);
	if (!c->conf && (conf_is_named(c->conf_option) ||
				(!p->home[0] && access(path, F_OK) == 0))) {
		cli_refuse(ERR_CONFIG,
			"%s has errors or may not be read: whose mail is this? "
			"See: tidepost check %s",
			path, path);
		submit_place_free(p);
		return EX_TEMPFAIL;
	}
	*p = (struct submit_place){
		.home = p->home,
		.rcpts_max =
			c->conf ? c->conf->programs.recipients : DEFAULT_RCPTS,
		.size_max =
			c->conf ? c->conf->limits.message_size : DEFAULT_SIZE,
	};
	p->run_dir = str_dupz(c->conf ? c->conf->run_dir : DEFAULT_RUN_DIR);
	if (!c->conf)
		p->drop = str_dupz(DEFAULT_DROP);
	else if (c->conf->programs.drop)
		p->drop = str_dupz(c->conf->programs.drop);
	return 0;
}

void
submit_place_free(struct submit_place *p)
{
	free(p->run_dir);
	free(p->drop);
	free(p->home);
}

/* --- one message ---------------------------------------------------------- */

struct submit {
	struct control_client *client; /* NULL: it goes into DROP */
	struct talk talk;
	struct drop *drop; /* NULL: nothing to take away */
	uint64_t size, size_max;
	struct dot_writer dots;
};

void
submit_cancel(struct submit *s)
{
	if (!s)
		return;
	drop_abandon(s->drop);
	if (s->client)
		talk_free(&s->talk);
	control_close(s->client);
	free(s);
}

/* What the daemon's refusal is to a program (sysexits.h). */
static int
status_of(const struct reply *r)
{
	if (reply_class(r) == 4)
		return EX_TEMPFAIL;
	if (strcmp(r->enhanced, "5.1.2") == 0)
		return EX_NOHOST;
	if (strncmp(r->enhanced, "5.1.", 4) == 0)
		return EX_NOUSER;
	if (strncmp(r->enhanced, "5.7.", 4) == 0)
		return EX_NOPERM;
	if (strncmp(r->enhanced, "5.6.", 4) == 0 ||
		strncmp(r->enhanced, "5.5.", 4) == 0 ||
		strcmp(r->enhanced, "5.3.4") == 0)
		return EX_DATAERR;
	return EX_UNAVAILABLE;
}

static int
refused(const struct reply *r, const char *what)
{
	char line[256];

	reply_one_line(r, line, sizeof(line));
	cli_refuse(ERR_INVALID, "%s: %s", what, line);
	return status_of(r);
}

static int
broken(const struct err *e)
{
	cli_refuse(e->code, "%s; nothing was sent", e->text);
	return EX_TEMPFAIL;
}

/* --- to the daemon --- */

static bool
needs_utf8(const struct submit_mail *m)
{
	bool ascii = grammar_is_ascii(str_of(m->sender));

	for (size_t i = 0; i < m->rcpts_n; i++)
		ascii &= grammar_is_ascii(str_of(m->rcpts[i]));
	return !ascii;
}

static void
add_mail(const struct submit_mail *m, struct buf *out)
{
	struct mail_params p = m->params;

	p.smtputf8 |= needs_utf8(m);
	buf_addf(out, "MAIL FROM:<%s>", m->sender);
	params_mail_write(&p, EXT_8BITMIME | EXT_SMTPUTF8 | EXT_DSN, out);
}

static void
add_rcpt(const struct submit_mail *m, size_t i, struct buf *out)
{
	buf_addf(out, "RCPT TO:<%s>", m->rcpts[i]);
	params_rcpt_write(&m->rcpt_params, EXT_DSN, out);
}

static int
say(struct submit *s, struct buf *line, const char *what)
{
	struct err e = {0};
	enum err_code rc = talk_command(&s->talk, &e, "%s", buf_z(line));
	int class = reply_class(&s->talk.reply);

	buf_clear(line);
	if (rc != OK)
		return broken(&e);
	return class == 2 || class == 3 ? 0 : refused(&s->talk.reply, what);
}

static int
say_envelope(struct submit *s, const struct submit_mail *m)
{
	struct buf line;
	int status;

	buf_init(&line, 0);
	add_mail(m, &line);
	status = say(s, &line, m->sender[0] ? m->sender : "<>");
	for (size_t i = 0; i < m->rcpts_n && status == 0; i++) {
		add_rcpt(m, i, &line);
		status = say(s, &line, m->rcpts[i]);
	}
	buf_addz(&line, "DATA");
	if (status == 0)
		status = say(s, &line, "the message");
	buf_free(&line);
	return status;
}

/* ERR_CLOSED: no daemon; the message can go into the drop directory. */
static enum err_code
reach(struct submit *s, const struct submit_place *place, int *status_r,
	struct err *e)
{
	char first[RECORD_KEY_MAX * 64];
	struct record request;
	enum err_code rc;
	size_t n;

	rc = control_connect(place->run_dir, &s->client, e);
	if (rc != OK)
		return ERR_CLOSED;
	protocol_request(&request, VERB_SUBMIT, NULL);
	rc = serving_begin(s->client, &request, status_r, e);
	record_free(&request);
	if (rc == OK) {
		n = control_take_rest(s->client, first, sizeof(first));
		rc = talk_begin(&s->talk, control_fd(s->client),
			(struct str){first, n}, e);
		if (rc != OK)
			talk_free(&s->talk);
	}
	if (rc != OK) {
		control_close(s->client);
		s->client = NULL;
	}
	return rc == OK ? OK : ERR_CLOSED;
}

/* --- into the drop directory --- */

static int
drop_failed(const struct err *e)
{
	cli_refuse(e->code,
		"the daemon does not take mail now, and it cannot be left for "
		"it: %s",
		e->text);
	return e->code == ERR_FULL ? EX_CANTCREAT : EX_TEMPFAIL;
}

static int
drop_envelope(struct submit *s, const struct submit_mail *m)
{
	struct err e = {0};
	struct buf text;
	enum err_code rc;

	buf_init(&text, 0);
	add_mail(m, &text);
	buf_addz(&text, "\r\n");
	for (size_t i = 0; i < m->rcpts_n; i++) {
		add_rcpt(m, i, &text);
		buf_addz(&text, "\r\n");
	}
	buf_addz(&text, "DATA\r\n");
	rc = drop_write(s->drop, buf_view(&text), &e);
	buf_free(&text);
	return rc == OK ? 0 : drop_failed(&e);
}

static int
begin_drop(struct submit *s, const struct submit_place *place,
	const struct submit_mail *m)
{
	struct err e = {0};
	enum err_code rc;

	if (!place->drop) {
		cli_refuse(ERR_CLOSED, "the daemon is not running");
		return EX_TEMPFAIL;
	}
	rc = drop_open(place->drop, m->transit ? DROP_BATCH : DROP_MAIL, NULL,
		&s->drop, &e);
	return rc == OK ? drop_envelope(s, m) : drop_failed(&e);
}

/* --- the whole --- */

int
submit_begin(const struct submit_place *place, const struct submit_mail *m,
	struct submit **submit_r)
{
	struct submit *s;
	struct err e = {0};
	int status = 0;

	if (m->rcpts_n > place->rcpts_max) {
		cli_refuse(ERR_LIMIT,
			"more than programs.recipients (%zu): send it in parts",
			place->rcpts_max);
		return EX_DATAERR;
	}
	s = xcalloc(1, sizeof(*s));
	s->size_max = place->size_max;
	if (!m->transit && reach(s, place, &status, &e) == OK)
		status = say_envelope(s, m);
	else
		status = begin_drop(s, place, m);
	if (status == 0)
		*submit_r = s;
	else
		submit_cancel(s);
	return status;
}

static int
drop_octets(struct submit *s, struct str octets)
{
	struct err e = {0};
	enum err_code rc = OK;
	struct buf out;

	s->size += octets.n;
	if (s->size > s->size_max) {
		cli_refuse(ERR_LIMIT,
			"larger than limits.message_size (%llu octets)",
			(unsigned long long)s->size_max);
		return EX_DATAERR;
	}
	buf_init(&out, 65536);
	while (octets.n && rc == OK) {
		octets = str_skip(octets, dot_write(&s->dots, octets, &out));
		rc = drop_write(s->drop, buf_view(&out), &e);
		buf_clear(&out);
	}
	buf_free(&out);
	return rc == OK ? 0 : drop_failed(&e);
}

int
submit_octets(struct submit *s, struct str octets)
{
	struct err e = {0};

	if (!s->client)
		return drop_octets(s, octets);
	return talk_body(&s->talk, octets, &e) == OK ? 0 : broken(&e);
}

static int
end_drop(struct submit *s)
{
	struct drop *d = s->drop;
	struct err e = {0};
	enum err_code rc;
	struct buf out;

	buf_init(&out, 0);
	dot_write_end(&s->dots, &out);
	buf_addz(&out, "QUIT\r\n");
	rc = drop_write(d, buf_view(&out), &e);
	buf_free(&out);
	if (rc == OK) {
		s->drop = NULL;
		rc = drop_close(d, &e);
	}
	return rc == OK ? 0 : drop_failed(&e);
}

static int
end_talk(struct submit *s)
{
	struct err e = {0};

	if (talk_end(&s->talk, &e) != OK) {
		cli_refuse(e.code, "%s; whether it was taken is not known",
			e.text);
		return EX_TEMPFAIL;
	}
	return reply_class(&s->talk.reply) == 2
		       ? 0
		       : refused(&s->talk.reply, "the message");
}

int
submit_end(struct submit *s)
{
	int status = s->client ? end_talk(s) : end_drop(s);

	submit_cancel(s);
	return status;
}
