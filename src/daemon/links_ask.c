/* Links: what hooks, people and timers ask of them. */
#include "daemon/budgets.h"
#include "daemon/links_private.h"

static enum err_code
find_or_say(
	struct links *l, const char *name, struct link_run **r_r, struct err *e)
{
	struct buf known;

	*r_r = links_find(l, name);
	if (*r_r)
		return OK;
	buf_init(&known, 0);
	for (size_t i = 0; i < l->count; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", l->v[i]->row.name);
	err_set(e, ERR_NOTFOUND,
		"no link \"%s\" in the configuration; there is %.300s",
		name ? name : "", known.len ? buf_z(&known) : "none");
	buf_free(&known);
	return ERR_NOTFOUND;
}

/* --- that it is there --- */

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
	links_event(r, LINK_EV_UP);
	if (!list_empty(&r->waits))
		links_event(r, LINK_EV_WAITED);
	if (r->machine.blocks & LINK_BLOCK_BUDGET)
		links_end_waits(
			r, EXCHANGE_BUDGET, budgets_why(l->n->budgets, name));
	return OK;
}

enum err_code
links_down(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		links_event(r, LINK_EV_DOWN);
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
	links_event(r, LINK_EV_DISABLE);
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
	if (r->machine.stuck)
		links_configure(r, r->conf);
	links_event(r, LINK_EV_ENABLE);
	return OK;
}

/* --- to call --- */

/* What keeps even a person from calling. */
static enum err_code
may_be_called(struct link_run *r, struct err *e)
{
	if (r->machine.disabled)
		return err_set(e, ERR_BUSY,
			"the link is disabled; see: tidepost link enable");
	if (links_is_at_rest(r) && !r->machine.conf.dials)
		return err_set(e, ERR_CONFIG,
			"link %s has no dial.up in the configuration: nothing "
			"can call it; tell with link up that it is there",
			r->row.name);
	if (r->machine.blocks & LINK_BLOCK_BUDGET) {
		links_end_waits(r, 11, link_why_text(LINK_WHY_BUDGET));
		return err_set(
			e, ERR_BUSY, "%s", link_why_text(LINK_WHY_BUDGET));
	}
	return OK;
}

enum err_code
links_call(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		rc = may_be_called(r, e);
	if (rc != OK)
		return rc;
	links_event(r, LINK_EV_CALL);
	if (!list_empty(&r->waits))
		links_event(r, LINK_EV_WAITED);
	return OK;
}

enum err_code
links_hangup(struct links *l, const char *name, struct err *e)
{
	struct link_run *r;
	enum err_code rc = find_or_say(l, name, &r, e);

	if (rc == OK)
		links_event(r, LINK_EV_HANGUP);
	return rc;
}
