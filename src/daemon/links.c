#include "daemon/links.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/dispatch.h"
#include "link/link.h"
#include "spool/queue.h"
#include "spool/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct link_run {
	struct spool_link row; /* what is recorded */
	struct link machine;
	struct list_node waits;
	int worst; /* of the results since it came up */
	char worst_text[512];
};

struct links {
	struct node *n;
	struct link_run *v;
	size_t count;
	struct loop_timer *timer; /* what a machine waits for next */
	char boot[64];
};

struct link_wait {
	struct list_node node;
	struct link_wait_ops ops;
	void *arg;
	struct loop_timer *timer;
};

static void on_timer(void *arg);

/* --- the record in the spool --- */

static void
read_boot(char *out, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(out, (int)size, f))
		str_copyz(out, size, "unknown");
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

struct link_save {
	struct spool_link row;
};

static enum err_code
write_link(struct spool_txn *t, void *arg, struct err *e)
{
	struct link_save *j = arg;

	return spool_link_put(t, &j->row, e);
}

static void
written(void *arg, enum err_code code, const struct err *e)
{
	if (code != OK)
		log_error("link-not-recorded", LOG_STR("why", e->text));
	free(arg);
}

static void
save(struct links *l, struct link_run *r)
{
	struct link_save *j = xcalloc(1, sizeof(*j));

	r->row.up = link_record(&r->machine).up;
	r->row.disabled = link_record(&r->machine).disabled;
	str_copyz(r->row.boot, sizeof(r->row.boot), l->boot);
	j->row = r->row;
	spool_submit(l->n->spool, write_link, written, j);
}

/* --- why routes wait --- */

struct reason_row {
	char route[SPOOL_NAME_MAX + 1];
	enum spool_reason reason;
	char arg[SPOOL_TEXT_MAX + 1];
};

struct reason_job {
	struct reason_row *rows;
	size_t n;
};

static enum err_code
write_reasons(struct spool_txn *t, void *arg, struct err *e)
{
	struct reason_job *j = arg;
	enum err_code rc = OK;

	for (size_t i = 0; rc == OK && i < j->n; i++)
		rc = spool_route_reason_put(t, j->rows[i].route,
			j->rows[i].reason, j->rows[i].arg, e);
	return rc;
}

static void
reasons_written(void *arg, enum err_code code, const struct err *e)
{
	struct reason_job *j = arg;

	if (code != OK)
		log_error("reasons-not-recorded", LOG_STR("why", e->text));
	free(j->rows);
	free(j);
}

/* "iridium or vsat": the links that could carry PEER. */
static void
add_link_names(const struct conf *conf, const char *peer, char *out, size_t n)
{
	const struct conf_link *cl;
	size_t at = strlen(out);

	for (size_t i = 0; (cl = conf_link_for(conf, peer, &i)) != NULL;) {
		int len;

		if (strstr(out, cl->name))
			continue;
		len = snprintf(
			out + at, n - at, "%s%s", at ? " or " : "", cl->name);
		if (len < 0 || (size_t)len >= n - at)
			return;
		at += (size_t)len;
	}
}

static void
explain_route(
	struct links *l, const struct conf_route *route, struct reason_row *row)
{
	struct link_way way;

	str_copyz(row->route, sizeof(row->route), conf_route_name(route));
	row->reason = REASON_LINK_DOWN;
	row->arg[0] = '\0';
	for (size_t i = 0; i < route->peers.n; i++) {
		if (links_way_to(l, route->peers.v[i], &way)) {
			const char *text = "";

			row->reason = dispatch_trouble(
				l->n->dispatch, route->peers.v[i], &text);
			str_copyz(row->arg, sizeof(row->arg), text);
			return;
		}
		add_link_names(l->n->conf, route->peers.v[i], row->arg,
			sizeof(row->arg));
	}
}

void
links_explain(struct links *l)
{
	struct conf *conf = l->n->conf;
	struct reason_job *j = xcalloc(1, sizeof(*j));

	j->n = conf->routes_n;
	j->rows = xcalloc(j->n, sizeof(*j->rows));
	for (size_t i = 0; i < j->n; i++)
		explain_route(l, &conf->routes[i], &j->rows[i]);
	spool_submit(l->n->spool, write_reasons, reasons_written, j);
}

/* --- making --- */

struct load_job {
	struct spool_link *rows;
	bool *found;
	const struct conf *conf;
};

static enum err_code
read_links(struct spool_txn *t, void *arg, struct err *e)
{
	struct load_job *j = arg;

	for (size_t i = 0; i < j->conf->links_n; i++) {
		enum err_code rc = spool_link_get(
			t, j->conf->links[i].name, &j->rows[i], e);

		if (rc != OK && rc != ERR_NOTFOUND)
			return rc;
		j->found[i] = rc == OK;
	}
	return OK;
}

static void
init_run(struct links *l, struct link_run *r, size_t i, bool known)
{
	const struct conf_link *cl = &l->n->conf->links[i];

	list_init(&r->waits);
	if (!known)
		r->row = (struct spool_link){.since = clock_wall_s()};
	str_copyz(r->row.name, sizeof(r->row.name), cl->name);
	if (strcmp(r->row.boot, l->boot) != 0)
		r->row.up = false;
	/* What is up is begun with when the daemon looks at all its mail. */
	link_init(&r->machine, i, &(struct link_conf){.dials = false},
		&(struct link_record){
			.up = r->row.up, .disabled = r->row.disabled},
		false, clock_mono_ms());
}

static enum err_code
load(struct links *l, struct err *e)
{
	struct conf *conf = l->n->conf;
	size_t n = conf->links_n;
	struct load_job j = {
		.rows = xcalloc(n, sizeof(struct spool_link)),
		.found = xcalloc(n, sizeof(bool)),
		.conf = conf,
	};
	enum err_code rc = spool_read(l->n->spool, read_links, &j, e);

	if (rc == OK) {
		l->v = xcalloc(n, sizeof(*l->v));
		l->count = n;
		for (size_t i = 0; i < n; i++) {
			l->v[i].row = j.rows[i];
			init_run(l, &l->v[i], i, j.found[i]);
		}
	}
	free(j.rows);
	free(j.found);
	return rc;
}

enum err_code
links_new(struct node *n, struct links **links_r, struct err *e)
{
	struct links *l = xcalloc(1, sizeof(*l));
	enum err_code rc;

	l->n = n;
	l->timer = loop_timer_new(n->loop, on_timer, l);
	read_boot(l->boot, sizeof(l->boot));
	rc = load(l, e);
	if (rc == OK) {
		links_explain(l);
		*links_r = l;
	} else {
		links_free(l);
	}
	return rc;
}

/* --- waiting --- */

static void
end_wait(struct link_wait *w, int code, const char *text)
{
	struct link_wait_ops ops = w->ops;
	void *arg = w->arg;

	links_wait_cancel(w);
	ops.over(arg, code, text);
}

static void
end_waits(struct link_run *r, int code, const char *text)
{
	while (!list_empty(&r->waits))
		end_wait(LIST_ITEM(r->waits.next, struct link_wait, node), code,
			text);
}

static void
on_deadline(void *arg)
{
	end_wait(arg, 15, "the deadline passed");
}

static struct link_run *
find(struct links *l, const char *name)
{
	for (size_t i = 0; name && i < l->count; i++)
		if (strcmp(l->v[i].row.name, name) == 0)
			return &l->v[i];
	return NULL;
}

struct link_wait *
links_wait(struct links *l, const char *name, int64_t deadline_s,
	const struct link_wait_ops *ops, void *arg)
{
	struct link_run *r = find(l, name);
	struct link_wait *w = xcalloc(1, sizeof(*w));

	w->ops = *ops;
	w->arg = arg;
	list_push(&r->waits, &w->node);
	w->timer = loop_timer_new(l->n->loop, on_deadline, w);
	if (deadline_s > 0)
		loop_timer_set(w->timer, (uint64_t)deadline_s * 1000);
	return w;
}

void
links_wait_cancel(struct link_wait *w)
{
	list_remove(&w->node);
	loop_timer_free(w->timer);
	free(w);
}

void
links_progress(struct links *l, const struct session *s)
{
	struct link_run *r = find(l, s->link);

	if (!r)
		return;
	LIST_EACH(node, tmp, &r->waits)
	{
		struct link_wait *w = LIST_ITEM(node, struct link_wait, node);

		w->ops.progress(w->arg, s);
	}
}

/* --- events --- */

static void
tell_rest(struct link_run *r)
{
	log_info("link-idle", LOG_STR("link", r->row.name),
		LOG_INT("code", r->worst), LOG_STR("text", r->worst_text));
	end_waits(r, r->worst,
		r->worst ? r->worst_text
			 : "everything that may use this link has moved");
}

static void
begin(struct links *l, struct link_run *r)
{
	r->worst = 0;
	r->worst_text[0] = '\0';
	dispatch_link_up(l->n->dispatch, r->row.name);
}

static void
obey(struct links *l, struct link_run *r, unsigned commands)
{
	if (commands & LINK_DO_SAVE) {
		r->row.since = clock_wall_s();
		save(l, r);
		links_explain(l);
		log_info("link", LOG_STR("link", r->row.name),
			LOG_STR("state", link_state_name(&r->machine)));
	}
	if (commands & LINK_DO_FINISH)
		dispatch_link_finish(l->n->dispatch, r->row.name);
	if (commands & LINK_DO_IDLE)
		tell_rest(r);
	if (commands & LINK_DO_STOP) {
		end_waits(r, 12, "the link was taken down");
		r->row.verified = false;
		dispatch_link_lost(l->n->dispatch, r->row.name);
	}
	if (commands & LINK_DO_START)
		begin(l, r);
}

static void set_timer(struct links *l);

static void
event(struct links *l, struct link_run *r, enum link_event ev)
{
	obey(l, r, link_event(&r->machine, ev, clock_mono_ms()));
	set_timer(l);
}

static void
on_timer(void *arg)
{
	struct links *l = arg;

	for (size_t i = 0; i < l->count; i++)
		if (link_wake_ms(&l->v[i].machine) <= clock_mono_ms())
			event(l, &l->v[i], LINK_EV_TICK);
	set_timer(l);
}

static void
set_timer(struct links *l)
{
	uint64_t now = clock_mono_ms(), at = UINT64_MAX;

	for (size_t i = 0; i < l->count; i++)
		if (link_wake_ms(&l->v[i].machine) < at)
			at = link_wake_ms(&l->v[i].machine);
	loop_timer_clear(l->timer);
	if (at != UINT64_MAX)
		loop_timer_set(l->timer, at > now ? at - now : 0);
}

static enum err_code
find_or_say(
	struct links *l, const char *name, struct link_run **r_r, struct err *e)
{
	struct buf known;

	*r_r = find(l, name);
	if (*r_r)
		return OK;
	buf_init(&known, 0);
	for (size_t i = 0; i < l->count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", l->v[i].row.name);
	err_set(e, ERR_NOTFOUND,
		"no link \"%s\" in the configuration; there is %.300s",
		name ? name : "", known.len ? buf_z(&known) : "none");
	buf_free(&known);
	return ERR_NOTFOUND;
}

enum err_code
links_up(struct links *l, const char *name, const char *interface,
	const char *address, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	str_copyz(r->row.interface, sizeof(r->row.interface), interface);
	str_copyz(r->row.address, sizeof(r->row.address), address);
	event(l, r, LINK_EV_UP);
	if (!list_empty(&r->waits))
		event(l, r, LINK_EV_WAITED);
	return OK;
}

enum err_code
links_down(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		event(l, r, LINK_EV_DOWN);
	return rc;
}

enum err_code
links_disable(
	struct links *l, const char *name, const char *reason, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	str_copyz(r->row.reason, sizeof(r->row.reason), reason);
	event(l, r, LINK_EV_DISABLE);
	return OK;
}

enum err_code
links_enable(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc != OK)
		return rc;
	r->row.reason[0] = '\0';
	event(l, r, LINK_EV_ENABLE);
	return OK;
}

bool
links_way_to(struct links *l, const char *peer, struct link_way *way_r)
{
	const struct conf_link *cl;
	bool named = false;

	*way_r = (struct link_way){NULL, NULL, NULL};
	for (size_t i = 0;
		(cl = conf_link_for(l->n->conf, peer, &i)) != NULL;) {
		struct link_run *r = find(l, cl->name);

		named = true;
		if (!r || !link_is_usable(&r->machine))
			continue;
		way_r->link = r->row.name;
		way_r->interface = r->row.interface;
		way_r->address = r->row.address;
		return true;
	}
	return !named;
}

void
links_again(struct links *l, const char *name)
{
	struct link_run *r = find(l, name);

	if (r && link_is_usable(&r->machine))
		begin(l, r);
}

bool
links_exists(struct links *l, const char *name)
{
	return find(l, name) != NULL;
}

bool
links_is_usable(struct links *l, const char *name)
{
	struct link_run *r = find(l, name);

	return r && link_is_usable(&r->machine);
}

bool
links_is_disabled(struct links *l, const char *name)
{
	struct link_run *r = find(l, name);

	return r && link_record(&r->machine).disabled;
}

static bool
link_carries(const struct conf *conf, const char *link, const char *peer)
{
	const struct conf_link *cl;

	for (size_t i = 0; (cl = conf_link_for(conf, peer, &i)) != NULL;)
		if (strcmp(cl->name, link) == 0)
			return true;
	return false;
}

bool
links_carry_route(const struct conf *conf, const char *link, const char *route)
{
	for (size_t i = 0; i < conf->routes_n; i++) {
		const struct conf_route *r = &conf->routes[i];

		if (strcmp(conf_route_name(r), route) != 0)
			continue;
		for (size_t k = 0; k < r->peers.n; k++)
			if (link_carries(conf, link, r->peers.v[k]))
				return true;
	}
	return false;
}

void
links_working(struct links *l, const char *link)
{
	struct link_run *r = find(l, link);

	if (r)
		event(l, r, LINK_EV_WORK);
}

/* Which of two results a script is told (the interface's order). */
static bool
is_worse(int a, int b)
{
	static const int order[] = {15, 12, 11, 14, 13, 10, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (order[i] == b)
			return false;
		if (order[i] == a)
			return true;
	}
	return false;
}

void
links_peer_result(
	struct links *l, const char *link, const struct exchange_result *result)
{
	struct link_run *r = find(l, link);

	if (!r)
		return;
	if (result->code == EXCHANGE_OK)
		r->row.verified = true;
	if (!is_worse((int)result->code, r->worst))
		return;
	r->worst = (int)result->code;
	str_copyz(r->worst_text, sizeof(r->worst_text), result->text);
}

void
links_resting(struct links *l, const char *link)
{
	struct link_run *r = find(l, link);

	if (!r)
		return;
	if (r->machine.state.now == LINK_IDLE)
		tell_rest(r);
	else
		event(l, r, LINK_EV_NO_WORK);
}

/* --- reload, status, end --- */

/* A link that stays keeps its state and who waits for it. */
static void
take_over(struct link_run *r, struct link_run *was)
{
	r->machine = was->machine;
	r->worst = was->worst;
	memcpy(r->worst_text, was->worst_text, sizeof(r->worst_text));
	while (!list_empty(&was->waits)) {
		struct list_node *node = was->waits.next;

		list_remove(node);
		list_push(&r->waits, node);
	}
}

void
links_reload(struct links *l)
{
	struct link_run *old = l->v;
	size_t old_n = l->count;
	struct conf *conf = l->n->conf;

	l->v = xcalloc(conf->links_n, sizeof(*l->v));
	l->count = conf->links_n;
	for (size_t i = 0; i < l->count; i++) {
		struct link_run *was = NULL;

		for (size_t k = 0; k < old_n && !was; k++)
			if (strcmp(old[k].row.name, conf->links[i].name) == 0)
				was = &old[k];
		if (was)
			l->v[i].row = was->row;
		init_run(l, &l->v[i], i, was != NULL);
		if (was)
			take_over(&l->v[i], was);
	}
	for (size_t k = 0; k < old_n; k++)
		end_waits(&old[k], 12, "the link is no longer configured");
	free(old);
	set_timer(l);
	links_explain(l);
}

/* What a person said, or what keeps a link that is up from use. */
static const char *
link_reason(const struct link_run *r)
{
	enum link_why why = link_why(&r->machine, clock_mono_ms());

	if (r->row.reason[0] || why != LINK_WHY_UNSTEADY)
		return r->row.reason;
	return link_why_text(why);
}

bool
links_facts(struct links *l, size_t i, struct link_facts *facts_r)
{
	struct link_run *r;

	if (i >= l->count)
		return false;
	r = &l->v[i];
	*facts_r = (struct link_facts){
		.name = r->row.name,
		.state = link_state_name(&r->machine),
		.interface = r->row.interface,
		.reason = link_reason(r),
		.since = r->row.since,
		.verified = r->row.verified,
		.usable = link_is_usable(&r->machine),
	};
	LIST_EACH(node, tmp, &l->n->sessions)
	{
		struct session *s = LIST_ITEM(node, struct session, node);
		struct stream_counts c = stream_counts(s->stream);

		if (strcmp(s->link, r->row.name) == 0) {
			facts_r->bytes_sent += c.sent;
			facts_r->bytes_received += c.received;
		}
	}
	return true;
}

void
links_free(struct links *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		end_waits(&l->v[i], 12, "the daemon stops");
	loop_timer_free(l->timer);
	free(l->v);
	free(l);
}
