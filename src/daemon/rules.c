#include "daemon/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CONF_FIELD_MAX == (int)HEADER_NAME_MAX,
	"a field that may be asked for is read whole");

static const struct {
	const char *name, *value;
} own[] = {
	{"List-Id", ""},
	{"Precedence", "bulk"},
	{"Precedence", "list"},
};

enum { OWN_N = sizeof(own) / sizeof(own[0]) };

/* "Name" or "Name: glob"; without a header nothing can be found. */
static struct header_ask
ask_of(const struct conf_rule *r)
{
	struct str header = str_of(r->header ? r->header : "");
	const char *colon = header.n ? memchr(header.p, ':', header.n) : NULL;
	struct header_ask a = {.name = str_trim(header)};

	if (!colon)
		return a;
	a.name = str_trim((struct str){header.p, (size_t)(colon - header.p)});
	a.value = str_trim(str_skip(header, (size_t)(colon - header.p) + 1));
	return a;
}

struct rules_look *
rules_look_new(const struct conf *conf)
{
	size_t n = conf->rules_n + OWN_N + 1;
	struct rules_look *l = xcalloc(1, sizeof(*l) + n * sizeof(l->asks[0]));

	l->conf = conf;
	for (size_t i = 0; i < conf->rules_n; i++)
		l->asks[i] = ask_of(&conf->rules[i]);
	for (size_t i = 0; i < OWN_N; i++)
		l->asks[conf->rules_n + i] = (struct header_ask){
			.name = str_of(own[i].name),
			.value = str_of(own[i].value),
		};
	snprintf(l->passed, sizeof(l->passed), "*by %s *", /* mail/trace.h */
		conf->hostname ? conf->hostname : "");
	l->asks[n - 1] = (struct header_ask){
		.name = STR("Received"), .value = str_of(l->passed)};
	l->catch.asks = l->asks;
	l->catch.asks_n = conf->local.unknown_peer ? n : n - 1;
	return l;
}

/* An address, domain, .domain, or a glob over the whole address. */
static bool
matches(const char *pattern, const struct mailbox *m)
{
	struct str p = str_of(pattern);

	if (mailbox_is_null(m))
		return str_eq(p, STR("<>"));
	return address_match(p, m) || str_glob(p, str_of(m->text));
}

const struct conf_rule *
rules_match(const struct rules_look *look, const struct mailbox *sender,
	const struct mailbox *to, uint64_t size)
{
	for (size_t i = 0; i < look->conf->rules_n; i++) {
		const struct conf_rule *r = &look->conf->rules[i];

		if ((!r->from || matches(r->from, sender)) &&
			(!r->to || matches(r->to, to)) &&
			(!r->header || look->asks[i].found) &&
			(!r->larger || size > r->larger))
			return r;
	}
	return NULL;
}

int
rules_priority(const struct rules_look *look, const struct mailbox *sender)
{
	const struct header_ask *asks = look->asks + look->conf->rules_n;

	for (size_t i = 0; i < OWN_N; i++)
		if (asks[i].found)
			return RULES_BULK;
	return mailbox_is_null(sender) ? RULES_LOW : 0;
}

bool
rules_passed_here(const struct rules_look *look)
{
	return look->asks[look->conf->rules_n + OWN_N].found;
}
