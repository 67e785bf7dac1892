#include "conf/build.h"
#include "conf/schema.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned
number(const struct node *group, const char *path)
{
	return (unsigned)build_value(group, path).n;
}

static bool
flag(const struct node *group, const char *path)
{
	return build_value(group, path).n != 0;
}

/* The system's own name, where it is a full one. */
static char *
system_hostname(void)
{
	char name[256];

	if (gethostname(name, sizeof(name)) != 0)
		return NULL;
	name[sizeof(name) - 1] = '\0';
	return strchr(name, '.') ? str_dupz(name) : NULL;
}

static void
build_node(struct conf *c, const struct node *root)
{
	c->hostname = build_text(root, "hostname");
	if (!c->hostname)
		c->hostname = system_hostname();
	c->spool = build_text(root, "spool");
	c->run_dir = build_text(root, "run_dir");
	c->user = build_text(root, "user");
	c->auth = build_text(root, "auth");
	c->auth_results = build_strings(root, "auth_results");
	c->hooks = build_text(root, "hooks");
	c->sandbox = flag(root, "sandbox");
}

/* "sqlite:/var/lib/tidepost/spool.db": /var/lib/tidepost-drop */
static char *
drop_beside(const char *spool)
{
	struct str scheme = STR("sqlite:");
	struct str path = str_of(spool);
	size_t n;

	if (!str_starts_nocase(path, scheme))
		return NULL;
	path = str_skip(path, scheme.n);
	for (n = path.n; n > 0 && path.p[n - 1] != '/';)
		n--;
	return n > 1 ? str_printf("%.*s-drop", (int)(n - 1), path.p) : NULL;
}

static void
build_programs(struct conf *c, const struct node *g)
{
	c->programs.trusted = build_strings(g, "programs.trusted");
	c->programs.recipients = number(g, "programs.recipients");
	c->programs.drop = build_text(g, "programs.drop");
	if (!c->programs.drop)
		c->programs.drop = drop_beside(c->spool);
}

static void
build_tls(struct conf *c, const struct node *g)
{
	c->tls.certificate = build_text(g, "tls.certificate");
	c->tls.key = build_text(g, "tls.key");
	c->tls.ca_file = build_text(g, "tls.ca_file");
	c->tls.client_ca_file = build_text(g, "tls.client_ca_file");
	c->tls.min_version = build_text(g, "tls.min_version");
}

static unsigned
service_port(enum conf_service service, enum conf_tls tls)
{
	switch (service) {
	case SERVICE_SMTP:
		return 25;
	case SERVICE_SUBMISSION:
		return tls == TLS_IMPLICIT ? 465 : 587; /* RFC 8314 7.3 */
	case SERVICE_ODMR:
		return 366; /* RFC 2645 */
	case SERVICE_LMTP:
	case SERVICE_PROGRAM:
		break;
	}
	return 24; /* by custom; RFC 2033 5 forbids 25 */
}

static enum conf_tls
service_tls(enum conf_service service, bool certificate)
{
	if (service == SERVICE_SUBMISSION || service == SERVICE_ODMR)
		return TLS_REQUIRED;
	return service == SERVICE_SMTP && certificate ? TLS_OFFERED : TLS_NONE;
}

static void
build_listener(struct conf_listener *l, const struct node *g, bool certificate)
{
	l->service = (enum conf_service)number(g, "listeners.service");
	l->tls = build_has(g, "listeners.tls")
			 ? (enum conf_tls)number(g, "listeners.tls")
			 : service_tls(l->service, certificate);
	l->address = build_text(g, "listeners.address");
	l->port = build_has(g, "listeners.port") ? number(g, "listeners.port")
		  : conf_listener_is_program(l)
			  ? 0
			  : service_port(l->service, l->tls);
	l->name = build_text(g, "listeners.name");
	if (!l->name)
		l->name = build_text(g, "listeners.service");
	l->atrn = flag(g, "listeners.atrn");
	l->auth_clear = flag(g, "listeners.auth_clear");
	/* Nodes call there; people's programs often choose what they cannot. */
	l->channel_binding = build_has(g, "listeners.channel_binding")
				     ? flag(g, "listeners.channel_binding")
				     : l->service == SERVICE_ODMR;
}

/* VERIFY_NAME also for a pin that check.c will refuse. */
static void
build_verify(struct conf_peer *p, const struct node *g)
{
	char *how = build_text(g, "peers.verify");

	if (strcmp(how, "none") == 0)
		p->verify = VERIFY_NONE;
	else if (value_pin(str_of(how), p->pin))
		p->verify = VERIFY_PIN;
	free(how);
}

static void
build_peer(struct conf_peer *p, const struct node *g)
{
	p->name = build_text(g, "peers.name");
	p->host = build_strings(g, "peers.host");
	p->command = build_text(g, "peers.command");
	p->port = number(g, "peers.port");
	p->tls = (enum conf_tls)number(g, "peers.tls");
	p->tls_name = build_text(g, "peers.tls_name");
	build_verify(p, g);
	p->user = build_text(g, "peers.user");
	p->password_file = build_text(g, "peers.password_file");
	p->certificate = build_text(g, "peers.certificate");
	p->key = build_text(g, "peers.key");
	p->auth_clear = flag(g, "peers.auth_clear");
	p->collect = (enum conf_collect)number(g, "peers.collect");
	p->collect_port = number(g, "peers.collect_port");
	p->domains = build_strings(g, "peers.domains");
	p->order = (enum conf_order)number(g, "peers.order");
	p->etrn_wait_s = build_seconds(g, "peers.etrn_wait");
}

static void
build_route(struct conf_route *r, const struct node *g)
{
	r->match = build_text(g, "routes.match");
	r->name = build_text(g, "routes.name");
	r->peers = build_strings(g, "routes.peers");
	r->command = build_text(g, "routes.command");
	r->folder = build_text(g, "routes.folder");
	r->mailto = build_text(g, "routes.mailto");
	r->seal_file = build_text(g, "routes.seal_file");
	r->format = (enum conf_format)number(g, "routes.format");
	r->compress = (enum conf_compress)number(g, "routes.compress");
	r->batch_size = (uint64_t)build_value(g, "routes.batch_size").n;
	r->timeout_s = build_seconds(g, "routes.timeout");
}

static void
build_rule(struct conf_rule *r, const struct node *g)
{
	r->line = g->at.line;
	r->from = build_text(g, "rules.from");
	r->to = build_text(g, "rules.to");
	r->header = build_text(g, "rules.header");
	r->larger = (uint64_t)build_value(g, "rules.larger").n;
	r->has_priority = build_has(g, "rules.priority");
	r->priority = (int)build_value(g, "rules.priority").n;
	r->links = build_strings(g, "rules.links");
	r->hold = flag(g, "rules.hold");
}

static void
build_relay(struct conf *c, const struct node *g)
{
	c->relay.networks = build_strings(g, "relay.networks");
	c->relay.max_priority = (int)build_value(g, "relay.max_priority").n;
}

static void
build_limits(struct conf *c, const struct node *g)
{
	c->limits.batch_size = (uint64_t)build_value(g, "limits.batch_size").n;
	c->limits.message_size =
		(uint64_t)build_value(g, "limits.message_size").n;
	c->limits.recipients = number(g, "limits.recipients");
	c->limits.alias_addresses = number(g, "limits.alias_addresses");
	c->limits.connections = number(g, "limits.connections");
	c->limits.connections_per_client =
		number(g, "limits.connections_per_client");
	c->limits.line = number(g, "limits.line");
	c->limits.errors = number(g, "limits.errors");
	c->limits.commands = number(g, "limits.commands");
	c->limits.messages_per_client = number(g, "limits.messages_per_client");
	c->limits.messages_per_user = number(g, "limits.messages_per_user");
	c->limits.etrn_per_hour = number(g, "limits.etrn_per_hour");
	c->limits.atrn_per_hour = number(g, "limits.atrn_per_hour");
	c->limits.queue_size = (uint64_t)build_value(g, "limits.queue_size").n;
	c->limits.queue_messages = number(g, "limits.queue_messages");
	c->limits.hold_time_s = build_seconds(g, "limits.hold_time");
	c->limits.hold_messages = number(g, "limits.hold_messages");
	c->limits.command_timeout_s =
		build_seconds(g, "limits.command_timeout");
	c->limits.data_timeout_s = build_seconds(g, "limits.data_timeout");
	c->limits.stall_timeout_s = build_seconds(g, "limits.stall_timeout");
	c->limits.final_timeout_s = build_seconds(g, "limits.final_timeout");
	c->limits.auth_delay_ms = build_value(g, "limits.auth_delay").n;
	c->limits.auth_pace_ms = build_value(g, "limits.auth_pace").n;
	c->limits.auth_failures_per_client =
		number(g, "limits.auth_failures_per_client");
	c->limits.auth_failures_per_account =
		number(g, "limits.auth_failures_per_account");
	c->limits.disk_reserve =
		(uint64_t)build_value(g, "limits.disk_reserve").n;
}

/* What follows PREFIX in TEXT, given to the caller; NULL: another prefix. */
static char *
behind(const char *text, const char *prefix)
{
	struct str s = str_of(text), p = str_of(prefix);

	if (s.n <= p.n || memcmp(s.p, p.p, p.n) != 0)
		return NULL;
	return str_dup(str_skip(s, p.n));
}

/*
 * "unix:/path", or "host:port" with an IPv6 address in brackets. Where it is
 * neither, nothing is set.
 */
static void
build_socket(const char *text, char **socket_r, char **host_r, unsigned *port_r)
{
	const char *colon = strrchr(text, ':');
	struct str host = {text, colon ? (size_t)(colon - text) : 0};
	uint64_t port;

	if ((*socket_r = behind(text, "unix:")))
		return;
	if (!colon || !str_u64(str_of(colon + 1), &port) || port > 65535)
		return;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){host.p + 1, host.n - 2};
	*host_r = str_dup(host);
	*port_r = (unsigned)port;
}

static void
build_deliver(struct conf *c, const struct node *g)
{
	static const struct {
		const char *prefix;
		enum conf_deliver deliver;
	} ways[] = {
		{"maildir:", DELIVER_MAILDIR},
		{"lmtp:", DELIVER_LMTP},
		{"pipe:", DELIVER_PIPE},
		{"mbox:", DELIVER_MBOX},
	};
	char *text = build_text(g, "local.deliver");

	for (size_t i = 0; text && i < sizeof(ways) / sizeof(*ways); i++) {
		if (!(c->local.deliver_to = behind(text, ways[i].prefix)))
			continue;
		c->local.deliver = ways[i].deliver;
		break;
	}
	if (c->local.deliver == DELIVER_LMTP)
		build_socket(c->local.deliver_to, &c->local.lmtp_socket,
			&c->local.lmtp_host, &c->local.lmtp_port);
	free(text);
}

static void
build_users(struct conf *c, const struct node *g)
{
	char *text = build_text(g, "local.users");

	if (strcmp(text, "spool") == 0)
		c->local.users = USERS_SPOOL;
	else if ((c->local.users_from = behind(text, "file:")))
		c->local.users = USERS_FILE;
	else if ((c->local.users_from = behind(text, "dovecot:")))
		c->local.users = USERS_DOVECOT;
	free(text);
}

static void
build_unknown(struct conf *c, const struct node *g)
{
	char *text = build_text(g, "local.unknown");

	c->local.unknown_peer = behind(text, "peer:");
	c->local.unknown_domains = build_strings(g, "local.unknown_domains");
	free(text);
}

static void
build_local(struct conf *c, const struct node *g)
{
	c->local.domains = build_strings(g, "local.domains");
	build_deliver(c, g);
	build_users(c, g);
	build_unknown(c, g);
	c->local.deliver_as = build_text(g, "local.deliver_as");
	c->local.min_uid = (unsigned)build_value(g, "local.min_uid").n;
	c->local.timeout_s = build_seconds(g, "local.timeout");
	c->local.separators = build_text(g, "local.separator");
	if (strcmp(c->local.separators, "none") == 0)
		c->local.separators[0] = '\0';
	c->local.quota = (uint64_t)build_value(g, "local.quota").n;
	c->local.aliases = build_text(g, "local.aliases");
	c->local.expn = flag(g, "local.expn");
}

static void
build_retry(struct conf *c, const struct node *g)
{
	struct conf_strings s = build_strings(g, "queue.retry");
	const struct schema_row *row = schema_find("queue.retry");

	c->queue.retry_s = xcalloc(s.n, sizeof(*c->queue.retry_s));
	c->queue.retry_n = s.n;
	for (size_t i = 0; i < s.n; i++) {
		struct value v = {0};

		schema_parse(row, str_of(s.v[i]), &v);
		c->queue.retry_s[i] = v.n / 1000;
		free(s.v[i]);
	}
	free(s.v);
}

static void
build_queue(struct conf *c, const struct node *g)
{
	build_retry(c, g);
	c->queue.warn_after_s = build_seconds(g, "queue.warn_after");
	c->queue.note_after_s = build_seconds(g, "queue.note_after");
	c->queue.expire_after_s = build_seconds(g, "queue.expire_after");
	c->queue.longest_s = build_seconds(g, "queue.longest");
	c->queue.keep_deleted_s = build_seconds(g, "queue.keep_deleted");
	c->queue.customer_lifetime_s =
		build_seconds(g, "queue.customer_lifetime");
	c->queue.quarantine_s = build_seconds(g, "queue.quarantine");
	c->queue.recode_signed = flag(g, "queue.recode_signed");
}

static void
build_customers(struct conf *c, const struct node *g)
{
	c->customers.tell_kept = flag(g, "customers.tell_kept");
}

static void
build_notices(struct conf *c, const struct node *g)
{
	c->notices.copy_to = build_text(g, "notices.copy_to");
	c->notices.full_size = (uint64_t)build_value(g, "notices.full_size").n;
}

static void
build_batches(struct conf *c, const struct node *g)
{
	c->batches.address = build_text(g, "batches.address");
	c->batches.senders = build_strings(g, "batches.senders");
	c->batches.seal_file = build_text(g, "batches.seal_file");
	c->batches.relay = flag(g, "batches.relay");
}

static void
build_mx(struct conf *c, const struct node *g)
{
	c->mx.server = build_text(g, "mx.server");
	c->mx.root_key = build_text(g, "mx.root_key");
	c->mx.sessions = number(g, "mx.sessions");
	c->mx.peer.name = str_dupz(CONF_MX);
	c->mx.peer.port = number(g, "mx.port");
	c->mx.peer.tls = (enum conf_tls)number(g, "mx.tls");
	c->mx.peer.verify = VERIFY_NONE;
}

static void
build_report(struct conf *c, const struct node *g)
{
	char *at = build_text(g, "report.at");
	unsigned minutes = 0;

	value_clock(str_of(at), &minutes);
	c->report.to = build_text(g, "report.to");
	c->report.at_s = (int64_t)minutes * 60;
	c->report.priority = (int)build_value(g, "report.priority").n;
	free(at);
}

static void
build_metrics(struct conf *c, const struct node *g)
{
	c->metrics.listen = build_text(g, "metrics.listen");
	if (c->metrics.listen)
		build_socket(c->metrics.listen, &c->metrics.socket,
			&c->metrics.address, &c->metrics.port);
}

static void
build_log(struct conf *c, const struct node *g)
{
	c->log.to = build_text(g, "log.to");
	c->log.level = build_text(g, "log.level");
	c->log.keep_s = build_seconds(g, "log.keep");
	c->log.keep_size = (uint64_t)build_value(g, "log.keep_size").n;
}

/* The groups of a list, or none; N_R of them, of SIZE octets each in ITEMS_R.
 */
static const struct node *
items(const struct node *root, const char *path, size_t size, void **items_r,
	size_t *n_r)
{
	const struct node *list = node_member(root, path);

	*n_r = list && list->good ? list->n : 0;
	*items_r = xcalloc(*n_r, size);
	return *n_r ? list->v : NULL;
}

/* Behind the others: no recipient matches it, it is chosen by name. */
static void
add_unknown_route(struct conf *c)
{
	struct conf_route *r;

	if (!c->local.unknown_peer)
		return;
	c->routes = xrealloc(c->routes, (c->routes_n + 1) * sizeof(*r));
	r = &c->routes[c->routes_n++];
	*r = (struct conf_route){
		.match = str_dupz(""), .name = str_dupz(CONF_UNKNOWN)};
	r->peers.v = xcalloc(1, sizeof(char *));
	r->peers.v[r->peers.n++] = str_dupz(c->local.unknown_peer);
}

static void
build_lists(struct conf *c, const struct node *root)
{
	const struct node *g;
	void *v;

	g = items(
		root, "listeners", sizeof(*c->listeners), &v, &c->listeners_n);
	c->listeners = v;
	for (size_t i = 0; i < c->listeners_n; i++)
		build_listener(&c->listeners[i], &g[i], c->tls.certificate);
	g = items(root, "peers", sizeof(*c->peers), &v, &c->peers_n);
	c->peers = v;
	for (size_t i = 0; i < c->peers_n; i++)
		build_peer(&c->peers[i], &g[i]);
	g = items(root, "routes", sizeof(*c->routes), &v, &c->routes_n);
	c->routes = v;
	for (size_t i = 0; i < c->routes_n; i++)
		build_route(&c->routes[i], &g[i]);
	add_unknown_route(c);
	g = items(root, "rules", sizeof(*c->rules), &v, &c->rules_n);
	c->rules = v;
	for (size_t i = 0; i < c->rules_n; i++)
		build_rule(&c->rules[i], &g[i]);
}

struct conf *
build_conf(const struct node *root, const char *file)
{
	struct conf *c = xcalloc(1, sizeof(*c));

	c->file = str_dupz(file);
	build_node(c, root);
	build_tls(c, node_member(root, "tls"));
	build_relay(c, node_member(root, "relay"));
	build_limits(c, node_member(root, "limits"));
	build_local(c, node_member(root, "local"));
	build_programs(c, node_member(root, "programs"));
	build_queue(c, node_member(root, "queue"));
	build_customers(c, node_member(root, "customers"));
	build_notices(c, node_member(root, "notices"));
	build_batches(c, node_member(root, "batches"));
	build_mx(c, node_member(root, "mx"));
	build_report(c, node_member(root, "report"));
	build_metrics(c, node_member(root, "metrics"));
	build_log(c, node_member(root, "log"));
	build_lists(c, root);
	build_links(c, root);
	return c;
}
