#include "handin/batch.h"

#include "handin/batch_source.h"
#include "mail/bsmtp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct batch {
	const struct batch_conf *conf;
	struct talk *talk;
	struct batch_result *result;
	struct bsmtp_reader reader;
	struct batch_source *source;
	struct buf plain; /* not yet fed */
	bool done;	  /* nothing more comes of the file */
	/* the message in hand */
	size_t message_n, rcpt_n, rcpts_taken;
	bool refused; /* what follows of it is not handed in */
};

/* Octets to the reader; at the end it is finished. */
static enum err_code
feed(struct batch *b, struct err *e)
{
	enum err_code rc = batch_source_read(b->source, &b->plain, &b->done, e);

	if (rc != OK)
		return rc;
	bsmtp_feed(&b->reader, buf_view(&b->plain));
	buf_clear(&b->plain);
	if (b->done)
		bsmtp_finish(&b->reader);
	return OK;
}

/* --- what the daemon says ------------------------------------------------- */

static void
note(struct batch *b, uint64_t line, const char *what)
{
	struct batch_result *r = b->result;

	if (r->why[0])
		return; /* the first one tells most */
	snprintf(r->why, sizeof(r->why), "%s", what);
	r->line = line;
}

/* A refusal: for now, or of this message. */
static void
on_refusal(struct batch *b)
{
	char text[256];

	reply_one_line(&b->talk->reply, text, sizeof(text));
	note(b, b->reader.line, text);
	b->refused = true;
	/* too many recipients are not fewer tomorrow */
	b->result->later |= reply_class(&b->talk->reply) == 4 &&
			    strcmp(b->talk->reply.enhanced, "4.5.3") != 0;
}

static bool
is_good(const struct batch *b)
{
	int class = reply_class(&b->talk->reply);

	return class == 2 || class == 3;
}

/* --- events of the batch -------------------------------------------------- */

static enum err_code
on_mail(struct batch *b, struct err *e)
{
	enum err_code rc;

	b->message_n++;
	b->rcpt_n = b->rcpts_taken = 0;
	b->refused = false;
	rc = talk_command(b->talk, e, "MAIL %.*s", STR_FMT(b->reader.text));
	if (rc == OK && !is_good(b))
		on_refusal(b);
	return rc;
}

static enum err_code
say_id(struct batch *b, struct err *e)
{
	if (b->conf->keep_ids && b->reader.id[0])
		return talk_command(
			b->talk, e, "NOOP " WIRE_ID_KEY "%s", b->reader.id);
	return talk_command(b->talk, e, "NOOP " WIRE_ID_KEY "%s.%zu.%zu",
		b->conf->base, b->message_n, b->rcpt_n);
}

static enum err_code
on_rcpt(struct batch *b, struct err *e)
{
	enum err_code rc;

	b->rcpt_n++;
	if (b->refused)
		return OK;
	rc = say_id(b, e);
	if (rc == OK)
		rc = talk_command(
			b->talk, e, "RCPT %.*s", STR_FMT(b->reader.text));
	if (rc == OK && !is_good(b))
		on_refusal(b); /* all or nothing */
	return rc;
}

static enum err_code
on_data(struct batch *b, struct err *e)
{
	enum err_code rc;

	if (b->refused)
		return talk_command(b->talk, e, "RSET");
	rc = talk_command(b->talk, e, "DATA");
	if (rc == OK && !is_good(b))
		on_refusal(b);
	return rc;
}

static enum err_code
on_end(struct batch *b, struct err *e)
{
	enum err_code rc = b->refused ? OK : talk_end(b->talk, e);

	if (rc != OK)
		return rc;
	if (!b->refused && !is_good(b))
		on_refusal(b);
	if (b->refused)
		b->result->refused++;
	else if (strstr(b->talk->reply.text, "already here"))
		b->result->known++;
	else
		b->result->taken++;
	return OK;
}

static enum err_code
on_event(struct batch *b, enum bsmtp_event event, struct err *e)
{
	switch (event) {
	case BSMTP_MAIL:
		return on_mail(b, e);
	case BSMTP_RCPT:
		return on_rcpt(b, e);
	case BSMTP_DATA:
		return on_data(b, e);
	case BSMTP_BODY:
		return b->refused ? OK : talk_body(b->talk, b->reader.text, e);
	case BSMTP_END:
		return on_end(b, e);
	case BSMTP_MORE:
	case BSMTP_QUIT:
	case BSMTP_BAD:
		break;
	}
	return OK;
}

/* It cannot be read on from here. */
static void
spoil(struct batch *b, const char *why)
{
	b->result->bad = true;
	b->result->why[0] = '\0';
	note(b, b->reader.line, why);
}

/* False: nothing more comes of the file. */
static bool
more(struct batch *b)
{
	struct err e = {0};

	if (b->done) {
		if (bsmtp_is_cut(&b->reader))
			spoil(b, "it is cut inside of a message");
		else if (b->conf->must_end)
			spoil(b, "it has no end");
		return false;
	}
	if (feed(b, &e) == OK)
		return true;
	spoil(b, e.text);
	return false;
}

/* What is put off holds up nothing behind it: that is known the next time. */
static enum err_code
read_all(struct batch *b, struct err *e)
{
	enum err_code rc = OK;

	while (rc == OK) {
		enum bsmtp_event event = bsmtp_next(&b->reader);

		if (event == BSMTP_QUIT)
			break;
		if (event == BSMTP_BAD) {
			spoil(b, b->reader.text.p);
			break;
		}
		if (event == BSMTP_MORE && !more(b))
			break;
		rc = on_event(b, event, e);
	}
	return rc;
}

enum err_code
batch_hand_in(struct talk *t, const struct batch_conf *conf,
	struct batch_result *result_r, struct err *e)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	enum err_code rc;

	*result_r = (struct batch_result){.line = 0};
	b->conf = conf;
	b->talk = t;
	b->result = result_r;
	b->source = batch_source_new(conf->fd, conf->size_max);
	bsmtp_init(&b->reader);
	buf_init(&b->plain, BSMTP_BLOCK);
	rc = read_all(b, e);
	if (rc != OK)
		result_r->later = true;
	bsmtp_free(&b->reader);
	buf_free(&b->plain);
	batch_source_free(b->source);
	free(b);
	return rc;
}

/* --- the name of a content ------------------------------------------------ */

/* FNV-1a (64 bits), from two starting points; it need not be secret. */
static uint64_t
mix(uint64_t hash, unsigned char octet)
{
	return (hash ^ octet) * UINT64_C(1099511628211);
}

enum err_code
batch_name(int fd, char name_r[BATCH_NAME_MAX + 1], struct err *e)
{
	uint64_t a = UINT64_C(14695981039346656037), b = ~a, size = 0;
	unsigned char octets[BSMTP_BLOCK];
	ssize_t n;

	while ((n = read(fd, octets, sizeof(octets))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			a = mix(a, octets[i]);
			b = mix(b, (unsigned char)(octets[i] + (b >> 56)));
		}
		size += (uint64_t)n;
	}
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, ERR_IO, "%s", strerror(errno));
	snprintf(name_r, BATCH_NAME_MAX + 1, "%016llx%016llx",
		(unsigned long long)a, (unsigned long long)(b ^ size));
	return OK;
}
