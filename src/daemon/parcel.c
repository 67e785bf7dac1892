#include "daemon/parcel.h"

#include "mail/tunnel.h"
#include "wire/grammar.h"

#include <stdlib.h>
#include <string.h>

/* --- opening -------------------------------------------------------------- */

static size_t
first_octets(const struct spool_message *m)
{
	return m->size < PARCEL_PIECE_BYTES ? (size_t)m->size
					    : PARCEL_PIECE_BYTES;
}

/* A rule or an operator may have given each recipient another. */
static int
priority_of(const struct spool_claimed *c)
{
	int priority = c->n ? c->deliveries[0].priority : c->message.priority;

	for (size_t i = 1; i < c->n; i++)
		if (c->deliveries[i].priority > priority)
			priority = c->deliveries[i].priority;
	return priority;
}

/* The chunk has room for it. */
static void
tunnel(struct parcel *p)
{
	const struct spool_message *m = &p->claimed.message;
	bool told = m->params.has_priority || m->priority != 0;
	size_t n = tunnel_priority(
		p->chunk, p->chunk_n, told, priority_of(&p->claimed));

	p->size = p->size - p->chunk_n + n;
	p->chunk_n = n;
}

/* Some ask for SMTPUTF8 without need. */
static bool
needs_utf8(const struct spool_claimed *c)
{
	const struct spool_message *m = &c->message;
	bool ascii = !m->has_8bit && grammar_is_ascii(str_of(m->sender));

	for (size_t i = 0; i < c->n; i++)
		ascii &= grammar_is_ascii(str_of(c->deliveries[i].recipient));
	return m->params.smtputf8 && !ascii;
}

/* What of it the peer cannot take as it is. */
static void
compare(struct parcel *p, unsigned extensions)
{
	const unsigned binary = EXT_BINARYMIME | EXT_CHUNKING;
	const struct spool_message *m = &p->claimed.message;

	bool is_binary = m->params.body == BODY_BINARYMIME;

	/* RFC 3030 3: a binary message needs nothing else. */
	p->to.binary = is_binary && (extensions & binary) != binary;
	p->to.seven_bit = (is_binary ? p->to.binary : m->has_8bit) &&
			  !(extensions & EXT_8BITMIME);
	p->looks = p->to.binary || p->to.seven_bit;
	/* RFC 6531 3.6: it is not for us to make another address of it */
	if (needs_utf8(&p->claimed) && !(extensions & EXT_SMTPUTF8))
		p->status = PARCEL_NO_UTF8;
	/* RFC 8689 4.2.1; 5: but what has the null path goes all the same */
	else if (m->params.requiretls && m->sender[0] &&
		 !(extensions & EXT_REQUIRETLS))
		p->status = PARCEL_NO_TLS;
	/* RFC 2852 4.1.4.1 */
	else if (m->params.has_deliver_by && m->params.deliver_by_mode == 'R' &&
		 !(extensions & EXT_DELIVERBY))
		p->status = PARCEL_NO_BY;
	p->extensions = extensions;
}

enum err_code
parcel_open(struct spool_txn *t, struct spool_claimed *claimed,
	unsigned extensions, uint64_t size_max_peer, struct parcel **parcel_r,
	struct err *e)
{
	struct parcel *p = xcalloc(1, sizeof(*p));
	const struct spool_message *m = &p->claimed.message;
	enum err_code rc;

	p->claimed = *claimed;
	memset(claimed, 0, sizeof(*claimed));
	list_init(&p->node);
	p->end = PARCEL_BROKEN;
	p->size = m->size;
	p->chunk = xmalloc(first_octets(m) + TUNNEL_FIELD_MAX);
	rc = spool_body_read(
		t, m->id, 0, p->chunk, first_octets(m), &p->chunk_n, e);
	p->offset = p->chunk_n;
	p->unreadable = p->chunk_n < first_octets(m);
	compare(p, extensions);
	p->tunnels =
		!(extensions & EXT_MT_PRIORITY) &&
		(!size_max_peer || m->size + TUNNEL_FIELD_MAX <= size_max_peer);
	if (rc == OK && p->tunnels && !p->looks)
		tunnel(p);
	if (rc == OK) {
		*parcel_r = p;
		return OK;
	}
	parcel_free(p);
	return rc;
}

/* CHUNK, N octets of the stored body, is what R makes of it from now on. */
static void
rewrite(struct parcel *p, size_t room)
{
	struct buf out;

	buf_init(&out, 0);
	recode_write(p->recode, parcel_view(p), &out);
	if (p->offset == p->claimed.message.size)
		recode_write_end(p->recode, &out);
	free(p->chunk);
	p->chunk_n = out.len;
	p->chunk_at = 0;
	p->chunk = xmalloc(out.len + room);
	if (out.len)
		memcpy(p->chunk, buf_view(&out).p, out.len);
	buf_free(&out);
}

void
parcel_recode(struct parcel *p, struct recode *r)
{
	p->looks = false;
	p->recode = r;
	p->size = recode_size(r);
	rewrite(p, TUNNEL_FIELD_MAX);
	if (p->tunnels)
		tunnel(p);
}

void
parcel_free(struct parcel *p)
{
	if (!p)
		return;
	spool_claimed_clear(&p->claimed);
	recode_free(p->recode);
	free(p->chunk);
	free(p->replies);
	free(p->finals);
	free(p);
}

/* --- the envelope --------------------------------------------------------- */

/*
 * RFC 2852 4.1.4: the time that is left. What a person brought back behind its
 * time has none. What was held was held here (RFC 4865).
 */
static void
set_times(const struct spool_message *m, int64_t steady,
	struct mail_params *params)
{
	params->deliver_by_s = m->deliver_by - steady;
	params->has_deliver_by &=
		params->deliver_by_mode != 'R' || params->deliver_by_s > 0;
	params->hold_for_s = 0;
	params->hold_until[0] = '\0';
}

/*
 * RFC 2852 4.1.4.2: where nobody keeps to the time any more, the sender hears
 * of delays.
 */
static void
ask_for_delay(const struct parcel *p, const struct mail_params *params,
	struct rcpt_params *rcpt)
{
	if (!params->has_deliver_by || (p->extensions & EXT_DELIVERBY) ||
		(rcpt->notify & NOTIFY_NEVER))
		return;
	rcpt->notify |= NOTIFY_DELAY;
	if (rcpt->notify == NOTIFY_DELAY)
		rcpt->notify |= NOTIFY_FAILURE;
}

bool
parcel_is_traced(const struct parcel *p, int64_t steady)
{
	const struct spool_message *m = &p->claimed.message;

	return m->params.has_deliver_by &&
	       (m->params.deliver_by_trace ||
		       (!(p->extensions & EXT_DELIVERBY) &&
			       steady < m->deliver_by));
}

/* What the peer gets to see of the parameters. */
static struct mail_params
outgoing_params(const struct parcel *p, int64_t steady)
{
	const struct spool_message *m = &p->claimed.message;
	struct mail_params params = m->params;

	set_times(m, steady, &params);
	params.requiretls &= (p->extensions & EXT_REQUIRETLS) != 0;
	params.has_size = true;
	params.size_bytes = p->size;
	/* RFC 6710 4.2: always told, un-rounded, also where nobody asked */
	params.priority = priority_of(&p->claimed);
	params.has_priority = true;
	params.has_auth =
		false; /* RFC 4954 5: only between parties that trust */
	if (p->recode)
		params.body = p->to.seven_bit ? BODY_7BIT : BODY_8BITMIME;
	else if (m->has_8bit && params.body == BODY_7BIT)
		params.body = BODY_8BITMIME;
	return params;
}

void
parcel_begin(struct parcel *p, struct smtp_client *client, bool patient,
	int64_t steady)
{
	const struct spool_claimed *c = &p->claimed;
	struct mailbox *to = xcalloc(c->n, sizeof(*to));
	struct rcpt_params *params = xcalloc(c->n, sizeof(*params));
	struct smtp_mail mail = {
		.tag = p->tag,
		.params = outgoing_params(p, steady),
		.recipients = to,
		.rcpt_params = params,
		.recipients_n = c->n,
		.size_bytes = p->size,
		.patient = patient,
	};

	if (c->message.sender[0])
		address_parse(str_of(c->message.sender), true, &mail.sender);
	for (size_t i = 0; i < c->n; i++) {
		/* <postmaster> has no domain and does not leave this node. */
		address_parse(str_of(c->deliveries[i].recipient), true, &to[i]);
		params[i] = c->deliveries[i].params;
		ask_for_delay(p, &mail.params, &params[i]);
	}
	p->replies = xcalloc(c->n, sizeof(*p->replies));
	p->begun = true;
	smtp_client_send(client, &mail);
	free(to);
	free(params);
}

/* --- the body ------------------------------------------------------------- */

struct str
parcel_view(const struct parcel *p)
{
	if (!p->chunk)
		return STR("");
	return (struct str){p->chunk + p->chunk_at, p->chunk_n - p->chunk_at};
}

void
parcel_consume(struct parcel *p, size_t n)
{
	p->chunk_at += n;
	if (p->chunk_at < p->chunk_n)
		return;
	/* Many may wait for their replies: none of them keeps its octets. */
	free(p->chunk);
	p->chunk = NULL;
	p->chunk_at = p->chunk_n = 0;
}

size_t
parcel_piece(const struct parcel *p, uint64_t now_ms)
{
	bool fast = p->offset >= PARCEL_RAMP_BYTES &&
		    now_ms - p->chunk_ms < PARCEL_FAST_MS;

	return fast ? SPOOL_CHUNK_BYTES - p->offset % SPOOL_CHUNK_BYTES
		    : PARCEL_PIECE_BYTES;
}

void
parcel_take_chunk(struct parcel *p, char *chunk, size_t n, uint64_t now_ms)
{
	free(p->chunk);
	p->chunk = chunk;
	p->chunk_n = n;
	p->chunk_at = 0;
	p->chunk_ms = now_ms;
	p->offset += n;
	if (p->recode)
		rewrite(p, 1);
}
