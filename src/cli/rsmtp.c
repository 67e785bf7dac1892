/*
 * rsmtp: batches of SMTP (mail/bsmtp.h), compressed or not. From standard
 * input, as UUCP and NNCP bring them, into the drop directory: when that is on
 * the disk it is the daemon's. From files, as a person brings them, to the
 * daemon where it runs, which says how it went.
 */
#include "cli/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/serving.h"
#include "cli/submit.h"
#include "faces/text.h"
#include "handin/batch.h"
#include "handin/drop.h"
#include "mail/hashed.h"

enum { RSMTP_BLOCK = 65536 };
#define RSMTP_SIZE_MAX (UINT64_C(1) << 30) /* without a configuration */

static uint64_t
size_max(const struct cli *c)
{
	return c->conf ? c->conf->limits.batch_size : RSMTP_SIZE_MAX;
}

/* --- into the drop directory ---------------------------------------------- */

/* HASHED: NULL, or only its lines. */
static enum err_code
put(struct drop *d, struct str octets, struct hashed *hashed, struct err *e)
{
	enum err_code rc;
	struct buf kept;

	if (!hashed)
		return drop_write(d, octets, e);
	buf_init(&kept, 0);
	hashed_read(hashed, octets, &kept);
	rc = drop_write(d, buf_view(&kept), e);
	buf_free(&kept);
	return rc;
}

static enum err_code
copy(int fd, struct drop *d, struct hashed *hashed, uint64_t most,
	struct err *e)
{
	static char octets[RSMTP_BLOCK];
	enum err_code rc = OK;
	uint64_t total = 0;
	ssize_t n;

	while (rc == OK && (n = read(fd, octets, sizeof(octets))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_IO, "read: %s", strerror(errno));
		total += (uint64_t)n;
		if (total > most)
			return err_set(e, ERR_LIMIT,
				"more than limits.batch_size (%llu octets)",
				(unsigned long long)most);
		rc = put(d, (struct str){octets, (size_t)n}, hashed, e);
	}
	if (rc == OK && total == 0)
		return err_set(e, ERR_INVALID, "it is empty");
	if (rc == OK && hashed && !hashed->any)
		return err_set(e, ERR_INVALID,
			"no line begins with #, as those of a batch do");
	return rc;
}

/* FILE: for words. NAME: NULL or that of its content. HASHED: see put. */
static int
leave(struct cli *c, const struct submit_place *place, int fd, const char *file,
	const char *name, struct hashed *hashed)
{
	struct drop *d = NULL;
	struct err e = {0};
	enum err_code rc;

	if (!place->drop) {
		cli_refuse(ERR_CLOSED, "the daemon is not running");
		return EX_TEMPFAIL;
	}
	rc = drop_open(place->drop, DROP_BATCH, name, &d, &e);
	if (rc == ERR_EXISTS)
		return 0; /* the same batch waits there already */
	if (rc == OK) {
		rc = copy(fd, d, hashed, size_max(c), &e);
		if (rc == OK)
			rc = drop_close(d, &e);
		else
			drop_abandon(d);
	}
	if (rc == OK)
		return 0;
	cli_refuse(rc, "%s: %s", file, e.text);
	return rc == ERR_INVALID || rc == ERR_LIMIT ? EX_DATAERR
	       : rc == ERR_FULL			    ? EX_CANTCREAT
						    : EX_TEMPFAIL;
}

/* --- to the daemon -------------------------------------------------------- */

static int
tell(const char *file, const struct batch_result *r)
{
	text_printf(stdout, "%s: %zu %s taken, %zu already here, %zu refused\n",
		file, r->taken, text_plural(r->taken, "message", "messages"),
		r->known, r->refused);
	if (!r->why[0])
		return 0;
	fflush(stdout);
	if (r->bad)
		cli_refuse(ERR_INVALID,
			"%s: line %llu: %s; what stands before it was handed "
			"in, the rest was not",
			file, (unsigned long long)r->line, r->why);
	else
		cli_refuse(ERR_INVALID, "%s: line %llu: %s%s", file,
			(unsigned long long)r->line, r->why,
			r->later ? "; read it again later" : "");
	return r->later ? EX_TEMPFAIL : EX_DATAERR;
}

static int
hand_in(struct cli *c, struct control_client *client, int fd, const char *file,
	const char *name)
{
	struct batch_conf conf = {
		.fd = fd,
		.base = name,
		.keep_ids = true,
		.size_max = size_max(c),
	};
	struct batch_result result;
	char first[RSMTP_BLOCK / 16];
	size_t n = control_take_rest(client, first, sizeof(first));
	struct talk talk;
	struct err e = {0};
	int status = 0;

	if (talk_begin(&talk, control_fd(client), (struct str){first, n}, &e) !=
		OK) {
		status = EX_TEMPFAIL;
	} else if (batch_hand_in(&talk, &conf, &result, &e) == OK) {
		status = tell(file, &result);
	} else {
		tell(file, &result);
		status = EX_TEMPFAIL;
	}
	if (e.text[0])
		cli_refuse(e.code, "%s: %s; read it again", file, e.text);
	talk_free(&talk);
	return status;
}

static int
bring(struct cli *c, const struct submit_place *place, int fd, const char *file)
{
	struct control_client *client = NULL;
	char name[BATCH_NAME_MAX + 1];
	struct record request;
	struct err e = {0};
	int status = EX_TEMPFAIL;

	if (batch_name(fd, name, &e) != OK)
		return cli_refuse(e.code, "%s: %s", file, e.text);
	if (control_connect(place->run_dir, &client, &e) != OK) {
		status = leave(c, place, fd, file, name, NULL);
		if (status == 0)
			text_printf(stdout,
				"%s: left for the daemon, which is down\n",
				file);
		return status;
	}
	protocol_request(&request, VERB_SUBMIT, NULL);
	record_add(&request, KEY_TRANSIT, "1");
	if (serving_begin(client, &request, &status, &e) == OK)
		status = hand_in(c, client, fd, file, name);
	else
		cli_refuse(e.code, "%s", e.text);
	record_free(&request);
	control_close(client);
	return status;
}

static int
bring_file(struct cli *c, const struct submit_place *place, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), status;

	if (fd < 0) {
		cli_refuse(ERR_IO, "%s: %s", file, strerror(errno));
		return EX_NOINPUT;
	}
	status = bring(c, place, fd, file);
	close(fd);
	return status;
}

int
rsmtp_hashed(struct cli *c, const struct submit_place *place)
{
	struct hashed hashed = {.any = false};

	return leave(c, place, STDIN_FILENO, "standard input", NULL, &hashed);
}

int
rsmtp_main(struct cli *c, char **argv)
{
	struct submit_place place;
	int status = submit_place_find(c, &place);

	if (status != 0)
		return status;
	if (!*argv)
		status = leave(
			c, &place, STDIN_FILENO, "standard input", NULL, NULL);
	for (; *argv; argv++) {
		int one = bring_file(c, &place, *argv);

		if (status == 0)
			status = one;
	}
	submit_place_free(&place);
	return status;
}
