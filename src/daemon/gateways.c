#include "daemon/gateways.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/batchfile.h"
#include "daemon/crash.h"
#include "daemon/dispatch.h"
#include "daemon/settle.h"
#include "mail/bang.h"
#include "net/child.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	GATEWAY_MESSAGES_MAX = 1000, /* of one batch */
	GATEWAY_OCTETS_MAX = 64 * 1024 * 1024,
	GATEWAY_FOLDER_EVERY_S = 15, /* how often a folder is looked for */
	GATEWAY_AGAIN_S = 60,	     /* after a fault of the spool */
	GATEWAY_NODE_MAX = 16,
};

#define GATEWAY_NODE_KEY "batch:node"

/* One route, and the batch of it that is under way. */
struct gateway {
	struct list_node node;
	struct gateways *g;
	char name[SPOOL_NAME_MAX + 1];
	bool known; /* the configuration has it */
	bool busy, again;
	unsigned failures;
	int64_t wait_until;
	char trouble[SPOOL_TEXT_MAX + 1]; /* what the log said last; "" none */
	struct job *job;
};

struct gateways {
	struct node *n;
	struct list_node list;
	char id[GATEWAY_NODE_MAX + 1]; /* of this spool; "" not yet read */
	bool stopping;
};

enum how {
	HOW_DONE,
	HOW_FAILED,  /* it was not taken, for sure */
	HOW_WAITING, /* the folder is not there: no trouble */
	HOW_DOUBT,   /* nobody knows */
	HOW_BAD,     /* one message cannot be read: the others without it */
};

struct job {
	struct gateway *w;
	struct node *n;
	uint64_t owner;
	int64_t now, due;
	/* of the route, copied: a reload may come */
	char *command, *folder, *hostname, *dir; /* owned */
	enum conf_format format;
	enum squeeze_kind squeeze;
	int64_t timeout_s;
	char node[GATEWAY_NODE_MAX + 1];
	struct spool_claimed *messages; /* owned */
	size_t messages_n;
	struct settle **settles; /* owned */
	struct child *child;
	int fd;			       /* the batch, for the command; -1 */
	char *name;		       /* of the file; owned */
	char said[CHILD_LINE_MAX + 1]; /* the command's last line */
	enum how how;
	size_t bad; /* HOW_BAD: which */
	enum err_code code;
	struct err err;
};

static void begin(struct gateway *w);

/* --- a job ---------------------------------------------------------------- */

static void
forget_messages(struct job *j)
{
	for (size_t i = 0; i < j->messages_n; i++)
		spool_claimed_clear(&j->messages[i]);
	j->messages_n = 0;
}

static void
job_free(struct job *j)
{
	for (size_t i = 0; j->settles && i < j->messages_n; i++)
		settle_free(j->settles[i]);
	free(j->settles);
	forget_messages(j);
	free(j->messages);
	child_free(j->child);
	if (j->fd >= 0)
		close(j->fd);
	free(j->command);
	free(j->folder);
	free(j->hostname);
	free(j->dir);
	free(j->name);
	free(j);
}

static void
gateway_free(struct gateway *w)
{
	list_remove(&w->node);
	free(w);
}

/* The job is over; what came meanwhile is looked at. */
static void
end_job(struct job *j, bool again)
{
	struct gateway *w = j->w;

	w->job = NULL;
	w->busy = false;
	job_free(j);
	if (!w->known)
		gateway_free(w);
	else if (w->again || again)
		begin(w);
}

/* --- what becomes of it --------------------------------------------------- */

static void
back_off(struct job *j)
{
	const struct conf *conf = j->n->conf;
	struct gateway *w = j->w;
	size_t i = w->failures < conf->queue.retry_n ? w->failures
						     : conf->queue.retry_n - 1;
	int64_t wait = j->how == HOW_WAITING ? GATEWAY_FOLDER_EVERY_S
					     : conf->queue.retry_s[i];

	if (j->how != HOW_WAITING)
		w->failures++;
	w->wait_until = clock_sane_s() + wait;
	dispatch_due_at(j->n->dispatch, w->wait_until);
}

static void
write_log(const struct job *j)
{
	struct gateway *w = j->w;

	if (j->how == HOW_DONE) {
		log_info("batch-sent", LOG_STR("route", w->name),
			LOG_INT("messages", j->messages_n),
			LOG_STR("file", j->name ? j->name : ""));
		w->trouble[0] = '\0';
	} else if (j->how != HOW_WAITING || strcmp(w->trouble, j->err.text)) {
		log_write(j->how == HOW_WAITING ? LOG_INFO : LOG_WARNING,
			"batch-waits",
			LOG_FIELDS(LOG_STR("route", w->name),
				LOG_INT("messages", j->messages_n),
				LOG_STR("why", j->err.text)));
		str_copyz(w->trouble, sizeof(w->trouble), j->err.text);
	}
}

static enum err_code
write_settles(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; i < j->messages_n && rc == OK; i++)
		rc = settle_write(t, j->settles[i], e);
	if (rc != OK)
		return rc;
	return spool_route_reason_put(t, j->w->name,
		j->how == HOW_DONE || j->how == HOW_BAD ? REASON_NONE
		: j->how == HOW_WAITING			? REASON_LINK_DOWN
							: REASON_RETRY_WAIT,
		j->how == HOW_DONE || j->how == HOW_BAD ? ""
		: j->how == HOW_WAITING			? j->folder
							: j->err.text,
		e);
}

static bool
drop_notices(struct job *j)
{
	bool dropped = false;

	for (size_t i = 0; i < j->messages_n; i++)
		dropped |= settle_drop_notices(j->settles[i]);
	return dropped;
}

static void
settled(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code == ERR_FULL && drop_notices(j)) {
		spool_submit(j->n->spool, write_settles, settled, j);
		return;
	}
	if (code != OK) {
		settle_release_owner(j->n, j->owner);
		log_error("outcome-not-stored", LOG_STR("route", j->w->name),
			LOG_STR("why", e->text));
		j->w->wait_until = clock_sane_s() + GATEWAY_AGAIN_S;
		dispatch_due_at(j->n->dispatch, j->w->wait_until);
		end_job(j, false);
		return;
	}
	for (size_t i = 0; i < j->messages_n; i++)
		settle_written(j->settles[i]);
	write_log(j);
	if (j->how == HOW_DONE)
		j->w->failures = 0;
	else if (j->how != HOW_BAD)
		back_off(j);
	end_job(j, j->how == HOW_DONE || j->how == HOW_BAD);
}

static void
judge(struct job *j, struct settle *st, size_t message, size_t i)
{
	struct reply ok;

	if (j->how == HOW_BAD && message == j->bad) {
		settle_hold(st, i, REASON_DISK, j->err.text);
		return;
	}
	reply_set(&ok, 250, "2.0.0", "%s %.200s",
		j->folder ? "in the batch" : "handed to the command",
		j->folder ? j->name : j->command);
	if (j->how == HOW_DONE)
		settle_reply(st, i, &ok);
	else
		settle_release(st, i, j->err.text);
}

static void
settle_all(struct job *j)
{
	crash_point("gateway-before-commit");
	j->settles = xcalloc(j->messages_n, sizeof(struct settle *));
	for (size_t i = 0; i < j->messages_n; i++) {
		struct settle *st = settle_new(
			j->n, &j->messages[i], j->owner, j->w->name, NULL, 0);

		j->settles[i] = st;
		settle_tell_success(st, DSN_RELAYED);
		for (size_t k = 0; k < j->messages[i].n; k++)
			judge(j, st, i, k);
		if (j->how == HOW_DOUBT)
			settle_in_doubt(st);
	}
	spool_submit(j->n->spool, write_settles, settled, j);
}

/* --- the command ---------------------------------------------------------- */

static void
on_line(void *arg, struct str line)
{
	struct job *j = arg;

	str_copy(j->said, sizeof(j->said), line);
	log_info("gateway-output", LOG_STR("route", j->w->name),
		LOG_VIEW("line", line));
}

static void
on_ended(void *arg, bool good, const char *how)
{
	struct job *j = arg;
	/* one that was killed may have done its work */
	bool exited = strncmp(how, "exit", 4) == 0;

	j->how = good ? HOW_DONE : exited ? HOW_FAILED : HOW_DOUBT;
	if (!good)
		err_set(&j->err, ERR_IO, "the command: %s%s%s", how,
			j->said[0] ? ": " : "", j->said);
	child_free(j->child);
	j->child = NULL;
	settle_all(j);
}

/* In quotes, for the shell; FRAMED: and in the parentheses of uux. */
static void
add_quoted(struct str s, bool framed, struct buf *out)
{
	buf_addz(out, framed ? "'(" : "'");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\'')
			buf_addz(out, "'\\''");
		else
			buf_add(out, s.p + i, 1);
	buf_addz(out, framed ? ")'" : "'");
}

static void
add_recipients(const struct job *j, bool framed, struct buf *out)
{
	const struct spool_claimed *c = &j->messages[0];
	struct buf path;

	buf_init(&path, 0);
	for (size_t i = 0; i < c->n; i++) {
		buf_clear(&path);
		if (!bang_from_address(c->deliveries[i].recipient, &path)) {
			buf_clear(&path);
			buf_addz(&path, c->deliveries[i].recipient);
		}
		if (i)
			buf_addz(out, " ");
		add_quoted(buf_view(&path), framed, out);
	}
	buf_free(&path);
}

/*
 * {} of the format rmail, or ({}): uux takes a word with "!" for a file of that
 * system, unless it stands in parentheses. Given.
 */
static char *
fill_in(const struct job *j)
{
	const char *at = strstr(j->command, "{}");
	struct buf out;
	bool framed;
	char *whole;

	if (j->format != FORMAT_RMAIL || !at)
		return str_dupz(j->command);
	framed = at > j->command && at[-1] == '(' && at[2] == ')';
	buf_init(&out, 0);
	buf_add(&out, j->command, (size_t)(at - j->command) - framed);
	add_recipients(j, framed, &out);
	buf_addz(&out, at + 2 + framed);
	whole = str_dup(buf_view(&out));
	buf_free(&out);
	return whole;
}

static void
run(struct job *j)
{
	char *command = fill_in(j);
	struct child_conf c = {
		.command = command,
		.timeout_ms = (uint64_t)j->timeout_s * 1000,
		.has_input = true,
		.input = j->fd,
		.line = on_line,
		.ended = on_ended,
		.arg = j,
	};

	j->child = child_spawn(j->n->loop, &c, &j->err);
	free(command);
	crash_point("gateway-running");
	if (j->child)
		return;
	j->how = HOW_FAILED;
	settle_all(j);
}

/* --- the batch ------------------------------------------------------------ */

/* On a helper thread. */
static void
write_batch(void *arg)
{
	struct job *j = arg;
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
}

static void
written(void *arg)
{
	struct job *j = arg;

	if (j->w->g->stopping) {
		settle_release_owner(j->n, j->owner);
		end_job(j, false);
	} else if (j->code == OK && j->command) {
		run(j);
	} else {
		j->how = j->code == OK		    ? HOW_DONE
			 : j->code == ERR_NOTFOUND  ? HOW_WAITING
			 : j->code == ERR_UNCERTAIN ? HOW_DOUBT
			 : j->code == ERR_CORRUPT   ? HOW_BAD
						    : HOW_FAILED;
		settle_all(j);
	}
}

static void
dropped(void *arg)
{
	struct job *j = arg;

	settle_release_owner(j->n, j->owner);
	end_job(j, false);
}

/* --- claiming ------------------------------------------------------------- */

/* Of this spool, for ever: made once. */
static enum err_code
node_id(struct spool_txn *t, char id_r[GATEWAY_NODE_MAX + 1], struct err *e)
{
	unsigned char octets[GATEWAY_NODE_MAX / 2];
	struct buf value;
	enum err_code rc;

	buf_init(&value, 0);
	rc = spool_meta_get(t, GATEWAY_NODE_KEY, &value, e);
	if (rc == OK)
		str_copy(id_r, GATEWAY_NODE_MAX + 1, buf_view(&value));
	buf_free(&value);
	if (rc != ERR_NOTFOUND)
		return rc;
	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets))
		return err_set(e, ERR_IO, "getrandom");
	for (size_t i = 0; i < sizeof(octets); i++)
		snprintf(id_r + 2 * i, 3, "%02x", octets[i]);
	return spool_meta_put(t, GATEWAY_NODE_KEY, str_of(id_r), e);
}

static enum err_code
claim_one(struct spool_txn *t, struct job *j, const struct spool_claim *c,
	struct err *e)
{
	struct spool_claimed *m = &j->messages[j->messages_n];
	enum err_code rc = spool_claim_next(t, c, m, e);

	if (rc != OK)
		return rc;
	j->messages_n++;
	return spool_set_in_doubt(t, j->owner, m->message.id, e);
}

static enum err_code
claim(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	const char *routes[] = {j->w->name};
	struct spool_claim c = {
		/* nobody there keeps to either (RFC 2852, RFC 8689) */
		.no_requiretls = true,
		.no_deliver_by = true,
		.owner = j->owner,
		.routes = routes,
		.routes_n = 1,
		.now = j->now,
		.peer = j->w->name,
	};
	size_t most = j->format == FORMAT_RMAIL ? 1 : GATEWAY_MESSAGES_MAX;
	enum err_code rc = node_id(t, j->node, e);
	uint64_t octets = 0;

	forget_messages(j); /* of an earlier run of this */
	while (rc == OK && j->messages_n < most &&
		octets < GATEWAY_OCTETS_MAX) {
		rc = claim_one(t, j, &c, e);
		if (rc == OK)
			octets += j->messages[j->messages_n - 1].message.size;
	}
	if (rc != ERR_NOTFOUND)
		return rc;
	return j->messages_n ? OK
			     : spool_route_due(
				       t, j->w->name, NULL, j->now, &j->due, e);
}

static void
claimed(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;

	if (code != OK) {
		log_error("claim-failed", LOG_STR("route", j->w->name),
			LOG_STR("why", e->text));
		j->w->wait_until = clock_sane_s() + GATEWAY_AGAIN_S;
		dispatch_due_at(j->n->dispatch, j->w->wait_until);
		end_job(j, false);
	} else if (j->messages_n == 0) {
		if (j->due > j->now)
			dispatch_due_at(j->n->dispatch, j->due);
		end_job(j, false);
	} else if (j->w->g->stopping) {
		dropped(j);
	} else {
		crash_point("gateway-claimed");
		pool_submit_droppable(
			j->n->pool, write_batch, written, dropped, j);
	}
}

static void
claim_now(struct job *j)
{
	spool_submit(j->n->spool, claim, claimed, j);
}

/* --- is the folder there? ------------------------------------------------- */

static enum err_code
note_missing(struct spool_txn *t, void *arg, struct err *e)
{
	struct job *j = arg;
	const char *route = j->w->name;
	enum err_code rc = spool_route_due(t, route, NULL, j->now, &j->due, e);

	if (rc != OK || j->due < 0)
		return rc;
	return spool_route_reason_put(t, route, REASON_LINK_DOWN, j->folder, e);
}

/* It is looked for again only while mail waits for it. */
static void
missing_noted(void *arg, enum err_code code, const struct err *e)
{
	struct job *j = arg;
	struct gateway *w = j->w;

	if (code != OK)
		log_error("claim-failed", LOG_STR("route", w->name),
			LOG_STR("why", e->text));
	if (code == OK && j->due >= 0) {
		err_set(&j->err, ERR_NOTFOUND, "%s is not there", j->folder);
		write_log(j);
	}
	if (code != OK || j->due >= 0)
		back_off(j);
	end_job(j, false);
}

/* On a helper thread: a stick that is dying answers late. */
static void
look_for_folder(void *arg)
{
	struct job *j = arg;

	j->code = access(j->folder, F_OK) == 0 ? OK : ERR_NOTFOUND;
}

static void
looked(void *arg)
{
	struct job *j = arg;

	if (j->w->g->stopping) {
		end_job(j, false);
	} else if (j->code == OK) {
		claim_now(j);
	} else {
		j->how = HOW_WAITING;
		spool_submit(j->n->spool, note_missing, missing_noted, j);
	}
}

static void
not_looked(void *arg)
{
	end_job(arg, false);
}

/* --- beginning ------------------------------------------------------------ */

static const struct conf_route *
route_of(const struct gateway *w)
{
	const struct conf *conf = w->g->n->conf;

	for (size_t i = 0; i < conf->routes_n; i++) {
		const struct conf_route *r = &conf->routes[i];

		if ((r->command || r->folder) &&
			strcmp(conf_route_name(r), w->name) == 0)
			return r;
	}
	return NULL;
}

/* Where a batch for a command stands meanwhile. */
static const char *
work_folder(const struct conf *conf)
{
	return conf->programs.drop && access(conf->programs.drop, W_OK) == 0
		       ? conf->programs.drop
		       : conf->run_dir;
}

static void
begin(struct gateway *w)
{
	static const enum squeeze_kind kinds[] = {
		[COMPRESS_NONE] = SQUEEZE_NONE,
		[COMPRESS_GZIP] = SQUEEZE_GZIP,
		[COMPRESS_ZSTD] = SQUEEZE_ZSTD,
	};
	const struct conf_route *r = route_of(w);
	struct node *n = w->g->n;
	struct job *j;

	w->again = w->busy;
	if (w->busy || w->g->stopping || !r || clock_sane_s() < w->wait_until)
		return;
	j = xcalloc(1, sizeof(*j));
	j->w = w;
	j->n = n;
	j->owner = node_new_id(n);
	j->now = clock_sane_s();
	j->fd = -1;
	j->command = r->command ? str_dupz(r->command) : NULL;
	j->folder = r->folder ? str_dupz(r->folder) : NULL;
	j->hostname = str_dupz(n->conf->hostname);
	j->dir = str_dupz(work_folder(n->conf));
	j->format = r->format;
	j->squeeze = kinds[r->compress];
	j->timeout_s = r->timeout_s;
	j->messages = xcalloc(GATEWAY_MESSAGES_MAX, sizeof(*j->messages));
	w->busy = true;
	w->job = j;
	if (j->folder)
		pool_submit_droppable(
			n->pool, look_for_folder, looked, not_looked, j);
	else
		claim_now(j);
}

/* --- all of them ---------------------------------------------------------- */

static struct gateway *
find(struct gateways *g, const char *name)
{
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

static void
take_route(struct gateways *g, const struct conf_route *r)
{
	struct gateway *w = find(g, conf_route_name(r));

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->g = g;
		str_copyz(w->name, sizeof(w->name), conf_route_name(r));
		list_push(&g->list, &w->node);
	}
	w->known = true;
	w->wait_until = 0;
	w->failures = 0;
}

void
gateways_reload(struct gateways *g)
{
	const struct conf *conf = g->n->conf;

	LIST_EACH(node, tmp, &g->list)
	{
		LIST_ITEM(node, struct gateway, node)->known = false;
	}
	for (size_t i = 0; i < conf->routes_n; i++)
		if (conf->routes[i].command || conf->routes[i].folder)
			take_route(g, &conf->routes[i]);
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (!w->known && !w->busy)
			gateway_free(w);
	}
}

struct gateways *
gateways_new(struct node *n)
{
	struct gateways *g = xcalloc(1, sizeof(*g));

	g->n = n;
	list_init(&g->list);
	gateways_reload(g);
	return g;
}

void
gateways_kick(struct gateways *g, const char *route)
{
	LIST_EACH(node, tmp, &g->list)
	{
		struct gateway *w = LIST_ITEM(node, struct gateway, node);

		if (!route || strcmp(w->name, route) == 0)
			begin(w);
	}
}

void
gateways_now(struct gateways *g)
{
	LIST_EACH(node, tmp, &g->list)
	{
		LIST_ITEM(node, struct gateway, node)->wait_until = 0;
	}
}

void
gateways_stop(struct gateways *g)
{
	if (!g)
		return;
	g->stopping = true;
	LIST_EACH(node, tmp, &g->list)
	{
		struct job *j = LIST_ITEM(node, struct gateway, node)->job;

		if (!j || !j->child)
			continue;
		/* it may have done its work: said so by the mark in the row */
		settle_release_owner(j->n, j->owner);
		end_job(j, false);
	}
}

void
gateways_free(struct gateways *g)
{
	if (!g)
		return;
	LIST_EACH(node, tmp, &g->list)
	{
		gateway_free(LIST_ITEM(node, struct gateway, node));
	}
	free(g);
}
