#include "daemon/helper_permit.h"

#include "daemon/hook_env.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- of earlier configurations --- */

static void
forget(struct permit_former *f)
{
	free(f->link);
	free(f->command);
}

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool
was_down(const struct permits *p, const char *link, const char *command)
{
	for (size_t i = 0; i < p->former_n; i++)
		if (same(p->former[i].link, link) &&
			same(p->former[i].command, command))
			return true;
	return false;
}

static void
keep_down(struct permits *p, const struct conf_link *link)
{
	if (!link->dial_down || was_down(p, link->name, link->dial_down))
		return;
	if (p->former_n == PERMIT_FORMER_MAX) {
		forget(&p->former[0]);
		p->former_n--;
		memmove(p->former, p->former + 1,
			p->former_n * sizeof(p->former[0]));
	}
	p->former[p->former_n++] = (struct permit_former){
		str_dupz(link->name), str_dupz(link->dial_down)};
}

void
permits_set(struct permits *p, const struct conf *conf)
{
	for (size_t i = 0; p->conf && i < p->conf->links_n; i++)
		keep_down(p, &p->conf->links[i]);
	p->conf = conf;
}

void
permits_clear(struct permits *p)
{
	for (size_t i = 0; i < p->former_n; i++)
		forget(&p->former[i]);
	*p = (struct permits){.conf = NULL};
}

/* --- hooks --- */

static enum err_code
refuse(const char *why, struct err *e)
{
	return err_set(e, ERR_PERM, "%s", why);
}

/* A name in the folder of its event, and nothing that leads out of it. */
static bool
is_file_name(const char *z)
{
	size_t n = strlen(z);

	return n > 0 && n <= NAME_MAX && z[0] != '.' && z[n - 1] != '~' &&
	       !strchr(z, '/');
}

static enum err_code
look_at_hook(const struct permits *p, const struct helper_request *q,
	struct permit *out, struct err *e)
{
	const char *event = hook_event_find(q->name);

	if (!p->conf->hooks || !event || !is_file_name(q->command))
		return refuse("it is no hook of this configuration", e);
	for (size_t i = 0; i < q->words_n; i++)
		if (!hook_env_is_fact(q->words[i]))
			return refuse("a hook is not told such a thing", e);
	out->event = event;
	out->command =
		str_printf("%s/%s.d/%s", p->conf->hooks, event, q->command);
	return OK;
}

/* --- the command of a route --- */

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

/*
 * {} of the format rmail, or ({}): uux takes a word with "!" for a file of that
 * system, unless it stands in parentheses. Given.
 */
static char *
fill_in(const char *command, const struct helper_request *q)
{
	const char *at = strstr(command, "{}");
	bool framed = at > command && at[-1] == '(' && at[2] == ')';
	struct buf out;
	char *whole;

	buf_init(&out, 0);
	buf_add(&out, command, (size_t)(at - command) - framed);
	for (size_t i = 0; i < q->words_n; i++) {
		if (i)
			buf_addz(&out, " ");
		add_quoted(str_of(q->words[i]), framed, &out);
	}
	buf_addz(&out, at + 2 + framed);
	whole = str_dup(buf_view(&out));
	buf_free(&out);
	return whole;
}

static enum err_code
look_at_words(const struct conf_route *r, const struct helper_request *q,
	struct err *e)
{
	if (q->words_n &&
		(r->format != FORMAT_RMAIL || !strstr(r->command, "{}")))
		return refuse("the command of this route takes no words", e);
	for (size_t i = 0; i < q->words_n; i++)
		if (q->words[i][0] == '-')
			return refuse("a recipient that begins with - would be "
				      "taken for an option",
				e);
	return OK;
}

static enum err_code
look_at_route(const struct permits *p, const struct helper_request *q,
	struct permit *out, struct err *e)
{
	for (size_t i = 0; i < p->conf->routes_n; i++) {
		const struct conf_route *r = &p->conf->routes[i];

		if (!same(conf_route_name(r), q->name) ||
			!same(r->command, q->command))
			continue;
		if (look_at_words(r, q, e) != OK)
			return e->code;
		out->command = q->words_n ? fill_in(r->command, q)
					  : str_dupz(r->command);
		return OK;
	}
	return refuse("no route of the configuration has this command", e);
}

/* --- the others --- */

static enum err_code
look_at_link(const struct permits *p, const struct helper_request *q,
	struct permit *out, struct err *e)
{
	const struct conf_link *link = conf_link(p->conf, q->name);
	const char *command = NULL;
	bool former =
		q->kind == HELPER_DIAL_DOWN && was_down(p, q->name, q->command);

	if (link)
		command = q->kind == HELPER_DIAL_UP	? link->dial_up
			  : q->kind == HELPER_DIAL_DOWN ? link->dial_down
							: link->probe_command;
	if (q->words_n || (!same(command, q->command) && !former))
		return refuse(
			"no link of the configuration has this command", e);
	out->command = str_dupz(q->command);
	return OK;
}

static enum err_code
look_at_peer(const struct permits *p, const struct helper_request *q,
	struct permit *out, struct err *e)
{
	const struct conf_peer *peer = conf_peer(p->conf, q->name);

	if (q->words_n || !peer || !same(peer->command, q->command))
		return refuse(
			"no peer of the configuration has this command", e);
	out->command = str_dupz(q->command);
	out->connects = true;
	return OK;
}

enum err_code
permits_look(const struct permits *p, const struct helper_request *q,
	struct permit *out, struct err *e)
{
	bool wants_io = q->kind == HELPER_PEER || q->kind == HELPER_ROUTE;

	*out = (struct permit){.command = NULL};
	if (q->has_io != wants_io)
		return refuse("it has the wrong number of descriptors", e);
	switch (q->kind) {
	case HELPER_HOOK:
		return look_at_hook(p, q, out, e);
	case HELPER_PEER:
		return look_at_peer(p, q, out, e);
	case HELPER_ROUTE:
		return look_at_route(p, q, out, e);
	case HELPER_DIAL_UP:
	case HELPER_DIAL_DOWN:
	case HELPER_PROBE:
		return look_at_link(p, q, out, e);
	case HELPER_RELOAD:
	case HELPER_ADOPT:
	case HELPER_KINDS_N:
		break;
	}
	return refuse("it is no program", e);
}
