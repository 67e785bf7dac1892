#include "daemon/deliver.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/crash.h"
#include "daemon/deliver_private.h"
#include "daemon/receive.h"

#include <stdlib.h>
#include <string.h>

static const struct session_host host;

/* --- the message in hand --- */

/* What this peer gets to see of the envelope's parameters. */
static struct mail_params
outgoing_params(const struct spool_message *m)
{
	struct mail_params p = m->params;

	p.has_size = true;
	p.size_bytes = m->size;
	/* RFC 6710 4.2: always told, un-rounded, also where nobody asked */
	p.priority = m->priority;
	p.has_priority = true;
	p.has_auth = false; /* RFC 4954 5: only between parties that trust */
	if (m->has_8bit && p.body == BODY_7BIT)
		p.body = BODY_8BITMIME;
	return p;
}

static void
send_claimed(struct deliver *d)
{
	const struct spool_claimed *c = &d->claimed;
	struct mailbox *to = xcalloc(c->n, sizeof(*to));
	struct rcpt_params *params = xcalloc(c->n, sizeof(*params));
	struct smtp_mail mail = {
		.params = outgoing_params(&c->message),
		.recipients = to,
		.rcpt_params = params,
		.recipients_n = c->n,
		.size_bytes = c->message.size,
	};

	if (c->message.sender[0])
		address_parse(str_of(c->message.sender), true, &mail.sender);
	for (size_t i = 0; i < c->n; i++) {
		/* <postmaster> has no domain and does not leave this node. */
		address_parse(str_of(c->deliveries[i].recipient), true, &to[i]);
		params[i] = c->deliveries[i].params;
	}
	if (d->customer)
		crash_point("turn-first-message");
	d->replies = xcalloc(c->n, sizeof(*d->replies));
	d->sending = true;
	d->s->message = c->message.id;
	d->s->bytes_done = 0;
	d->s->bytes_total = c->message.size;
	d->s->doing = "sending";
	smtp_client_send(d->client, &mail);
	free(to);
	free(params);
}

struct read_job {
	struct deliver *d;
	int64_t id;
	uint64_t offset;
	char *chunk; /* owned until it is read */
	size_t size, n;
};

static enum err_code
read_body(struct spool_txn *t, void *arg, struct err *e)
{
	struct read_job *j = arg;

	return spool_body_read(
		t, j->id, j->offset, j->chunk, j->size, &j->n, e);
}

static void
body_read(void *arg, enum err_code code, const struct err *e)
{
	struct read_job *j = arg;
	struct deliver *d = j->d;
	struct session *s = d->s;

	d->reading = false;
	free(d->chunk);
	d->chunk = j->chunk;
	d->chunk_ms = clock_mono_ms();
	d->chunk_at = 0;
	d->chunk_n = code == OK ? j->n : 0;
	d->offset += d->chunk_n;
	if (!s->closed && d->chunk_n == 0) {
		log_error("body-unreadable", LOG_INT("msg", j->id),
			LOG_STR("why", code == OK
					       ? "it is shorter than its size"
					       : e->text));
		smtp_client_abort(d->client, "the spool cannot be read");
	}
	free(j);
	session_pump(s);
	session_release(s);
}

/* The rest of a chunk of the spool where that goes fast, else a piece. */
static size_t
piece_size(const struct deliver *d)
{
	bool fast = d->offset >= DELIVER_RAMP_BYTES &&
		    clock_mono_ms() - d->chunk_ms < DELIVER_FAST_MS;

	return fast ? SPOOL_CHUNK_BYTES - d->offset % SPOOL_CHUNK_BYTES
		    : DELIVER_PIECE_BYTES;
}

static void
read_more(struct deliver *d)
{
	struct read_job *j = xcalloc(1, sizeof(*j));

	j->d = d;
	j->id = d->claimed.message.id;
	j->offset = d->offset;
	j->size = piece_size(d);
	j->chunk = xmalloc(j->size);
	free(d->chunk);
	d->chunk = NULL;
	d->reading = true;
	session_hold(d->s);
	spool_submit_read(d->n->spool, read_body, body_read, j);
}

static bool
give_body(struct deliver *d)
{
	size_t taken;

	if (d->reading || smtp_client_body_left(d->client) == 0)
		return false;
	if (d->chunk_at == d->chunk_n) {
		read_more(d);
		return false;
	}
	taken = smtp_client_body(d->client,
		(struct str){d->chunk + d->chunk_at, d->chunk_n - d->chunk_at});
	d->chunk_at += taken;
	d->s->bytes_done += taken;
	if (smtp_client_body_left(d->client) == 0)
		crash_point("deliver-in-doubt");
	return taken > 0;
}

/* --- the session's host --- */

static bool
on_work(void *arg, enum want want)
{
	struct deliver *d = arg;

	if (want == WANT_BODY)
		return give_body(d);
	if (d->stepping || d->sending)
		return false;
	if (d->have) {
		send_claimed(d);
		return true;
	}
	if (d->push && (!d->resting || d->look_again)) {
		d->look_again = false;
		deliver_step(d, END_BROKEN, NULL, false, true);
		return false;
	}
	if (d->resting)
		return false;
	d->resting = true;
	d->s->doing = "idle";
	d->owner.idle(d->owner_arg, d);
	return true;
}

static void
end_message(struct deliver *d, enum deliver_end end, const struct reply *final,
	bool in_doubt, bool next)
{
	if (end == END_REPLIED && reply_class(final) == 2)
		crash_point("deliver-replied-before-commit");
	deliver_step(d, end, final, in_doubt, next);
}

static void
keep_reply(struct deliver *d, const struct reply *r)
{
	if (r && r->code)
		reply_one_line(r, d->result.reply, sizeof(d->result.reply));
}

static void
on_failed(struct deliver *d, const struct smtp_event *ev)
{
	d->result.fail = ev->fail;
	str_copy(d->result.reply, sizeof(d->result.reply), ev->text);
	keep_reply(d, ev->reply);
	str_copy(d->result.why, sizeof(d->result.why), ev->text);
	log_warning("peer-failed", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_VIEW("why", ev->text),
		LOG_STR("reply", ev->reply ? d->result.reply : ""));
	if (d->have && d->sending)
		end_message(d, END_BROKEN, NULL, ev->in_doubt, false);
}

static void
on_event(void *arg, const struct smtp_event *ev)
{
	struct deliver *d = arg;

	switch (ev->kind) {
	case EV_READY:
		d->result.ready = true;
		if (d->owner.ready)
			d->owner.ready(d->owner_arg, d);
		break;
	case EV_RCPT_REPLY:
		if (d->have && ev->index < d->claimed.n)
			d->replies[ev->index] = *ev->reply;
		break;
	case EV_DONE:
		if (d->have)
			end_message(d, ev->early ? END_EARLY : END_REPLIED,
				ev->reply, false,
				d->push && !smtp_client_is_spent(d->client));
		break;
	case EV_TURNED:
	case EV_TURN_REPLY:
		keep_reply(d, ev->reply);
		d->owner.turn_reply(d->owner_arg, d, ev->reply);
		break;
	case EV_FAILED:
		on_failed(d, ev);
		break;
	default:
		break;
	}
}

static void
on_start_tls(void *arg)
{
	struct deliver *d = arg;

	d->owner.start_tls(d->owner_arg, d->s);
}

static void
tell_over(struct deliver *d)
{
	if (d->over)
		return;
	d->over = true;
	d->owner.over(d->owner_arg, &d->result);
}

/* Ended by us in the middle: only the machine knows whether it is in doubt. */
static void
abort_message(struct deliver *d, const char *why)
{
	struct smtp_event ev;

	smtp_client_abort(d->client, why);
	while (machine_next(d->s->machine, &ev))
		on_event(d, &ev);
}

/* A step in flight tells later: what follows may depend on its outcome. */
static void
on_closed(void *arg, const char *why)
{
	struct deliver *d = arg;

	d->result.link_lost |= d->s->end == STREAM_TIMEOUT;
	if (d->result.fail == FAIL_NONE && !d->result.ready)
		d->result.fail =
			d->s->end == STREAM_TLS ? FAIL_TLS : FAIL_CLOSED;
	if (d->result.fail != FAIL_NONE && !d->result.reply[0])
		str_copyz(d->result.reply, sizeof(d->result.reply),
			d->result.why[0] ? d->result.why : why);
	log_info("session-end", LOG_INT("session", d->s->id),
		LOG_STR("peer", d->peer), LOG_STR("role", d->s->role),
		LOG_INT("sent", d->s->messages_sent), LOG_STR("why", why));
	if (d->have && d->sending)
		abort_message(d, why);
	if (d->have && !d->stepping)
		end_message(d, END_BROKEN, NULL, false, false);
	if (!d->stepping)
		tell_over(d);
}

static void
free_texts(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void
on_free(void *arg)
{
	struct deliver *d = arg;

	spool_claimed_clear(&d->claimed);
	free(d->replies);
	free(d->chunk);
	free_texts(d->routes, d->routes_n);
	free_texts(d->domains, d->domains_n);
	free(d->peer);
	free(d->link);
	free(d);
}

static void
turned_over(void *arg, bool clean, const char *why)
{
	struct deliver *d = arg;

	if (!clean) {
		d->result.fail = FAIL_CLOSED;
		d->result.link_lost |= d->s->end == STREAM_TIMEOUT;
		str_copyz(d->result.reply, sizeof(d->result.reply), why);
	}
	tell_over(d);
	on_free(d);
}

/* The customer's side: the provider said 250 to ATRN. */
static bool
on_turn(void *arg)
{
	struct deliver *d = arg;

	receive_turned(d->s, turned_over, d);
	return true;
}

void
deliver_stepped(struct deliver *d, enum err_code code)
{
	(void)code;
	if (d->s->closed) {
		tell_over(d);
		return;
	}
	if (!d->have) {
		d->resting = true;
		if (!d->look_again) {
			d->s->doing = "idle";
			d->owner.idle(d->owner_arg, d);
		}
	}
	session_pump(d->s);
}

static const struct session_host host = {
	.event = on_event,
	.work = on_work,
	.start_tls = on_start_tls,
	.turn = on_turn,
	.closed = on_closed,
	.free = on_free,
};

/* --- beginning and ending --- */

static char **
copy_texts(const char *const *v, size_t n)
{
	char **copy = n ? xcalloc(n, sizeof(*copy)) : NULL;

	for (size_t i = 0; i < n; i++)
		copy[i] = str_dupz(v[i]);
	return copy;
}

struct deliver *
deliver_start(
	struct session *s, const struct deliver_conf *conf, const char *role)
{
	struct deliver *d = xcalloc(1, sizeof(*d));

	d->s = s;
	d->n = s->n;
	d->owner = conf->owner;
	d->owner_arg = conf->arg;
	d->routes = copy_texts(conf->routes, conf->routes_n);
	d->routes_n = conf->routes_n;
	d->domains = copy_texts(conf->domains, conf->domains_n);
	d->domains_n = conf->domains_n;
	d->peer = str_dupz(conf->peer);
	d->link = conf->link ? str_dupz(conf->link) : NULL;
	d->push = conf->push;
	d->customer = conf->customer;
	d->began_s = clock_sane_s();
	d->client = smtp_client_new(&conf->client, clock_mono_ms());
	s->role = role;
	s->doing = "greeting";
	str_copyz(s->peer, sizeof(s->peer), d->peer);
	if (d->link)
		str_copyz(s->link, sizeof(s->link), d->link);
	session_swap(s, smtp_client_machine(d->client), &host, d);
	return d;
}

void
deliver_quit(struct deliver *d)
{
	if (!d->s->closed && machine_want(d->s->machine) == WANT_WORK) {
		smtp_client_quit(d->client);
		session_pump(d->s);
	}
}

void
deliver_atrn(struct deliver *d, const char *domains)
{
	d->s->doing = "turning";
	smtp_client_atrn(d->client, domains);
	session_pump(d->s);
}

void
deliver_etrn(struct deliver *d, const char *domain)
{
	d->s->doing = "asking";
	smtp_client_etrn(d->client, domain);
	session_pump(d->s);
}

void
deliver_more(struct deliver *d)
{
	d->look_again = true;
	session_pump(d->s);
}

void
deliver_domains(struct deliver *d, const char *const *domains, size_t n)
{
	free_texts(d->domains, d->domains_n);
	d->domains = copy_texts(domains, n);
	d->domains_n = n;
	deliver_more(d);
}

void
deliver_link_lost(struct deliver *d)
{
	d->result.link_lost = true;
	session_close(d->s, "the link went down");
}

uint64_t
deliver_size_max(const struct deliver *d)
{
	return smtp_client_size_max(d->client);
}

bool
deliver_is_spent(const struct deliver *d)
{
	return smtp_client_is_spent(d->client);
}

const char *
deliver_keywords(const struct deliver *d)
{
	return smtp_client_keywords(d->client);
}

struct session *
deliver_session(const struct deliver *d)
{
	return d->s;
}
