#include "daemon/admit.h"

#include <stdio.h>

enum { ADMIT_SIZE_TEXT = 32 };

bool
admit_needs_facts(const struct spool_account *customer)
{
	return !customer->suspended &&
	       (customer->quota || customer->recipients != RECIPIENTS_ANY);
}

/* "20 K": as the command line takes it, rounded down. */
static const char *
size_text(uint64_t octets, char out[ADMIT_SIZE_TEXT])
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	if (octets < 1024) {
		snprintf(out, ADMIT_SIZE_TEXT, "%llu octets",
			(unsigned long long)octets);
		return out;
	}
	for (octets /= 1024; octets >= 10 * 1024 && units[unit + 1]; unit++)
		octets /= 1024;
	snprintf(out, ADMIT_SIZE_TEXT, "%llu %c", (unsigned long long)octets,
		units[unit]);
	return out;
}

/* --- does it exist? --- */

static bool
is_recent(const struct spool_customer_facts *f, int64_t now, int64_t most_s)
{
	return now - f->learnt_at < most_s;
}

/*
 * The text of 250 tells a prober how much is known; no text names the account,
 * which is half of what a login takes. Postmaster is there
 * wherever there is a domain (RFC 5321 4.5.1).
 */
static bool
may_exist(const struct spool_account *c, const struct spool_customer_facts *f,
	const struct admit_message *m, struct reply *reply_r)
{
	reply_set(reply_r, 250, "2.1.5", "Ok");
	if (c->recipients == RECIPIENTS_ANY ||
		mailbox_is_postmaster(m->recipient) || f->known == KNOWN_LISTED)
		return true;
	if (c->recipients == RECIPIENTS_LISTED) {
		reply_set(reply_r, 550, "5.1.1",
			"<%s> is not in the list of recipients there",
			m->recipient->text);
		return false;
	}
	if (f->known == KNOWN_REFUSED &&
		is_recent(f, m->now, ADMIT_REFUSED_S)) {
		reply_set(reply_r, 550, "5.1.1",
			"The host of the recipient itself said that <%s> is "
			"not there",
			m->recipient->text);
		return false;
	}
	if (f->known != KNOWN_ACCEPTED ||
		!is_recent(f, m->now, ADMIT_ACCEPTED_S))
		reply_set(reply_r, 250, "2.1.5",
			"Ok; whether <%s> exists is known at its host alone",
			m->recipient->text);
	return true;
}

/* --- is there room? --- */

/* RFC 1870 6.1: too large for this recipient. */
static bool
is_small_enough(const struct spool_account *c, const struct admit_message *m,
	struct reply *reply_r)
{
	char most[ADMIT_SIZE_TEXT];

	if (!c->max_size || !m->has_size || m->size <= c->max_size)
		return true;
	reply_set(reply_r, 552, "5.3.4",
		"<%s>: the largest message taken there is %s",
		m->recipient->text, size_text(c->max_size, most));
	return false;
}

/* A message of undeclared size has one octet at least. */
static uint64_t
sum(uint64_t waiting, const struct admit_message *m)
{
	return waiting + m->pending + (m->has_size ? m->size : 1);
}

static uint64_t
share_of(const struct spool_account *c, const struct admit_message *m)
{
	if (m->has_size && m->size < ADMIT_SMALL)
		return c->quota;
	return c->quota - c->quota / ADMIT_RESERVE_DIVISOR;
}

static bool
has_room(const struct spool_account *c, const struct spool_customer_facts *f,
	const struct admit_message *m, struct reply *reply_r)
{
	char quota[ADMIT_SIZE_TEXT], small[ADMIT_SIZE_TEXT];
	uint64_t wanted = sum(f->waiting.bytes, m);

	if (!c->quota)
		return true;
	size_text(c->quota, quota);
	size_text(ADMIT_SMALL, small);
	if (wanted > c->quota)
		reply_set(reply_r, 452, "4.2.2",
			"<%s>: too much mail waits for this site (quota %s), "
			"try again when it has collected some",
			m->recipient->text, quota);
	else if (wanted > share_of(c, m))
		reply_set(reply_r, 452, "4.2.2",
			"<%s>: what is left of the quota of this site (%s) is "
			"kept for messages below %s%s",
			m->recipient->text, quota, small,
			m->has_size ? "" : "; declare SIZE");
	else if (sum(f->sender_bytes, m) > c->quota / ADMIT_SENDER_DIVISOR)
		reply_set(reply_r, 452, "4.2.2",
			"<%s>: mail from <%s> has half of the quota of this "
			"site (%s), more is not kept for one sender",
			m->recipient->text, m->sender->text, quota);
	else
		return true;
	return false;
}

/* --- the answers --- */

void
admit_rcpt(const struct spool_account *c, const struct spool_customer_facts *f,
	const struct admit_message *m, struct reply *reply_r)
{
	static const struct spool_customer_facts none;

	if (c->suspended)
		reply_set(reply_r, 450, "4.2.1",
			"Mail for this domain is suspended for now");
	else if (may_exist(c, f ? f : &none, m, reply_r) &&
		 is_small_enough(c, m, reply_r))
		has_room(c, f ? f : &none, m, reply_r);
}

bool
admit_whole(const struct spool_account *c, const struct spool_customer_facts *f,
	const struct admit_message *m, struct reply *reply_r)
{
	return is_small_enough(c, m, reply_r) && has_room(c, f, m, reply_r);
}
