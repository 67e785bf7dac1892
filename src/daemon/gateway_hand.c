/* Gateways: a batch is written, and put into a folder or given to a command. */
#include "base/log.h"
#include "daemon/batchfile.h"
#include "daemon/crash.h"
#include "daemon/gateway_private.h"
#include "daemon/helper.h"
#include "mail/bang.h"

#include <stdlib.h>
#include <string.h>

/* --- the command ---------------------------------------------------------- */

static void
on_line(void *arg, struct str line)
{
	struct gateway_job *j = arg;

	str_copy(j->said, sizeof(j->said), line);
	log_info("gateway-output", LOG_STR("route", j->w->name),
		LOG_VIEW("line", line));
}

static void
on_ended(void *arg, enum child_end end, const char *how)
{
	struct gateway_job *j = arg;

	/* one that was killed may have done its work */
	j->how = end == CHILD_GOOD     ? HOW_DONE
		 : end == CHILD_BROKEN ? HOW_DOUBT
				       : HOW_FAILED;
	if (end != CHILD_GOOD)
		err_set(&j->err, ERR_IO, "the command: %s%s%s", how,
			j->said[0] ? ": " : "", j->said);
	child_free(j->child);
	j->child = NULL;
	gateway_settle(j);
}

/*
 * As a bang path, or as it is. What would look like an option to the command
 * gets quotes, which say the same (RFC 5321 4.1.2).
 */
static void
add_path(const char *recipient, struct buf *path)
{
	struct str domain, user = str_cut(str_of(recipient), '@', &domain);

	if (bang_from_address(recipient, path) && path->len &&
		buf_view(path).p[0] != '-')
		return;
	buf_clear(path);
	if (recipient[0] == '-')
		buf_addf(path, "\"%.*s\"@%.*s", STR_FMT(user), STR_FMT(domain));
	else
		buf_addz(path, recipient);
}

/* What stands for {} of the format rmail; NULL at its end. Given. */
static char **
words_of(const struct gateway_job *j, size_t *n_r)
{
	const struct spool_claimed *c = &j->messages[0];
	bool wanted = j->format == FORMAT_RMAIL && strstr(j->command, "{}");
	char **v = xcalloc(c->n + 1, sizeof(*v));
	struct buf path;

	buf_init(&path, 0);
	*n_r = wanted ? c->n : 0;
	for (size_t i = 0; i < *n_r; i++) {
		buf_clear(&path);
		add_path(c->deliveries[i].recipient, &path);
		v[i] = str_dup(buf_view(&path));
	}
	buf_free(&path);
	return v;
}

static void
run(struct gateway_job *j)
{
	struct helper_request what = {.kind = HELPER_ROUTE,
		.name = j->w->name,
		.command = j->command};
	struct child_conf c = {
		.timeout_ms = (uint64_t)j->timeout_s * 1000,
		.has_input = true,
		.input = j->fd,
		.line = on_line,
		.ended = on_ended,
		.arg = j,
	};
	char **words = words_of(j, &what.words_n);

	what.words = (const char *const *)words;
	j->child = helper_spawn(j->n->helper, j->n->loop, &what, &c, &j->err);
	for (size_t i = 0; i < what.words_n; i++)
		free(words[i]);
	free(words);
	crash_point("gateway-running");
	if (j->child)
		return;
	j->how = HOW_FAILED;
	gateway_settle(j);
}

/* --- the batch ------------------------------------------------------------ */

/* A message can be bad only while the batch is written, not behind it. */
static enum gateway_how
how_of(enum err_code code, const struct batchfile *b, bool to_folder)
{
	switch (code) {
	case OK:
		return HOW_DONE;
	case ERR_UNCERTAIN:
		return HOW_DOUBT;
	case ERR_NOTFOUND:
		return to_folder ? HOW_WAITING : HOW_FAILED;
	case ERR_CORRUPT:
	case ERR_UNSUPPORTED:
		return b->at < b->n ? HOW_BAD : HOW_FAILED;
	default:
		return HOW_FAILED;
	}
}

/* On a helper thread. */
static void
write_batch(void *arg)
{
	struct gateway_job *j = arg;
	struct batchfile b = {
		.spool = j->n->spool,
		.hostname = j->hostname,
		.node = j->node,
		.format = j->format,
		.squeeze = j->squeeze,
		.messages = j->messages,
		.n = j->messages_n,
	};

	if (j->folder)
		j->code = batchfile_put(&b, j->folder, &j->name, &j->err);
	else
		j->code = batchfile_make(&b, j->dir, &j->fd, &j->err);
	j->bad = b.at;
	if (j->code == OK && j->mail)
		j->code = gateway_mail_write(j, &j->err);
	j->how = how_of(j->code, &b, j->folder != NULL);
}

static void
written(void *arg)
{
	struct gateway_job *j = arg;

	if (j->w->g->stopping) {
		if (j->mail)
			gateway_mail_drop(j);
		gateway_drop(j);
	} else if (j->code == OK && j->command) {
		run(j);
	} else {
		gateway_settle(j);
	}
}

void
gateway_hand_over(struct gateway_job *j)
{
	if (j->mail && !gateway_mail_begin(j, &j->err)) {
		j->how = HOW_FAILED;
		gateway_settle(j);
		return;
	}
	pool_submit_droppable(
		j->n->pool, write_batch, written, gateway_drop, j);
}
