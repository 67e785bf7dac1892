/* What is said over a connection of an exchange once its way is open. */
#include "daemon/exchange_private.h"

#include "base/log.h"
#include "daemon/crash.h"
#include "daemon/giveup.h"
#include "daemon/peerclock.h"

#include <stdio.h>
#include <string.h>

static bool
same_connection(const struct exchange *x)
{
	return x->peer->collect_port == 0 ||
	       x->peer->collect_port == x->peer->port;
}

static const char *
own_domains(const struct exchange *x, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < x->peer->domains.n; i++) {
		int len = snprintf(out + at, size - at, "%s%s", i ? "," : "",
			x->peer->domains.v[i]);

		if (len < 0 || (size_t)len >= size - at)
			return NULL; /* too long a line: all of ours */
		at += (size_t)len;
	}
	return at ? out : NULL;
}

/* --- ETRN (RFC 1985 5.2) --- */

static const struct conf_strings *
asked_domains(const struct exchange *x)
{
	return x->peer->domains.n ? &x->peer->domains
				  : &x->settings->local.domains;
}

/* Asked first: what waits goes over the same connection behind it. */
static void
asked_all(struct exchange *x, struct deliver *d)
{
	if (same_connection(x) && x->step + 1 < x->steps_n && !x->finishing) {
		x->step++;
		deliver_push(d);
	} else {
		deliver_quit(d);
	}
}

static void
ask_next(struct exchange *x, struct deliver *d)
{
	const struct conf_strings *domains = asked_domains(x);

	if (x->asked < domains->n)
		deliver_etrn(d, domains->v[x->asked++]);
	else
		asked_all(x, d);
}

/* True: the peer does not do it; no other domain is asked for. */
static bool
etrn_refused(struct exchange *x, const char *domain, const struct reply *r)
{
	bool never = reply_class(r) == 5 && x->asked == 1;
	char line[256];

	reply_one_line(r, line, sizeof(line));
	if (x->collect_code == EXCHANGE_OK)
		snprintf(x->collect_text, sizeof(x->collect_text),
			"%.60s %s%.60s: %s", x->peer->name,
			never ? "does not do ETRN for " : "refuses ETRN for ",
			domain, line);
	x->collect_code =
		r->code == 530 ? EXCHANGE_NOT_TRUSTED : EXCHANGE_UNREACHABLE;
	x->result.cannot_collect = never;
	return never;
}

static void
on_etrn_reply(struct exchange *x, struct deliver *d, const struct reply *r)
{
	const char *domain = asked_domains(x)->v[x->asked - 1];
	char line[400];

	reply_one_line(r, line, sizeof(line));
	log_info("etrn", LOG_STR("peer", x->peer->name),
		LOG_STR("domain", domain), LOG_STR("reply", line));
	if (reply_class(r) == 2)
		x->result.expects_mail |= r->code != 251;
	else if (etrn_refused(x, domain, r)) {
		asked_all(x, d);
		return;
	}
	ask_next(x, d);
}

void
exchange_ready(void *arg, struct deliver *d)
{
	struct exchange *x = arg;

	x->served = x->result.met = true;
	x->result.size_max = deliver_size_max(d);
	x->result.extensions = deliver_extensions(d);
	buf_clear(&x->keywords);
	buf_addz(&x->keywords, deliver_keywords(d));
}

void
exchange_told_time(void *arg, int64_t wall_s)
{
	const struct exchange *x = arg;

	peerclock_heard(x->n, x->peer->name, wall_s);
}

static void
given_up(void *arg, enum err_code code, const struct err *e, size_t count)
{
	struct exchange *x = arg;

	if (code != OK)
		log_error("too-large-not-returned",
			LOG_STR("peer", x->peer->name),
			LOG_STR("why", e->text));
	else if (count)
		log_warning("too-large", LOG_STR("peer", x->peer->name),
			LOG_INT("deliveries", count));
	x->returning--;
	if (x->ended)
		exchange_end(x);
	exchange_unref(x);
}

/*
 * What is larger than the only peer of its route takes (RFC 1870) will never
 * go: it returns to its sender now, not after days.
 */
static void
return_too_large(struct exchange *x, struct deliver *d)
{
	const struct conf *conf = x->n->conf;
	uint64_t most = deliver_size_max(d);
	char text[300];

	snprintf(text, sizeof(text),
		"the message is larger than %s takes (%llu octets)",
		x->peer->name, (unsigned long long)most);
	for (size_t i = 0; most && i < conf->routes_n; i++) {
		const struct conf_route *route = &conf->routes[i];
		struct spool_filter f = {
			.route = conf_route_name(route), .larger = most};

		if (route->peers.n != 1 ||
			strcmp(route->peers.v[0], x->peer->name) != 0)
			continue;
		for (int state = 0; state < 2; state++) {
			f.has_state = true;
			f.state = state ? SPOOL_DEFERRED : SPOOL_READY;
			x->refs++;
			x->returning++;
			giveup(x->n, &(struct giveup_conf){.filters = &f,
					     .filters_n = 1,
					     .status = "5.3.4",
					     .text = text,
					     .done = given_up,
					     .arg = x});
		}
	}
}

void
exchange_idle(void *arg, struct deliver *d)
{
	struct exchange *x = arg;
	char domains[400];

	if (x->finishing || deliver_goes_anew(d)) {
		deliver_quit(d);
		return;
	}
	if (x->steps[x->step] == STEP_PUSH && !x->looked_for_large &&
		!x->domain) {
		x->looked_for_large = true;
		return_too_large(x, d);
	}

	if (x->steps[x->step] == STEP_PUSH && same_connection(x) &&
		x->step + 1 < x->steps_n)
		x->step++;
	if (x->steps[x->step] == STEP_COLLECT &&
		x->peer->collect == COLLECT_ETRN)
		ask_next(x, d);
	else if (x->steps[x->step] == STEP_COLLECT && !x->turn_refused)
		deliver_atrn(d, own_domains(x, domains, sizeof(domains)));
	else
		deliver_quit(d);
}

/* RFC 2645 5.2.1: 453 is success with nothing to collect. */
void
exchange_turn_reply(void *arg, struct deliver *d, const struct reply *r)
{
	struct exchange *x = arg;
	char line[400];

	if (x->peer->collect == COLLECT_ETRN) {
		on_etrn_reply(x, d, r);
		return;
	}
	if (r->code == 250) {
		x->turned = true;
		crash_point("turn-accepted");
		return;
	}
	x->turn_refused = true;
	reply_one_line(r, line, sizeof(line));
	log_info("not-turned", LOG_STR("peer", x->peer->name),
		LOG_STR("reply", line));
	if (r->code != 453) {
		x->collect_code = r->code == 530 ? EXCHANGE_NOT_TRUSTED
						 : EXCHANGE_UNREACHABLE;
		str_copyz(x->collect_text, sizeof(x->collect_text), line);
	}
	deliver_quit(d);
}
