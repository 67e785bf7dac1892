/* Which links may carry a delivery. */
#include "spool/private.h"

#include <string.h>

/* The next name of a list, cut from REST; false: no more. */
static bool
next_name(struct str *rest, struct str *name_r)
{
	const char *end;

	if (!rest->n)
		return false;
	end = memchr(rest->p, '\n', rest->n);
	*name_r =
		(struct str){rest->p, end ? (size_t)(end - rest->p) : rest->n};
	*rest = str_skip(*rest, name_r->n + (end ? 1 : 0));
	return true;
}

static bool
is_named(const char *links, const char *link)
{
	struct str rest = str_of(links), name;

	while (link && next_name(&rest, &name))
		if (str_eq(name, str_of(link)))
			return true;
	return false;
}

bool
bound_allows(const char *links, const struct spool_carrier *by)
{
	return !by->bound || !links[0] || is_named(links, by->link);
}

enum err_code
bound_next(struct spool_txn *t, const char *route, char *links, struct err *e)
{
	struct query q = {.table = T_DELIVERY, .index = DELIVERY_BY_CLAIM};
	struct delivery_row r;
	enum err_code rc;

	query_text(&q, DELIVERY_ROUTE, OP_EQ, route);
	query_text(&q, DELIVERY_LINKS, OP_GT, links);
	rc = tx_first(t, &q, &r, e);
	if (rc == OK)
		memcpy(links, r.d.links, sizeof(r.d.links));
	return rc;
}

/* Up as last reported, and not taken out of use. */
static enum err_code
link_is_up(struct spool_txn *t, struct str name, bool *up_r, struct err *e)
{
	struct spool_link l;
	char text[SPOOL_NAME_MAX + 1];
	enum err_code rc;

	str_copy(text, sizeof(text), name);
	rc = spool_link_get(t, text, &l, e);
	*up_r = rc == OK && l.up && !l.disabled;
	return rc == ERR_NOTFOUND ? OK : rc;
}

enum err_code
bound_is_up(struct spool_txn *t, const char *links, bool *up_r, struct err *e)
{
	struct str rest = str_of(links), name;
	enum err_code rc = OK;

	*up_r = false;
	while (rc == OK && !*up_r && next_name(&rest, &name))
		rc = link_is_up(t, name, up_r, e);
	return rc;
}

void
bound_text(const char *links, char *out, size_t size)
{
	struct str rest = str_of(links), name;
	struct buf text;

	buf_init(&text, 0);
	while (next_name(&rest, &name)) {
		if (text.len)
			buf_addz(&text, " or ");
		buf_adds(&text, name);
	}
	str_copyz(out, size, buf_z(&text));
	buf_free(&text);
}
