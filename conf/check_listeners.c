#include "conf/check.h"
#include "wire/grammar.h"

#include <string.h>

static void
check_address(const struct check *k, const struct conf_listener *l,
	const struct node *g)
{
	struct str s = str_of(l->address);

	if (l->service == SERVICE_LMTP) {
		if (!str_starts_nocase(s, STR("unix:/")))
			complain_error(k->out, check_at(g, "address"),
				"listeners.address: lmtp listens on a Unix "
				"socket; write \"unix:/path\"");
		return;
	}
	if (str_eq(s, STR(CONF_ADDRESS_PROGRAM))) {
		if (l->service == SERVICE_SMTP)
			complain_error(k->out, check_at(g, "address"),
				"listeners.address: a program serves "
				"submission and odmr, not smtp; choose one of "
				"them as service");
		if (l->port)
			complain_error(k->out, check_at(g, "port"),
				"listeners.port: there is no port where a "
				"program connects: take it away");
		return;
	}
	if (!str_eq(s, STR("*")) && !value_address(s) &&
		!grammar_is_domain(s, false))
		complain_error(k->out, check_at(g, "address"),
			"listeners.address: %s is no address; write an IPv4 or "
			"IPv6 address, or * for all",
			l->address);
}

static const char *
service_name(const struct conf_listener *l)
{
	return l->service == SERVICE_ODMR	  ? "odmr"
	       : l->service == SERVICE_LMTP	  ? "lmtp"
	       : l->service == SERVICE_SUBMISSION ? "submission"
						  : "smtp";
}

/* Who must log in needs TLS, unless clear AUTH is allowed by name. */
static void
check_listener_tls(const struct check *k, const struct conf_listener *l,
	const struct node *g)
{
	bool login =
		l->service == SERVICE_SUBMISSION || l->service == SERVICE_ODMR;
	const char *at = check_given(g, "tls") ? "tls" : "service";

	if (l->tls != TLS_NONE) {
		if (!k->conf->tls.certificate)
			complain_error(k->out, check_at(g, at),
				"listeners: %s with TLS wants a certificate: "
				"set tls.certificate and tls.key",
				service_name(l));
		return;
	}
	if (!login || l->auth_clear)
		return;
	if (!k->conf->tls.certificate)
		complain_error(k->out, check_at(g, at),
			"listeners: %s without TLS lets nobody log in: set "
			"tls.certificate and tls.key, and tls = \"required\"",
			service_name(l));
	else
		complain_warning(k->out, check_at(g, at),
			"listeners: %s without TLS lets nobody log in, as long "
			"as auth_clear is not true",
			service_name(l));
}

/* RFC 2645 5.2 wants AUTH first, which the others do not ask for. */
static void
check_atrn(const struct check *k, const struct conf_listener *l,
	const struct node *g)
{
	if (l->atrn && l->service != SERVICE_SUBMISSION &&
		l->service != SERVICE_ODMR)
		complain_error(k->out, check_at(g, "atrn"),
			"listeners.atrn: %s listeners do not offer ATRN, only "
			"submission (and odmr, always)",
			service_name(l));
}

static bool
same_socket(const struct conf_listener *a, const struct conf_listener *b)
{
	return !conf_listener_is_program(a) && !conf_listener_is_program(b) &&
	       a->port == b->port && a->port != 0 &&
	       (strcmp(a->address, b->address) == 0 ||
		       strcmp(a->address, "*") == 0 ||
		       strcmp(b->address, "*") == 0);
}

/* Against all listeners before it. */
static void
check_doubles(const struct check *k, size_t i, const struct node *g)
{
	const struct conf_listener *l = &k->conf->listeners[i];

	for (size_t j = 0; j < i; j++) {
		const struct conf_listener *b = &k->conf->listeners[j];

		if (strcmp(l->name, b->name) == 0)
			complain_error(k->out, check_at(g, "name"),
				"listeners.name: two listeners have the name "
				"%s: give each its own",
				l->name);
		if (same_socket(l, b))
			complain_error(k->out,
				check_at(g, check_given(g, "port") ? "port"
								   : "address"),
				"listeners: port %u of %s is taken by the "
				"listener %s: choose another",
				l->port, l->address, b->name);
	}
}

void
check_listeners(const struct check *k)
{
	for (size_t i = 0; i < k->conf->listeners_n; i++) {
		const struct conf_listener *l = &k->conf->listeners[i];
		const struct node *g = check_item(k, "listeners", i);

		check_name(k, g, "listeners.name", l->name);
		check_address(k, l, g);
		check_doubles(k, i, g);
		check_atrn(k, l, g);
		if (l->service != SERVICE_LMTP)
			check_listener_tls(k, l, g);
	}
}
