#include "daemon/call.h"

#include "base/log.h"
#include "daemon/budgets.h"
#include "daemon/speeds.h"

enum {
	CALL_DIAL_MAX_MS = 60000,
	CALL_TLS_MAX_MS = 60000,
	/* RFC 2645 5.2.1: the reply to ATRN may take ten minutes */
	CALL_TURN_MS = 660000,
	/* Octets in chunks that may be without a reply. */
	CALL_WINDOW_BYTES = 1024 * 1024,
	/* On a link that is known to be slow: */
	CALL_CHUNK_S = 30, /* a BDAT chunk takes no longer */
	CALL_CHUNK_MIN = 8192,
};

struct dial *
call_dial(struct node *n, const struct dial_conf *where, dial_fn *fn, void *arg)
{
	struct dial_conf c = *where;

	c.timeout_ms = node_limit_ms(
		n->conf->limits.stall_timeout_s, CALL_DIAL_MAX_MS);
	return dial_start(n->loop, n->pool, &c, fn, arg);
}

static const struct stream_ops no_owner_yet;

struct session *
call_session(struct node *n, int fd, const char *peer, const char *link,
	const char *role)
{
	struct stream *stream = stream_new(n->loop, fd, &no_owner_yet, NULL);
	struct session *s = session_new(n, stream, role);

	stream_set_stall_ms(
		stream, (uint64_t)n->conf->limits.stall_timeout_s * 1000);
	session_hold(s);
	session_count_turns(s);
	str_copyz(s->peer, sizeof(s->peer), peer);
	str_copyz(s->link, sizeof(s->link), link);
	speeds_begin(n->speeds, s);
	budgets_moved(n->budgets, s);
	log_info("connected", LOG_INT("session", s->id), LOG_STR("peer", peer),
		LOG_STR("address", stream_peer_address(stream)),
		LOG_STR("link", link));
	return s;
}

struct smtp_client_conf
call_client(const struct node *n)
{
	const struct conf *conf = n->conf;

	return (struct smtp_client_conf){
		.hostname = conf->hostname,
		.stall_ms = (uint64_t)conf->limits.stall_timeout_s * 1000,
		.final_ms = (uint64_t)conf->limits.final_timeout_s * 1000,
		.turn_ms = CALL_TURN_MS,
		.window_messages = SMTP_CLIENT_WINDOW_MAX,
		.window_bytes = CALL_WINDOW_BYTES,
	};
}

void
call_fit(struct session *s, const struct conf_link *l,
	struct smtp_client_conf *c, uint64_t *ahead_r)
{
	const struct speed *speed;
	uint64_t flight;

	if (!l)
		return;
	speed = speeds_of(s->n->speeds, l->name);
	flight = speeds_flight(s->n->speeds, l->name);
	c->few_turns = c->quit_no_wait =
		l->bit_rate || flight || l->cost_per_minute > 0;
	if (!l->bit_rate && !flight)
		return;
	c->chunk_bytes = (size_t)(speed_fastest_bps(speed) / 8) * CALL_CHUNK_S;
	if (c->chunk_bytes < CALL_CHUNK_MIN)
		c->chunk_bytes = CALL_CHUNK_MIN;
	if (!flight)
		return; /* not a slow one */
	*ahead_r = 2 * flight;
	session_set_window(s, flight);
}

void
call_tls(struct session *s, const struct tls_policy *policy)
{
	stream_tls_connect(s->stream, s->n->tls_client, policy,
		node_limit_ms(
			s->n->conf->limits.stall_timeout_s, CALL_TLS_MAX_MS));
}
