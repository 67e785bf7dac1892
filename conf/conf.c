#include "conf/conf.h"

#include "conf/aliases.h"

#include <stdlib.h>

static void
strings_free(struct conf_strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
}

static void
peer_free(struct conf_peer *p)
{
	free(p->name);
	strings_free(&p->host);
	free(p->command);
	free(p->tls_name);
	free(p->user);
	free(p->password_file);
	free(p->certificate);
	free(p->key);
	strings_free(&p->domains);
}

static void
route_free(struct conf_route *r)
{
	free(r->match);
	free(r->name);
	strings_free(&r->peers);
	free(r->command);
	free(r->folder);
	free(r->mailto);
	free(r->seal_file);
}

static void
rule_free(struct conf_rule *r)
{
	free(r->from);
	free(r->to);
	free(r->header);
	strings_free(&r->links);
}

static void
link_free(struct conf_link *l)
{
	free(l->name);
	free(l->interface);
	free(l->probe_command);
	strings_free(&l->peers);
	free(l->dial_up);
	free(l->dial_down);
	strings_free(&l->windows);
	free(l->currency);
	free(l->timezone);
	if (l->zone)
		zone_clear(l->zone);
	free(l->zone);
}

static void
lists_free(struct conf *c)
{
	for (size_t i = 0; i < c->listeners_n; i++) {
		free(c->listeners[i].name);
		free(c->listeners[i].address);
	}
	for (size_t i = 0; i < c->peers_n; i++)
		peer_free(&c->peers[i]);
	for (size_t i = 0; i < c->routes_n; i++)
		route_free(&c->routes[i]);
	for (size_t i = 0; i < c->rules_n; i++)
		rule_free(&c->rules[i]);
	for (size_t i = 0; i < c->links_n; i++)
		link_free(&c->links[i]);
	strings_free(&c->included);
	free(c->listeners);
	free(c->peers);
	free(c->routes);
	free(c->rules);
	free(c->links);
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	lists_free(c);
	free(c->file);
	free(c->text);
	strings_free(&c->alias_files);
	free(c->hostname);
	free(c->spool);
	free(c->run_dir);
	free(c->user);
	free(c->tls.certificate);
	free(c->tls.key);
	free(c->tls.ca_file);
	free(c->tls.client_ca_file);
	free(c->tls.min_version);
	strings_free(&c->relay.networks);
	strings_free(&c->local.domains);
	free(c->local.deliver_to);
	free(c->local.deliver_as);
	free(c->local.lmtp_socket);
	free(c->local.lmtp_host);
	free(c->report.to);
	free(c->metrics.listen);
	free(c->metrics.socket);
	free(c->metrics.address);
	free(c->local.separators);
	free(c->local.users_from);
	free(c->local.unknown_peer);
	strings_free(&c->local.unknown_domains);
	free(c->local.aliases);
	aliases_free(c->local.alias_table);
	free(c->auth);
	strings_free(&c->programs.trusted);
	free(c->programs.drop);
	strings_free(&c->auth_results);
	free(c->queue.retry_s);
	free(c->hooks);
	free(c->notices.copy_to);
	free(c->batches.address);
	strings_free(&c->batches.senders);
	free(c->batches.seal_file);
	free(c->mx.server);
	free(c->mx.root_key);
	peer_free(&c->mx.peer);
	free(c->log.to);
	free(c->log.level);
	free(c);
}
