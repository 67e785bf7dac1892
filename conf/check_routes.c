#include "conf/check.h"
#include "conf/timezone.h"
#include "wire/grammar.h"

#include <string.h>

enum { NAME_MOST = 255 }; /* octets of a route's name */

#ifdef TIDEPOST_UNBOUND
#define TIDEPOST_HAS_MX 1
#else
#define TIDEPOST_HAS_MX 0
#endif

/* The peer most like NAME; NULL: none is near. */
static const char *
near_peer(const struct conf *c, const char *name)
{
	const char *found = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < c->peers_n; i++) {
		const char *peer = c->peers[i].name;
		unsigned d = peer ? str_distance(peer, name) : least;

		if (d >= least || d >= strlen(name))
			continue;
		least = d;
		found = peer;
	}
	return found;
}

/* Each of NAMES, the strings PEERS of GROUP, is a peer that is defined. */
static void
check_peer_names(const struct check *k, const struct conf_strings *names,
	const struct node *group, const char *path)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct place *at = check_at_string(group, "peers", i);
		const char *near = near_peer(k->conf, names->v[i]);

		if (!TIDEPOST_HAS_MX && strcmp(names->v[i], CONF_MX) == 0)
			complain_error(k->out, at,
				"%s: mx: this program was built without "
				"delivery by MX (it needs libunbound)",
				path);
		else if (!conf_peer(k->conf, names->v[i]))
			complain_error(k->out, at,
				"%s: there is no peer %s%s%s%s", path,
				names->v[i], near ? "; did you mean " : "",
				near ? near : "", near ? "?" : "");
	}
}

static bool
is_match(struct str s)
{
	struct mailbox ignored;

	if (str_eq(s, STR("*")) || grammar_is_domain(s, true) ||
		grammar_is_address_literal(s))
		return true;
	if (s.n && s.p[0] == '.')
		return grammar_is_domain(str_skip(s, 1), true);
	return memchr(s.p, '@', s.n) && address_parse(s, true, &ignored);
}

static bool
is_subdomain(const char *domain, const char *of)
{
	size_t n = strlen(domain), tail = strlen(of);

	return n > tail && strcasecmp(domain + n - tail, of) == 0;
}

/* Does PATTERN match whatever MATCH does? */
static bool
covers(const char *pattern, const char *match)
{
	struct mailbox m;

	if (strcmp(pattern, "*") == 0 || strcasecmp(pattern, match) == 0)
		return true;
	if (address_parse(str_of(match), true, &m))
		return address_match(str_of(pattern), &m);
	return pattern[0] == '.' && is_subdomain(match, pattern);
}

/* What is local never comes to a route. */
static void
check_is_away(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	struct mailbox m;
	struct str domain = address_parse(str_of(r->match), true, &m)
				    ? mailbox_domain(&m)
				    : str_of(r->match);

	if (conf_is_local(k->conf, domain))
		complain_warning(k->out, check_at(g, "match"),
			"routes.match: never reached, %.*s is one of "
			"local.domains",
			(int)domain.n, domain.p);
}

static void
check_match(const struct check *k, size_t i, const struct node *g)
{
	const struct conf_route *r = &k->conf->routes[i];

	if (!r->match)
		return;
	if (!is_match(str_of(r->match)))
		complain_error(k->out, check_at(g, "match"),
			"routes.match: %s should be a domain, .domain, "
			"user@domain or *",
			r->match);
	for (size_t j = 0; j < i; j++) {
		const char *before = k->conf->routes[j].match;

		if (before && covers(before, r->match)) {
			complain_warning(k->out, check_at(g, "match"),
				"routes.match: never reached, %s stands before "
				"it: move it up, or take it away",
				before);
			return;
		}
	}
	check_is_away(k, r, g);
}

/* Mail waits by the name of its route: these belong to others. */
static bool
is_reserved(const char *name)
{
	return strcmp(name, "local") == 0 || strcmp(name, CONF_UNKNOWN) == 0 ||
	       strncmp(name, "customer:", 9) == 0 ||
	       strncmp(name, "batch:", 6) == 0;
}

static bool
same_peers(const struct conf_route *a, const struct conf_route *b)
{
	bool same = a->peers.n == b->peers.n && !conf_route_is_gateway(a) &&
		    !conf_route_is_gateway(b);

	for (size_t i = 0; same && i < a->peers.n; i++)
		same = strcmp(a->peers.v[i], b->peers.v[i]) == 0;
	return same;
}

static void
check_route_name(const struct check *k, size_t i, const struct node *g)
{
	const struct conf_route *r = &k->conf->routes[i];
	const char *name = r->match ? conf_route_name(r) : r->name;

	if (!name)
		return;
	if (strlen(name) > NAME_MOST) {
		complain_error(k->out, check_at(g, r->name ? "name" : "match"),
			"routes.name: a name has at most %d octets", NAME_MOST);
		return;
	}
	if (is_reserved(name)) {
		complain_error(k->out, check_at(g, r->name ? "name" : "match"),
			"routes.name: %s is reserved: choose another name",
			name);
		return;
	}
	for (size_t j = 0; j < i; j++) {
		const struct conf_route *before = &k->conf->routes[j];

		if (before->match &&
			strcmp(conf_route_name(before), name) == 0 &&
			!same_peers(before, r)) {
			complain_error(k->out,
				check_at(g, r->name ? "name" : "match"),
				"routes.name: two routes have the name %s, and "
				"go different ways: give each its own",
				name);
			return;
		}
	}
}

static void
check_route_peers(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	if (!node_member(g, "peers"))
		complain_error(k->out, &g->at,
			"routes: this route has no peers, command, folder or "
			"mailto: set one of them");
	else if (check_given(g, "peers") && r->peers.n == 0)
		complain_error(k->out, check_at(g, "peers"),
			"routes.peers: at least one peer should stand here");
	check_peer_names(k, &r->peers, g, "routes.peers");
}

/* A batch in a batch, and so on for ever. */
static void
check_mailto(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	const struct conf_route *way;
	struct mailbox to;

	if (!address_parse(str_of(r->mailto), true, &to)) {
		complain_error(k->out, check_at(g, "mailto"),
			"routes.mailto: %s is no address; write it as "
			"batch@example.org",
			r->mailto);
		return;
	}
	way = conf_is_local(k->conf, mailbox_domain(&to))
		      ? NULL
		      : conf_route_for(k->conf, &to);
	if ((way && way->mailto) ||
		(k->conf->batches.address &&
			strcasecmp(k->conf->batches.address, r->mailto) == 0))
		complain_error(k->out, check_at(g, "mailto"),
			"routes.mailto: mail to %s would become a batch "
			"itself; put a route with peers for it in front",
			r->mailto);
}

/* One of the three, and nothing that belongs to another. */
static void
check_gateway_kind(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	const char *second = !r->command ? "mailto"
			     : r->folder ? "folder"
					 : "mailto";

	if ((r->command && (r->folder || r->mailto)) ||
		(r->folder && r->mailto))
		complain_error(k->out, check_at(g, second),
			"routes.%s: a route has a command, a folder or mailto: "
			"keep one of them",
			second);
	if (node_member(g, "peers"))
		complain_error(k->out, check_at(g, "peers"),
			"routes.peers: a route has peers, or else a command, a "
			"folder or mailto: keep one of them");
	if (r->seal_file && !r->mailto)
		complain_error(k->out, check_at(g, "seal_file"),
			"routes.seal_file: only with mailto: take it away");
}

/* What a route with a command, a folder or mailto may not have beside it. */
static void
check_gateway(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	bool rmail = r->format == FORMAT_RMAIL;

	check_gateway_kind(k, r, g);
	if (r->mailto)
		check_mailto(k, r, g);
	if (r->seal_file)
		check_secret_file(k, "routes.seal_file", r->seal_file,
			check_at(g, "seal_file"));
	if (r->folder && r->folder[0] != '/')
		complain_error(k->out, check_at(g, "folder"),
			"routes.folder: this should be an absolute path, such "
			"as /media/stick/outbox");
	if (rmail && !r->command)
		complain_error(k->out, check_at(g, "format"),
			"routes.format: rmail needs a command");
	if (rmail && r->command && !strstr(r->command, "{}"))
		complain_error(k->out, check_at(g, "command"),
			"routes.command: with the format rmail, {} should "
			"stand for the recipients");
	if (rmail && r->compress != COMPRESS_NONE)
		complain_error(k->out, check_at(g, "compress"),
			"routes.compress: only batches (bsmtp) are compressed");
}

static void
check_target(
	const struct check *k, const struct conf_route *r, const struct node *g)
{
	static const char *const only[] = {
		"format", "compress", "timeout", "batch_size", "seal_file"};

	if (conf_route_is_gateway(r)) {
		check_gateway(k, r, g);
		return;
	}
	for (size_t i = 0; i < sizeof(only) / sizeof(*only); i++)
		if (check_given(g, only[i]))
			complain_error(k->out, check_at(g, only[i]),
				"routes.%s: only where there is a command, a "
				"folder or mailto: take it away",
				only[i]);
	check_route_peers(k, r, g);
}

/* Batches that come as mail. */
void
check_batches(const struct check *k)
{
	const struct node *g = check_group(k, "batches");
	const struct conf *c = k->conf;
	struct mailbox address;

	if (c->batches.address &&
		!address_parse(str_of(c->batches.address), true, &address))
		complain_error(k->out, check_at(g, "address"),
			"batches.address: %s is no address; write it as "
			"batch@example.org",
			c->batches.address);
	if (check_given(g, "senders") && c->batches.senders.n == 0)
		complain_error(k->out, check_at(g, "senders"),
			"batches.senders: at least one sender should stand "
			"here");
	for (size_t i = 0; i < c->batches.senders.n; i++)
		if (!address_parse(
			    str_of(c->batches.senders.v[i]), true, &address))
			complain_error(k->out, check_at_string(g, "senders", i),
				"batches.senders: %s is no address; write it "
				"as postmaster@example.org",
				c->batches.senders.v[i]);
	if (c->batches.seal_file)
		check_secret_file(k, "batches.seal_file", c->batches.seal_file,
			check_at(g, "seal_file"));
}

/* But for the one that is made of local.unknown. */
static size_t
written_routes(const struct conf *c)
{
	return c->routes_n - (c->local.unknown_peer ? 1 : 0);
}

void
check_routes(const struct check *k)
{
	for (size_t i = 0; i < written_routes(k->conf); i++) {
		const struct node *g = check_item(k, "routes", i);

		check_match(k, i, g);
		check_route_name(k, i, g);
		check_target(k, &k->conf->routes[i], g);
	}
}

static void
check_link_name(const struct check *k, size_t i, const struct node *g)
{
	const char *name = k->conf->links[i].name;

	check_name(k, g, "links.name", name);
	for (size_t j = 0; name && j < i; j++)
		if (k->conf->links[j].name &&
			strcmp(k->conf->links[j].name, name) == 0)
			complain_error(k->out, check_at(g, "name"),
				"links.name: two links have the name %s: give "
				"each its own",
				name);
}

static void
check_windows(
	const struct check *k, const struct conf_link *l, const struct node *g)
{
	const struct node *dial = node_member(g, "dial");

	for (size_t i = 0; i < l->windows.n; i++)
		if (!value_window(str_of(l->windows.v[i])))
			complain_error(k->out,
				check_at_string(dial, "windows", i),
				"links.dial.windows: \"%s\" should be like "
				"\"06:00-06:20\" or \"Mon-Fri 18:00-18:20\"",
				l->windows.v[i]);
}

static void
check_timezone(
	const struct check *k, const struct conf_link *l, const struct node *g)
{
	struct zone z;
	struct err e;

	if (!l->timezone)
		return;
	if (timezone_find(l->timezone, &z, &e) != OK)
		complain_error(k->out, check_at(g, "timezone"),
			"links.timezone: \"%.100s\": %s", l->timezone, e.text);
	zone_clear(&z);
}

/* The same for mail by MX, told once. */
static void
check_free_mx(const struct check *k)
{
	size_t from = 0;

	if (conf_link_for(k->conf, CONF_MX, &from))
		return;
	for (size_t i = 0; i < written_routes(k->conf); i++) {
		if (!conf_route_is_mx(&k->conf->routes[i]))
			continue;
		complain_warning(k->out, &check_item(k, "routes", i)->at,
			"routes: no link names the peer mx, so it is always "
			"reachable and no budget counts for it");
		return;
	}
}

/* A budget that mail can pass by. */
static void
check_free_peers(const struct check *k)
{
	bool budget = false;

	for (size_t i = 0; i < k->conf->links_n; i++)
		if (node_member(check_item(k, "links", i), "budget"))
			budget = true;
	for (size_t i = 0; budget && i < k->conf->peers_n; i++) {
		const char *name = k->conf->peers[i].name;
		size_t from = 0;

		if (name && !conf_link_for(k->conf, name, &from))
			complain_warning(k->out, &check_item(k, "peers", i)->at,
				"peers: no link names %s, so it is always "
				"reachable and no budget counts for it",
				name);
	}
	if (budget)
		check_free_mx(k);
}

static void
check_rule_links(
	const struct check *k, const struct conf_rule *r, const struct node *g)
{
	size_t octets = 0;

	for (size_t j = 0; j < r->links.n; j++) {
		octets += strlen(r->links.v[j]) + 1;
		if (!conf_link(k->conf, r->links.v[j]))
			complain_error(k->out, check_at_string(g, "links", j),
				"rules.links: there is no link %s: add it to "
				"links, or name another",
				r->links.v[j]);
	}
	if (octets > CONF_RULE_LINKS_MAX)
		complain_error(k->out, check_at(g, "links"),
			"rules.links: too many, their names may have %d octets "
			"together",
			CONF_RULE_LINKS_MAX);
}

/* RFC 5322 2.2: printable ASCII but the colon. */
static bool
is_field(const char *header)
{
	const char *colon = strchr(header, ':');
	struct str name =
		str_trim(colon ? (struct str){header, (size_t)(colon - header)}
			       : str_of(header));

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	return name.n > 0 && name.n <= CONF_FIELD_MAX;
}

static void
check_rule(
	const struct check *k, const struct conf_rule *r, const struct node *g)
{
	if (r->header && !is_field(r->header))
		complain_error(k->out, check_at(g, "header"),
			"rules.header: this should be a field's name, like "
			"\"List-Id\", or \"X-Spam-Flag: YES\"");
	check_rule_links(k, r, g);
}

void
check_links(const struct check *k)
{
	for (size_t i = 0; i < k->conf->links_n; i++) {
		const struct conf_link *l = &k->conf->links[i];
		const struct node *g = check_item(k, "links", i);

		check_link_name(k, i, g);
		check_peer_names(k, &l->peers, g, "links.peers");
		check_windows(k, l, g);
		check_timezone(k, l, g);
	}
	check_free_peers(k);
	for (size_t i = 0; i < k->conf->rules_n; i++)
		check_rule(k, &k->conf->rules[i], check_item(k, "rules", i));
}
