/* Links: dial.up and dial.down as programs. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/helper.h"
#include "daemon/links_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call ends by the settings it began with. */
static const char *
down_command(const struct link_run *r)
{
	return r->called ? r->called->dial_down : r->conf->dial_down;
}

struct link_conf
links_dial_conf(const struct link_run *r)
{
	const struct conf_link *c = r->conf;

	return (struct link_conf){
		.dials = c->dial_up != NULL,
		.hangs_up = down_command(r) != NULL,
		.connects = c->interface == NULL,
		.dial_timeout_ms = (uint64_t)c->dial_timeout_s * 1000,
	};
}

static void
log_line(const struct link_run *r, const char *command, struct str line)
{
	log_info("dial-output", LOG_STR("link", r->row.name),
		LOG_STR("command", command), LOG_VIEW("text", line));
}

static void
log_end(const struct link_run *r, const char *command, bool good,
	const char *how)
{
	log_write(good ? LOG_INFO : LOG_WARNING, "dial-end",
		LOG_FIELDS(LOG_STR("link", r->row.name),
			LOG_STR("command", command), LOG_STR("text", how)));
}

/* --- hanging up --- */

static void
on_down_line(void *arg, struct str line)
{
	log_line(arg, "dial.down", line);
}

static void
on_down_ended(void *arg, enum child_end end, const char *how)
{
	struct link_run *r = arg;
	bool good = end == CHILD_GOOD;

	log_end(r, "dial.down", good, how);
	child_free(r->down);
	r->down = NULL;
	if (!good)
		snprintf(r->trouble, sizeof(r->trouble), "dial.down: %s", how);
	links_event(r, good ? LINK_EV_HUNG_UP : LINK_EV_HANGUP_FAILED);
}

/* Cannot even be started; not told from inside the machine's own command. */
static void
hang_up_failed(void *arg)
{
	links_event(arg, LINK_EV_HANGUP_FAILED);
}

static void
run_down(struct link_run *r)
{
	struct err e = {0};

	child_free(r->down); /* killed by now, if there was one */
	log_info("dial", LOG_STR("link", r->row.name),
		LOG_STR("command", "dial.down"));
	r->down = helper_spawn(r->l->n->helper, r->l->n->loop,
		&(struct helper_request){.kind = HELPER_DIAL_DOWN,
			.name = r->row.name,
			.command = down_command(r)},
		&(struct child_conf){
			.line = on_down_line, .ended = on_down_ended, .arg = r},
		&e);
	if (r->down)
		return;
	log_end(r, "dial.down", false, e.text);
	loop_post(r->l->n->loop, hang_up_failed, r);
}

void
links_dial_hang_up(struct link_run *r)
{
	if (r->up_runs)
		r->hang_up_waits = true;
	else
		run_down(r);
}

/* --- dialling --- */

static void
up_ended(struct link_run *r, bool good, const char *how)
{
	bool hang_up = r->hang_up_waits;

	log_end(r, "dial.up", good, how);
	r->up_runs = r->hang_up_waits = false;
	if (!good)
		snprintf(r->trouble, sizeof(r->trouble), "dial.up: %s", how);
	links_event(r, good ? LINK_EV_DIALED : LINK_EV_DIAL_FAILED);
	if (hang_up)
		run_down(r);
}

static void
on_up_line(void *arg, struct str line)
{
	log_line(arg, "dial.up", line);
}

/* What it left running may hold the line: not ended before hanging up. */
static void
on_up_ended(void *arg, enum child_end end, const char *how)
{
	up_ended(arg, end == CHILD_GOOD, how);
}

void
links_dial_saved(struct link_run *r, enum err_code code, const struct err *e)
{
	struct err why = {0};

	if (!r->dial_waits)
		return;
	r->dial_waits = false;
	r->trouble[0] = '\0';
	if (code == OK) {
		log_info("dial", LOG_STR("link", r->row.name),
			LOG_STR("command", "dial.up"));
		r->called = r->conf;
		r->up = helper_spawn(r->l->n->helper, r->l->n->loop,
			&(struct helper_request){.kind = HELPER_DIAL_UP,
				.name = r->row.name,
				.command = r->conf->dial_up},
			&(struct child_conf){.line = on_up_line,
				.ended = on_up_ended,
				.arg = r},
			&why);
	}
	r->up_runs = r->up != NULL;
	if (!r->up)
		up_ended(r, false, code == OK ? why.text : e->text);
}

static void
never_dialled(void *arg)
{
	links_event(arg, LINK_EV_DIAL_FAILED);
}

void
links_dial_kill(struct link_run *r)
{
	if (r->dial_waits) {
		r->dial_waits = false;
		loop_post(r->l->n->loop, never_dialled, r);
	}
	if (r->up && r->up_runs)
		child_kill(r->up);
	if (r->down)
		child_kill(r->down);
}

/* --- the end --- */

void
links_dial_over(struct link_run *r)
{
	child_free(r->up);
	r->up = NULL;
	r->up_runs = r->hang_up_waits = false;
	if (r->called && r->called != r->conf) {
		struct link_conf c;

		r->called = NULL;
		c = links_dial_conf(r);
		link_configure(&r->machine, &c);
	}
	r->called = NULL;
}

void
links_dial_tidy(struct link_run *r)
{
	if (!link_record(&r->machine).dialed)
		links_dial_over(r);
}

void
links_dial_free(struct link_run *r)
{
	child_free(r->up);
	child_free(r->down);
	r->up = r->down = NULL;
}
