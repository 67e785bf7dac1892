#include "daemon/reach.h"

#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/call.h"
#include "daemon/helper.h"

#include <stdlib.h>
#include <string.h>

enum {
	REACH_WHY_MAX = 900,	 /* all failures in words */
	REACH_PROGRAM_MS = 6000, /* for a program to end by itself */
};

struct reach {
	struct node *n;
	struct reach_conf conf;
	reach_fn *fn;
	void *arg;
	struct dial *dial;
	struct child *program; /* NULL: a host, or not started */
	size_t tried;	       /* hosts, in the order of this connection */
	size_t first;	       /* of peer->host */
	struct reach_host now; /* in hand */
	bool memory_used;
	bool answered; /* a host refused: there is a link */
	struct buf why;
	struct loop_timer *soon; /* a program begins from the loop */
};

static size_t
hosts_n(const struct reach *r)
{
	return r->conf.hosts ? r->conf.hosts_n : r->conf.peer->host.n;
}

static struct reach_host
host_of(const struct reach *r, size_t i)
{
	if (r->conf.hosts)
		return r->conf.hosts[i];
	return (struct reach_host){.name = r->conf.peer->host.v[i],
		.address = r->conf.peer->host.v[i]};
}

/* The one to begin with, then the others in their order. */
static struct reach_host
host_at(const struct reach *r, size_t i)
{
	if (i == 0)
		return host_of(r, r->first);
	return host_of(r, i <= r->first ? i - 1 : i);
}

static size_t
find_host(const struct reach *r, const char *host, size_t otherwise)
{
	for (size_t i = 0; host && i < hosts_n(r); i++)
		if (strcmp(host_of(r, i).name, host) == 0)
			return i;
	return otherwise;
}

static void start_program(void *arg);

struct reach *
reach_new(
	struct node *n, const struct reach_conf *conf, reach_fn *fn, void *arg)
{
	struct reach *r = xcalloc(1, sizeof(*r));

	r->n = n;
	r->conf = *conf;
	r->fn = fn;
	r->arg = arg;
	r->first = find_host(r, conf->first, 0);
	buf_init(&r->why, REACH_WHY_MAX);
	r->soon = loop_timer_new(n->loop, start_program, r);
	return r;
}

/* A program whose connection is over. */
struct parting {
	char *peer, *command; /* owned */
};

static void
log_program(const char *peer, const char *command, const char *how)
{
	log_warning("peer-command-ended", LOG_STR("peer", peer),
		LOG_STR("command", command), LOG_STR("how", how));
}

/* It may say only now what was wrong. */
static void
parted(void *arg, enum child_end end, const char *how)
{
	struct parting *p = arg;

	if (end == CHILD_FAILED || end == CHILD_NOT_RUN)
		log_program(p->peer, p->command, how);
	free(p->peer);
	free(p->command);
	free(p);
}

static void
part(struct reach *r)
{
	struct parting *p = xcalloc(1, sizeof(*p));

	p->peer = str_dupz(r->conf.peer->name);
	p->command = str_dupz(r->conf.peer->command);
	child_leave(r->program, REACH_PROGRAM_MS, parted, p);
}

void
reach_free(struct reach *r)
{
	if (!r)
		return;
	dial_cancel(r->dial);
	if (r->program)
		part(r);
	loop_timer_free(r->soon);
	buf_free(&r->why);
	free(r);
}

bool
reach_has_next(const struct reach *r)
{
	return r->tried < hosts_n(r);
}

/*
 * A host whose remembered address is worth a try: not one that is no longer
 * ours. False: there is none.
 */
static bool
remembered(const struct reach *r, struct reach_host *host_r)
{
	const struct known *known = &r->conf.known;
	size_t i = find_host(r, known->host, hosts_n(r));

	if (r->memory_used || i == hosts_n(r) || !known->address[0])
		return false;
	*host_r = host_of(r, i);
	if (strcmp(host_r->address, known->address) == 0)
		return false;
	host_r->address = known->address;
	return true;
}

static void on_dialled(void *arg, int fd, enum err_code code, const char *why);

static void
dial_now(struct reach *r)
{
	r->dial = call_dial(r->n,
		&(struct dial_conf){.host = r->now.address,
			.port = r->conf.port,
			.interface = r->conf.interface,
			.address = r->conf.address,
			.window = budgets_window(r->n->budgets, r->conf.link)},
		on_dialled, r);
}

static void
note_failure(struct reach *r, enum err_code code, const char *why)
{
	log_warning("unreachable", LOG_STR("peer", r->conf.peer->name),
		LOG_STR("host", r->now.address), LOG_STR("link", r->conf.link),
		LOG_STR("why", why));
	r->answered |= code == ERR_CLOSED;
	if (r->why.len && buf_room(&r->why) > strlen(why) + 2)
		buf_addz(&r->why, "; ");
	if (buf_room(&r->why) > strlen(why))
		buf_addz(&r->why, why);
}

static void
tell(struct reach *r, int fd)
{
	struct reached reached = {
		.fd = fd,
		.host = r->now.name,
		.dane = r->now.dane,
		.no_link = fd < 0 && !r->answered,
		.why = fd < 0 ? buf_z(&r->why) : "",
	};

	r->fn(r->arg, &reached);
}

static void
on_dialled(void *arg, int fd, enum err_code code, const char *why)
{
	struct reach *r = arg;
	struct reach_host host;

	r->dial = NULL;
	if (fd >= 0) {
		tell(r, fd);
		return;
	}
	note_failure(r, code, why);
	if ((code == ERR_BUSY || code == ERR_NOTFOUND) &&
		remembered(r, &host)) {
		r->memory_used = true;
		r->now = host;
		log_info("address-remembered",
			LOG_STR("peer", r->conf.peer->name),
			LOG_STR("host", host.name),
			LOG_STR("address", host.address));
		dial_now(r);
	} else if (reach_has_next(r)) {
		reach_next(r);
	} else {
		tell(r, -1);
	}
}

/* --- programs --- */

static void
program_says(void *arg, struct str line)
{
	struct reach *r = arg;
	char text[CHILD_LINE_MAX + 1];

	str_copy(text, sizeof(text), line);
	log_info("peer-command-says", LOG_STR("peer", r->conf.peer->name),
		LOG_STR("text", text));
}

/* Whoever uses the connection sees it close. */
static void
program_ended(void *arg, enum child_end end, const char *how)
{
	struct reach *r = arg;

	if (end != CHILD_GOOD)
		log_program(r->conf.peer->name, r->conf.peer->command, how);
}

static void
start_program(void *arg)
{
	struct reach *r = arg;
	struct err e = {0};
	int fd = -1;

	r->program = helper_connect(r->n->helper, r->n->loop,
		&(struct helper_request){.kind = HELPER_PEER,
			.name = r->conf.peer->name,
			.command = r->conf.peer->command},
		&(struct child_conf){
			.line = program_says, .ended = program_ended, .arg = r},
		&fd, &e);
	if (fd < 0)
		note_failure(r, ERR_IO, e.text);
	tell(r, fd);
}

void
reach_next(struct reach *r)
{
	if (r->conf.peer->command) {
		r->now = (struct reach_host){.name = "", .address = ""};
		loop_timer_set(r->soon, 0);
		return;
	}
	r->now = host_at(r, r->tried++);
	dial_now(r);
}
